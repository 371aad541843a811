//! What is done with agents by name, as it crosses to other languages: one JSON object in, one JSON value out.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Agent, AgentBuilder, Agents, Example, LoadAgents, SaveAgent, agent_from_markdown, agent_to_markdown,
    load_agents, merge_agents, presets, save_agent, validate_agents,
};
use crate::{
    Result,
    transcript::{json_text, operation_from_json},
};

/// Work on agents.
///
/// ```
/// use madrigal::agents::AgentOperation;
/// let request = r#"{"operation": "build_agent", "name": "a", "agent": {"tools": ["Read"]}, "examples": ["x"]}"#;
/// assert!(AgentOperation::from_json(request)?.perform()?.contains("Custom agent: a"));
/// # Ok::<_, madrigal::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AgentOperation {
    /// [`presets`].
    AgentPresets(OfFamily),
    /// [`AgentBuilder`].
    BuildAgent(Build),
    /// [`validate_agents`].
    ValidateAgents(Validate),
    /// [`merge_agents`].
    MergeAgents(Merge),
    /// [`load_agents`].
    LoadAgents(LoadAgents),
    /// [`save_agent`].
    SaveAgent(SaveAgent),
    /// [`agent_to_markdown`].
    AgentToMarkdown(OneAgent),
    /// [`agent_from_markdown`].
    AgentFromMarkdown(Markdown),
}

/// Which presets.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OfFamily {
    /// Only these.
    pub family: Option<String>,
}

/// What an agent is built from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// Its name.
    pub name: String,
    /// What is said of it.
    #[serde(default)]
    pub agent: Map<String, Value>,
    /// Examples, put behind its prompt.
    #[serde(default)]
    pub examples: Vec<Example>,
}

/// What is checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validate {
    /// The agents.
    pub agents: Agents,
    /// The names of the tools that exist.
    #[serde(default)]
    pub tools: Option<Vec<String>>,
}

/// What is put over what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// The agents.
    pub agents: Agents,
    /// Those that win.
    #[serde(default)]
    pub over: Agents,
}

/// An agent and its name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneAgent {
    /// The name.
    pub name: String,
    /// The agent.
    pub agent: Map<String, Value>,
}

/// The text of a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Markdown {
    /// All of it.
    pub text: String,
}

impl AgentOperation {
    /// The names of these operations.
    pub const NAMES: [&str; 8] = [
        "agent_presets",
        "build_agent",
        "validate_agents",
        "merge_agents",
        "load_agents",
        "save_agent",
        "agent_to_markdown",
        "agent_from_markdown",
    ];

    /// The operation that a request `{"operation": "...", ...}` describes.
    ///
    /// # Errors
    /// `invalid_argument` when it is none; the message names the operation or the field.
    pub fn from_json(request: &str) -> Result<Self> {
        operation_from_json(request)
    }

    /// Carries it out and returns its result as JSON text. Blocks.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn perform(&self) -> Result<String> {
        match self {
            Self::AgentPresets(of) => json_text(&presets(of.family.as_deref())?),
            Self::BuildAgent(Build { name, agent, examples }) => {
                let mut fields = agent.clone();
                // The defaults come in before it is checked.
                let default = AgentBuilder::new(name.as_str()).definition();
                for (field, text) in [("description", default.description), ("prompt", default.prompt)] {
                    let given = fields.entry(field).or_insert(Value::Null);
                    if given.is_null() || given == "" {
                        *given = text.into();
                    }
                }
                let agent = Agent::from_fields(name, &fields)?;
                let (name, agent) =
                    AgentBuilder::from_agent(name.as_str(), agent).examples(examples.clone()).build()?;
                json_text(&json!({"name": name, "agent": agent}))
            }
            Self::ValidateAgents(of) => {
                json_text(&json!({"warnings": validate_agents(&of.agents, of.tools.as_deref())?}))
            }
            Self::MergeAgents(of) => json_text(&merge_agents(&of.agents, &of.over)),
            Self::LoadAgents(request) => json_text(&load_agents(request)?),
            Self::SaveAgent(request) => json_text(&json!({"path": save_agent(request)?})),
            Self::AgentToMarkdown(OneAgent { name, agent }) => {
                let agent = Agent::from_fields(name, agent)?;
                json_text(&json!({"text": agent_to_markdown(name, &agent)?}))
            }
            Self::AgentFromMarkdown(Markdown { text }) => {
                let (name, agent) = agent_from_markdown(text)?;
                json_text(&json!({"name": name, "agent": agent}))
            }
        }
    }
}
