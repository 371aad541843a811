//! What the model is to say, as data. Checked when it is read, so that a typing error fails at once and not as a strange
//! answer in the middle of a test.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::failure;
use crate::{Error, ErrorKind, Result};

/// What the API says. See the [module page](super) for the format.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Answers by prompt; the first rule that holds is taken.
    pub rules: Vec<Rule>,
    /// Answers when no rule holds, one for each message of the model since the conversation began.
    pub turns: Vec<Step>,
    /// Whether `turns` begin again behind the last.
    pub repeat: bool,
    /// The models that exist. Default: every name that starts with `claude`.
    pub models: Option<Vec<String>>,
}

/// Answers for prompts of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which requests.
    #[serde(default)]
    pub when: When,
    /// One step for each message of the model since the prompt.
    pub reply: Vec<Step>,
    /// Whether the steps begin again behind the last.
    #[serde(default)]
    pub repeat: bool,
    /// Whether errors are counted for all conversations together, not for each.
    #[serde(default)]
    pub shared: bool,
}

/// Which requests a rule is for: all parts given must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// The prompt contains this.
    pub prompt_contains: Option<String>,
    /// The prompt is this.
    pub prompt_is: Option<String>,
    /// The model is this.
    pub model: Option<String>,
    /// The system prompt contains this.
    pub system_contains: Option<String>,
}

/// A message of the model, or an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// A text block.
    pub text: Option<String>,
    /// A thinking block.
    pub thinking: Option<String>,
    /// The name of a tool to call.
    pub tool: Option<String>,
    /// The input of `tool`.
    pub input: Option<Map<String, Value>>,
    /// More tools to call.
    pub tools: Vec<ToolCall>,
    /// In how many pieces each block comes. Default 1.
    pub chunks: Option<usize>,
    /// Milliseconds between the pieces.
    pub delay_ms: u64,
    /// Milliseconds of silence before the answer begins.
    pub wait_ms: u64,
    /// How many requests get this answer together: it begins when so many have come.
    pub together: Option<usize>,
    /// How a stream ends instead of well.
    pub end: Option<Ending>,
    /// Why the model stopped.
    pub stop_reason: Option<String>,
    /// Token counts.
    pub usage: Map<String, Value>,
    /// An HTTP status above 399: this step is an error.
    pub error: Option<u16>,
    /// The text of the error.
    pub message: Option<String>,
    /// The type of the error.
    pub error_type: Option<String>,
    /// How many requests get the error before the next step.
    pub times: Option<Times>,
    /// Seconds, as the `retry-after` header.
    pub retry_after: Option<u64>,
    /// More response headers.
    pub headers: BTreeMap<String, String>,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// Its input.
    #[serde(default)]
    pub input: Map<String, Value>,
}

/// How a stream ends when it does not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// It stays open and silent until the caller goes.
    Hold,
    /// The connection breaks.
    Cut,
    /// An `error` event says that the API is overloaded.
    Overloaded,
}

/// How many requests get an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Times {
    /// This many.
    Count(u64),
    /// All.
    Word(Always),
}

/// The word `always`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Always {
    /// For ever.
    Always,
}

impl Script {
    /// Reads a script. Fails with `invalid_argument`, naming the path of the field.
    pub fn from_json(json: &str) -> Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let script: Self = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            refuse(&path, &error.into_inner().to_string())
        })?;
        deserializer.end().map_err(|error| refuse("", &error.to_string()))?;
        script.check()?;
        Ok(script)
    }

    /// Reads a script from a file. Fails with `invalid_argument`, naming the file and the path of the field.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let json = fs::read_to_string(path)
            .map_err(|error| refuse("", &format!("could not read {}: {error}", path.display())))?;
        Self::from_json(&json).map_err(|error| error.with("file", path.display().to_string()))
    }

    /// A model that repeats each prompt: `You said: ...`.
    pub fn echo() -> Self {
        let step = Step { text: Some("You said: $prompt".to_owned()), chunks: Some(4), ..Step::default() };
        Self { turns: vec![step], repeat: true, ..Self::default() }
    }

    /// Fails with `invalid_argument` when a step cannot be played.
    pub(super) fn check(&self) -> Result<()> {
        for (index, rule) in self.rules.iter().enumerate() {
            check_steps(&format!("rules[{index}].reply"), &rule.reply, rule.repeat)?;
            if rule.reply.is_empty() {
                return Err(refuse(&format!("rules[{index}].reply"), "expected at least one step"));
            }
        }
        check_steps("turns", &self.turns, self.repeat)
    }

    /// Whether the API knows a model.
    pub(super) fn knows(&self, model: &str) -> bool {
        match &self.models {
            Some(models) => models.iter().any(|known| known == model),
            None => model.starts_with("claude"),
        }
    }
}

