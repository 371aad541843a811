//! Functions of the host that panic, fail or answer nonsense, with a secret in what they say.
//!
//! What a host prints itself is its own: a panic is printed by the hook of the host. So this runs in a process of its own, whose output is
//! searched for what is not from there.

use std::{path::Path, process::Command, sync::Arc};

use madrigal::{
    Error, ErrorKind, Permission, Result,
    auth::{AuthConfig, AuthManager, NewToken, Secret, StoredToken, TokenSetup, TokenStore},
    hook::{HookEvent, HookOutput},
    orchestrate::{Orchestrator, OrchestratorConfig, Task},
    session::{Ask, AskKind, ElicitationAnswer, Host, Provided, SessionBuilder, UserDialogAnswer},
    store::{
        ListSessionsFromStore, SessionKey, SessionStore, SharedStore, StoreEntry, StoreMethod, StoredSession,
        list_sessions_from_store,
    },
    tools::{Tool, ToolResult, ToolServer},
    transport::BoxFuture,
};
use madrigal_conformance::simulator;
use serde_json::{Value, json};

use crate::{
    place::{Place, manager, options, run_with},
    seen::{CANARY, Seen},
};

/// Secrets of the run, as an error of the host may quote them.
const QUOTED: &str =
    "the host quotes test-canary-of-env, test-canary-of-header and sk-ant-oat01-test-canary-of-manager";
/// What only the host knows. A panic tells it nobody but the host.
const PANIC: &str = "the host panics with test-canary-of-env and test-canary-of-nobody";

/// What a function of the host does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// Panics when it is called.
    AtOnce,
    /// Panics when it is waited for.
    Later,
    /// Gives an error.
    Fails,
    /// Gives an error with a cause.
    Because,
}

const WAYS: [Way; 4] = [Way::AtOnce, Way::Later, Way::Fails, Way::Because];

impl Way {
    fn called(self) {
        assert!(self != Self::AtOnce, "{PANIC}");
    }

    fn awaited<T>(self) -> Result<T> {
        match self {
            Self::AtOnce | Self::Later => panic!("{PANIC}"),
            Self::Fails => Err(Error::new(ErrorKind::Callback, QUOTED).with("said", QUOTED)),
            Self::Because => {
                let cause = std::io::Error::other(QUOTED);
                Err(Error::new(ErrorKind::Internal, "the host cannot go on").caused_by(&cause))
            }
        }
    }

    fn answer<T>(self) -> impl Future<Output = Result<T>> + Send + 'static {
        self.called();
        async move { self.awaited() }
    }

    fn boxed<'a, T: 'a>(self) -> BoxFuture<'a, Result<T>> {
        self.called();
        Box::pin(async move { self.awaited() })
    }
}

/// Each kind of question, and what a host that has no answer is asked.
fn questions() -> Vec<(&'static str, Value)> {
    vec![
        (
            "permission",
            json!({"subtype": "can_use_tool", "tool_name": "Bash", "input": {}, "tool_use_id": "t1"}),
        ),
        (
            "hook",
            json!({"subtype": "hook_callback", "callback_id": "hook-0", "input": {"hook_event_name": "PreToolUse"}}),
        ),
        (
            "tool",
            json!({"subtype": "mcp_message", "server_name": "calc", "message": {
                "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "add", "arguments": {}},
            }}),
        ),
        (
            "elicitation",
            json!({"subtype": "elicitation", "mcp_server_name": "calc", "message": "Which?", "mode": "form"}),
        ),
        ("dialog", json!({"subtype": "request_user_dialog", "dialog_kind": "plan_choice", "payload": {}})),
    ]
}

/// A program that asks all of it, and repeats what it was answered.
fn asks() -> Value {
    let mut steps =
        vec![json!({"await": {"type": "user"}}), json!({"init": {}}), json!({"stderr": "a line\n"})];
    for (id, request) in questions() {
        steps.push(json!({"emit": {"type": "control_request", "request_id": id, "request": request}}));
        let answer = json!({"type": "control_response", "response": {"request_id": id}});
        steps.push(json!({"await": answer, "save": id}));
        steps.push(json!({"emit": {"type": "system", "subtype": "told", "by": id, "answer": format!("${id}.response")}}));
    }
    steps.push(json!({"result": {}}));
    json!(steps)
}

/// Runs it, and searches also what the host answered.
async fn asked(place: &Path, seen: &Seen, configure: impl FnOnce(SessionBuilder) -> SessionBuilder) {
    let mut options = options(place, simulator(), &asks());
    options.supported_dialog_kinds = vec!["plan_choice".into()];
    let said = run_with(seen, options, &manager(), configure).await;
    let answers: Vec<_> = said.into_iter().filter(|line| line.contains("\"told\"")).collect();
    assert_eq!(answers.len(), questions().len(), "{answers:?} {}", seen.all());
    for answer in answers {
        seen.text("an answer of the host", answer);
    }
}

