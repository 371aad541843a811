//! A live, two-way conversation with one CLI process.
//!
//! A [`Session`] reads; its [`SessionHandle`]s (cheap clones, usable from other tasks) send, interrupt and close. All
//! messages form one ordered stream; a [`Turn`] is a view of it that ends at the result of its prompt.

mod actor;
#[cfg(test)]
mod ask_tests;
mod builder;
pub mod control;
#[cfg(test)]
mod fake;
mod handle;
mod host;
#[cfg(test)]
mod liveness_tests;
mod mailbox;
mod prompt;
mod query;
mod reader;
mod spare;
mod starter;
#[cfg(test)]
mod tests;
mod turn;
mod turns;

use std::sync::Arc;

use serde_json::{Value, json};

pub use builder::SessionBuilder;
pub use control::Control;
pub use handle::SessionHandle;
pub use host::{
    Ask, AskKind, Elicitation, ElicitationAnswer, Host, Permission, PermissionRequest, PermissionRule,
    PermissionUpdate, Progress, Provided, Question, QuestionOption, UserDialog, UserDialogAnswer,
};
pub use mailbox::{Mailbox, WakeFn};
pub use prompt::Prompt;
pub use query::{Query, query};
pub(crate) use spare::Ahead;
pub(crate) use starter::{CONTINUE, resuming};
pub use turn::Turn;

use crate::{Error, Message, Options, Result, transport::Exit};
use reader::Reader;

/// How a session ended.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// How the process ended; `None` when none was started.
    pub exit: Option<Exit>,
    /// Why the session ended, when it was not because somebody closed it or everything was said.
    pub error: Option<Error>,
}

impl End {
    /// `{"exit": {"code": 0} | {"signal": 9} | null, "error": {...} | null}`.
    pub fn to_json(&self) -> Value {
        json!({"exit": self.exit.map(Exit::to_json), "error": self.error.as_ref().map(Error::to_json)})
    }
}

impl Exit {
    /// `{"code": 0}`, `{"signal": 9}` or `null`.
    pub fn to_json(self) -> Value {
        match self {
            Exit::Code(code) => json!({"code": code}),
            Exit::Signal(signal) => json!({"signal": signal}),
            Exit::Unknown => Value::Null,
        }
    }
}

/// Whether the program has answered `initialize`.
#[derive(Clone, Debug)]
enum Opened {
    NotYet,
    Yes(Arc<Value>),
    No(Error),
}

impl Opened {
    fn is_known(&self) -> bool {
        !matches!(self, Self::NotYet)
    }
}

/// A live conversation. Dropping it (and all its handles) ends the process at once; [`close`](Session::close) lets it
/// finish.
///
/// ```no_run
/// # async fn example() -> madrigal::Result<()> {
/// use madrigal::{Options, Permission, Session};
/// let mut session = Session::builder(Options::default())
///     .can_use_tool(|request| async move {
///         Ok(if request.tool_name == "Read" { Permission::allow() } else { Permission::deny("only reading") })
///     })
///     .open()
///     .await?;
/// let mut turn = session.send("Which licence has this project?").await?;
/// while let Some(message) = turn.next().await {
///     print!("{}", message?.text());
/// }
/// session.close().await;
/// # Ok(()) }
/// ```
///
/// Everything a [`SessionHandle`] can do, a session can do, too; a handle does it while a [`Turn`] is read.
#[derive(Debug)]
pub struct Session {
    handle: SessionHandle,
    reader: Reader,
}

impl std::ops::Deref for Session {
    type Target = SessionHandle;

    fn deref(&self) -> &SessionHandle {
        &self.handle
    }
}

impl Session {
    /// A session with more than options: a permission callback, a transport of your own.
    pub fn builder(options: Options) -> SessionBuilder {
        SessionBuilder::new(options)
    }

    /// Starts the program and waits until it is ready.
    ///
    /// # Errors
    /// `invalid_options`, `cli_not_found`, `cli_version`, `spawn_failed`, `process_exited`, `timeout`.
    pub async fn open(options: Options) -> Result<Self> {
        Self::builder(options).open().await
    }

    /// Sends a prompt and gives the messages that answer it, in order, beginning with anything unread before it.
    ///
    /// Dropping the turn before its result interrupts it; the next turn does not see its remains.
    ///
    /// # Errors
    /// `closed`; `invalid_argument` for a uuid that was sent before.
    pub async fn send(&mut self, prompt: impl Into<Prompt>) -> Result<Turn<'_>> {
        let prompt = prompt.into();
        self.handle.send(prompt.clone()).await?;
        Ok(Turn::new(self, prompt.uuid().to_owned()))
    }

    /// The next message, of whatever turn, or `None` when the session is over. Giving up the wait loses nothing.
    ///
    /// An error may stand between messages (a failed callback, missing credentials, a line that is no frame); the stream
    /// goes on behind it.
    pub async fn next(&mut self) -> Option<Result<Message>> {
        self.reader.next().await
    }

    /// A handle for other tasks.
    pub fn handle(&self) -> SessionHandle {
        self.handle.clone()
    }

    /// Ends the input, lets the program finish, and waits until it is gone; after `timeouts.close_ms` it is terminated, and
    /// `timeouts.kill_ms` later its whole process tree is killed.
    pub async fn close(self) -> End {
        self.handle.close().await
    }
}
