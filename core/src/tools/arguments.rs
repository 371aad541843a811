//! Arguments and structured results against their JSON Schema, so that a tool is only called with what it declared.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use jsonschema::Validator;
use serde_json::Value;

/// A schema that was compiled, kept beside the tool it belongs to: compiling costs many times what a check does. It belongs to
/// the schema it was made of; another one is compiled anew.
#[derive(Clone, Default)]
pub(super) struct Compiled(Arc<Mutex<Option<Pair>>>);

/// A schema and what was made of it.
type Pair = (Value, Arc<Validator>);

impl Compiled {
    fn of(&self, schema: &Value) -> Result<Arc<Validator>, String> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, validator)) = &*kept
            && of == schema
        {
            return Ok(Arc::clone(validator));
        }
        let validator = Arc::new(compile(schema)?);
        *kept = Some((schema.clone(), Arc::clone(&validator)));
        Ok(validator)
    }

    /// Checks a value; the problem names the field. `whole` is how the value itself is called.
    pub(super) fn check(&self, schema: &Value, value: &Value, whole: &str) -> Result<(), String> {
        let validator = self.of(schema)?;
        match validator.iter_errors(value).next() {
            None => Ok(()),
            Some(error) => {
                let place = error.instance_path().to_string().replace('/', ".");
                Err(format!("{whole}{place}: {}", error.masked()))
            }
        }
    }
}

impl PartialEq for Compiled {
    /// It follows from the schema, which is compared.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compiled")
    }
}

/// A schema ready for use, or what is wrong with it.
pub(super) fn compile(schema: &Value) -> Result<Validator, String> {
    jsonschema::validator_for(schema).map_err(|error| format!("no valid JSON Schema: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: &Value, value: &Value, whole: &str) -> Result<(), String> {
        Compiled::default().check(schema, value, whole)
    }

    #[test]
    fn a_schema_is_compiled_once_and_again_when_it_changed() {
        let compiled = Compiled::default();
        let (number, text) = (json!({"type": "number"}), json!({"type": "string"}));
        let first = compiled.of(&number).unwrap();
        assert!(Arc::ptr_eq(&first, &compiled.clone().of(&number).unwrap()), "also for a copy of the tool");
        assert_eq!(compiled.check(&number, &json!(1), "a"), Ok(()));
        assert!(compiled.check(&text, &json!(1), "a").is_err());
        assert!(!Arc::ptr_eq(&first, &compiled.of(&text).unwrap()));
    }

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