fn broken(builder: SessionBuilder, way: Way) -> SessionBuilder {
    let add = move |_| way.answer::<ToolResult>();
    let tool = Tool::new("add", "Adds", json!({"type": "object"}), add);
    builder
        .can_use_tool(move |_| way.answer::<Permission>())
        .hook(HookEvent::PreToolUse, move |_| way.answer::<HookOutput>())
        .tool_server(ToolServer::new("calc", "1").tool(tool))
        .on_elicitation(move |_| way.answer::<ElicitationAnswer>())
        .on_user_dialog(move |_| way.answer::<UserDialogAnswer>())
        .on_stderr(move |_| way.awaited::<()>().unwrap_or_default())
}

/// A host whose answers have no shape that is allowed.
struct Nonsense;

impl Host for Nonsense {
    fn asks(&self) -> &[AskKind] {
        &[AskKind::CanUseTool, AskKind::Elicitation, AskKind::UserDialog]
    }

    fn answer(&self, ask: Ask) -> BoxFuture<'static, Result<Value>> {
        let answer = match ask.kind {
            // Any object is an answer to a hook.
            AskKind::HookCallback => json!([QUOTED]),
            _ => json!({"behavior": QUOTED, "action": QUOTED, "content": {QUOTED: QUOTED}, QUOTED: QUOTED}),
        };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

/// A host that panics already when it is asked what it answers.
struct Rude(Way);

impl Host for Rude {
    fn asks(&self) -> &[AskKind] {
        self.0.awaited::<()>().unwrap_or_default();
        &[]
    }

    fn answer(&self, _: Ask) -> BoxFuture<'static, Result<Value>> {
        self.0.boxed()
    }
}

/// A session store.
struct Shelf(Way);

impl SessionStore for Shelf {
    fn offers(&self, _: StoreMethod) -> bool {
        true
    }

    fn append<'a>(&'a self, _: &'a SessionKey, _: &'a [StoreEntry]) -> BoxFuture<'a, Result<()>> {
        self.0.boxed()
    }

    fn load<'a>(&'a self, _: &'a SessionKey) -> BoxFuture<'a, Result<Option<Vec<StoreEntry>>>> {
        self.0.boxed()
    }

    fn list_sessions<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<StoredSession>>> {
        self.0.boxed()
    }
}

/// A token store, and a way to get a token.
struct Vault(Way);

impl TokenStore for Vault {
    fn name(&self) -> String {
        "vault".into()
    }

    fn load(&self) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        self.0.boxed()
    }

    fn save<'a>(&'a self, _: &'a StoredToken) -> BoxFuture<'a, Result<()>> {
        self.0.boxed()
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        self.0.boxed()
    }
}

/// A set-up that fails, or gives what is no token.
struct Giver(Option<Way>);

impl TokenSetup for Giver {
    fn new_token(&self) -> BoxFuture<'_, Result<NewToken>> {
        match self.0 {
            Some(way) => way.boxed(),
            None => Box::pin(std::future::ready(Ok(Secret::from("test-canary no token").into()))),
        }
    }
}

/// A manager that has this store or set-up, and finds nothing of this machine.
fn keeper(store: Option<Arc<dyn TokenStore>>, setup: Option<Arc<dyn TokenSetup>>) -> AuthManager {
    let names = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];
    let mut env: std::collections::BTreeMap<_, _> = names.map(|name| (name.into(), String::new())).into();
    env.insert("TEST_SERVICE_TOKEN".into(), "test-canary-of-env".into());
    let credential_of_the_run = "sk-ant-oat01-test-canary-of-manager";
    env.insert("TEST_GATEWAY_TOKEN".into(), credential_of_the_run.into());
    env.insert("TEST_HEADER_KEY".into(), "test-canary-of-header".into());
    AuthManager::new(AuthConfig { env, store, setup, cli_login: false, ..AuthConfig::default() }).unwrap()
}

/// What becomes of a call that may panic: then it is the caller's own panic, and was printed.
async fn noted<T: Send + 'static>(seen: &Seen, call: impl Future<Output = Result<T>> + Send + 'static) {
    if let Ok(done) = tokio::spawn(call).await {
        seen.error(&done.err().unwrap());
    }
}

