//! Secrets inside JSON values: hiding them, and finding out which there are.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Hide, known, looks, names::names_a_secret};

/// What a longer text holds is not looked at: commands and URLs are shorter, prompts and files are no place for a secret.
const LONGEST: usize = 4096;

/// All texts inside a JSON value, redacted; and the values of keys that name a secret.
pub(crate) fn redact_json(value: &mut Value) {
    Hide::default().inside(value);
}

/// Hides in a JSON value what it says is secret: values by the names they stand under, what looks like a secret, and both also
/// where they stand otherwise in it. What is hidden depends on the value alone, not on the runs that are going on.
///
/// ```
/// let mut options = serde_json::json!({"env": {"API_KEY": "test-key-1234"}, "title": "with test-key-1234", "model": "m"});
/// madrigal::redact::redact_own(&mut options);
/// assert_eq!(options, serde_json::json!({"env": {"API_KEY": "..."}, "title": "with ...", "model": "m"}));
/// ```
pub fn redact_own(value: &mut Value) {
    let mut secrets = Vec::new();
    secrets_of(value, &mut secrets);
    Hide { values: Some(&secrets), ..Hide::default() }.inside(value);
}

impl Hide<'_> {
    /// Hides in all texts inside a value, and the values of keys that name a secret.
    pub(crate) fn inside(self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(redacted) = self.within(text) {
                    *text = redacted;
                }
            }
            Value::Array(all) => all.iter_mut().for_each(|value| self.inside(value)),
            Value::Object(all) => {
                for (name, value) in all {
                    match value {
                        Value::String(text) if names_a_secret(name) && !text.is_empty() => {
                            self.mark.clone_into(text);
                        }
                        value => self.inside(value),
                    }
                }
            }
            _ => {}
        }
    }
}

/// Collects the secrets in a value: by the names they stand under, by their looks, in headers and in arguments.
pub(super) fn secrets_of(value: &Value, secrets: &mut Vec<String>) {
    match value {
        Value::String(text) => secrets_of_text(text, secrets),
        Value::Object(map) => secrets_of_map(map, secrets),
        Value::Array(all) => {
            let mut flag = false;
            for value in all {
                match value {
                    // `["--api-key", "..."]`
                    Value::String(text) if flag => known::variable("API_KEY", text, secrets),
                    value => secrets_of(value, secrets),
                }
                flag = value.as_str().is_some_and(|text| {
                    text.strip_prefix('-').is_some_and(|flag| !flag.contains('=') && names_a_secret(flag))
                });
            }
        }
        _ => {}
    }
}

/// Collects the secrets in a map.
pub(super) fn secrets_of_map(map: &Map<String, Value>, secrets: &mut Vec<String>) {
    for (name, value) in map {
        match value {
            Value::String(text) => {
                known::variable(name, text, secrets);
                secrets_of_text(text, secrets);
            }
            Value::Object(headers) if name == "headers" => {
                for (name, value) in headers {
                    known::header(name, value.as_str().unwrap_or_default(), secrets);
                }
            }
            value => secrets_of(value, secrets),
        }
    }
}

/// Collects what looks like a secret in a command or a URL.
fn secrets_of_text(text: &str, secrets: &mut Vec<String>) {
    if text.len() > LONGEST {
        return;
    }
    let found: Vec<&str> =
        looks(text, super::HIDDEN).into_iter().map(|(start, end)| &text[start..end]).collect();
    secrets.extend(found.into_iter().map(str::to_owned));
    known::variable("", text, secrets);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_inside_json_are_redacted_too() {
        let mut value =
            json!({"a": ["Bearer test-constant-1"], "b": {"API_TOKEN": "x", "n": 1}, "c": "fine"});
        redact_json(&mut value);
        assert_eq!(value, json!({"a": ["Bearer ..."], "b": {"API_TOKEN": "...", "n": 1}, "c": "fine"}));
    }
}
