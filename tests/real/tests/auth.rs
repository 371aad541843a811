//! What the API sees of the credential that a manager gives the program, and what becomes of one it refuses.

#![allow(clippy::unwrap_used, reason = "tests stop when they cannot go on")]

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    time::SystemTime,
};

use madrigal::{
    Error, ErrorKind, Options, Result, Session,
    auth::{
        AuthConfig, AuthManager, AuthSource, FileTokenStore, MemoryTokenStore, NewToken, Secret, StoredToken,
        TokenSetup, TokenStore as _,
    },
    orchestrate::{Candidate, Orchestrator, OrchestratorConfig, Task},
    testing::loopback::Script,
    transport::BoxFuture,
};
use madrigal_real::{Place, Wiretap};
use serde_json::json;

const TOKEN: &str = "sk-ant-oat01-test-test-test-test";
const OTHER: &str = "sk-ant-api03-test-test-test-test";
const CREDENTIALS: [&str; 3] = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];

/// Stands for the person who logs in.
struct Giver;

impl TokenSetup for Giver {
    fn new_token(&self) -> BoxFuture<'_, Result<NewToken>> {
        Box::pin(async { Ok(Secret::from(TOKEN).into()) })
    }
}

/// A manager that finds nothing of this machine.
fn config() -> AuthConfig {
    AuthConfig {
        env: CREDENTIALS.map(|name| (name.to_owned(), String::new())).into(),
        store: Some(Arc::new(MemoryTokenStore::new())),
        interactive: Some(false),
        cli_login: false,
        ..AuthConfig::default()
    }
}

fn given(credential: &str) -> AuthManager {
    AuthManager::new(AuthConfig { credential: Some(credential.into()), ..config() }).unwrap()
}

/// Options without a credential, whose program reaches the API through the wiretap.
fn options(place: &Place) -> (Options, Wiretap) {
    let tap = Wiretap::start(&place.env(false)["ANTHROPIC_BASE_URL"]);
    let mut options = place.options();
    options.env = place.env(false);
    options.env.insert("ANTHROPIC_BASE_URL".into(), tap.url.clone());
    options.env.insert("CLAUDE_CODE_MAX_RETRIES".into(), "0".into());
    (options, tap)
}

