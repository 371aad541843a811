//! The end: who is still waiting is told, and the reader learns how it came.

use tokio::sync::mpsc;

use super::{Actor, Command};
use crate::{
    Error, ErrorKind,
    session::{End, Opened},
    transport::{Exit, check_version, version_of},
};

impl Actor {
    pub(super) async fn finish(mut self, exit: Exit, commands: &mut mpsc::UnboundedReceiver<Command>) {
        self.asks.abort_all();
        let idle = self.turns.unanswered() == 0 && self.opened.borrow().is_known();
        let error = match self.failure.take() {
            Some(error) => Some(error),
            None if self.closing || (idle && (self.finishing || exit.success())) => None,
            None => Some(self.premature(exit).await),
        };
        let closed = || match &error {
            Some(error) => error.clone(),
            None => Error::new(ErrorKind::Closed, "the session is closed"),
        };
        self.pending.fail(&closed());
        self.agents.fail(&closed());
        if !self.opened.borrow().is_known() {
            self.opened.send_replace(Opened::No(closed()));
        }
        while let Ok(command) = commands.try_recv() {
            match command {
                Command::Send { done, .. } => drop(done.send(Err(closed()))),
                Command::Control { answer, .. }
                | Command::SetAgent { answer, .. }
                | Command::SetTools { answer, .. } => {
                    drop(answer.send(Err(closed())));
                }
                Command::Progress { .. }
                | Command::Adopt(_)
                | Command::Finish
                | Command::Close
                | Command::Stop => {}
            }
        }
        self.end_store().await;
        let pid = self.connection.process.id();
        tracing::debug!(pid, ?exit, failed = error.is_some(), "the claude program is gone");
        self.mailbox.end(End { exit: Some(exit), error });
    }

    /// The process ended before its work was done: says how, with its last words.
    pub(super) async fn premature(&mut self, exit: Exit) -> Error {
        let stderr = self.connection.process.stderr_tail();
        if stderr.contains("unknown option") {
            // Perhaps it is too old for our flags; ask it.
            if let Ok(version) = version_of(&self.starter.program).await
                && let Err(error) = check_version(&version.to_string())
            {
                return error;
            }
        }
        let how = match exit {
            Exit::Code(code) => format!("exited with code {code}"),
            Exit::Signal(signal) => format!("was ended by signal {signal}"),
            Exit::Unknown => "ended".to_owned(),
        };
        let when =
            if self.opened.borrow().is_known() { "before the turn was over" } else { "before it was ready" };
        let last =
            stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it wrote nothing to stderr");
        Error::new(ErrorKind::ProcessExited, format!("the claude program {how} {when}: {last}"))
            .operation(if self.opened.borrow().is_known() { "read" } else { "open" })
            .with("exit", exit.to_json())
            .with("stderr", stderr)
    }
}
