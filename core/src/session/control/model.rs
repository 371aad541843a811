//! The running turn and the model behind it: interrupt, model, permission mode, thinking, settings.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Control;
use crate::{options::PermissionMode, session::SessionHandle};

/// The program's receipt for an interrupt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interrupted {
    /// The ids of prompts that wait and will still run.
    pub still_queued: Vec<String>,
    /// The ids of prompts that were dropped, when that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<Vec<String>>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The model from now on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelSet {
    /// Its full name.
    pub model: Option<String>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The permission mode from now on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModeSet {
    /// The CLI's word for it.
    pub mode: String,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The permission mode of an MCP server from now on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct McpModeSet {
    /// What stands in the way, such as a server that is not connected yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl SessionHandle {
    /// Ends the running turn; its result follows, with `terminal_reason` `aborted_...`. Succeeds, and does nothing, when no
    /// turn runs. Prompts that wait run next, unless [`cancel_queued`](Control::cancel_queued) drops them.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # use madrigal::{Options, Session, testing::Script};
    /// # let session = Session::builder(Options::default()).transport(Script::new()).open().await?;
    /// let receipt = session.interrupt().cancel_queued().await?;
    /// assert!(receipt.still_queued.is_empty());
    /// # session.close().await;
    /// # Ok::<_, madrigal::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `closed`, `timeout`, `control`.
    pub fn interrupt(&self) -> Control<Interrupted> {
        self.typed("interrupt")
    }

    /// Changes the model for the turns to come: an alias or a full name, `None` for the default of the session. The program
    /// tries the model with one small request first.
    ///
    /// # Errors
    /// `control` with `error_code` `not_found` when there is no such model; `context.model` is the one that stays. `closed`,
    /// `timeout`.
    pub fn set_model(&self, model: Option<&str>) -> Control<ModelSet> {
        self.typed("set_model").with("model", model)
    }

    /// Changes how permissions are decided from now on. A `system/status` message tells of it, too.
    ///
    /// # Errors
    /// `control` with `error_code` `bypass_not_launched` when the program was not started so that everything may pass;
    /// `closed`, `timeout`.
    pub fn set_permission_mode(&self, mode: PermissionMode) -> Control<ModeSet> {
        self.typed("set_permission_mode").with("mode", mode.name())
    }

    /// Lets one MCP server decide permissions in another mode (`default` or `auto`) than the session; `None` ends that.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn set_mcp_permission_mode_override(
        &self,
        server_name: &str,
        mode: Option<&str>,
    ) -> Control<McpModeSet> {
        self.typed("set_mcp_permission_mode_override").with("serverName", server_name).with("mode", mode)
    }

    /// Limits thinking to this many tokens; `None` goes back to what the session was started with.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn set_max_thinking_tokens(&self, max_thinking_tokens: Option<u64>) -> Control<()> {
        self.acknowledged("set_max_thinking_tokens").with("max_thinking_tokens", max_thinking_tokens)
    }

    /// Merges settings into those of the command line, for this session only: `{"effortLevel": "low"}`.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn apply_flag_settings(&self, settings: Map<String, Value>) -> Control<()> {
        self.acknowledged("apply_flag_settings").with("settings", settings)
    }

    /// Writes settings to a file the CLI keeps: `localSettings` or `userSettings`. It allows few keys, such as `outputStyle`.
    ///
    /// # Errors
    /// `control` for a key that is not allowed; `closed`, `timeout`.
    pub fn update_settings(&self, source: &str, settings: Map<String, Value>) -> Control<()> {
        self.acknowledged("update_settings").with("source", source).with("settings", settings)
    }
}

impl Control<Interrupted> {
    /// Also drops the prompts that wait.
    pub fn cancel_queued(self) -> Self {
        self.with("cancel_queued", true)
    }
}
