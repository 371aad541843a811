//! A canary in the place of every secret: none is found again where people and logs can see it.
//!
//! Each input has a canary of its own; the program then does its worst: it writes all that it was given to stderr, speaks frames that
//! are none, is refused by the API. Whatever the host sees of that (but for messages, which are the program's own words) is
//! searched for the one word all canaries have in common.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test that cannot go on must stop

use std::{
    fmt::{Debug, Write as _},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
    time::SystemTime,
};

use madrigal::{
    Error, Options, Session,
    auth::{AuthConfig, AuthManager, AuthSource, FileTokenStore, StoredToken, TokenStore as _},
    orchestrate::{Orchestrator, OrchestratorConfig, Task},
};
use madrigal_conformance::simulator;
use serde_json::{Value, json};
use tracing::{Event, Subscriber, field::Visit};
use tracing_subscriber::{Layer, layer::Context, prelude::*};

/// What all canaries have in common.
const CANARY: &str = "test-canary";

/// All log lines of this process, at every level and of every crate, as they are made.
fn log() -> &'static Mutex<String> {
    struct Everything;
    struct Written<'a>(&'a mut String);

    impl Visit for Written<'_> {
        fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
            let _ = write!(self.0, " {}={value:?}", field.name());
        }
    }

    impl<S: Subscriber> Layer<S> for Everything {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut line = format!("{} {}", event.metadata().level(), event.metadata().target());
            event.record(&mut Written(&mut line));
            *LOG.get_or_init(Mutex::default).lock().unwrap() += &(line + "\n");
        }

        fn on_new_span(
            &self,
            span: &tracing::span::Attributes<'_>,
            _: &tracing::span::Id,
            _: Context<'_, S>,
        ) {
            let mut line = span.metadata().name().to_owned();
            span.record(&mut Written(&mut line));
            *LOG.get_or_init(Mutex::default).lock().unwrap() += &(line + "\n");
        }
    }

    static LOG: OnceLock<Mutex<String>> = OnceLock::new();
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| tracing_subscriber::registry().with(Everything).init());
    LOG.get_or_init(Mutex::default)
}

/// All that a host sees of a run.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<(&'static str, String)>>>);

impl Seen {
    fn text(&self, what: &'static str, text: impl Into<String>) {
        self.0.lock().unwrap().push((what, text.into()));
    }

    fn error(&self, error: &Error) {
        self.text("an error for people", error.to_string());
        self.text("an error with all it has", format!("{error:?}"));
        self.text("an error on its way to another language", error.to_json().to_string());
    }

    /// Each part has no canary, and at least so many were looked at: a test that sees nothing shows nothing.
    fn is_clean(&self, at_least: usize) {
        let seen = self.0.lock().unwrap();
        assert!(seen.len() >= at_least, "only {} texts were seen: {seen:?}", seen.len());
        for (what, text) in seen
            .iter()
            .map(|(what, text)| (*what, text.as_str()))
            .chain([("the log", log().lock().unwrap().as_str())])
        {
            assert!(!text.contains(CANARY), "{what}: {text}");
        }
    }
}

