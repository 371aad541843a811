//! What other tasks may do with a session: everything but read.

use std::{fmt, sync::Arc};

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};

use super::{End, Mailbox, Opened, Prompt, actor::Command, control::Limit, starter::CurrentPid};
use crate::{Error, ErrorKind, Result, tools::ToolSpec, transport::BoxFuture};

/// Sends, interrupts and closes; a cheap clone. The session lives as long as it or any of its handles.
#[derive(Clone)]
pub struct SessionHandle {
    pub(super) commands: mpsc::UnboundedSender<Command>,
    pub(super) mailbox: Arc<Mailbox>,
    opened: watch::Receiver<Opened>,
    pid: CurrentPid,
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionHandle")
            .field("opened", &self.opened.borrow().is_known())
            .finish_non_exhaustive()
    }
}

impl SessionHandle {
    pub(super) fn new(
        commands: mpsc::UnboundedSender<Command>,
        mailbox: Arc<Mailbox>,
        opened: watch::Receiver<Opened>,
        pid: CurrentPid,
    ) -> Self {
        Self { commands, mailbox, opened, pid }
    }

    /// Sends a prompt. Prompts sent during a turn wait; the program may answer several with one result.
    ///
    /// The prompt is on its way when this returns; the future only says whether it was accepted. So the order of calls is
    /// the order of prompts.
    ///
    /// # Errors
    /// `closed`; `invalid_argument` for a uuid that was sent before.
    pub fn send(&self, prompt: impl Into<Prompt>) -> BoxFuture<'static, Result<()>> {
        let (done, sent) = oneshot::channel();
        let queued = self.command(Command::Send { prompt: prompt.into(), done }, "send");
        let mailbox = self.mailbox.clone();
        Box::pin(async move {
            queued?;
            sent.await.unwrap_or_else(|_| Err(closed(&mailbox, "send")))
        })
    }

    /// Says that no more prompts will come: when every prompt has its result and no background task is open, the input ends
    /// and the process exits.
    ///
    /// # Errors
    /// `closed`.
    pub fn finish(&self) -> Result<()> {
        self.command(Command::Finish, "finish")
    }

    /// Sends a control request now; the future waits for its answer.
    pub(super) fn request(&self, request: Value, limit: Limit) -> BoxFuture<'static, Result<Value>> {
        let (answer, answered) = oneshot::channel();
        let queued = self.command(Command::Control { request, limit, answer }, "control");
        let mailbox = self.mailbox.clone();
        Box::pin(async move {
            queued?;
            answered.await.unwrap_or_else(|_| Err(closed(&mailbox, "control")))
        })
    }

    /// Sends a request that puts an agent in the lead, when the session has it; the future waits for the answer.
    pub(super) fn switch_agent(&self, request: Value, limit: Limit) -> BoxFuture<'static, Result<Value>> {
        let (answer, answered) = oneshot::channel();
        let queued = self.command(Command::SetAgent { request, limit, answer }, "set_agent");
        let mailbox = self.mailbox.clone();
        Box::pin(async move {
            queued?;
            answered.await.unwrap_or_else(|_| Err(closed(&mailbox, "set_agent")))
        })
    }

    /// Replaces the tools of a server of this host and tells the program, which offers them from the next turn on.
    ///
    /// # Errors
    /// `invalid_argument` for a server the session does not have; `invalid_options` for a tool that cannot be offered, with
    /// its field; `closed`; `timeout`.
    pub fn set_tool_specs(&self, server: &str, tools: Vec<ToolSpec>) -> BoxFuture<'static, Result<()>> {
        let (answer, answered) = oneshot::channel();
        let queued =
            self.command(Command::SetTools { server: server.to_owned(), tools, answer }, "set_tools");
        let mailbox = self.mailbox.clone();
        Box::pin(async move {
            queued?;
            answered.await.unwrap_or_else(|_| Err(closed(&mailbox, "set_tools"))).map(drop)
        })
    }

    /// Waits until the program is ready and returns its answer to `initialize`: commands, models, account, version...
    ///
    /// # Errors
    /// Why it could not be opened.
    pub async fn opened(&self) -> Result<Arc<Value>> {
        let mut opened = self.opened.clone();
        let known = opened.wait_for(Opened::is_known).await.map(|opened| opened.clone());
        match known {
            Ok(Opened::Yes(info)) => Ok(info),
            Ok(Opened::No(error)) => Err(error),
            Ok(Opened::NotYet) | Err(_) => Err(closed(&self.mailbox, "open")),
        }
    }

    /// The process id of the program, once it was started; `None` before, and for a script in memory. Another one after the
    /// session was resumed because it stalled.
    pub fn pid(&self) -> Option<u32> {
        self.pid.get()
    }

    /// Ends the input, lets the program finish, and waits until it is gone.
    pub async fn close(&self) -> End {
        self.close_soon();
        self.gone().await
    }

    /// Starts what [`close`](Self::close) does and returns at once.
    pub fn close_soon(&self) {
        let _ = self.commands.send(Command::Close);
    }

    /// Terminates the process tree now, kills it `timeouts.kill_ms` later, and returns at once. Unread messages are lost.
    pub fn stop(&self) {
        let _ = self.commands.send(Command::Stop);
    }

    /// Waits until the process is gone, however that comes about.
    pub async fn gone(&self) -> End {
        self.mailbox.over().await
    }

    /// The queue the session's messages arrive in. For those who build a reader of their own: there must be only one.
    pub fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    pub(super) fn interrupt_soon(&self) {
        let (answer, _) = oneshot::channel();
        let request = json!({"subtype": "interrupt"});
        let _ = self.commands.send(Command::Control { request, limit: Limit::Option, answer });
    }

    fn command(&self, command: Command, operation: &'static str) -> Result<()> {
        self.commands.send(command).map_err(|_| closed(&self.mailbox, operation))
    }
}

fn closed(mailbox: &Mailbox, operation: &'static str) -> Error {
    let why = match mailbox.ended().and_then(|end| end.error) {
        Some(error) => format!("the session ended: {error}"),
        None => "the session is closed".to_owned(),
    };
    Error::new(ErrorKind::Closed, why).operation(operation)
}
