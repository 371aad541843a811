//! Matching of frames against patterns: the same few rules in every runner and in the simulator, so that a scenario
//! means one thing everywhere. `tests/conformance/vectors/match.json` holds the cases.

use serde_json::{Map, Value};

/// Whether `value` matches `pattern`.
///
/// An object matches when each of its keys matches in the value (other keys are free); an array when it has the same
/// length and each element matches; `"$any"` matches anything that is there; `{"$contains": "text"}` matches a string
/// that contains it, and `{"$contains": [P, ...]}` an array in which something matches each of these patterns;
/// `{"$absent": true}` matches a key that is not there; everything else matches when equal, numbers by
/// value.
///
/// ```
/// use madrigal::testing::matches;
/// use serde_json::json;
/// assert!(matches(&json!({"type": "result"}), &json!({"type": "result", "is_error": false})));
/// assert!(!matches(&json!({"error": {"$absent": true}}), &json!({"error": "rate_limit"})));
/// ```
pub fn matches(pattern: &Value, value: &Value) -> bool {
    match (pattern, value) {
        (Value::String(text), _) if text == "$any" => true,
        (Value::Object(pattern), _) if special(pattern, "$contains").is_some() => {
            match (special(pattern, "$contains"), value) {
                (Some(Value::String(wanted)), Value::String(text)) => text.contains(wanted),
                (Some(Value::Array(wanted)), Value::Array(values)) => {
                    wanted.iter().all(|pattern| values.iter().any(|value| matches(pattern, value)))
                }
                _ => false,
            }
        }
        // Something is here, so it is not absent; keys that are not there are seen where the object is matched.
        (Value::Object(pattern), _) if special(pattern, "$absent").is_some() => false,
        (Value::Object(pattern), Value::Object(value)) => {
            pattern.iter().all(|(key, pattern)| match value.get(key) {
                Some(value) => matches(pattern, value),
                None => is_absent(pattern),
            })
        }
        (Value::Array(pattern), Value::Array(value)) => {
            pattern.len() == value.len()
                && pattern.iter().zip(value).all(|(pattern, value)| matches(pattern, value))
        }
        (Value::Number(pattern), Value::Number(value)) => {
            pattern == value || pattern.as_f64().is_some() && pattern.as_f64() == value.as_f64()
        }
        _ => pattern == value,
    }
}

/// The operand of an operator: the only key of an object.
fn special<'a>(pattern: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if pattern.len() == 1 { pattern.get(name) } else { None }
}

fn is_absent(pattern: &Value) -> bool {
    pattern.as_object().and_then(|pattern| special(pattern, "$absent")) == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shared_cases_hold() {
        let text = include_str!("../../../tests/conformance/vectors/match.json");
        let vectors: Value = serde_json::from_str(text).unwrap();
        let cases = vectors["cases"].as_array().unwrap();
        assert!(cases.len() > 20, "{} cases", cases.len());
        for case in cases {
            let found = matches(&case["pattern"], &case["value"]);
            assert_eq!(Value::Bool(found), case["matches"], "{case}");
        }
    }
}