/// A directory of its own, without the word in its name.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        log();
        let path = std::env::temp_dir().join(format!("madrigal-bird-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A program that does this. `$init` is the first frame it was sent.
    fn program(&self, does: &str) -> PathBuf {
        let path = self.0.join("program");
        let script = format!(
            "#!/bin/sh\ncase \"$1\" in --version) echo '2.1.330 (Claude Code)'; exit;; esac\nread -r init\n{does}\n"
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A canary in every option that may hold a secret.
fn options(place: &Path, program: PathBuf, steps: &Value) -> Options {
    let options = json!({
        "cli_path": program,
        "env": {
            "HOME": place, "MADRIGAL_SIMULATE": json!({"name": "bird", "cli": steps}).to_string(),
            "TEST_SERVICE_TOKEN": "test-canary-of-env", "TEST_PASSWORD_2": "test-canary \"quoted\" of env",
            "TEST_PRIVATE_KEY": "--- BEGIN ---\ntest-canary-line-one\ntest-canary-line-two\n--- END ---",
            "ANTHROPIC_BASE_URL": "http://user:test-canary-of-url@127.0.0.1:9", "HTTPS_PROXY": "http://test-canary%2Fof-proxy@127.0.0.1:9",
            "ANTHROPIC_CUSTOM_HEADERS": "X-One: test-canary-of-header\nX-Two: Bearer test-canary-of-bearer",
        },
        "mcp_servers": {
            "a": {"command": "false", "args": ["--api-key", "test-canary-of-argument"], "env": {"A_TOKEN": "test-canary-of-server"}},
            "b": {"type": "http", "url": "http://127.0.0.1:9/?api_key=test-canary-of-query", "headers": {"X-Team": "test-canary-of-server-header"}},
        },
        "settings": {"apiKeyHelper": "echo api_key=test-canary-of-helper", "env": {"B_SECRET": "test-canary-of-settings"}},
        "managed_settings": {"env": {"C_SECRET": "test-canary-of-managed"}},
        "agents": {"a": {"description": "d", "prompt": "p", "mcpServers": [{"c": {"command": "false", "env": {"D_KEY": "test-canary-of-agent"}}}]}},
    });
    Options::from_json(&options.to_string()).unwrap()
}

/// Runs one prompt to the end of the session and takes note of all that is not a message.
async fn run(seen: &Seen, options: Options, auth: impl Into<AuthSource>) {
    seen.text("options", format!("{options:?}"));
    seen.text("a start", format!("{:?}", options.launch("claude".into(), true)));
    for arg in options.launch("claude".into(), true).args {
        seen.text("an argument", arg.to_string_lossy());
    }
    let lines = seen.clone();
    let builder =
        Session::builder(options).auth(auth).on_stderr(move |line| lines.text("a line of stderr", line));
    seen.text("a builder", format!("{builder:?}"));
    let mut session = match builder.connect().await {
        Ok(session) => session,
        Err(error) => return seen.error(&error),
    };
    seen.text("a session", format!("{:?}", session.handle()));
    // It may be gone by then.
    let sent = session.send("hi").await.map(drop);
    if let Err(error) = sent.and_then(|()| session.finish()) {
        seen.error(&error);
    }
    while let Some(item) = session.next().await {
        if let Err(error) = item {
            seen.error(&error);
        }
    }
    let end = session.close().await;
    seen.text("the end", format!("{end:?} {}", end.to_json()));
}

#[tokio::test]
async fn a_program_that_tells_all_it_knows() {
    let place = Place::new();
    let seen = Seen::default();
    let auth = AuthManager::new(AuthConfig {
        credential: Some("sk-ant-oat01-test-canary-of-manager".into()),
        ..AuthConfig::default()
    })
    .unwrap();
    let tells = "{ env; printf '%s\\n' \"$init\"; printf '%s' \"$HTTPS_PROXY\" | sed 's/%2F/\\//'; } >&2\n";
    let program = place.program(&format!("{tells}exit 3"));
    run(&seen, options(&place.0, program, &json!([])), &auth).await;
    let everything = format!("{:?}", seen.0.lock().unwrap());
    for told in ["TEST_SERVICE_TOKEN=...", "http://...@127.0.0.1:9", "exited with code 3"] {
        assert!(everything.contains(told), "{told}: {everything}");
    }
    // The same as frames that are none, and as the explanation of an answer.
    let frames = "env | sed 's/^/{/'; printf '%s\\n' \"$init\" | tr '{' '['; printf '\"%s\"\\n' \"$TEST_SERVICE_TOKEN\"\n";
    let program = place.program(&format!("{frames}exit 1"));
    run(&seen, options(&place.0, program, &json!([])), &auth).await;
    let refuses = "printf '{\"type\":\"control_response\",\"response\":{\"subtype\":\"error\",\"request_id\":\"%s\",\"error\":\"no %s\"}}\\n' \
                   \"$(printf '%s' \"$init\" | sed 's/.*\"request_id\":\"\\([^\"]*\\)\".*/\\1/')\" \"$TEST_SERVICE_TOKEN\"";
    let program = place.program(refuses);
    run(&seen, options(&place.0, program, &json!([])), &auth).await;
    seen.text("a manager", format!("{auth:?}"));
    seen.text("its status", json!(auth.status().await.unwrap()).to_string());
    seen.is_clean(60);
}

#[tokio::test]
async fn a_stored_token_that_the_api_refuses() {
    let place = Place::new();
    let seen = Seen::default();
    let store = FileTokenStore::new(place.0.join(".claude_sdk/token.json"));
    let token = StoredToken::new("sk-ant-oat01-test-canary-of-file".into(), SystemTime::now()).unwrap();
    store.save(&token).await.unwrap();
    seen.text("a token", format!("{token:?}"));
    let refused = "401 for sk-ant-oat01-test-canary-of-file, test-canary-of-header, test-canary-of-query";
    let steps = json!([
        {"await": {"type": "user"}}, {"init": {}}, {"stderr": format!("{refused}\n")},
        {"text": {"text": "Invalid key", "model": "<synthetic>", "error": "authentication_failed", "is_api_error_message": true}},
        {"result": {"is_error": true, "api_error_status": 401, "terminal_reason": "api_error", "result": refused}},
    ]);
    let options = options(&place.0, simulator(), &steps);
    run(&seen, options.clone(), AuthSource::default()).await;
    let orchestrator =
        Orchestrator::new(OrchestratorConfig { options, ..OrchestratorConfig::default() }).unwrap();
    seen.text("an orchestrator", format!("{:?}", orchestrator.config()));
    let outcome = orchestrator.run(Task::new("hi")).await;
    seen.error(outcome.error().unwrap());
    assert_eq!(outcome.error().unwrap().kind(), madrigal::ErrorKind::Auth);
    orchestrator.close().await;
    seen.is_clean(15);
}

#[tokio::test]
async fn options_that_cannot_work() {
    let place = Place::new();
    let seen = Seen::default();
    for wrong in [
        json!({"env": "test-canary-of-env"}),
        json!({"env": {"TEST_TOKEN": {"test": "test-canary-of-env"}}}),
        json!({"extra_args": "test-canary-flag"}),
        json!({"settings": "{\"apiKeyHelper\": \"test-canary-of-helper\""}),
        json!({"mcp_servers": {"a": "test-canary-of-server"}}),
        json!({"agents": ["test-canary-of-agent"]}),
        json!({"env": {"TEST_TOKEN": "test-canary-of-env\u{0}"}}),
    ] {
        let read = Options::from_json(&wrong.to_string());
        let refused = match read {
            Ok(options) => Session::builder(Options { cli_path: Some(place.program("exit 1")), ..options })
                .open()
                .await
                .err(),
            Err(error) => Some(error),
        };
        seen.error(&refused.unwrap_or_else(|| panic!("{wrong} was accepted")));
    }
    let dead = options(&place.0, place.0.join("no-such-program"), &json!([]));
    run(&seen, dead, AuthSource::Off).await;
    seen.is_clean(24);
}
