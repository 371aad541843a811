//! Secrets that are known by their value, for as long as somebody holds them.
//!
//! One list for the process, not one for each session: an error of a session is made in many places (the pool, a callback, the boundary),
//! and the value of another session's key has no business in it either. A text is compared with the list when it becomes an error, a
//! log line or a recording, never when a message is read.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    sync::{Arc, PoisonError, RwLock, Weak},
};

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{SHORTEST, json, names};
use crate::{Options, options::McpServers};

type Text = Arc<Zeroizing<String>>;

static KNOWN: RwLock<Vec<Weak<Zeroizing<String>>>> = RwLock::new(Vec::new());

/// The text as one that is known to be secret until the last holder drops it; then its memory is overwritten.
pub(crate) fn hold(text: String) -> Text {
    let text = Zeroizing::new(text);
    if text.len() < SHORTEST {
        return Arc::new(text);
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.retain(|held| held.strong_count() > 0);
    if let Some(held) = known.iter().filter_map(Weak::upgrade).find(|held| **held == text) {
        return held;
    }
    let text = Arc::new(text);
    known.push(Arc::downgrade(&text));
    text
}

/// Where known secrets stand in a text.
pub(super) fn find(text: &str, found: &mut Vec<(usize, usize)>) {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    for secret in known.iter().filter_map(Weak::upgrade) {
        found.extend(text.match_indices(secret.as_str()).map(|(at, found)| (at, at + found.len())));
    }
}

/// Keeps secrets known.
#[derive(Clone, Default)]
pub(crate) struct Known(#[allow(dead_code, reason = "it is held, not read")] Vec<Text>);

impl Known {
    fn new(values: Vec<String>) -> Self {
        let long = values.into_iter().filter(|value| value.len() >= SHORTEST);
        Self(long.map(hold).collect())
    }

    /// Those among the variables that a program gets: these, and the ones of this process.
    pub(crate) fn among<T: AsRef<OsStr>>(env: &BTreeMap<T, T>) -> Self {
        Self::new(variables(env))
    }

    /// Those in the options of a run, and in the variables that it inherits.
    pub(crate) fn of(options: &Options) -> Self {
        let mut values = variables(&options.env);
        for (name, value) in &options.extra_args {
            variable(name, value.as_deref().unwrap_or_default(), &mut values);
        }
        let map = |map: &Map<String, Value>, values: &mut Vec<String>| json::secrets_of_map(map, values);
        if let Some(McpServers::Map(servers)) = &options.mcp_servers {
            servers.values().for_each(|server| map(server, &mut values));
        }
        // A prompt is no place for a secret, and can be long: only what starts something is looked at.
        for agent in options.agents.values() {
            for part in ["mcpServers", "hooks"].iter().filter_map(|part| agent.get(*part)) {
                json::secrets_of(part, &mut values);
            }
        }
        let settings = options.settings.as_ref().and_then(|settings| settings.inline().ok().flatten());
        for settings in [settings.as_ref(), options.managed_settings.as_ref(), options.sandbox.as_ref()] {
            settings.into_iter().for_each(|settings| map(settings, &mut values));
        }
        Self::new(values)
    }

    /// Those in a JSON value: of servers or settings that come later.
    pub(crate) fn of_json(value: &Value) -> Self {
        let mut values = Vec::new();
        json::secrets_of(value, &mut values);
        Self::new(values)
    }
}

/// The secrets in the variables that a program gets.
fn variables<T: AsRef<OsStr>>(env: &BTreeMap<T, T>) -> Vec<String> {
    let mut secrets = Vec::new();
    for (name, value) in std::env::vars_os() {
        variable(&name.to_string_lossy(), &value.to_string_lossy(), &mut secrets);
    }
    for (name, value) in env {
        variable(&name.as_ref().to_string_lossy(), &value.as_ref().to_string_lossy(), &mut secrets);
    }
    secrets
}

/// The secrets in the value of a variable, flag or field of this name.
pub(super) fn variable(name: &str, value: &str, secrets: &mut Vec<String>) {
    let upper = name.to_ascii_uppercase();
    if upper.ends_with("CUSTOM_HEADERS") {
        for line in value.lines() {
            if let Some((name, value)) = line.split_once(':') {
                header(name, value, secrets);
            }
        }
    } else if names::names_a_secret(name) {
        // `GOOGLE_APPLICATION_CREDENTIALS` is the path of a file, which an error may name.
        let path = upper.trim_end_matches('S').ends_with("CREDENTIAL") && value.starts_with('/');
        if !path {
            push(value, secrets);
        }
    }
    url(value, secrets);
}

/// The secret in a header, with and without the word before it.
pub(super) fn header(name: &str, value: &str, secrets: &mut Vec<String>) {
    if !names::secret_header(name) {
        return;
    }
    let value = value.trim();
    push(value, secrets);
    if let Some((_, credential)) =
        value.split_once(' ').filter(|(scheme, _)| scheme.chars().all(char::is_alphanumeric))
    {
        push(credential, secrets);
    }
}

/// What stands before the host of a URL: the password, or the user where that is all there is.
fn url(value: &str, secrets: &mut Vec<String>) {
    for (at, _) in value.match_indices("://") {
        let rest = &value[at + 3..];
        let end = rest.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c)).unwrap_or(rest.len());
        let Some((user, _)) = rest[..end].rsplit_once('@') else { continue };
        let secret = user.split_once(':').map_or(user, |(_, password)| password);
        push(secret, secrets);
        let plain = percent_decoded(secret);
        if plain != secret {
            push(&plain, secrets);
        }
    }
}

