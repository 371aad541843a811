//! Which hooks a host has: the form they have on the boundary, and the form the program is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::HookEvent;
use crate::{Error, ErrorKind, Result};

/// What happens when a hook fails: it raises, or answers with something that is no output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The program goes on as if there were no hook.
    #[default]
    Continue,
    /// What the hook was asked about is blocked.
    Block,
}

/// Hooks of one event that share a matcher.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookMatcher {
    /// A pattern of the CLI, such as `Bash` or `Edit|Write`; what it is compared with depends on the event. Default: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matcher: Option<String>,
    /// The host's names of the callbacks.
    pub callbacks: Vec<String>,
    /// How long a callback may take, in milliseconds; the program then withdraws the question, and a tool that waited for
    /// it does not run. Default: the CLI's own limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// What happens when a callback fails.
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// All hooks of a host, by the name of their event.
pub type Hooks = BTreeMap<String, Vec<HookMatcher>>;

/// Checks hooks before the program is started; it would ignore an event it does not know.
pub(crate) fn validate(hooks: &Hooks) -> Result<()> {
    for (event, matchers) in hooks {
        if HookEvent::from_name(event).is_none() {
            return Err(invalid(&format!("hooks.{event}"), "there is no such hook event"));
        }
        for (index, matcher) in matchers.iter().enumerate() {
            if matcher.callbacks.is_empty() {
                return Err(invalid(
                    &format!("hooks.{event}[{index}].callbacks"),
                    "expected the name of at least one callback",
                ));
            }
            if matcher.timeout_ms == Some(0) {
                return Err(invalid(
                    &format!("hooks.{event}[{index}].timeout_ms"),
                    "must be at least 1; leave it out for the limit of the claude program",
                ));
            }
        }
    }
    Ok(())
}

/// The hooks as `initialize` has them.
pub(crate) fn to_wire(hooks: &Hooks) -> Value {
    let events = hooks.iter().filter(|(_, matchers)| !matchers.is_empty());
    events
        .map(|(event, matchers)| (event.clone(), matchers.iter().map(matcher).collect::<Vec<_>>().into()))
        .collect::<Map<String, Value>>()
        .into()
}

fn matcher(matcher: &HookMatcher) -> Value {
    let mut wire = Map::new();
    if let Some(pattern) = &matcher.matcher {
        wire.insert("matcher".to_owned(), pattern.as_str().into());
    }
    wire.insert("hookCallbackIds".to_owned(), json!(matcher.callbacks));
    if let Some(limit) = matcher.timeout_ms {
        // The program counts in seconds.
        let seconds = if limit % 1000 == 0 { json!(limit / 1000) } else { json!(limit as f64 / 1000.0) };
        wire.insert("timeout".to_owned(), seconds);
    }
    if matcher.on_failure == OnFailure::Block {
        wire.insert("onFailure".to_owned(), "block".into());
    }
    wire.into()
}

fn invalid(field: &str, problem: &str) -> Error {
    Error::new(ErrorKind::InvalidOptions, format!("{field}: {problem}"))
        .operation("open")
        .with("field", field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hooks(text: &str) -> Hooks {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_program_is_told_in_its_own_words() {
        let hooks = hooks(
            r#"{"PreToolUse": [{"matcher": "Bash", "callbacks": ["h1"], "timeout_ms": 1500, "on_failure": "block"}],
                "Stop": [{"callbacks": ["h2"], "timeout_ms": 2000}], "SessionEnd": []}"#,
        );
        validate(&hooks).unwrap();
        assert_eq!(
            to_wire(&hooks),
            json!({
                "PreToolUse": [{"matcher": "Bash", "hookCallbackIds": ["h1"], "timeout": 1.5, "onFailure": "block"}],
                "Stop": [{"hookCallbackIds": ["h2"], "timeout": 2}],
            })
        );
    }

    #[test]
    fn what_the_program_would_ignore_is_refused_by_field() {
        for (text, field) in [
            (r#"{"PreToolUsed": []}"#, "hooks.PreToolUsed"),
            (r#"{"Stop": [{"callbacks": []}]}"#, "hooks.Stop[0].callbacks"),
            (r#"{"Stop": [{"callbacks": ["a"], "timeout_ms": 0}]}"#, "hooks.Stop[0].timeout_ms"),
        ] {
            let error = validate(&hooks(text)).unwrap_err();
            assert_eq!((error.kind(), &error.context()["field"]), (ErrorKind::InvalidOptions, &json!(field)));
        }
    }
}
