//! What a hook may answer: the shape the program takes, checked so that nothing is ignored silently.

use serde_json::Value;

/// Fields of an answer, with the type each must have.
const FIELDS: &[(&str, &str)] = &[
    ("continue", "true or false"),
    ("suppressOutput", "true or false"),
    ("stopReason", "a string"),
    ("systemMessage", "a string"),
    ("reason", "a string"),
    ("terminalSequence", "a string"),
    ("async", "true or false"),
    ("asyncTimeout", "a number"),
    ("hookSpecificOutput", "an object"),
];

/// Checks the answer of a hook; the problem names the field. Fields that are not known pass: a newer program may take them.
pub(crate) fn check_output(answer: &Value) -> Result<(), String> {
    let fields = answer.as_object().ok_or("expected an object, `{}` to go on")?;
    for (name, expected) in FIELDS {
        let fits = |value: &Value| match *expected {
            "true or false" => value.is_boolean(),
            "a string" => value.is_string(),
            "a number" => value.is_number(),
            _ => value.is_object(),
        };
        if fields.get(*name).is_some_and(|value| !fits(value)) {
            return Err(format!("{name}: expected {expected}"));
        }
    }
    match fields.get("decision").map(Value::as_str) {
        None | Some(Some("approve" | "block")) => {}
        Some(_) => return Err("decision: expected \"approve\" or \"block\"".to_owned()),
    }
    let Some(specific) = fields.get("hookSpecificOutput") else { return Ok(()) };
    if !specific["hookEventName"].is_string() {
        return Err("hookSpecificOutput.hookEventName: expected the name of the event".to_owned());
    }
    match specific.get("permissionDecision").map(Value::as_str) {
        None | Some(Some("allow" | "deny" | "ask" | "defer")) => Ok(()),
        Some(_) => {
            Err("hookSpecificOutput.permissionDecision: expected allow, deny, ask or defer".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_the_program_takes_passes() {
        for answer in [
            json!({}),
            json!({"async": true, "asyncTimeout": 5000}),
            json!({"continue": false, "stopReason": "enough"}),
            json!({"decision": "block", "reason": "no"}),
            json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "defer"}}),
            json!({"somethingNew": 1}),
        ] {
            assert_eq!(check_output(&answer), Ok(()), "{answer}");
        }
    }

    #[test]
    fn what_the_program_would_ignore_is_found_by_field() {
        for (answer, field) in [
            (json!(null), "object"),
            (json!({"continue": "no"}), "continue"),
            (json!({"decision": "deny"}), "decision"),
            (json!({"hookSpecificOutput": {"permissionDecision": "deny"}}), "hookEventName"),
            (
                json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "no"}}),
                "permissionDecision",
            ),
        ] {
            let problem = check_output(&answer).unwrap_err();
            assert!(problem.contains(field), "{problem}");
        }
    }
}
