//! What a question is, and the one trait of those who answer.

use std::fmt;

use serde_json::{Value, json, value::RawValue};
use tokio::sync::mpsc;

use crate::{Result, session::actor::Command, transport::BoxFuture};

/// A kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AskKind {
    /// May this tool run?
    CanUseTool,
    /// A hook of the host is to run: `{"callback_id","input","tool_use_id"}`.
    HookCallback,
    /// A tool of the host is to run: `{"server","tool","arguments","meta"}`.
    ToolCall,
    /// An MCP server asks the user for something.
    Elicitation,
    /// The program wants a dialog shown.
    UserDialog,
}

impl AskKind {
    const ALL: [Self; 5] =
        [Self::CanUseTool, Self::HookCallback, Self::ToolCall, Self::Elicitation, Self::UserDialog];

    /// The word for it; that of the CLI where it has one.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CanUseTool => "can_use_tool",
            Self::HookCallback => "hook_callback",
            Self::ToolCall => "tool_call",
            Self::Elicitation => "elicitation",
            Self::UserDialog => "request_user_dialog",
        }
    }

    /// The kind a word names.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One question.
#[derive(Debug)]
pub struct Ask {
    /// What kind.
    pub kind: AskKind,
    /// The request: as the program wrote it, or for a tool call what [`AskKind::ToolCall`] says.
    pub request: Box<RawValue>,
    /// Where progress of a tool call goes; does nothing for other kinds.
    pub progress: Progress,
}

/// Answers questions.
///
/// Each answer is a future of its own, so several questions can be open at once. The future is dropped when the program
/// withdraws the question. What an error leads to depends on the kind: a tool is denied with its message, a hook is
/// reported as failed, a tool call becomes an error result, an elicitation or dialog is cancelled; all but the error of a
/// tool call then also reach the reader of the messages.
pub trait Host: Send + Sync {
    /// Which questions this host answers; the program is told to ask only those. Hooks and tool servers are announced by
    /// [`Provided`](super::Provided) instead.
    fn asks(&self) -> &[AskKind];
    /// Answers one.
    fn answer(&self, ask: Ask) -> BoxFuture<'static, Result<Value>>;
}

impl fmt::Debug for dyn Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("asks", &self.asks()).finish()
    }
}

/// Tells the program how far a tool call is. A cheap clone; harmless when the call is over or the program does not want to
/// know.
#[derive(Clone, Default)]
pub struct Progress {
    to: Option<(mpsc::WeakUnboundedSender<Command>, String)>,
}

impl Progress {
    /// Of the call that the program asked for with this request.
    pub(crate) fn of(commands: mpsc::WeakUnboundedSender<Command>, ask: String) -> Self {
        Self { to: Some((commands, ask)) }
    }

    /// Reports `progress`, which must grow from report to report, of `total` when that is known, in units of your own.
    pub fn report(&self, progress: f64, total: Option<f64>, message: Option<&str>) {
        let Some((commands, ask)) = &self.to else { return };
        let mut params = json!({"progress": progress});
        if let Some(total) = total {
            params["total"] = total.into();
        }
        if let Some(message) = message {
            params["message"] = message.into();
        }
        // Weak, so that a call that outlives its session does not keep it.
        if let Some(commands) = commands.upgrade() {
            let _ = commands.send(Command::Progress { ask: ask.clone(), params });
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("wanted", &self.to.is_some()).finish()
    }
}
