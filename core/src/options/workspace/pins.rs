//! Which settings of a repository would redirect the API or its credentials, and what they are overruled with.
//!
//! The names are those that the CLI and the SDKs of the clouds document: where requests go, who pays for them, what is
//! trusted on the way. A name that occurs in the repository's settings gets the value it would have without them: that of
//! the user's settings, else that of the environment, else nothing (the CLI takes an empty value as none).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Settings that name a program whose output is a credential, or is sent along with requests.
const HELPERS: [&str; 6] = [
    "apiKeyHelper",
    "awsAuthRefresh",
    "awsCredentialExport",
    "gcpAuthRefresh",
    "otelHeadersHelper",
    "proxyAuthHelper",
];

/// Beginnings of variables that choose a provider, its address or its credentials, or where telemetry goes.
const PREFIXES: [&str; 14] = [
    "ANTHROPIC_",
    "AWS_",
    "AZURE_",
    "CLOUD_ML_",
    "GCE_METADATA",
    "GCLOUD_",
    "GOOGLE_",
    "METADATA_SERVER",
    "OTEL_",
    "VERTEX_",
    "CLAUDE_CODE_USE_",
    "CLAUDE_CODE_SKIP_",
    "CLAUDE_GATEWAY_",
    "CLAUDE_CODE_ENABLE_TELEMETRY",
];

/// Variables that say what is trusted on the way, or what is loaded into the program.
const EXACT: [&str; 7] = [
    "NODE_EXTRA_CA_CERTS",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "NODE_OPTIONS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CLAUDE_CONFIG_DIR",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
];

/// Words that do the same in a variable of the CLI's own.
const WORDS: [&str; 12] = [
    "TOKEN",
    "KEY",
    "URL",
    "AUTH",
    "CERT",
    "SOCKET",
    "PROXY",
    "HOST",
    "CREDS",
    "CREDENTIAL",
    "GATEWAY",
    "MANAGED",
];

/// The settings that overrule those names; empty when there is nothing to overrule. `user` are the user's settings,
/// `variable` gives the environment.
pub(super) fn pins(
    names: &BTreeSet<String>,
    user: &Map<String, Value>,
    variable: impl Fn(&str) -> Option<String>,
) -> Map<String, Value> {
    let mut pins = Map::new();
    for helper in HELPERS.into_iter().filter(|helper| names.contains(*helper)) {
        let own = user.get(helper).filter(|value| value.is_string());
        pins.insert(helper.to_owned(), own.cloned().unwrap_or_else(|| "".into()));
    }
    let mut env = Map::new();
    for name in names.iter().filter(|name| redirects(name)) {
        let own = user.get("env").and_then(|env| env.get(name)).map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        env.insert(name.clone(), own.or_else(|| variable(name)).unwrap_or_default().into());
    }
    if !env.is_empty() {
        pins.insert("env".to_owned(), env.into());
    }
    pins
}

/// Whether a variable of this name says where requests go, who pays for them, or what is trusted on the way.
fn redirects(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    if upper.starts_with("ANTHROPIC_") && upper.contains("MODEL") {
        // A repository may choose a model.
        return false;
    }
    PREFIXES.iter().any(|prefix| upper.starts_with(prefix))
        || EXACT.contains(&upper.as_str())
        || upper.ends_with("_PROXY")
        || (upper.starts_with("CLAUDE_") && WORDS.iter().any(|word| upper.contains(word)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(all: &[&str]) -> BTreeSet<String> {
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_redirects_is_told_from_what_does_not() {
        for name in [
            "ANTHROPIC_BASE_URL",
            "ANTHROPIC_API_KEY",
            "https_proxy",
            "ALL_PROXY",
            "CLAUDE_CODE_USE_BEDROCK",
            "AWS_PROFILE",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CODE_CLIENT_CERT",
            "NODE_EXTRA_CA_CERTS",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ] {
            assert!(redirects(name), "{name}");
        }
        for name in [
            "PATH",
            "ANTHROPIC_MODEL",
            "ANTHROPIC_DEFAULT_SONNET_MODEL",
            "EDITOR",
            "BASH_DEFAULT_TIMEOUT_MS",
            "env",
        ] {
            assert!(!redirects(name), "{name}");
        }
    }

    #[test]
    fn a_pin_has_the_value_that_would_hold_without_the_repository() {
        let user = json!({"env": {"HTTPS_PROXY": "http://user.test", "API": 1}, "apiKeyHelper": "mine"});
        let found = names(&[
            "HTTPS_PROXY",
            "ANTHROPIC_BASE_URL",
            "HTTP_PROXY",
            "apiKeyHelper",
            "proxyAuthHelper",
            "hooks",
        ]);
        let pins = pins(&found, user.as_object().unwrap(), |name| {
            (name == "ANTHROPIC_BASE_URL").then(|| "http://host.test".to_owned())
        });
        let expected = json!({
            "apiKeyHelper": "mine", "proxyAuthHelper": "",
            "env": {"HTTPS_PROXY": "http://user.test", "ANTHROPIC_BASE_URL": "http://host.test", "HTTP_PROXY": ""},
        });
        assert_eq!(Value::Object(pins), expected);
    }

    #[test]
    fn harmless_settings_need_no_pin() {
        assert!(pins(&names(&["permissions", "model", "env", "FOO"]), &Map::new(), |_| None).is_empty());
    }
}
