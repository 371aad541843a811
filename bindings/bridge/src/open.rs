//! From a request to a running session.

use std::sync::Arc;

use madrigal::{
    Error, ErrorKind, Options, Result, Session,
    hook::Hooks,
    session::{AskKind, Provided, SessionHandle},
    tools::ServerSpec,
};
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use crate::{
    SessionId, Wake,
    asks::Asks,
    auth::{self, Choice},
    handles::{self, Entry, Running},
    orchestra, policy, runtime,
    signals::Signals,
    store::{HostStore, StoreSpec},
    work,
};

/// What `open` is given; see `docs/boundary.md`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request<'a> {
    #[serde(borrow, default)]
    options: Option<&'a RawValue>,
    #[serde(default)]
    asks: Vec<String>,
    #[serde(default)]
    stderr: bool,
    #[serde(default)]
    hooks: Hooks,
    #[serde(default)]
    tool_servers: Vec<ServerSpec>,
    #[serde(default)]
    session_store: Option<StoreSpec>,
    /// Work on the store, in place of a session.
    #[serde(borrow, default)]
    operation: Option<&'a RawValue>,
    /// An orchestrator, in place of a session.
    #[serde(borrow, default)]
    orchestrator: Option<&'a RawValue>,
    /// A policy by itself, in place of a session.
    #[serde(borrow, default)]
    policy: Option<&'a RawValue>,
    /// An auth manager, in place of a session.
    #[serde(borrow, default)]
    auth_manager: Option<&'a RawValue>,
    /// The credential of what is opened.
    #[serde(default)]
    auth: Option<Choice>,
    /// Whether the host wants to hear of what happens to tasks.
    #[serde(default)]
    progress: bool,
}

pub(crate) fn open(request: &str, wake: Arc<dyn Wake>) -> Result<SessionId> {
    let request: Request<'_> = serde_json::from_str(request).map_err(|error| {
        Error::new(ErrorKind::InvalidArgument, format!("request: {error}")).operation("open")
    })?;
    let methods = request.session_store.map(StoreSpec::methods).transpose()?;
    if let Some(operation) = request.operation {
        return work::open(operation, methods, wake);
    }
    if let Some(config) = request.orchestrator {
        return orchestra::open(config, request.auth, request.progress, wake);
    }
    if let Some(spec) = request.policy {
        return policy::open(spec, wake);
    }
    if let Some(spec) = request.auth_manager {
        return auth::open(spec, wake);
    }
    let options = Options::from_json(request.options.map_or("{}", RawValue::get))?;
    let kinds = request.asks.iter().map(|name| ask_kind(name)).collect::<Result<Vec<_>>>()?;

    let session = handles::number();
    let signals = Arc::new(Signals::new(session, wake.clone()));
    let asks = Arc::new(Asks::new(kinds, signals.clone()));
    let provided = Provided { hooks: request.hooks, tool_servers: request.tool_servers };
    let mut builder = Session::builder(options).host(asks.clone()).provide(provided);
    if let Some(methods) = methods {
        builder = builder.session_store(Arc::new(HostStore::new(&asks, methods, None)));
    }
    if request.stderr {
        let signals = signals.clone();
        builder =
            builder.on_stderr(move |line| signals.push(json!({"event": "stderr", "line": line}).to_string()));
    }
    if let Some(auth) = request.auth {
        builder = builder.auth(auth.source()?);
    }
    let runtime = runtime::handle()?;
    let _inside = runtime.enter();
    let handle = builder.start()?.handle();
    runtime.spawn(announce(handle.clone(), signals.clone()));
    handle.mailbox().set_wake(Arc::new(move || wake.wake(session)));
    handles::insert(session, Entry::new(Running::Session(handle), signals, asks));
    Ok(session)
}

/// A kind the host may list. The others follow from its hooks and servers.
pub(crate) fn ask_kind(name: &str) -> Result<AskKind> {
    let listed = [AskKind::CanUseTool, AskKind::Elicitation, AskKind::UserDialog];
    listed.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
        let known = listed.map(AskKind::name).join("`, `");
        let message = format!("asks: expected any of `{known}`, not `{name}`");
        Error::new(ErrorKind::InvalidArgument, message).operation("open").with("field", "asks")
    })
}

/// Says when the program is ready. When it never is, the end of the stream says why.
async fn announce(handle: SessionHandle, signals: Arc<Signals>) {
    let opened = handle.opened();
    if let Ok(info) = opened.await {
        signals.push(json!({"event": "opened", "pid": handle.pid(), "info": *info}).to_string());
    }
}
