//! What must not be in a cassette: secrets by their value, as the environment has them, and by the name they stand under.

use serde_json::Value;

/// What stands in place of a secret.
const SCRUBBED: &str = "<scrubbed>";

/// Parts of names whose values are secret. Counts of tokens are numbers and stay.
const SECRET: [&str; 8] =
    ["apikey", "authorization", "password", "secret", "accesstoken", "authtoken", "cookie", "oauthtoken"];
/// Names whose values say who somebody is.
const PERSONAL: [&str; 3] = ["email", "organization", "organizationname"];
/// Names whose values are maps of which each value can be a secret.
const MAPS: [&str; 2] = ["env", "headers"];
/// How the keys of the model's API begin.
const KEY: &str = "sk-ant-";
/// Shorter values would hit ordinary words.
const SHORTEST: usize = 8;

/// Takes secrets out of frames.
pub(super) struct Scrub {
    values: Vec<String>,
}

impl Scrub {
    /// Knows the values of the variables whose names say that they are secret.
    pub(super) fn from_env() -> Self {
        Self::new(
            std::env::vars_os().map(|(name, value)| {
                (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
            }),
        )
    }

    fn new(environment: impl Iterator<Item = (String, String)>) -> Self {
        let secret = |name: &str| {
            let name = name.to_ascii_uppercase();
            ["KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL"].iter().any(|part| name.contains(part))
        };
        let mut values: Vec<String> = environment
            .filter(|(name, value)| secret(name) && value.len() >= SHORTEST)
            .map(|(_, value)| value)
            .collect();
        // The longest first: one can be the beginning of another.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self { values }
    }

    /// Takes them out of everything in a frame.
    pub(super) fn clean(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.clean_text(text),
            Value::Array(list) => list.iter_mut().for_each(|value| self.clean(value)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    let name: String = name
                        .chars()
                        .filter(char::is_ascii_alphanumeric)
                        .collect::<String>()
                        .to_ascii_lowercase();
                    let hidden = SECRET.iter().any(|part| name.contains(part)) && name != "apikeysource";
                    match value {
                        Value::String(text) if hidden || PERSONAL.contains(&name.as_str()) => {
                            SCRUBBED.clone_into(text);
                        }
                        Value::Object(map) if MAPS.contains(&name.as_str()) => map
                            .values_mut()
                            .filter(|value| value.is_string())
                            .for_each(|value| *value = SCRUBBED.into()),
                        value => self.clean(value),
                    }
                }
            }
            _ => {}
        }
    }

    fn clean_text(&self, text: &mut String) {
        for value in &self.values {
            if text.contains(value.as_str()) {
                *text = text.replace(value.as_str(), SCRUBBED);
            }
        }
        while let Some(at) = text.find(KEY) {
            let end = text[at..]
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
                .map_or(text.len(), |length| at + length);
            text.replace_range(at..end, SCRUBBED);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_go_by_value_by_name_and_by_their_form() {
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let scrub = Scrub::new(
            [
                variable("TEST_TOKEN", "not-a-real-token"),
                variable("TEST_TOKEN_2", "not-a-real-token-2"),
                variable("TEST_KEY", "short"),
                variable("HOME", "/home/somebody"),
            ]
            .into_iter(),
        );
        let mut frame = json!({
            "text": "it is not-a-real-token-2, or not-a-real-token; short stays", "key": "a sk-ant-test-1 b",
            "config": {"headers": {"Authorization": "Bearer x"}, "env": {"A": "b", "N": 1}, "apiKey": "y"},
            "apiKeySource": "ANTHROPIC_API_KEY", "input_tokens": 7, "email": "a@example.org",
        });
        scrub.clean(&mut frame);
        assert_eq!(
            frame,
            json!({
                "text": "it is <scrubbed>, or <scrubbed>; short stays", "key": "a <scrubbed> b",
                "config": {"headers": {"Authorization": SCRUBBED}, "env": {"A": SCRUBBED, "N": 1}, "apiKey": SCRUBBED},
                "apiKeySource": "ANTHROPIC_API_KEY", "input_tokens": 7, "email": SCRUBBED,
            })
        );
    }
}
