//! The one place that takes secrets out of what is shown: arguments, logs, errors, debug output, the tail of stderr.
//!
//! Two ways of knowing a secret: it looks like one (a key's prefix, what follows `Bearer`, the value of something called
//! `..._TOKEN`), or it is one (the value of a variable of such a name, wherever it turns up). Texts that may hold a secret
//! pass through here when they are *made*, so that no later reader has to remember.

use std::{borrow::Cow, ffi::OsString};

use serde_json::Value;

/// What stands in the place of a secret.
const HIDDEN: &str = "...";

/// Beginnings of secrets: everything after them, up to the end of the word, is hidden. The prefixes are those that the
/// issuers document: Anthropic, GitHub, AWS, Google, Slack, and a JSON Web Token's first bytes.
const PREFIXES: [&str; 12] = [
    "sk-ant-",
    "sk-proj-",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "AKIA",
    "ASIA",
    "AIza",
    "xoxb-",
    "xoxp-",
    "eyJhbGciOi",
];

/// Words of an `Authorization` header before the secret.
const SCHEMES: [&str; 2] = ["bearer ", "basic "];

/// The shortest value that counts as a secret by its looks alone, and the shortest known value that is searched for:
/// below that, ordinary words would be hidden.
const SHORTEST: usize = 8;

/// Whether a variable, header or key of this name holds a secret by its name.
///
/// ```
/// use madrigal::redact::names_a_secret;
/// assert!(names_a_secret("ANTHROPIC_API_KEY") && names_a_secret("x-api-key") && names_a_secret("accessToken"));
/// assert!(!names_a_secret("max_tokens") && !names_a_secret("PATH") && !names_a_secret("key"));
/// ```
pub fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace('-', "_");
    let ends = [
        "TOKEN",
        "_KEY",
        "APIKEY",
        "ACCESSKEY",
        "PRIVATEKEY",
        "CREDENTIAL",
        "CREDENTIALS",
        "AUTHORIZATION",
        "COOKIE",
        "CUSTOM_HEADERS",
    ];
    let parts = ["SECRET", "PASSWORD", "PASSWD", "PASSPHRASE"];
    ends.iter().any(|end| name.ends_with(end)) || parts.iter().any(|part| name.contains(part))
}

/// The text with everything that looks like a secret hidden.
///
/// ```
/// let shown = madrigal::redact::redact("authorization: Bearer test-token-1234, and --api-key=test-key-5678 at https://me:pw@host/");
/// assert_eq!(shown, "authorization: ..., and --api-key=... at https://...@host/");
/// ```
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut shown = redact_once(text);
    // What stands in the place of a secret can make its surroundings look like one: `Bearer TOKEN==`. Such chains are short.
    for _ in 0..8 {
        let Cow::Owned(before) = &shown else { break };
        let again = redact_once(before).into_owned();
        if again == *before {
            break;
        }
        shown = Cow::Owned(again);
    }
    shown
}

fn redact_once(text: &str) -> Cow<'_, str> {
    let mut secrets = Vec::new();
    named(text, &mut secrets);
    for prefix in PREFIXES {
        for (at, _) in text.match_indices(prefix) {
            let end = token_end(text, at);
            if end - at >= SHORTEST.max(prefix.len() + 1) {
                secrets.push((at + if prefix == "sk-ant-" { prefix.len() } else { 0 }, end));
            }
        }
    }
    let lower = text.to_ascii_lowercase();
    for scheme in SCHEMES {
        for (at, _) in lower.match_indices(scheme) {
            let start = at + scheme.len();
            let end = token_end(text, start);
            if end - start >= SHORTEST {
                secrets.push((start, end));
            }
        }
    }
    for (at, _) in text.match_indices("://") {
        let rest = &text[at + 3..];
        let end = rest.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c)).unwrap_or(rest.len());
        if let Some(user) = rest[..end].rfind('@') {
            secrets.push((at + 3, at + 3 + user));
        }
    }
    hidden(text, secrets)
}

/// All texts inside a JSON value, redacted; and the values of keys that name a secret.
pub(crate) fn redact_json(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(redacted) = redact(text) {
                *text = redacted;
            }
        }
        Value::Array(all) => all.iter_mut().for_each(redact_json),
        Value::Object(all) => {
            for (name, value) in all {
                match value {
                    Value::String(text) if names_a_secret(name) && !text.is_empty() => {
                        *text = HIDDEN.to_owned();
                    }
                    value => redact_json(value),
                }
            }
        }
        _ => {}
    }
}

/// Values that are known to be secret.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// The values among these variables whose names say so.
    pub(crate) fn among<'a>(env: impl IntoIterator<Item = (&'a OsString, &'a OsString)>) -> Self {
        let named = env.into_iter().filter(|(name, _)| name.to_str().is_some_and(names_a_secret));
        Self(named.filter_map(|(_, value)| value.to_str().map(str::to_owned)).collect())
    }

    /// The text without these values, without those of this process's own environment, and without what looks like one.
    pub(crate) fn redact(&self, text: &str) -> String {
        let own = std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(names_a_secret));
        let own: Vec<String> = own.filter_map(|(_, value)| value.into_string().ok()).collect();
        let mut secrets = Vec::new();
        for value in self.0.iter().chain(&own).filter(|value| value.len() >= SHORTEST) {
            secrets.extend(text.match_indices(value.as_str()).map(|(at, found)| (at, at + found.len())));
        }
        redact(&hidden(text, secrets)).into_owned()
    }
}

