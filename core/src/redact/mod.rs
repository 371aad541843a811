//! The one place that takes secrets out of what is shown: arguments, logs, errors, debug output, the tail of stderr, recordings.
//!
//! Two ways of knowing a secret: it looks like one (a key's prefix, what follows `Bearer`, the value of something called
//! `..._TOKEN`), or it is one: the credential of a run and the secrets in its options are known by their value for as long as
//! somebody can hear of the run, and are hidden wherever they turn up. Texts that may hold a secret pass through here when they
//! are *made*, so that no later reader has to remember.

mod json;
mod known;
mod names;

use std::borrow::Cow;

pub(crate) use json::redact_json;
pub use json::redact_own;
pub(crate) use known::{Known, hold};
pub use names::names_a_secret;

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

/// The shortest value, in bytes, that counts as a secret by its looks alone, and the shortest known value that is searched for:
/// below that, ordinary words would be hidden.
pub const SHORTEST: usize = 8;

/// The text with everything hidden that looks like a secret or is known to be one: the credential of a run that is going on, and the
/// secrets in its options.
///
/// ```
/// let shown = madrigal::redact::redact("authorization: Bearer test-token-1234, and --api-key=test-key-5678 at https://me:pw@host/");
/// assert_eq!(shown, "authorization: ..., and --api-key=... at https://...@host/");
/// ```
pub fn redact(text: &str) -> Cow<'_, str> {
    Hide::default().within(text)
}

/// How secrets are hidden.
#[derive(Clone, Copy)]
pub(crate) struct Hide<'a> {
    /// What stands in their place.
    pub(crate) mark: &'a str,
    /// The values that are searched for; `None`: those that are held.
    pub(crate) values: Option<&'a [String]>,
}

impl Default for Hide<'_> {
    fn default() -> Self {
        Self { mark: HIDDEN, values: None }
    }
}

impl Hide<'_> {
    /// The text without secrets.
    fn within<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut shown = hidden(text, self.secrets(text), self.mark);
        // What stands in the place of a secret can make its surroundings look like one: `Bearer TOKEN==`. Such chains are short.
        for _ in 0..8 {
            let Cow::Owned(before) = &shown else { break };
            let again = hidden(before, self.secrets(before), self.mark).into_owned();
            if again == *before {
                break;
            }
            shown = Cow::Owned(again);
        }
        shown
    }

    /// Where secrets stand in a text.
    fn secrets(&self, text: &str) -> Vec<(usize, usize)> {
        let mut secrets = looks(text, self.mark);
        match self.values {
            None => known::find(text, &mut secrets),
            Some(values) => {
                for value in values.iter().filter(|value| value.len() >= SHORTEST) {
                    secrets
                        .extend(text.match_indices(value.as_str()).map(|(at, found)| (at, at + found.len())));
                }
            }
        }
        secrets
    }
}

/// What looks like a secret in a text.
fn looks(text: &str, mark: &str) -> Vec<(usize, usize)> {
    let mut secrets = Vec::new();
    named(text, mark, &mut secrets);
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
    // A text that stands where something else is expected is shown by who reads JSON: it can be a secret in the wrong place.
    for start in ["invalid type: string \"", "invalid value: string \""] {
        for (at, _) in text.match_indices(start) {
            let from = at + start.len();
            if let Some(length) = text[from..].find("\", expected ").filter(|length| *length >= SHORTEST) {
                secrets.push((from, from + length));
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
    secrets
}

/// Finds `name=value`, `name: value` and `"name": "value"` where the name says that the value is a secret.
fn named(text: &str, mark: &str, secrets: &mut Vec<(usize, usize)>) {
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
        if !sentence && !shown.is_empty() && !matches!(shown, "null" | "true" | "false") && shown != mark {
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
fn hidden<'a>(text: &'a str, mut ranges: Vec<(usize, usize)>, mark: &str) -> Cow<'a, str> {
    if ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    ranges.sort_unstable();
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    for (start, end) in ranges {
        if start >= done {
            shown.push_str(&text[done..start]);
            shown.push_str(mark);
        }
        done = done.max(end);
    }
    shown.push_str(&text[done..]);
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            (
                "invalid type: string \"test constant\", expected a map",
                "invalid type: string \"...\", expected a map",
            ),
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
            "invalid type: string \"much\", expected f64",
            "sk-ant-",
            "",
        ] {
            assert!(matches!(redact(text), Cow::Borrowed(_)), "{text}: {}", redact(text));
        }
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
