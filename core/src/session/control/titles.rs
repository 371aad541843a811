//! The session itself: its name, a question beside it, what it reloads, its end.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{AgentInfo, CommandInfo, Control, McpServerStatus};
use crate::session::SessionHandle;

/// The answer to a question beside the conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SideAnswer {
    /// The answer.
    pub response: Option<String>,
    /// Whether the program wrote it itself, because there was nothing to ask the model about.
    pub synthetic: bool,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A title for a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Title {
    /// The title; `None` when the model gave none.
    pub title: Option<String>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What the session has after its plugins were read again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReloadedPlugins {
    /// Its slash commands.
    pub commands: Vec<CommandInfo>,
    /// Its subagents.
    pub agents: Vec<AgentInfo>,
    /// Its plugins: `name`, `path`, and `source` or `version`.
    pub plugins: Vec<Value>,
    /// Its MCP servers.
    #[serde(rename = "mcpServers")]
    pub mcp_servers: Vec<McpServerStatus>,
    /// How many plugins could not be read.
    pub error_count: u64,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// What the session has after its skills were read again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReloadedSkills {
    /// Its skills.
    pub skills: Vec<CommandInfo>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The output styles there are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutputStyles {
    /// Their names.
    pub available_output_styles: Vec<String>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl SessionHandle {
    /// Names the session.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn rename_session(&self, title: &str) -> Control<()> {
        self.acknowledged("rename_session").with("title", title)
    }

    /// Has the model write a title for a session about `description`; with `persist` the session gets it.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn generate_session_title(&self, description: &str, persist: bool) -> Control<Title> {
        self.typed("generate_session_title").with("description", description).with("persist", persist)
    }

    /// Asks the model something about the conversation without adding to it. Costs a request to the model.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # use madrigal::{Options, Session, testing::Script};
    /// # let session = Session::builder(Options::default()).transport(Script::new()).open().await?;
    /// let answer = session.side_question("What are you doing?").await?;
    /// println!("{}", answer.response.unwrap_or_default());
    /// # session.close().await;
    /// # Ok::<_, madrigal::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn side_question(&self, question: &str) -> Control<SideAnswer> {
        self.typed("side_question").with("question", question)
    }

    /// Reads the plugins again.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn reload_plugins(&self) -> Control<ReloadedPlugins> {
        self.typed("reload_plugins")
    }

    /// Reads the skills again.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn reload_skills(&self) -> Control<ReloadedSkills> {
        self.typed("reload_skills")
    }

    /// Reads the output styles again.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn reload_output_styles(&self) -> Control<OutputStyles> {
        self.typed("reload_output_styles")
    }

    /// Says whether anybody watches what the program writes; `None` when that is not known. It matters only where the
    /// program was told to hold small pieces back.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn set_has_subscribers(&self, has_subscribers: Option<bool>) -> Control<()> {
        self.acknowledged("set_has_subscribers").with("has_subscribers", has_subscribers)
    }

    /// Sets the accent colour of the session. The program refuses it in the mode it is run in today.
    ///
    /// # Errors
    /// `control` with `error_code` `unsupported_request`; `closed`, `timeout`.
    pub fn set_color(&self, color: &str) -> Control<()> {
        self.acknowledged("set_color").with("color", color)
    }

    /// Has the program end by itself. The stream of messages ends; [`close`](Self::close) does the same and waits.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn end_session(&self, reason: &str) -> Control<()> {
        self.acknowledged("end_session").with("reason", reason)
    }
}
