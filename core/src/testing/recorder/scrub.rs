//! What must not be in a cassette: secrets, as errors and logs must not hold them, and who somebody is.

use serde_json::Value;

use crate::redact::{Hide, Known};

/// What stands in place of a secret.
const SCRUBBED: &str = "<scrubbed>";

/// Names whose values say who somebody is.
const PERSONAL: [&str; 3] = ["email", "organization", "organizationname"];
/// Names whose values are maps of which each value can be a secret.
const MAPS: [&str; 2] = ["env", "headers"];
/// Requests of the host that bring secrets along: those of servers and settings.
const BRINGING: [&str; 3] = ["initialize", "mcp_set_servers", "apply_flag_settings"];

/// Takes secrets out of frames.
pub(super) struct Scrub {
    /// Those of the environment, and those that frames brought.
    secrets: Vec<Known>,
}

impl Scrub {
    /// Knows the secrets of the environment.
    pub(super) fn from_env() -> Self {
        Self { secrets: vec![Known::among::<String>(&std::collections::BTreeMap::new())] }
    }

    /// Takes them out of everything in a frame.
    pub(super) fn clean(&mut self, frame: &mut Value) {
        if frame["request"]["subtype"].as_str().is_some_and(|subtype| BRINGING.contains(&subtype)) {
            self.secrets.push(Known::of_json(&frame["request"]));
        }
        Hide { mark: SCRUBBED, values: None }.inside(frame);
        personal(frame);
    }
}

/// Takes out what is no secret in itself: who somebody is, and whatever variables and headers hold.
fn personal(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(personal),
        Value::Object(fields) => {
            for (name, value) in fields {
                let name: String =
                    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
                match value {
                    Value::String(text) if PERSONAL.contains(&name.as_str()) => SCRUBBED.clone_into(text),
                    Value::Object(map) if MAPS.contains(&name.as_str()) => map
                        .values_mut()
                        .filter(|value| value.is_string())
                        .for_each(|value| *value = SCRUBBED.into()),
                    value => personal(value),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_go_by_value_by_name_and_by_their_form() {
        let env = [
            ("TEST_TOKEN", "not-a-real-token"),
            ("TEST_TOKEN_2", "not-a-real-token-2"),
            ("TEST_KEY", "short"),
            ("HOME", "/home/somebody"),
        ];
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut scrub = Scrub { secrets: vec![Known::among(&env)] };
        let mut frame = json!({
            "text": "it is not-a-real-token-2, or not-a-real-token; short stays", "key": "a sk-ant-test-1 b",
            "config": {"headers": {"Authorization": "Bearer x"}, "env": {"A": "b", "N": 1}, "apiKey": "y"},
            "apiKeySource": "ANTHROPIC_API_KEY", "input_tokens": 7, "email": "a@example.org",
        });
        scrub.clean(&mut frame);
        assert_eq!(
            frame,
            json!({
                "text": "it is <scrubbed>, or <scrubbed>; short stays", "key": "a sk-ant-<scrubbed> b",
                "config": {"headers": {"Authorization": SCRUBBED}, "env": {"A": SCRUBBED, "N": 1}, "apiKey": SCRUBBED},
                "apiKeySource": "ANTHROPIC_API_KEY", "input_tokens": 7, "email": SCRUBBED,
            })
        );
    }

    #[test]
    fn what_a_request_brings_is_known_from_then_on() {
        let mut scrub = Scrub { secrets: Vec::new() };
        let mut text = json!({"text": "about test-canary-brought"});
        scrub.clean(&mut text);
        assert_eq!(text["text"], "about test-canary-brought");
        let servers = json!({"s": {"type": "http", "url": "http://127.0.0.1/", "headers": {"X-Gateway": "test-canary-brought"}}});
        scrub.clean(&mut json!({"type": "control_request", "request": {"subtype": "mcp_set_servers", "servers": servers}}));
        scrub.clean(&mut text);
        assert_eq!(text["text"], "about <scrubbed>");
    }
}
