//! Agents: ready-made, built in a line, or read from the program's own files.
//!
//! ```
//! use madrigal::{Options, agents};
//! let mut options = Options::default();
//! for preset in agents::presets(Some("security"))? {
//!     options.agents.insert(preset.name.to_owned(), preset.agent.into());
//! }
//! assert!(options.agents.contains_key("security_reviewer"));
//! # Ok::<_, madrigal::Error>(())
//! ```

mod agent;
mod builder;
mod check;
mod files;
mod frontmatter;
mod markdown;
mod operation;
mod preset;
mod tools;

pub use agent::{Agent, AgentEffort, AgentMemory, AgentServer, Isolation};
pub use builder::{AgentBuilder, Example};
pub use check::{AgentWarning, Agents, merge_agents, validate_agents};
pub use files::{
    AgentFile, AgentScope, BadFile, LoadAgents, LoadedAgents, SaveAgent, load_agents, save_agent,
};
pub use markdown::{agent_from_markdown, agent_to_markdown};
pub use operation::AgentOperation;
pub use preset::{AgentPreset, FAMILIES, presets};