/// Not a test: the host.
#[tokio::test]
#[ignore = "run by the test below"]
async fn a_host() {
    let place = Place::new();
    let seen = Seen::default();
    asked(&place.0, &seen, |builder| {
        let tool = json!({"name": "add", "inputSchema": {"type": "object"}});
        let provided = json!({"hooks": {"PreToolUse": [{"callbacks": ["hook-0"]}]}, "tool_servers": [{"name": "calc", "tools": [tool]}]});
        builder.host(Arc::new(Nonsense)).provide(serde_json::from_value::<Provided>(provided).unwrap())
    })
    .await;
    for way in WAYS {
        asked(&place.0, &seen, |builder| broken(builder, way)).await;
        sessions_are_not_stored(&place.0, &seen, way).await;
        tokens_are_not_had(&place.0, &seen, way).await;
    }
    for told in ["panicked", "the host cannot go on", "the host quotes ..., ... and "] {
        assert!(seen.has(told), "{told}: {}", seen.all());
    }
    seen.is_clean(200);
}

async fn sessions_are_not_stored(place: &Path, seen: &Seen, way: Way) {
    let store: SharedStore = Arc::new(Shelf(way));
    let folder = place.join("projects/-").display().to_string();
    let file = format!("{folder}/00000000-0000-4000-8000-000000000001.jsonl");
    let steps = json!([
        {"await": {"type": "user"}}, {"init": {}},
        {"emit": {"type": "transcript_mirror", "filePath": file, "entries": [{"type": "user", "uuid": "u"}]}}, {"result": {}},
    ]);
    let mut options = options(place, simulator(), &steps);
    let said =
        run_with(seen, options.clone(), &manager(), |builder| builder.session_store(store.clone())).await;
    let lost = said.into_iter().find(|line| line.contains("\"mirror_error\""));
    seen.text("a message of the core", lost.unwrap_or_else(|| panic!("{way:?}: {}", seen.all())));
    options.resume = Some("00000000-0000-4000-8000-000000000001".into());
    run_with(seen, options, &manager(), |builder| builder.session_store(store.clone())).await;
    let listed = list_sessions_from_store(&store, &ListSessionsFromStore::default()).await;
    seen.error(&listed.unwrap_err());
}

async fn tokens_are_not_had(place: &Path, seen: &Seen, way: Way) {
    let answers = json!([{"await": {"type": "user"}}, {"init": {}}, {"result": {}}]);
    let options = options(place, simulator(), &answers);
    for (store, setup) in [
        (Some(Arc::new(Vault(way)) as Arc<dyn TokenStore>), None),
        (None, Some(Arc::new(Giver(Some(way))) as Arc<dyn TokenSetup>)),
        (None, Some(Arc::new(Giver(None)) as Arc<dyn TokenSetup>)),
    ] {
        let home =
            setup.is_some().then(|| Arc::new(madrigal::auth::MemoryTokenStore::new()) as Arc<dyn TokenStore>);
        let auth = keeper(store.or(home), setup);
        let of = |auth: &AuthManager| auth.clone();
        let (one, two, three) = (of(&auth), of(&auth), of(&auth));
        noted(seen, async move { one.ensure_authenticated().await }).await;
        noted(seen, async move { two.setup_token().await }).await;
        noted(seen, async move { three.refresh_token().await }).await;
        // Started in the background, so that a panic is nobody's own.
        let session = SessionBuilder::start(madrigal::Session::builder(options.clone()).auth(&auth)).unwrap();
        seen.end(&session.handle().gone().await);
        let config =
            OrchestratorConfig { auth: (&auth).into(), options: options.clone(), ..Default::default() };
        let orchestrator = Orchestrator::new(config).unwrap();
        run_task(seen, orchestrator, Task::new("hi")).await;
    }
    let config = OrchestratorConfig { auth: manager().into(), options, ..Default::default() };
    let orchestrator = Orchestrator::new(config).unwrap();
    let task = Task::new("hi").configure(move |builder| {
        way.called();
        builder.host(Arc::new(Rude(way)))
    });
    run_task(seen, orchestrator, task).await;
}

async fn run_task(seen: &Seen, orchestrator: Orchestrator, task: Task) {
    let orchestrator = Arc::new(orchestrator);
    let ours = orchestrator.clone();
    if let Ok(outcome) = tokio::spawn(async move { ours.run(task).await }).await {
        seen.outcome(&outcome);
    }
    orchestrator.close().await;
}

#[test]
fn what_the_host_says_of_a_secret_stays_with_the_host() {
    let host = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "callbacks::a_host", "--ignored", "--nocapture"])
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let printed = String::from_utf8([host.stdout, host.stderr].concat()).unwrap();
    assert!(host.status.success() && printed.contains("1 passed"), "{printed}");
    assert!(printed.matches(PANIC).count() > 20, "the panics of the host: {printed}");
    let added = printed.replace(PANIC, "");
    assert!(!added.contains(CANARY), "{added}");
}
