//! Builds an agent line by line.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Agent, AgentEffort, AgentServer, check::check_name};
use crate::Result;

/// An example of what an agent is asked and what it answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a text, or {\"input\": \"...\", \"output\": \"...\"}")]
pub enum Example {
    /// A text of any form.
    Text(String),
    /// What comes in and what comes out.
    Pair {
        /// What the agent is asked.
        input: String,
        /// What it answers.
        output: String,
    },
}

impl From<&str> for Example {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<(&str, &str)> for Example {
    fn from((input, output): (&str, &str)) -> Self {
        Self::Pair { input: input.to_owned(), output: output.to_owned() }
    }
}

/// Builds an [`Agent`]. Without a description it is "Custom agent: NAME", without a prompt "You are a helpful assistant.".
///
/// ```
/// use madrigal::agents::AgentBuilder;
/// let (name, agent) = AgentBuilder::new("namer")
///     .prompt("Suggest a name for what the code does.")
///     .tools(["Read"])
///     .max_turns(3)
///     .examples([("adds two numbers", "sum")])
///     .build()?;
/// assert_eq!((name.as_str(), agent.description.as_str()), ("namer", "Custom agent: namer"));
/// assert!(agent.prompt.ends_with("<example>\nInput: adds two numbers\nOutput: sum\n</example>"));
/// # Ok::<_, madrigal::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AgentBuilder {
    name: String,
    agent: Agent,
    examples: Vec<Example>,
}

impl Agent {
    /// Starts an agent of this name.
    pub fn builder(name: impl Into<String>) -> AgentBuilder {
        AgentBuilder::new(name)
    }
}

impl AgentBuilder {
    /// Starts an agent of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), agent: Agent::default(), examples: Vec::new() }
    }

    /// Starts from an agent that is there, such as a preset.
    pub fn from_agent(name: impl Into<String>, agent: Agent) -> Self {
        Self { name: name.into(), agent, examples: Vec::new() }
    }

    /// When to use it.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.agent.description = description.into();
        self
    }

    /// Its system prompt.
    pub fn prompt(mut self, prompt: impl Into<String>) -> Self {
        self.agent.prompt = prompt.into();
        self
    }

    /// The tools it has, in place of all.
    pub fn tools<T: Into<String>>(mut self, tools: impl IntoIterator<Item = T>) -> Self {
        self.agent.tools = Some(tools.into_iter().map(Into::into).collect());
        self
    }

    /// Tools it does not have.
    pub fn disallowed_tools<T: Into<String>>(mut self, tools: impl IntoIterator<Item = T>) -> Self {
        self.agent.disallowed_tools = Some(tools.into_iter().map(Into::into).collect());
        self
    }

    /// Its model: an alias, a full name, or `inherit`.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.agent.model = Some(model.into());
        self
    }

    /// How much effort goes into its answers.
    pub fn effort(mut self, effort: AgentEffort) -> Self {
        self.agent.effort = Some(effort);
        self
    }

    /// The most steps of the model; at least 1.
    pub fn max_turns(mut self, turns: u32) -> Self {
        self.agent.max_turns = Some(turns);
        self
    }

    /// Skills it knows from the start.
    pub fn skills<T: Into<String>>(mut self, skills: impl IntoIterator<Item = T>) -> Self {
        self.agent.skills = Some(skills.into_iter().map(Into::into).collect());
        self
    }

    /// Adds an MCP server of the conversation, by its name.
    pub fn mcp_server(mut self, name: impl Into<String>) -> Self {
        self.agent.mcp_servers.get_or_insert_default().push(AgentServer::Named(name.into()));
        self
    }

    /// Adds an MCP server of its own, with its configuration.
    pub fn own_mcp_server(mut self, name: impl Into<String>, config: Map<String, Value>) -> Self {
        let server = AgentServer::Inline([(name.into(), Value::Object(config))].into_iter().collect());
        self.agent.mcp_servers.get_or_insert_default().push(server);
        self
    }

    /// Adds examples. They are put behind the prompt, below the heading `## Examples`, each between `<example>` and `</example>`;
    /// a pair as the lines `Input: ...` and `Output: ...`.
    pub fn examples<E: Into<Example>>(mut self, examples: impl IntoIterator<Item = E>) -> Self {
        self.examples.extend(examples.into_iter().map(Into::into));
        self
    }

    /// The agent without its name, not checked.
    #[must_use]
    pub fn definition(&self) -> Agent {
        let mut agent = self.agent.clone();
        if agent.description.is_empty() {
            agent.description = format!("Custom agent: {}", self.name);
        }
        if agent.prompt.is_empty() {
            "You are a helpful assistant.".clone_into(&mut agent.prompt);
        }
        if !self.examples.is_empty() {
            agent.prompt = format!("{}\n\n## Examples", agent.prompt.trim_end());
        }
        for example in &self.examples {
            let text = match example {
                Example::Text(text) => text.trim().to_owned(),
                Example::Pair { input, output } => {
                    format!("Input: {}\nOutput: {}", input.trim(), output.trim())
                }
            };
            agent.prompt.push_str(&format!("\n\n<example>\n{text}\n</example>"));
        }
        agent
    }

    /// Checks the agent and gives it with its name.
    ///
    /// # Errors
    /// `invalid_options`, with the path of the field.
    pub fn build(self) -> Result<(String, Agent)> {
        check_name(&self.name)?;
        let agent = self.definition();
        agent.check(&self.name)?;
        Ok((self.name, agent))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::options::Effort;

    #[test]
    fn examples_stand_behind_the_prompt() {
        let builder = Agent::builder("a").prompt("Do it.").examples(["one"]).examples([("in", "out")]);
        let expected = "Do it.\n\n## Examples\n\n<example>\none\n</example>\n\n<example>\nInput: in\nOutput: out\n</example>";
        assert_eq!(builder.definition().prompt, expected);
    }

    #[test]
    fn each_line_says_one_thing() {
        let own: Map<String, Value> = [("command".to_owned(), json!("true"))].into_iter().collect();
        let agent = Agent::builder("a")
            .description("Reads")
            .prompt("You read.")
            .tools(["Read", "Grep"])
            .disallowed_tools(["Bash"])
            .model("haiku")
            .effort(AgentEffort::Level(Effort::Low))
            .max_turns(3)
            .skills(["pdf"])
            .mcp_server("docs")
            .own_mcp_server("own", own)
            .definition();
        assert_eq!(
            serde_json::to_value(agent).unwrap(),
            json!({"description": "Reads", "prompt": "You read.", "tools": ["Read", "Grep"], "disallowedTools": ["Bash"],
                "model": "haiku", "effort": "low", "maxTurns": 3, "skills": ["pdf"],
                "mcpServers": ["docs", {"own": {"command": "true"}}]})
        );
    }

    #[test]
    fn a_built_agent_was_checked() {
        assert_eq!(Agent::builder("").build().unwrap_err().context()["field"], "agents");
        let error = Agent::builder("a").max_turns(0).build().unwrap_err();
        assert_eq!(error.context()["field"], "agents.a.maxTurns");
        let (_, agent) = Agent::builder("a").build().unwrap();
        assert_eq!(
            (agent.description.as_str(), agent.prompt.as_str()),
            ("Custom agent: a", "You are a helpful assistant.")
        );
    }
}