/// Finds `name=value`, `name: value` and `"name": "value"` where the name says that the value is a secret.
fn named(text: &str, secrets: &mut Vec<(usize, usize)>) {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut at = 0;
    while let Some(start) = text[at..].find(word).map(|found| at + found) {
        let end = text[start..].find(|c| !word(c)).map_or(text.len(), |found| start + found);
        at = end;
        let rest = text[end..].trim_start_matches(['"', '\'', '\\', ' ']);
        let Some(value) = rest.strip_prefix(['=', ':']).filter(|_| names_a_secret(&text[start..end])) else {
            continue;
        };
        let colon = rest.starts_with(':');
        let value = value.trim_start_matches(' ');
        let quote = value.trim_start_matches('\\').chars().next().filter(|c| *c == '"' || *c == '\'');
        let value = value.trim_start_matches(['\\', '"', '\'']);
        let from = text.len() - value.len();
        let to = match quote {
            Some(quote) => value.find(quote).unwrap_or(value.len()),
            // A header goes on to its comma or the end of its line: `authorization: Bearer x`.
            None => {
                let scheme = SCHEMES.iter().find(|scheme| {
                    value.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme))
                });
                let skip = scheme.map_or(0, |scheme| scheme.len());
                let stop = |c: char| c.is_whitespace() || ",;&}])".contains(c);
                value[skip..].find(stop).map_or(value.len(), |found| skip + found)
            }
        };
        let shown = &value[..to];
        // `env.MY_TOKEN: expected a name` is a sentence.
        let sentence = colon && quote.is_none() && to < 16 && shown.chars().all(char::is_alphabetic);
        if !sentence && !shown.is_empty() && !matches!(shown, "null" | "true" | "false" | HIDDEN) {
            secrets.push((from, from + to));
            at = from + to;
        }
    }
}

/// Where the word that begins here ends.
fn token_end(text: &str, start: usize) -> usize {
    let token = |c: char| c.is_ascii_alphanumeric() || "_-.=/+~".contains(c);
    text[start..].find(|c| !token(c)).map_or(text.len(), |found| start + found)
}

/// The text with these ranges hidden; they may overlap.
fn hidden(text: &str, mut ranges: Vec<(usize, usize)>) -> Cow<'_, str> {
    if ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    ranges.sort_unstable();
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end) in ranges {
        if start >= done {
            shown.push_str(&text[done..start]);
            shown.push_str(HIDDEN);
        }
        done = done.max(end);
    }
    shown.push_str(&text[done..]);
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_hidden() {
        for (text, shown) in [
            ("key sk-ant-test-constant-1 is bad", "key sk-ant-... is bad"),
            ("Bearer test-constant-1", "Bearer ..."),
            ("ANTHROPIC_API_KEY=test-constant x", "ANTHROPIC_API_KEY=... x"),
            (r#"{"apiKey": "test constant", "n": 1}"#, r#"{"apiKey": "...", "n": 1}"#),
            (r#"{\"token\": \"test constant\"}"#, r#"{\"token\": \"..."}"#),
            ("x-api-key: test-constant", "x-api-key: ..."),
            ("Authorization: Basic dGVzdA==, Accept: x", "Authorization: ..., Accept: x"),
            ("http://user:test@proxy.test:80/x", "http://...@proxy.test:80/x"),
            ("password='it is, this'", "password='...'"),
            ("é TOKEN=é", "é TOKEN=..."),
            ("ghp_testconstant0", "..."),
        ] {
            assert_eq!(redact(text), shown, "{text}");
        }
    }

    #[test]
    fn what_does_not_is_left_alone() {
        for text in [
            "max_tokens: 4096, input_tokens=7",
            "the key: value",
            "token: null",
            "env.MY_TOKEN: expected a name",
            "Bearer of news",
            "https://host.test/a@b",
            "mail me@host.test",
            "sk-ant-",
            "",
        ] {
            assert!(matches!(redact(text), Cow::Borrowed(_)), "{text}: {}", redact(text));
        }
    }

    #[test]
    fn known_values_are_hidden_wherever_they_turn_up() {
        let env: Vec<(OsString, OsString)> = vec![
            ("MY_SECRET".into(), "test-known-value".into()),
            ("SHORT_TOKEN".into(), "abc".into()),
            ("PATH".into(), "/usr/bin".into()),
        ];
        let secrets = Secrets::among(env.iter().map(|(name, value)| (name, value)));
        assert_eq!(secrets.redact("at test-known-value, abc, /usr/bin"), "at ..., abc, /usr/bin");
    }

    #[test]
    fn texts_inside_json_are_redacted_too() {
        let mut value =
            json!({"a": ["Bearer test-constant-1"], "b": {"API_TOKEN": "x", "n": 1}, "c": "fine"});
        redact_json(&mut value);
        assert_eq!(value, json!({"a": ["Bearer ..."], "b": {"API_TOKEN": "...", "n": 1}, "c": "fine"}));
    }

    proptest! {
        #[test]
        fn a_secret_between_any_two_texts_is_hidden(before in "\\PC{0,20}", after in "\\PC{0,20}") {
            let secret = "sk-ant-test-constant-1";
            let text = format!("{before} {secret} {after}");
            let shown = redact(&text);
            prop_assert!(!shown.contains("test-constant-1"), "{}", shown);
        }

        #[test]
        fn redacting_twice_changes_nothing(text in "(TOKEN|Bearer |=|: |\"|sk-ant-|[a-z]{1,9}|é|://|@| ){0,12}") {
            let once = redact(&text).into_owned();
            prop_assert_eq!(redact(&once), once.as_str());
        }
    }
}
