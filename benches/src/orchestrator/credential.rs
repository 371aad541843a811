//! What it takes to ask whose credential a run is started with, when that is known: each run asks.

use std::time::Instant;

use madrigal::auth::{AuthConfig, AuthManager, FileTokenStore, StoredToken, TokenStore as _};

use crate::figures::{Row, quantile};

pub(crate) fn credential() -> Vec<Row> {
    let folder = std::env::temp_dir().join(format!("madrigal-bench-{}", std::process::id()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut micros = runtime.block_on(async {
        let store = FileTokenStore::new(folder.join("token.json"));
        let token = StoredToken::new("sk-ant-oat01-test-test-test-test".into(), std::time::SystemTime::now());
        store.save(&token.expect("a token")).await.expect("a place for it");
        let env = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"]
            .map(|name| (name.to_owned(), String::new()));
        let config = AuthConfig {
            store: Some(std::sync::Arc::new(store)),
            env: env.into_iter().collect(),
            interactive: Some(false),
            cli_login: false,
            ..AuthConfig::default()
        };
        let manager = AuthManager::new(config).expect("a manager");
        manager.ensure_authenticated().await.expect("a stored token");
        let mut micros = Vec::with_capacity(100_000);
        for _ in 0..100_000 {
            let started = Instant::now();
            manager.ensure_authenticated().await.expect("the same");
            micros.push(started.elapsed().as_secs_f64() * 1e6);
        }
        micros
    });
    let _ = std::fs::remove_dir_all(&folder);
    let (median, p99) = (quantile(&mut micros, 0.5), quantile(&mut micros, 0.99));
    vec![Row {
        what: "whose credential it is, once that is known, median (P99)".into(),
        measured: format!("{median:.2} us ({p99:.2} us)"),
        goal: Some(("1 ms".into(), p99 < 1_000.0)),
    }]
}
