//! Refuses agents that cannot work, by the path of the field, and warns of what is probably a mistake. The program itself
//! says nothing: with one agent it cannot read, it starts without any of them (seen on 2.1.330).

use std::collections::BTreeMap;

use serde::{Deserialize as _, Serialize};
use serde_json::{Map, Value, json};

use super::{Agent, AgentServer, tools::unknown_tool};
use crate::{Error, Result, models::suggest_models, options::invalid, suggest::nearest};

/// Agents by name, in the form of [`Options::agents`](crate::Options::agents).
pub type Agents = BTreeMap<String, Map<String, Value>>;

/// Longer names are refused by the program.
pub(super) const LONGEST_NAME: usize = 256;

/// The smallest window at which the program makes a conversation shorter.
const LEAST_WINDOW: u32 = 100_000;

/// Fields that the program knows and [`Agent`] has no place of its own for.
const OTHERS: [&str; 4] = ["color", "criticalSystemReminder_EXPERIMENTAL", "experimental", "metadata"];

/// Fields of [`Agent`], for suggestions.
const FIELDS: [&str; 21] = [
    "description",
    "prompt",
    "tools",
    "disallowedTools",
    "model",
    "effort",
    "permissionMode",
    "mcpServers",
    "skills",
    "maxTurns",
    "initialPrompt",
    "memory",
    "background",
    "omitClaudeMd",
    "isolation",
    "autoCompactWindow",
    "observer",
    "observerMessage",
    "observeSubagents",
    "observeToolResults",
    "hooks",
];

/// Something about an agent that works but is probably not meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AgentWarning {
    /// The name of the agent.
    pub agent: String,
    /// The field, such as `tools[1]`.
    pub field: String,
    /// What is strange, and what may be meant.
    pub message: String,
    /// Names that may be meant, the best first.
    pub suggestions: Vec<String>,
}

impl Agent {
    /// Reads an agent from the program's form and checks it. `null` is as if a field was left out.
    ///
    /// ```
    /// let fields = serde_json::json!({"description": "Counts", "prompt": "Count.", "maxTurns": 0});
    /// let error = madrigal::agents::Agent::from_fields("counter", fields.as_object().unwrap()).unwrap_err();
    /// assert_eq!(error.context()["field"], "agents.counter.maxTurns");
    /// ```
    ///
    /// # Errors
    /// `invalid_options`, with the path of the field in the context as `field`.
    pub fn from_fields(name: &str, fields: &Map<String, Value>) -> Result<Self> {
        check_name(name)?;
        let given: Map<_, _> = fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let mut track = serde_path_to_error::Track::new();
        let deserializer = serde_path_to_error::Deserializer::new(Value::Object(given), &mut track);
        let agent = Self::deserialize(deserializer).map_err(|error| {
            let path = track.path().to_string();
            let path = if path == "." { String::new() } else { format!(".{path}") };
            invalid(&format!("agents.{name}{path}"), &error.to_string())
        })?;
        agent.check(name)?;
        Ok(agent)
    }

    pub(super) fn check(&self, name: &str) -> Result<()> {
        let at = |field: &str, problem: &str| Err(invalid(&format!("agents.{name}.{field}"), problem));
        if self.description.trim().is_empty() {
            return at("description", "expected a text that says when to use it");
        }
        if self.prompt.trim().is_empty() {
            return at("prompt", "expected a text, its system prompt");
        }
        if self.model.as_deref().is_some_and(|model| model.trim().is_empty()) {
            return at("model", "expected the name of a model, or `inherit`; leave it out for the default");
        }
        if self.max_turns == Some(0) {
            return at("maxTurns", "expected at least 1");
        }
        if self.auto_compact_window.is_some_and(|tokens| tokens < LEAST_WINDOW) {
            return at("autoCompactWindow", "expected at least 100000 tokens");
        }
        for (field, list) in
            [("tools", &self.tools), ("disallowedTools", &self.disallowed_tools), ("skills", &self.skills)]
        {
            for (index, entry) in list.iter().flatten().enumerate() {
                if entry.trim().is_empty() {
                    return at(&format!("{field}[{index}]"), "expected a name");
                }
            }
        }
        for (index, server) in self.mcp_servers.iter().flatten().enumerate() {
            let fits = match server {
                AgentServer::Named(name) => !name.trim().is_empty(),
                AgentServer::Inline(server) => server.len() == 1 && server.values().all(Value::is_object),
            };
            if !fits {
                let expected =
                    "expected the name of a server, or an object of one name and its configuration";
                return at(&format!("mcpServers[{index}]"), expected);
            }
        }
        Ok(())
    }

