//! `madrigal auth status`: which credential runs here would use.

use madrigal::{Result, auth::AuthStatus};

use super::{args::PlaceArguments, manager};
use crate::{
    exit,
    output::{self, Style},
};

pub(super) async fn run(place: &PlaceArguments) -> Result<u8> {
    let status = manager(place)?.status().await?;
    output::print(&if place.json {
        format!("{}\n", serde_json::to_string(&status).unwrap_or_default())
    } else {
        as_text(&status, Style::stdout())
    });
    Ok(if status.authenticated { 0 } else { exit::AUTH })
}

fn as_text(status: &AuthStatus, style: Style) -> String {
    let mut text = String::new();
    let mut line = |name: &str, what: &str| {
        let name = if name.is_empty() { String::new() } else { format!("{name}:") };
        text += &format!("{name:12}{what}\n");
    };
    if !status.authenticated {
        line("credential", &style.red("none"));
        for place in super::looked_at(status) {
            line("", &format!("{}: {}", place.source, place.reason));
        }
        line("", "run `madrigal auth setup-token`, log in with `claude`, or set ANTHROPIC_API_KEY");
    } else {
        line("provider", status.provider);
        line("method", status.method.unwrap_or("unknown"));
        line("from", status.source.as_deref().unwrap_or("unknown"));
        line("token", if status.token_present { "present" } else { "only the program has it" });
        if let Some(fingerprint) = &status.fingerprint {
            line("fingerprint", fingerprint);
        }
        match (&status.expires_at, status.time_until_expiry_hours) {
            (Some(at), Some(hours)) => line("expires", &format!("{at}, in {hours} hours")),
            _ => line("expires", "not known"),
        }
    }
    for warning in &status.warnings {
        line("warning", &style.yellow(warning));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use madrigal::auth::{AuthConfig, AuthManager, MemoryTokenStore};

    #[tokio::test]
    async fn what_is_known_is_told_and_the_key_is_not() {
        let auth = AuthManager::new(AuthConfig {
            credential: Some("sk-ant-api03-test-canary-test".into()),
            store: Some(std::sync::Arc::new(MemoryTokenStore::new())),
            cli_login: false,
            ..AuthConfig::default()
        })
        .unwrap();
        let text = as_text(&auth.status().await.unwrap(), Style::plain());
        assert!(text.contains("method:     api_key\n") && text.contains("from:       option\n"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
}
