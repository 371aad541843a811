//! Who the program is, as far as it can be known without asking the API: it does not check credentials, so neither do we.

use std::path::Path;

use madrigal::auth::{AuthConfig, AuthManager};
use serde_json::{Value, json};

use super::{Finding, Status, program};

/// Variables that carry credentials, in the order in which the program prefers them, and the ways to other providers.
const CREDENTIALS: [(&str, &str); 3] = [
    ("ANTHROPIC_AUTH_TOKEN", "bearer token"),
    ("ANTHROPIC_API_KEY", "API key"),
    ("CLAUDE_CODE_OAUTH_TOKEN", "OAuth token"),
];
const PROVIDERS: [(&str, &str); 3] = [
    ("CLAUDE_CODE_USE_BEDROCK", "Amazon Bedrock"),
    ("CLAUDE_CODE_USE_VERTEX", "Google Vertex AI"),
    ("CLAUDE_CODE_USE_FOUNDRY", "Microsoft Foundry"),
];

pub(super) async fn look(program: Option<&Path>, variable: &dyn Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut findings = from_variables(variable);
    // Asking the program also covers what it keeps itself: a login, a key helper.
    let Some(program) = program else { return findings };
    match program::ask(program, &["auth", "status"]).await.map(|text| serde_json::from_str::<Value>(&text)) {
        Ok(Ok(status)) => {
            findings
                .push(from_status(&status, if status["loggedIn"] == true { None } else { stored().await }));
        }
        Ok(Err(_)) => findings.push(
            Finding::new("login", Status::Note, "the program did not say whether somebody is logged in")
                .advice("run `claude auth status` and look"),
        ),
        Err(error) => findings.push(Finding::new("login", Status::Note, error.message().to_owned())),
    }
    findings
}

fn from_variables(variable: &dyn Fn(&str) -> Option<String>) -> Vec<Finding> {
    let set: Vec<_> = CREDENTIALS.iter().filter(|(name, _)| variable(name).is_some()).collect();
    let mut findings = Vec::new();
    if let [(name, what), others @ ..] = set.as_slice() {
        let names: Vec<&str> = set.iter().map(|(name, _)| *name).collect();
        let facts = json!({"variables": names});
        let text = format!("{what} from {name}");
        findings.push(if others.is_empty() {
            Finding::new("credentials", Status::Ok, text).facts(facts)
        } else {
            Finding::new("credentials", Status::Note, format!("several are set: {}", names.join(", ")))
                .advice(format!("keep one; {name} is likely to be the one that is used"))
                .facts(facts)
        });
    }
    for (name, provider) in PROVIDERS {
        if variable(name).is_some() {
            findings.push(
                Finding::new("provider", Status::Ok, format!("{provider} ({name})"))
                    .facts(json!({"variable": name})),
            );
        }
    }
    findings
}

/// Where the token is that runs are given when nothing else is there.
async fn stored() -> Option<String> {
    let unset = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"]
        .into_iter()
        .chain(["CLAUDE_AGENT_API_KEY", "CLAUDE_AGENT_AUTH_TOKEN", "CLAUDE_AGENT_OAUTH_TOKEN"])
        .map(|name| (name.to_owned(), String::new()));
    let config = AuthConfig {
        env: unset.collect(),
        cli_login: false,
        auto_refresh: false,
        interactive: Some(false),
        ..AuthConfig::default()
    };
    let status = AuthManager::new(config).ok()?.status().await.ok()?;
    status.source.filter(|_| status.token_present)
}

fn from_status(status: &Value, stored: Option<String>) -> Finding {
    let method = status["authMethod"].as_str().unwrap_or("unknown");
    let provider = status["apiProvider"].as_str().unwrap_or("unknown");
    let facts = json!({"method": method, "provider": provider, "logged_in": status["loggedIn"]});
    if status["loggedIn"] == true {
        let words = match method {
            "api_key" => "API key",
            "oauth_token" => "OAuth token",
            "claude.ai" => "account of claude.ai",
            other => other,
        };
        return Finding::new("login", Status::Ok, format!("{words}, provider {provider} (not tried out)"))
            .facts(facts);
    }
    if let Some(stored) = stored {
        return Finding::new("login", Status::Ok, format!("the stored token, {stored} (not tried out)"))
            .facts(facts);
    }
    Finding::new("login", Status::Wrong, "nobody is logged in, no token is stored and no credentials are set")
        .advice(
            "run `madrigal auth setup-token`, or `claude` and log in with /login, or set ANTHROPIC_API_KEY",
        )
        .facts(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_named_and_never_shown() {
        let one = |name: &str| (name == "ANTHROPIC_API_KEY").then(|| "test-key".to_owned());
        let findings = from_variables(&one);
        assert_eq!(findings[0].what, "API key from ANTHROPIC_API_KEY");
        let both = |name: &str| name.starts_with("ANTHROPIC").then(|| "test-key".to_owned());
        let findings = from_variables(&both);
        assert_eq!(findings[0].status, Status::Note);
        assert!(!format!("{findings:?}").contains("test-key"));
        assert!(from_variables(&|_| None).is_empty());
    }

    #[test]
    fn nobody_logged_in_is_wrong_and_says_what_to_do() {
        let finding = from_status(&json!({"loggedIn": false, "authMethod": "none"}), None);
        assert_eq!(finding.status, Status::Wrong);
        assert!(finding.advice.unwrap().contains("/login"));
        let finding = from_status(&json!({"loggedIn": false}), Some("file token.json".into()));
        assert_eq!((finding.status, finding.what.contains("token.json")), (Status::Ok, true));
        let status = json!({"loggedIn": true, "authMethod": "api_key", "apiProvider": "firstParty"});
        let finding = from_status(&status, None);
        assert_eq!((finding.status, finding.what.contains("API key")), (Status::Ok, true));
    }
}
