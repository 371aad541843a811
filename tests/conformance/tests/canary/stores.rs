//! What a session store is handed, and the directory in which a session from a store is laid out for the program.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use madrigal::{
    Options, Result,
    orchestrate::{Orchestrator, OrchestratorConfig, Task},
    resilience::Budget,
    store::{
        ListSessionsFromStore, MemorySessionStore, SessionKey, SessionStore, SessionSummary, SharedStore,
        StoreEntry, StoreMethod, StoredSession, list_sessions_from_store,
    },
    transport::BoxFuture,
};
use serde_json::json;

use crate::{
    place::{Place, holders, manager, options, run_with},
    seen::{CANARY, Seen},
};

const ID: &str = "00000000-0000-4000-8000-000000000001";
const LOGIN: &str = "sk-ant-oat01-test-canary-of-login";

/// A session store that writes down all it is handed.
struct Ledger(MemorySessionStore, Seen);

impl Ledger {
    fn handed(&self, key: &SessionKey, more: &str) {
        self.1.text("what a session store is handed", format!("{key:?} {more}"));
    }
}

impl SessionStore for Ledger {
    fn offers(&self, _: StoreMethod) -> bool {
        true
    }

    fn append<'a>(&'a self, key: &'a SessionKey, entries: &'a [StoreEntry]) -> BoxFuture<'a, Result<()>> {
        self.handed(key, &format!("{entries:?}"));
        self.0.append(key, entries)
    }

    fn load<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Vec<StoreEntry>>>> {
        self.handed(key, "load");
        self.0.load(key)
    }

    fn list_sessions<'a>(&'a self, project_key: &'a str) -> BoxFuture<'a, Result<Vec<StoredSession>>> {
        self.1.text("a project of a session store", project_key);
        self.0.list_sessions(project_key)
    }

    fn list_session_summaries<'a>(
        &'a self,
        project_key: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SessionSummary>>> {
        self.1.text("a project of a session store", project_key);
        self.0.list_session_summaries(project_key)
    }

    fn delete<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<()>> {
        self.handed(key, "delete");
        self.0.delete(key)
    }

    fn list_subkeys<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Vec<String>>> {
        self.handed(key, "list_subkeys");
        self.0.list_subkeys(key)
    }
}

/// What the program calls the project of this directory.
fn project(folder: &Path) -> String {
    let path = fs::canonicalize(folder).unwrap().display().to_string();
    path.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
}

/// A session whose transcript goes to the store, with a subagent's beside it.
fn mirrored(place: &Place) -> Options {
    let folder = place.0.join("projects").join(project(&place.0)).display().to_string();
    let mirror = |file: String, uuid: &str| {
        let entry = json!({"type": "user", "uuid": uuid, "sessionId": ID, "message": {"role": "user", "content": "hi"}});
        json!({"emit": {"type": "transcript_mirror", "filePath": file, "entries": [entry]}})
    };
    let steps = json!([
        {"await": {"type": "user"}}, {"init": {}}, mirror(format!("{folder}/{ID}.jsonl"), "u1"),
        mirror(format!("{folder}/{ID}/subagents/agent-1.jsonl"), "u2"), {"result": {}},
    ]);
    Options { cwd: Some(place.0.clone()), ..options(&place.0, place.talker(), &steps) }
}

/// The same session, gone on with by a program that writes down what was laid out for it, and then does this.
fn resumed(place: &Place, does: &str) -> Options {
    let config = place.0.join(".claude");
    fs::create_dir_all(&config).unwrap();
    let login = json!({"claudeAiOauth": {"accessToken": LOGIN, "refreshToken": "sk-ant-ort01-test-canary-of-refresh"}});
    fs::write(config.join(".credentials.json"), login.to_string()).unwrap();
    let program = place.before(&format!(
        "find \"$CLAUDE_CONFIG_DIR\" -printf '%m %P\\n' > \"$HOME/layout\"\ngrep -rl {CANARY} \"$CLAUDE_CONFIG_DIR\" > \"$HOME/holders\"\n\
         grep -rl canary-of-refresh \"$CLAUDE_CONFIG_DIR\" >> \"$HOME/holders\"\nprintf %s \"$CLAUDE_CONFIG_DIR\" > \"$HOME/where\"\nenv >&2\n{does}"
    ));
    let steps = json!([{"await": {"type": "user"}}, {"init": {}}, {"result": {}}]);
    let more = options(&place.0, program, &steps);
    Options { cwd: Some(place.0.clone()), resume: Some(ID.into()), ..more }
}

fn read(place: &Place, name: &str) -> String {
    fs::read_to_string(place.0.join(name)).unwrap()
}

/// The directory is private, and in it only the login is a secret, as its name says.
fn was_private(place: &Place) -> PathBuf {
    let layout = read(place, "layout");
    assert!(layout.contains(ID) && layout.contains(".credentials.json"), "{layout}");
    for line in layout.lines() {
        let (mode, path) = line.split_once(' ').unwrap();
        assert!(mode == "600" || mode == "700", "{path}: {mode}");
    }
    let folder = PathBuf::from(read(place, "where"));
    assert_eq!(read(place, "holders").trim(), folder.join(".credentials.json").display().to_string());
    folder
}