/// The value, as it may be written: itself, inside JSON, and line by line.
fn push(value: &str, secrets: &mut Vec<String>) {
    let value = value.trim();
    let quoted = Value::from(value).to_string();
    let inside = &quoted[1..quoted.len() - 1];
    if inside != value {
        secrets.push(inside.to_owned());
    }
    if value.contains('\n') {
        // Not the lines around a key in PEM.
        secrets
            .extend(value.lines().map(str::trim).filter(|line| !line.starts_with("---")).map(str::to_owned));
    }
    secrets.push(value.to_owned());
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::redact::redact;

    #[test]
    fn a_value_is_hidden_as_long_as_somebody_holds_it() {
        let text = "it says test-canary-held, and short";
        let held = hold("test-canary-held".to_owned());
        let again = hold("test-canary-held".to_owned());
        let short = hold("short".to_owned());
        assert_eq!(redact(text), "it says ..., and short");
        drop(held);
        assert_eq!(redact(text), "it says ..., and short");
        drop((again, short));
        assert_eq!(redact(text), text);
    }

    #[test]
    fn options_tell_their_secrets_wherever_they_stand() {
        let options = json!({
            "env": {
                "TEST_SECRET": "test-canary-env", "HTTP_PROXY": "http://me:test-canary%2Fproxy@127.0.0.1:80/",
                "ANTHROPIC_CUSTOM_HEADERS": "X-Gateway: test-canary-header\nAuthorization: Bearer test-canary-bearer\nAccept: application/json",
                "GOOGLE_APPLICATION_CREDENTIALS": "/etc/test-canary-path", "PLAIN": "test-canary-plain",
                "TEST_PRIVATE_KEY": "---BEGIN---\ntest-canary-line-1\ntest-canary-line-2\n---END---",
                "TEST_PASSWORD": "test-\"canary\"-quoted",
            },
            "mcp_servers": {
                "a": {"command": "x", "env": {"A_TOKEN": "test-canary-mcp-env"}, "args": ["--api-key", "test-canary-next", "--token=test-canary-same", "--name", "test-canary-name"]},
                "b": {"type": "http", "url": "http://127.0.0.1/?api_key=test-canary-query", "headers": {"X-Team": "test-canary-mcp-header"}},
            },
            "settings": {"apiKeyHelper": "echo token=test-canary-helper", "env": {"B_KEY": "test-canary-settings"}},
            "agents": {"a": {"description": "d", "prompt": "test-canary-prompt", "mcpServers": [{"s": {"headers": {"Cookie": "test-canary-agent"}}}]}},
            "extra_args": {"some-token": "test-canary-flag"},
        });
        let options = Options::from_json(&options.to_string()).unwrap();
        let secrets = [
            "env",
            "header",
            "bearer",
            "line-1",
            "line-2",
            "mcp-env",
            "next",
            "same",
            "query",
            "mcp-header",
            "helper",
            "settings",
            "agent",
            "flag",
        ];
        let plain = ["path", "plain", "prompt", "name"];
        let canary = |name: &&str| format!("<test-canary-{name}>");
        let text: String = secrets.iter().chain(&plain).map(canary).collect();
        let known = Known::of(&options);
        let shown = redact(&format!("{text} <test-canary/proxy> <test-canary%2Fproxy> <test-\"canary\"-quoted> <test-\\\"canary\\\"-quoted> application/json")).into_owned();
        drop(known);
        for name in &secrets {
            assert!(!shown.contains(&canary(name)), "{name}: {shown}");
        }
        assert!(
            !shown.contains("quoted") && !shown.contains("proxy") && shown.contains("application/json"),
            "{shown}"
        );
        for name in &plain {
            assert!(shown.contains(&canary(name)), "{name}: {shown}");
        }
        assert!(redact(&text).contains("test-canary-env"), "{}", redact(&text));
    }
}