    fn warn(&self, name: &str, tools: Option<&[String]>, warnings: &mut Vec<AgentWarning>) {
        let mut add = |field: String, message: String, suggestions: Vec<String>| {
            warnings.push(AgentWarning { agent: name.to_owned(), field, message, suggestions });
        };
        for (field, list) in [("tools", &self.tools), ("disallowedTools", &self.disallowed_tools)] {
            for (index, entry) in list.iter().flatten().enumerate() {
                if let Some((message, meant)) = unknown_tool(entry, tools) {
                    add(format!("{field}[{index}]"), message, meant);
                }
            }
        }
        if let (Some(tools), Some(_)) = (&self.tools, &self.disallowed_tools)
            && !tools.iter().any(|tool| tool == "*")
        {
            let message = "has no effect beside `tools`, which lists all that it has";
            add("disallowedTools".into(), message.into(), Vec::new());
        }
        if let Some(model) = self.model.as_deref().filter(|model| !model.eq_ignore_ascii_case("inherit")) {
            let found = suggest_models(model, None);
            if !found.known {
                add("model".into(), found.message(model), found.suggestions);
            }
        }
        for field in self.extra.keys().filter(|field| !OTHERS.contains(&field.as_str())) {
            let meant = nearest(field, FIELDS, 1);
            let question =
                meant.first().map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            let message = format!("the program has no such field and leaves it out{question}");
            add(field.clone(), message, meant.into_iter().map(str::to_owned).collect());
        }
    }
}

/// Refuses names that the program does not take.
pub(super) fn check_name(name: &str) -> Result<()> {
    let problem = if name.trim().is_empty() {
        return Err(invalid("agents", "expected a name for each agent"));
    } else if name.starts_with('-') {
        "a name must not begin with `-`"
    } else if name.chars().any(char::is_control) {
        "a name must have no control characters"
    } else if name.chars().count() > LONGEST_NAME {
        "a name must have at most 256 characters"
    } else {
        return Ok(());
    };
    let shown: String = name.chars().take(LONGEST_NAME).collect();
    Err(invalid(&format!("agents.{shown}"), problem))
}

/// Checks agents as a session does before it starts, and gives warnings besides: of tools that do not exist (`tools` are
/// those that do; left out, the built-in ones), of unknown models and of fields that the program does not have. Names of MCP
/// tools are looked at only when `tools` has some of the same server.
///
/// ```
/// let agents = [("a".to_owned(), serde_json::json!({"description": "d", "prompt": "p", "tools": ["Grpe"]}))];
/// let agents = agents.into_iter().map(|(name, agent)| (name, agent.as_object().unwrap().clone())).collect();
/// let warnings = madrigal::agents::validate_agents(&agents, None)?;
/// assert_eq!(warnings[0].field, "tools[0]");
/// assert!(warnings[0].message.contains("`Grep`"));
/// # Ok::<_, madrigal::Error>(())
/// ```
///
/// # Errors
/// `invalid_options`, with the first field that is wrong; when there are several, `problems` in the context has them all.
pub fn validate_agents(agents: &Agents, tools: Option<&[String]>) -> Result<Vec<AgentWarning>> {
    let mut warnings = Vec::new();
    let mut errors: Vec<Error> = Vec::new();
    for (name, fields) in agents {
        match Agent::from_fields(name, fields) {
            Ok(agent) => agent.warn(name, tools, &mut warnings),
            Err(error) => errors.push(error),
        }
    }
    let problems: Vec<Value> = errors
        .iter()
        .map(|error| json!({"field": error.context().get("field"), "message": error.message()}))
        .collect();
    match errors.into_iter().next() {
        None => Ok(warnings),
        Some(error) if problems.len() > 1 => Err(error.with("problems", problems)),
        Some(error) => Err(error),
    }
}