/// Nothing is left, nor what said that it is in use.
fn is_gone(folder: &Path) {
    assert!(!folder.exists() && !folder.with_extension("lock").exists(), "{}", folder.display());
}

#[tokio::test]
async fn a_session_store_is_handed_none() {
    let place = Place::new();
    let seen = Seen::default();
    let store: SharedStore = Arc::new(Ledger(MemorySessionStore::new(), seen.clone()));
    run_with(&seen, mirrored(&place), &manager(), |builder| builder.session_store(store.clone())).await;
    for does in ["", "exit 3", "kill -9 $$", "printf 'no frame %s\\n' \"$TEST_SERVICE_TOKEN\""] {
        run_with(&seen, resumed(&place, does), &manager(), |builder| builder.session_store(store.clone()))
            .await;
        is_gone(&was_private(&place));
        fs::remove_file(place.0.join("where")).unwrap();
    }
    // One that cannot be started.
    let mut options = resumed(&place, "");
    options.cli_path = Some(place.0.join("no-such-program"));
    run_with(&seen, options, &manager(), |builder| builder.session_store(store.clone())).await;

    let config = OrchestratorConfig { auth: manager().into(), ..OrchestratorConfig::default() };
    let orchestrator = Orchestrator::new(config).unwrap();
    for options in [mirrored(&place), resumed(&place, "")] {
        let store = store.clone();
        let task =
            Task::new("hi").options(options).configure(move |builder| builder.session_store(store.clone()));
        seen.text("a task", format!("{task:?}"));
        let outcome = orchestrator.run(task).await;
        assert_eq!(outcome.status(), "succeeded", "{}", seen.all());
        seen.outcome(&outcome);
    }
    orchestrator.close().await;
    is_gone(&was_private(&place));

    let directory = Some(place.0.clone());
    let listed =
        list_sessions_from_store(&store, &ListSessionsFromStore { directory, ..Default::default() }).await;
    assert_eq!(listed.unwrap().len(), 1);
    for told in ["subagents/agent-1", "\"uuid\":\"u1\"", "load", "list_subkeys", "TEST_SERVICE_TOKEN=..."] {
        assert!(seen.has(told), "{told}: {}", seen.all());
    }
    seen.is_clean(80);
}

/// The ledger of a budget names who spends by a fingerprint.
#[tokio::test]
async fn the_ledger_of_a_budget_holds_none() {
    let place = Place::new();
    let seen = Seen::default();
    let folder = place.0.join("ledger");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("budget");
    let budget = Budget { ledger: Some(path.clone()), run_usd: Some(5.0), ..Budget::standard() };
    let config =
        OrchestratorConfig { auth: manager().into(), budget: Some(budget), ..OrchestratorConfig::default() };
    let orchestrator = Orchestrator::new(config).unwrap();
    let fine = json!([{"await": {"type": "user"}}, {"init": {}}, {"result": {"total_cost_usd": 0.25}}]);
    let refused = json!([{"await": {"type": "user"}}, {"init": {}}, {"exit": 3}]);
    for (name, steps) in [("fine", fine), ("refused", refused)] {
        let options = options(&place.0, place.talker(), &steps);
        seen.outcome(&orchestrator.run(Task::new("hi").name(name).options(options)).await);
    }
    orchestrator.close().await;
    drop(orchestrator);
    let written = fs::read_to_string(&path).unwrap();
    let who = madrigal::auth::Secret::from("sk-ant-oat01-test-canary-of-manager").fingerprint();
    assert!(written.contains(&who) && written.contains("\"actual\":0.25"), "{written}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(holders(&folder), []);
    seen.is_clean(5);
}

/// Not a test: the host, whose program stays until the host is gone.
#[tokio::test]
#[ignore = "run by the test below"]
async fn a_host() {
    let place = std::mem::ManuallyDrop::new(Place(std::env::var_os("TEST_PLACE").unwrap().into()));
    let store: SharedStore = Arc::new(MemorySessionStore::new());
    let entry = serde_json::value::to_raw_value(&json!({"type": "user", "uuid": "u"})).unwrap();
    store.append(&SessionKey::new(project(&place.0), ID), &[entry]).await.unwrap();
    let does = if std::env::var_os("TEST_STAYS").is_some() { "exec cat > \"$HOME/got\"" } else { "" };
    run_with(&Seen::default(), resumed(&place, does), &manager(), |builder| builder.session_store(store))
        .await;
}

#[test]
fn what_a_killed_host_leaves_is_private_and_the_next_one_removes_it() {
    let place = Place::new();
    let temporary = place.0.join("temporary");
    fs::create_dir(&temporary).unwrap();
    let host = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "stores::a_host", "--ignored"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.env("TEST_PLACE", &place.0).env("TMPDIR", &temporary);
        command
    };
    let mut killed = host().env("TEST_STAYS", "1").spawn().unwrap();
    // It is the last but one that the program writes, and the program stays.
    while !place.0.join("got").exists() {
        assert!(killed.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    let left = was_private(&place);
    assert!(left.starts_with(&temporary) && left.exists(), "nobody was there to remove it");
    let name = left.strip_prefix(&temporary).unwrap().display().to_string();
    assert_eq!(holders(&temporary), [(format!("{name}/.credentials.json"), 0o600)]);
    assert!(host().status().unwrap().success());
    assert_ne!(was_private(&place), left);
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}
