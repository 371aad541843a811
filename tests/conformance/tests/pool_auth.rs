//! Programs that were started ahead have the credential that a run would be started with now, and no other.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test that cannot go on must stop

use std::{
    fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use madrigal::{
    Options,
    auth::{
        AuthConfig, AuthManager, AuthSource, FileTokenStore, MemoryTokenStore, StoredToken, TokenStore as _,
    },
    orchestrate::{Orchestrator, OrchestratorConfig, Outcome, Task},
    pool::{PoolConfig, Start},
};
use madrigal_conformance::simulator;
use serde_json::json;
use tokio::time::{Instant, sleep};

const FIRST: &str = "sk-ant-oat01-test-test-test-first";
const SECOND: &str = "sk-ant-oat01-test-test-test-second";

/// A home with a token in it, and an orchestrator with a pool whose programs say which token they have.
struct Pooled {
    orchestrator: Orchestrator,
    store: FileTokenStore,
    home: PathBuf,
}

impl Pooled {
    async fn new(auth: impl Into<AuthSource>) -> Self {
        let home = std::env::temp_dir().join(format!("madrigal-pool-{}", uuid::Uuid::new_v4().simple()));
        let store = FileTokenStore::new(home.join(".claude_sdk/token.json"));
        store.save(&token(FIRST)).await.unwrap();
        let script = json!([
            {"await": {"type": "user"}}, {"init": {"tools": [], "mcp_servers": []}},
            {"result": {"result": "done", "token": "$env.CLAUDE_CODE_OAUTH_TOKEN"}},
        ]);
        let env = [
            ("MADRIGAL_SIMULATE", json!({"name": "pool", "cli": script}).to_string()),
            ("HOME", home.display().to_string()),
        ];
        let options = Options {
            cli_path: Some(simulator()),
            env: env.map(|(name, value)| (name.to_owned(), value)).into(),
            ..Options::default()
        };
        let config = OrchestratorConfig {
            options,
            auth: auth.into(),
            pool: Some(PoolConfig::default()),
            max_concurrent: 1,
            rate_limit: None,
            ..OrchestratorConfig::default()
        };
        Self { orchestrator: Orchestrator::new(config).unwrap(), store, home }
    }

    async fn ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.orchestrator.stats().idle == 0 {
            assert!(Instant::now() < deadline, "nothing stands ready");
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// How a run was started, and which token its program had.
    async fn run(&self, task: Task) -> (Start, Option<String>) {
        let outcome: Outcome = self.orchestrator.run(task).await;
        assert!(outcome.is_success(), "{outcome:?}");
        let result = outcome.run().result().unwrap().value();
        (outcome.run().start.unwrap(), result["token"].as_str().map(str::to_owned))
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.home));
    }
}

fn token(text: &str) -> StoredToken {
    StoredToken::new(text.into(), SystemTime::now()).unwrap()
}

/// Where the machine has a credential of its own, none that is stored is used.
fn has_a_credential() -> bool {
    ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"]
        .into_iter()
        .any(|name| std::env::var_os(name).is_some())
}

fn task() -> Task {
    Task::new("hi")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_stands_ready_has_no_token_where_the_program_decides() {
    if has_a_credential() {
        return;
    }
    let pooled = Pooled::new(AuthSource::Off).await;
    pooled.ready().await;
    assert_eq!(pooled.run(task()).await, (Start::Prewarmed, None));
    pooled.orchestrator.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_changed_is_not_that_of_the_program_that_stands_ready() {
    if has_a_credential() {
        return;
    }
    let pooled = Pooled::new(AuthSource::Automatic).await;
    pooled.ready().await;
    assert_eq!(pooled.run(task()).await, (Start::Prewarmed, Some(FIRST.into())));
    pooled.ready().await;
    pooled.store.save(&token(SECOND)).await.unwrap();
    assert_eq!(pooled.run(task()).await.1.as_deref(), Some(SECOND));
    pooled.ready().await;
    assert_eq!(pooled.run(task().auth(AuthSource::Off)).await.1, None);
    pooled.store.clear().await.unwrap();
    assert_eq!(pooled.run(task()).await.1, None);
    pooled.orchestrator.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_replaced_counts_from_the_next_run_on() {
    let auth = AuthManager::new(AuthConfig {
        credential: Some(FIRST.into()),
        store: Some(Arc::new(MemoryTokenStore::new())),
        cli_login: false,
        ..AuthConfig::default()
    })
    .unwrap();
    let pooled = Pooled::new(&auth).await;
    for _ in 0..2 {
        assert_eq!(pooled.run(task()).await.1.as_deref(), Some(FIRST));
    }
    pooled.ready().await;
    assert_eq!(pooled.run(task()).await, (Start::Prewarmed, Some(FIRST.into())));
    auth.set_credential(Some(SECOND.into()));
    assert_eq!(pooled.run(task()).await.1.as_deref(), Some(SECOND));
    pooled.orchestrator.close().await;
}