/// Puts agents over others: an agent of `over` that is in both changes the fields it has, and those it lacks stay; `null`
/// takes a field away.
pub fn merge_agents(agents: &Agents, over: &Agents) -> Agents {
    let mut merged = agents.clone();
    for (name, fields) in over {
        let agent = merged.entry(name.clone()).or_default();
        agent.extend(fields.iter().map(|(field, value)| (field.clone(), value.clone())));
    }
    for agent in merged.values_mut() {
        agent.retain(|_, value| !value.is_null());
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agents(json: Value) -> Agents {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn what_cannot_work_is_named_by_its_path() {
        for (agent, path) in [
            (json!({"prompt": "p"}), "agents.a.description"),
            (json!({"description": " ", "prompt": "p"}), "agents.a.description"),
            (json!({"description": 7, "prompt": "p"}), "agents.a.description"),
            (json!({"description": "d"}), "agents.a.prompt"),
            (json!({"description": "d", "prompt": "p", "tools": "Read"}), "agents.a.tools"),
            (json!({"description": "d", "prompt": "p", "tools": ["Read", 7]}), "agents.a.tools[1]"),
            (json!({"description": "d", "prompt": "p", "tools": [""]}), "agents.a.tools[0]"),
            (json!({"description": "d", "prompt": "p", "model": ""}), "agents.a.model"),
            (json!({"description": "d", "prompt": "p", "effort": "huge"}), "agents.a.effort"),
            (json!({"description": "d", "prompt": "p", "permissionMode": "yolo"}), "agents.a.permissionMode"),
            (json!({"description": "d", "prompt": "p", "maxTurns": 0}), "agents.a.maxTurns"),
            (json!({"description": "d", "prompt": "p", "maxTurns": "3"}), "agents.a.maxTurns"),
            (json!({"description": "d", "prompt": "p", "memory": "global"}), "agents.a.memory"),
            (json!({"description": "d", "prompt": "p", "background": "yes"}), "agents.a.background"),
            (json!({"description": "d", "prompt": "p", "mcpServers": [{}]}), "agents.a.mcpServers[0]"),
            (json!({"description": "d", "prompt": "p", "mcpServers": [3]}), "agents.a.mcpServers[0]"),
            (
                json!({"description": "d", "prompt": "p", "autoCompactWindow": 10}),
                "agents.a.autoCompactWindow",
            ),
        ] {
            let error = validate_agents(&agents(json!({"a": agent})), None).unwrap_err();
            assert_eq!(error.context()["field"], path, "{agent}: {error}");
        }
        for name in ["", " ", "-x", "a\nb"] {
            assert!(
                validate_agents(&agents(json!({name: {"description": "d", "prompt": "p"}})), None).is_err()
            );
        }
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let error = validate_agents(&agents(json!({"a": {}, "b": {"description": "d"}})), None).unwrap_err();
        assert_eq!(error.context()["problems"][1]["field"], "agents.b.prompt");
    }

    #[test]
    fn what_is_probably_not_meant_is_a_warning() {
        let given = agents(json!({"a": {
            "description": "d", "prompt": "p", "tools": ["Read", "Raed", "Bash(git log:*)", "mcp__x__y"],
            "model": "sonet", "max_turns": 3, "color": "red",
        }}));
        let warnings = validate_agents(&given, None).unwrap();
        let of =
            |field: &str| warnings.iter().find(|warning| warning.field == field).map(|w| w.message.as_str());
        assert!(of("tools[1]").unwrap().contains("`Read`"));
        assert!(of("model").unwrap().contains("`sonnet`"));
        assert!(of("max_turns").unwrap().contains("`maxTurns`"));
        assert_eq!(warnings.len(), 3, "{warnings:?}");
    }

    #[test]
    fn the_agents_above_win_field_by_field() {
        let below = agents(
            json!({"a": {"description": "d", "prompt": "p", "model": "opus"}, "b": {"description": "b"}}),
        );
        let over = agents(json!({"a": {"prompt": "q", "model": null}, "c": {"description": "c"}}));
        let merged = merge_agents(&below, &over);
        let expected = json!({"a": {"description": "d", "prompt": "q"}, "b": {"description": "b"}, "c": {"description": "c"}});
        assert_eq!(serde_json::to_value(merged).unwrap(), expected);
    }

    #[test]
    fn the_list_of_fields_is_that_of_the_type() {
        let full = Agent {
            tools: Some(vec![]),
            disallowed_tools: Some(vec![]),
            model: Some(String::new()),
            effort: Some(super::super::AgentEffort::Amount(1)),
            permission_mode: Some(crate::options::PermissionMode::Plan),
            mcp_servers: Some(vec![]),
            skills: Some(vec![]),
            max_turns: Some(1),
            initial_prompt: Some(String::new()),
            memory: Some(super::super::AgentMemory::User),
            background: Some(true),
            omit_claude_md: Some(true),
            isolation: Some(super::super::Isolation::Worktree),
            auto_compact_window: Some(1),
            observer: Some(String::new()),
            observer_message: Some(String::new()),
            observe_subagents: Some(true),
            observe_tool_results: Some(true),
            hooks: Some(Map::new()),
            ..Agent::default()
        };
        let mut fields: Vec<_> = Map::from(full).keys().cloned().collect();
        let mut expected: Vec<_> = FIELDS.iter().map(|field| (*field).to_owned()).collect();
        fields.sort();
        expected.sort();
        assert_eq!(fields, expected);
    }
}
