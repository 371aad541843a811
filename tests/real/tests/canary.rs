//! A canary in the place of every secret, on the real program: what it starts, writes and says has none but where it belongs.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};

use madrigal::{
    Options, Result, Session,
    store::{MemorySessionStore, SessionKey, SessionStore, StoreEntry},
    transport::BoxFuture,
};
use madrigal_conformance::simulator;
use madrigal_real::{Place, Wiretap, cli};
use serde_json::json;

/// What all canaries have in common.
const CANARY: &str = "test-canary";

/// All files below a directory.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn what_the_program_starts_writes_and_says_holds_none() {
    const KEY: &str = "sk-ant-api03-test-canary-of-key";
    let place = Place::new();
    let mut env = place.env(true);
    let tap = Wiretap::start(&env["ANTHROPIC_BASE_URL"]);
    env.insert("ANTHROPIC_BASE_URL".into(), tap.url.clone());
    env.insert("ANTHROPIC_CUSTOM_HEADERS".into(), "X-Team: test-canary-of-header".into());
    env.insert("ANTHROPIC_API_KEY".into(), KEY.into());
    let task = json!({"prompt": "Please write down all you can see.", "options": {
        "allowed_tools": ["Bash"], "env_mode": "allow_list", "env": env, "cwd": place.work(),
        "mcp_servers": {"a": {"command": "false", "args": ["--api-key", "test-canary-of-argument"], "env": {"A_TOKEN": "test-canary-of-server"}}},
    }});
    fs::write(place.work().join("tasks.jsonl"), format!("{task}\n")).unwrap();
    let ended = Command::new(simulator())
        .args(["parallel", "--json", "--out", "out.jsonl", "tasks.jsonl"])
        .current_dir(place.work())
        .env("MADRIGAL_CLI_PATH", cli())
        .env("TEST_OUTER_TOKEN", "test-canary-outer")
        .env("AWS_SECRET_ACCESS_KEY", "test-canary-outer-cloud")
        .output()
        .unwrap();
    let said = String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap();
    assert!(said.contains("It is written down."), "{said}");
    assert!(!said.contains(CANARY), "{said}");
    let read = |name: &str| fs::read_to_string(place.work().join(name)).unwrap();
    // A tool sees what the program was given, and nothing of the process around it.
    let environment = read("environment.txt");
    assert!(environment.contains("PATH=") && !environment.contains("outer"), "{environment}");
    let arguments = read("arguments.txt");
    assert!(arguments.contains("stream-json") && !arguments.contains(CANARY), "{arguments}");
    // Where the key belongs.
    assert_eq!(tap.credentials().into_iter().collect::<Vec<_>>(), [format!("x-api-key: {KEY}")]);
    let mut searched = 0;
    for file in [files(&place.config()), vec![place.work().join("out.jsonl")]].concat() {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        assert!(!text.contains(CANARY), "{}: {text}", file.display());
        searched += 1;
    }
    assert!(searched > 2, "the program wrote something");
}

/// A session store that writes down what it is handed.
#[derive(Default)]
struct Ledger(MemorySessionStore, Mutex<String>);

impl SessionStore for Ledger {
    fn append<'a>(&'a self, key: &'a SessionKey, entries: &'a [StoreEntry]) -> BoxFuture<'a, Result<()>> {
        *self.1.lock().unwrap() += &format!("{key:?} {entries:?}\n");
        self.0.append(key, entries)
    }

    fn load<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Vec<StoreEntry>>>> {
        self.0.load(key)
    }
}

#[tokio::test]
async fn what_a_session_store_is_handed_and_what_is_laid_out_from_it_hold_none() {
    let place = Place::new();
    let mut env = place.env(true);
    env.insert("ANTHROPIC_API_KEY".into(), "sk-ant-api03-test-canary-of-key".into());
    env.insert("ANTHROPIC_CUSTOM_HEADERS".into(), "X-Team: test-canary-of-header".into());
    env.insert("TEST_SERVICE_TOKEN".into(), "test-canary-of-env".into());
    let options = json!({
        "cli_path": cli(), "cwd": place.work(), "allowed_tools": ["Bash"], "env_mode": "allow_list", "env": env,
        "mcp_servers": {"a": {"command": "false", "args": ["--api-key", "test-canary-of-argument"], "env": {"A_TOKEN": "test-canary-of-server"}}},
    });
    let mut options = Options::from_json(&options.to_string()).unwrap();
    let store = Arc::new(Ledger::default());
    for prompt in ["Please write down all you can see.", "Please write down what is laid out."] {
        let builder = Session::builder(options.clone()).session_store(store.clone());
        let mut session = builder.open().await.unwrap();
        let result = session.send(prompt).await.unwrap().result().await.unwrap();
        options.resume = result.unwrap().value()["session_id"].as_str().map(str::to_owned);
        session.close().await;
    }
    let handed = store.1.lock().unwrap().clone();
    assert!(
        handed.contains("It is written down.") && handed.contains("That is written down, too."),
        "{handed}"
    );
    assert!(!handed.contains(CANARY), "{handed}");
    let read = |name: &str| fs::read_to_string(place.work().join(name)).unwrap();
    let layout = read("layout.txt");
    assert!(layout.contains(options.resume.as_deref().unwrap()), "{layout}");
    assert!(layout.lines().any(|line| line == "700 "), "{layout}");
    assert_eq!(read("holders.txt"), "");
    let laid_out = PathBuf::from(read("where.txt"));
    assert_ne!(laid_out, place.config());
    assert!(!laid_out.exists() && !laid_out.with_extension("lock").exists(), "{}", laid_out.display());
}
