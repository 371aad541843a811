//! What an agent is: the fields of the program's own definition, with the names it has for them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::options::{Effort, PermissionMode};

/// An agent: what it is for, what it is told, and what it may use. The wire form has the program's names (`disallowedTools`,
/// `maxTurns`); it is what [`Options::agents`](crate::Options::agents) holds.
///
/// ```
/// use madrigal::{Options, agents::Agent};
/// let (name, agent) = Agent::builder("counter")
///     .description("Counts the files of a kind")
///     .prompt("Count the files you are asked for. Answer with the number alone.")
///     .tools(["Glob"])
///     .model("haiku")
///     .build()?;
/// let options = Options { agents: [(name, agent.into())].into(), ..Options::default() };
/// assert_eq!(options.agents["counter"]["tools"][0], "Glob");
/// # Ok::<_, madrigal::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Agent {
    /// When to use it: what the model that chooses among agents reads.
    pub description: String,
    /// Its system prompt.
    pub prompt: String,
    /// The tools it has. Default: all of the conversation it is called from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    /// Tools it does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disallowed_tools: Option<Vec<String>>,
    /// Its model: an alias, a full name, or `inherit`. Default: that of the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How much effort goes into its answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<AgentEffort>,
    /// How permissions are decided while it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission_mode: Option<PermissionMode>,
    /// Its MCP servers: names of the conversation's, or servers of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_servers: Option<Vec<AgentServer>>,
    /// Skills it knows from the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skills: Option<Vec<String>>,
    /// The most steps of the model. At least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_turns: Option<u32>,
    /// Its first prompt when it leads a conversation; not read when it is called by another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_prompt: Option<String>,
    /// Where its memory is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<AgentMemory>,
    /// It works in the background unless the call says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<bool>,
    /// It is not shown the `CLAUDE.md` files when another calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub omit_claude_md: Option<bool>,
    /// Where its files are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
    /// The tokens at which it makes its own conversation shorter. At least 100 000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_compact_window: Option<u32>,
    /// Agents that watch it, up to four, separated by commas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observer: Option<String>,
    /// What those are told besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observer_message: Option<String>,
    /// Whether agents that it calls are watched by the same. Default: yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observe_subagents: Option<bool>,
    /// As one that watches: whether it is shown results of tools. Default: yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observe_tool_results: Option<bool>,
    /// Its hooks, in the form of the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hooks: Option<Map<String, Value>>,
    /// What else was said of it, such as its `color`; kept as it is.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// How much effort goes into the answers of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected low, medium, high, xhigh, max or a whole number")]
pub enum AgentEffort {
    /// One of the levels.
    Level(Effort),
    /// A number, for models that take one.
    Amount(u32),
}

/// An MCP server of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected the name of a server, or an object with its name and its configuration"
)]
pub enum AgentServer {
    /// One of the conversation, by its name.
    Named(String),
    /// Its own: an object of one name and the configuration.
    Inline(Map<String, Value>),
}

/// Where the memory of an agent is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentMemory {
    /// With the user: `~/.claude/agent-memory`.
    User,
    /// In the repository: `.claude/agent-memory`.
    Project,
    /// In the working directory, not for others: `.claude/agent-memory-local`.
    Local,
}

/// Where the files of an agent are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// In a git worktree of its own, for as long as it works.
    Worktree,
    /// On another machine, where the program has one.
    Remote,
}

impl From<Agent> for Map<String, Value> {
    /// The form that [`Options::agents`](crate::Options::agents) takes.
    fn from(agent: Agent) -> Self {
        match serde_json::to_value(agent) {
            Ok(Value::Object(fields)) => fields,
            // Its fields are texts, numbers and JSON: there is nothing in it that cannot be written.
            _ => Self::new(),
        }
    }
}
