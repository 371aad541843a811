//! Background tasks, and prompts that wait.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Control;
use crate::session::SessionHandle;

/// The end of what a background task wrote.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskOutput {
    /// At most its last 8 KiB, with whatever control characters the command wrote.
    pub output: String,
    /// How much it wrote, in bytes.
    pub total_bytes: u64,
    /// Whether `output` is only the end of it.
    pub truncated: bool,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Whether a prompt was withdrawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MessageCancelled {
    /// `false` when it was running already, or is not known.
    pub cancelled: bool,
    /// The prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_uuid: Option<String>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl SessionHandle {
    /// Ends a background task. Succeeds also when there is no such task.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn stop_task(&self, task_id: &str) -> Control<()> {
        self.acknowledged("stop_task").with("task_id", task_id)
    }

    /// Sends what runs in the foreground (shell commands and subagents) to the background: the one this tool use started, or
    /// all with `None`. The turn goes on at once.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # use madrigal::{Options, Session, testing::Script};
    /// # let session = Session::builder(Options::default()).transport(Script::new()).open().await?;
    /// session.background_tasks(None).await?;
    /// # session.close().await;
    /// # Ok::<_, madrigal::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn background_tasks(&self, tool_use_id: Option<&str>) -> Control<()> {
        let request = self.acknowledged("background_tasks");
        match tool_use_id {
            Some(id) => request.with("tool_use_id", id),
            None => request,
        }
    }

    /// The end of what a background task wrote so far.
    ///
    /// # Errors
    /// `control` when there is no such task; `closed`, `timeout`.
    pub fn get_task_output(&self, task_id: &str) -> Control<TaskOutput> {
        self.typed("get_task_output").with("task_id", task_id)
    }

    /// Withdraws a prompt that still waits.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn cancel_async_message(&self, message_uuid: &str) -> Control<MessageCancelled> {
        self.typed("cancel_async_message").with("message_uuid", message_uuid)
    }
}
