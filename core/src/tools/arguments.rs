//! Arguments and structured results against their JSON Schema, so that a tool is only called with what it declared.

use jsonschema::Validator;
use serde_json::Value;

/// A schema ready for use, or what is wrong with it.
pub(super) fn compile(schema: &Value) -> Result<Validator, String> {
    jsonschema::validator_for(schema).map_err(|error| format!("no valid JSON Schema: {error}"))
}

/// Checks a value; the problem names the field. `whole` is how the value itself is called.
pub(super) fn check(schema: &Value, value: &Value, whole: &str) -> Result<(), String> {
    let validator = compile(schema)?;
    match validator.iter_errors(value).next() {
        None => Ok(()),
        Some(error) => {
            let place = error.instance_path().to_string().replace('/', ".");
            Err(format!("{whole}{place}: {}", error.masked()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_names_its_field() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "object", "properties": {"n": {"type": "number"}}}},
            "required": ["a"]});
        assert_eq!(check(&schema, &json!({"a": {"n": 1}}), "arguments"), Ok(()));
        let problem = check(&schema, &json!({"a": {"n": "one"}}), "arguments").unwrap_err();
        assert!(problem.starts_with("arguments.a.n: "), "{problem}");
        let problem = check(&schema, &json!({}), "arguments").unwrap_err();
        assert!(problem.contains("\"a\""), "{problem}");
    }

    #[test]
    fn a_schema_that_is_none_is_found_before_anything_runs() {
        assert!(compile(&json!({"type": "objekt"})).unwrap_err().contains("JSON Schema"));
    }
}