impl Step {
    /// All calls of tools, in order.
    pub(super) fn calls(&self) -> Vec<ToolCall> {
        let first =
            self.tool.clone().map(|name| ToolCall { name, input: self.input.clone().unwrap_or_default() });
        first.into_iter().chain(self.tools.iter().cloned()).collect()
    }

    fn says_something(&self) -> bool {
        self.text.is_some() || self.thinking.is_some() || self.tool.is_some() || !self.tools.is_empty()
    }
}

fn check_steps(path: &str, steps: &[Step], repeat: bool) -> Result<()> {
    for (index, step) in steps.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match step.error {
            Some(status) if !(400..=599).contains(&status) => {
                return Err(refuse(&format!("{path}.error"), "expected an HTTP status from 400 to 599"));
            }
            Some(_) if step.says_something() => {
                return Err(refuse(&path, "a step is either an error or a message, not both"));
            }
            None if !step.says_something() => {
                return Err(refuse(&path, "expected one of `text`, `thinking`, `tool`, `tools`, `error`"));
            }
            _ => {}
        }
        if step.error.is_none() && step.times.is_some() {
            return Err(refuse(&format!("{path}.times"), "only an error can come several times"));
        }
        if step.input.is_some() && step.tool.is_none() {
            return Err(refuse(&format!("{path}.input"), "belongs to `tool`, which is missing"));
        }
        if step.chunks == Some(0) {
            return Err(refuse(&format!("{path}.chunks"), "expected at least 1"));
        }
        if step.together == Some(0) {
            return Err(refuse(&format!("{path}.together"), "expected at least 1"));
        }
        for (name, value) in &step.headers {
            failure::check_header(name, value)
                .map_err(|problem| refuse(&format!("{path}.headers.{name}"), &problem))?;
        }
    }
    if repeat && !steps.is_empty() && steps.iter().all(|step| step.error.is_some()) {
        return Err(refuse(path, "only errors cannot repeat: use \"times\": \"always\" on the last"));
    }
    Ok(())
}

fn refuse(path: &str, problem: &str) -> Error {
    let message =
        if path.is_empty() || path == "." { problem.to_owned() } else { format!("{path}: {problem}") };
    Error::new(ErrorKind::InvalidArgument, message).operation("loopback script").with("field", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        let error = Script::from_json(json).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        error.message().to_owned()
    }

    #[test]
    fn a_mistake_is_named_with_its_path() {
        assert!(refused(r#"{"turns": [{"txt": "x"}]}"#).starts_with("turns[0]"), "unknown field");
        assert!(refused(r#"{"rules": [{"reply": []}]}"#).contains("rules[0].reply"));
        assert!(refused(r#"{"turns": [{"chunks": 2}]}"#).contains("turns[0]: expected one of"));
        assert!(refused(r#"{"turns": [{"text": "x", "chunks": 0}]}"#).contains("turns[0].chunks"));
        assert!(refused(r#"{"turns": [{"text": "x", "together": 0}]}"#).contains("turns[0].together"));
        assert!(refused(r#"{"turns": [{"error": 200}]}"#).contains("turns[0].error"));
        assert!(refused(r#"{"turns": [{"error": 500, "text": "x"}]}"#).contains("not both"));
        assert!(refused(r#"{"turns": [{"text": "x", "times": 2}]}"#).contains("turns[0].times"));
        assert!(refused(r#"{"turns": [{"text": "x", "input": {}}]}"#).contains("turns[0].input"));
        assert!(refused(r#"{"turns": [{"error": 500}], "repeat": true}"#).contains("always"));
        assert!(
            refused(r#"{"turns": [{"text": "x", "headers": {"a b": "c"}}]}"#).contains("turns[0].headers")
        );
        assert!(refused("{} {}").contains("trailing"));
        assert!(
            Script::from_file("no/such/script.json").unwrap_err().message().contains("no/such/script.json")
        );
    }

    #[test]
    fn times_is_a_number_or_a_word() {
        let script = Script::from_json(
            r#"{"turns": [{"error": 500, "times": 3}, {"error": 500, "times": "always"}]}"#,
        )
        .unwrap();
        assert_eq!(script.turns[0].times, Some(Times::Count(3)));
        assert_eq!(script.turns[1].times, Some(Times::Word(Always::Always)));
        assert!(Script::from_json(r#"{"turns": [{"error": 500, "times": "often"}]}"#).is_err());
    }

    #[test]
    fn models_are_known_by_list_or_by_name() {
        assert!(Script::echo().knows("claude-sonnet-test"));
        assert!(!Script::echo().knows("bogus"));
        let script = Script::from_json(r#"{"models": ["bogus"]}"#).unwrap();
        assert!(script.knows("bogus") && !script.knows("claude-sonnet-test"));
    }
}
