//! Answers are checked before they are written: the program would take a wrong one for a refusal, with a reason that the
//! user never sees, or ignore the part it does not understand.

use serde_json::Value;

use super::AskKind;
use crate::{Error, ErrorKind, Result, hook, tools::ToolSpec};

/// Checks the answer to a question. `tool` is the one that was called, of a tool call.
pub(crate) fn check_answer(kind: AskKind, answer: &Value, tool: Option<&ToolSpec>) -> Result<()> {
    let checked = match kind {
        AskKind::CanUseTool => permission(answer).map_err(str::to_owned),
        AskKind::HookCallback => hook::check_output(answer),
        AskKind::ToolCall => crate::tools::check_result(tool, answer),
        AskKind::Elicitation => elicitation(answer).map_err(str::to_owned),
        AskKind::UserDialog => dialog(answer).map_err(str::to_owned),
    };
    checked.map_err(|problem| {
        Error::new(ErrorKind::InvalidArgument, format!("answer to {}: {problem}", kind.name()))
            .operation("answer")
            .with("ask_kind", kind.name())
    })
}

fn permission(answer: &Value) -> Result<(), &'static str> {
    match answer.get("behavior").and_then(Value::as_str) {
        Some("allow") => {
            if !matches!(answer.get("updatedInput"), None | Some(Value::Null | Value::Object(_))) {
                return Err("updatedInput: expected an object");
            }
            match answer.get("updatedPermissions") {
                None | Some(Value::Null) => Ok(()),
                Some(Value::Array(updates)) if updates.iter().all(|update| update["type"].is_string()) => {
                    Ok(())
                }
                Some(_) => {
                    Err("updatedPermissions: expected a list of permission updates, each with a `type`")
                }
            }
        }
        Some("deny") => match answer.get("message") {
            Some(Value::String(_)) => Ok(()),
            _ => Err("message: expected the reason of the denial as a string"),
        },
        _ => Err("behavior: expected \"allow\" or \"deny\""),
    }
}

fn elicitation(answer: &Value) -> Result<(), &'static str> {
    if !matches!(answer.get("action").and_then(Value::as_str), Some("accept" | "decline" | "cancel")) {
        return Err("action: expected \"accept\", \"decline\" or \"cancel\"");
    }
    match answer.get("content") {
        None | Some(Value::Null | Value::Object(_)) => Ok(()),
        Some(_) => Err("content: expected an object"),
    }
}

fn dialog(answer: &Value) -> Result<(), &'static str> {
    match answer.get("behavior").and_then(Value::as_str) {
        Some("completed") if answer.get("result").is_none() => Err("result: expected what the user chose"),
        Some("completed" | "cancelled") => Ok(()),
        _ => Err("behavior: expected \"completed\" or \"cancelled\""),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_answer_is_found_by_field() {
        for (kind, answer, field) in [
            (AskKind::CanUseTool, json!({"behavior": "maybe"}), "behavior"),
            (AskKind::CanUseTool, json!({"behavior": "deny"}), "message"),
            (AskKind::CanUseTool, json!({"behavior": "allow", "updatedInput": 1}), "updatedInput"),
            (
                AskKind::CanUseTool,
                json!({"behavior": "allow", "updatedPermissions": [1]}),
                "updatedPermissions",
            ),
            (AskKind::CanUseTool, json!(null), "behavior"),
            (AskKind::HookCallback, json!("ok"), "object"),
            (AskKind::ToolCall, json!({}), "content"),
            (AskKind::Elicitation, json!({"action": "yes"}), "action"),
            (AskKind::Elicitation, json!({"action": "accept", "content": "Bob"}), "content"),
            (AskKind::UserDialog, json!({"behavior": "completed"}), "result"),
            (AskKind::UserDialog, json!({}), "behavior"),
        ] {
            let error = check_answer(kind, &answer, None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().contains(field), "{error}");
        }
        for (kind, answer) in [
            (AskKind::CanUseTool, json!({"behavior": "allow", "updatedInput": null})),
            (AskKind::HookCallback, json!({})),
            (AskKind::Elicitation, json!({"action": "accept", "content": {"name": "Bob"}})),
            (AskKind::UserDialog, json!({"behavior": "completed", "result": null})),
        ] {
            check_answer(kind, &answer, None).unwrap();
        }
    }
}
