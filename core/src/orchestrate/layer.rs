//! The options of a task over those of its orchestrator: what a task says holds, what it does not say is as everywhere.

use serde_json::Value;

use crate::{Error, ErrorKind, Options, Result};

/// The options of a task. A field that differs from its default is what the task says; of maps (`env`, `timeouts`) each entry for
/// itself.
pub(super) fn over(base: &Options, own: &Options) -> Result<Options> {
    let mut laid = value(base)?;
    lay(&mut laid, value(own)?, &value(&Options::default())?);
    serde_json::from_value(laid).map_err(defect)
}

fn value(options: &Options) -> Result<Value> {
    serde_json::to_value(options).map_err(defect)
}

fn defect(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, "options that were read could not be written: please report it")
        .operation("orchestrate")
        .caused_by(&error)
}

fn lay(base: &mut Value, own: Value, default: &Value) {
    match (base, own, default) {
        (Value::Object(base), Value::Object(own), Value::Object(default)) => {
            for (name, value) in own {
                let default = default.get(&name).unwrap_or(&Value::Null);
                lay(base.entry(name).or_insert(Value::Null), value, default);
            }
        }
        (base, own, default) => {
            if own != *default {
                *base = own;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_task_says_holds_and_the_rest_is_as_everywhere() {
        let read = |text: &str| Options::from_json(text).unwrap();
        let base = read(
            r#"{"model": "sonnet", "cli_path": "/c", "env": {"A": "1", "B": "2"}, "timeouts": {"idle_ms": 5, "turn_ms": 6}, "allowed_tools": ["Read"]}"#,
        );
        let own = read(r#"{"model": "opus", "env": {"B": "3"}, "timeouts": {"turn_ms": 7}, "max_turns": 2}"#);
        let expected = read(
            r#"{"model": "opus", "cli_path": "/c", "env": {"A": "1", "B": "3"}, "timeouts": {"idle_ms": 5, "turn_ms": 7}, "allowed_tools": ["Read"], "max_turns": 2}"#,
        );
        assert!(over(&base, &own).unwrap() == expected);
        assert!(over(&base, &Options::default()).unwrap() == base);
    }
}