/// Asks once, and gives the answer or the error the stream ended with.
async fn ask(options: Options, auth: impl Into<AuthSource>) -> Result<String> {
    let mut query = Session::builder(options).auth(auth).query("Please say hello.").await?;
    let (mut text, mut failure) = (String::new(), None);
    while let Some(message) = query.next().await {
        match message {
            Ok(message) => text.push_str(&message.to_string()),
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(text), Err)
}

fn only(header: &str) -> BTreeSet<String> {
    [header.to_owned()].into()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stored_token_is_the_bearer_after_a_restart() {
    let place = Place::new();
    let file: PathBuf = place.work().join("../home/.claude_sdk/token.json");
    let manager = |setup: Option<Arc<dyn TokenSetup>>| {
        let store = Some(Arc::new(FileTokenStore::new(&file)) as Arc<_>);
        AuthManager::new(AuthConfig { store, setup, ..config() }).unwrap()
    };
    manager(Some(Arc::new(Giver))).setup_token().await.unwrap();

    // Another manager, which has the file and nothing else; then none, as the file is where a set-up leaves it.
    for source in [AuthSource::from(manager(None)), AuthSource::Automatic] {
        let (options, tap) = options(&place);
        let text = ask(options, source.clone()).await.unwrap();
        assert!(text.contains("Hello"), "{source:?}: {text}");
        assert!(!text.contains(TOKEN));
        assert_eq!(tap.credentials(), only(&format!("authorization: Bearer {TOKEN}")), "{source:?}");
    }
    let (options, tap) = options(&place);
    assert_eq!(ask(options, AuthSource::Off).await.unwrap_err().kind(), ErrorKind::Auth);
    assert_eq!(tap.credentials(), BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_in_the_keyring_is_the_bearer_after_a_restart() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../keyring/session");
    let mut keyring = Command::new(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(keyring.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let place = Place::new();
    let home = place.work().join("../home").canonicalize().unwrap().display().to_string();
    let bus = [("DBUS_SESSION_BUS_ADDRESS", address.trim()), ("HOME", home.as_str())];
    let manager = |setup: Option<Arc<dyn TokenSetup>>| {
        let mut config = AuthConfig { store: None, setup, ..config() };
        config.env.extend(bus.map(|(name, value)| (name.to_owned(), value.to_owned())));
        AuthManager::new(config).unwrap()
    };
    let set_up = manager(Some(Arc::new(Giver))).setup_token().await.unwrap();
    assert_eq!(set_up.source, "keyring");
    for source in [AuthSource::from(manager(None)), AuthSource::Automatic] {
        let (mut options, tap) = options(&place);
        options.env.insert(bus[0].0.into(), bus[0].1.into());
        let text = ask(options, source.clone()).await.unwrap();
        assert!(text.contains("Hello"), "{source:?}: {text}");
        assert_eq!(tap.credentials(), only(&format!("authorization: Bearer {TOKEN}")), "{source:?}");
    }
    drop(keyring.stdin.take());
    keyring.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_credential_is_used_whatever_the_environment_holds() {
    for (credential, header) in [
        (TOKEN, format!("authorization: Bearer {TOKEN}")),
        (OTHER, format!("x-api-key: {OTHER}")),
        ("test-gateway", "authorization: Bearer test-gateway".to_owned()),
    ] {
        let place = Place::new();
        let (mut options, tap) = options(&place);
        for name in CREDENTIALS {
            options.env.insert(name.into(), format!("test-of-{name}"));
        }
        let text = ask(options, given(credential)).await.unwrap();
        assert!(text.contains("Hello"), "{text}");
        assert_eq!(tap.credentials(), only(&header), "{credential}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_refuses_is_not_used_again_until_it_changes() {
    for status in [401, 403] {
        let script = json!({"turns": [{"error": status, "times": "always"}]});
        let place = Place::with(Script::from_json(&script.to_string()).unwrap());
        let auth = given(OTHER);
        let (first, tap) = options(&place);
        let error = ask(first.clone(), &auth).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth, "{status}: {error:?}");
        assert_eq!(tap.credentials(), only(&format!("x-api-key: {OTHER}")), "{status}");

        let asked = place.api.requests().len();
        let error: Error = ask(first.clone(), &auth).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.message().contains("refused"), "{error}");
        assert_eq!(place.api.requests().len(), asked, "no program was started");

        auth.set_credential(Some("sk-ant-api03-test-test-changed".into()));
        assert!(ask(first, &auth).await.is_err());
        assert!(place.api.requests().len() > asked, "a new one has its chance");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_with_the_credential_that_comes_next() {
    let place = Place::new();
    let (mut options, tap) = options(&place);
    options.env.insert("ANTHROPIC_API_KEY".into(), "test-of-the-environment".into());
    // The first has nothing, so that no program is started with it.
    let empty = AuthManager::new(config()).unwrap();
    let next = Candidate { auth: Some(given(TOKEN)), ..Candidate::default() };
    let config = OrchestratorConfig {
        options,
        auth: empty.into(),
        fallbacks: vec![next],
        rate_limit: None,
        ..OrchestratorConfig::default()
    };
    let orchestrator = Orchestrator::new(config).unwrap();
    let outcome = orchestrator.run(Task::new("Please say hello.")).await;
    assert!(outcome.is_success(), "{outcome:?}");
    assert_eq!(tap.credentials(), only(&format!("authorization: Bearer {TOKEN}")));
    orchestrator.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_credential_is_passed_over_by_the_runs_after_it() {
    let script = json!({"turns": [{"error": 401, "times": 1}, {"text": "Hello"}], "repeat": false});
    let place = Place::with(Script::from_json(&script.to_string()).unwrap());
    let (options, tap) = options(&place);
    let first = given(OTHER);
    let next = Candidate { auth: Some(given(TOKEN)), ..Candidate::default() };
    let config = OrchestratorConfig {
        options,
        auth: first.clone().into(),
        fallbacks: vec![next],
        rate_limit: None,
        ..OrchestratorConfig::default()
    };
    let orchestrator = Orchestrator::new(config).unwrap();
    let outcome = orchestrator.run(Task::new("Please say hello.")).await;
    assert!(outcome.is_success(), "{outcome:?}");
    let both = [format!("authorization: Bearer {TOKEN}"), format!("x-api-key: {OTHER}")];
    assert_eq!(tap.credentials(), both.into());
    let error = first.ensure_authenticated().await.unwrap_err();
    assert!(error.message().contains("refused"), "{error}");
    orchestrator.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_left_where_it_is_and_not_sent() {
    let place = Place::new();
    let store = FileTokenStore::new(place.work().join("../home/.claude_sdk/token.json"));
    let mut token = StoredToken::new(TOKEN.into(), SystemTime::now()).unwrap();
    token.expires_at = Some(SystemTime::UNIX_EPOCH);
    store.save(&token).await.unwrap();
    let (options, tap) = options(&place);
    assert_eq!(ask(options, AuthSource::Automatic).await.unwrap_err().kind(), ErrorKind::Auth);
    assert_eq!(tap.credentials(), BTreeSet::new());
    assert_eq!(store.load().await.unwrap(), Some(token));
}
