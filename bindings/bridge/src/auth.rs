//! The keeper of a credential by number: its calls as commands; stores and set-ups of the host as questions.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use madrigal::{
    Error, ErrorKind, Result,
    auth::{
        AuthConfig, AuthEvent, AuthManager, AuthSource, Environment, FileTokenStore, HostTerminal,
        KeyringTokenStore, MemoryTokenStore, NewToken, ProgramSetup, SETUP_LIMIT, Secret, SetupTerminal,
        StoredToken, TokenSetup, TokenStore,
    },
    session::Progress,
    transport::BoxFuture,
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::task::AbortHandle;

use crate::{
    SessionId, Wake,
    asks::Asks,
    handles::{self, Entry, Running},
    runtime,
    signals::{Reply, Signals},
};

/// How long a store of the host may take.
const STORE_LIMIT: Duration = Duration::from_secs(60);

/// The settings; see `docs/boundary.md`.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Spec {
    name: Option<String>,
    credential: Option<String>,
    env: BTreeMap<String, String>,
    store: StoreName,
    setup: SetupName,
    terminal: TerminalName,
    setup_timeout_ms: u64,
    auto_refresh: bool,
    refresh_before_expiry_ms: u64,
    interactive: Option<bool>,
    cli_login: bool,
    cli_path: Option<PathBuf>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            name: None,
            credential: None,
            env: BTreeMap::new(),
            store: StoreName::Auto,
            setup: SetupName::Program,
            terminal: TerminalName::Process,
            setup_timeout_ms: u64::try_from(SETUP_LIMIT.as_millis()).unwrap_or(u64::MAX),
            auto_refresh: true,
            refresh_before_expiry_ms: 86_400_000,
            interactive: None,
            cli_login: true,
            cli_path: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SetupName {
    Program,
    Host,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum TerminalName {
    Process,
    Host,
}

/// Which store: a word, `{"file": PATH}` or `{"keyring": ACCOUNT}`.
enum StoreName {
    Auto,
    Keyring(String),
    Memory,
    Host,
    File(Option<PathBuf>),
}

impl<'de> Deserialize<'de> for StoreName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = |key: &str| value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        match (value.as_str(), text("file"), text("keyring")) {
            (Some("auto"), ..) => Ok(Self::Auto),
            (Some("memory"), ..) => Ok(Self::Memory),
            (Some("host"), ..) => Ok(Self::Host),
            (Some("file"), ..) => Ok(Self::File(None)),
            (Some("keyring"), ..) => Ok(Self::Keyring("default".into())),
            (None, Some(path), None) => Ok(Self::File(Some(path.into()))),
            (None, None, Some(account)) => Ok(Self::Keyring(account.into())),
            _ => Err(serde::de::Error::custom(
                "store: expected `auto`, `keyring`, `file`, `memory`, `host`, {\"file\": PATH} or {\"keyring\": ACCOUNT}",
            )),
        }
    }
}

/// A call of the host.
pub(crate) enum Call {
    EnsureAuthenticated,
    SetupToken,
    RefreshToken,
    GetToken,
    SetCredential(Option<String>),
    Refused(String),
    Clear,
    Status,
}

impl Call {
    const fn name(&self) -> &'static str {
        match self {
            Self::EnsureAuthenticated => "ensure_authenticated",
            Self::SetupToken => "setup_token",
            Self::RefreshToken => "refresh_token",
            Self::GetToken => "get_token",
            Self::SetCredential(_) => "set_credential",
            Self::Refused(_) => "refused",
            Self::Clear => "clear",
            Self::Status => "status",
        }
    }

    async fn perform(self, manager: AuthManager) -> Result<Value> {
        match self {
            Self::EnsureAuthenticated => Ok(manager.ensure_authenticated().await?.to_json()),
            Self::SetupToken => Ok(manager.setup_token().await?.to_json()),
            Self::RefreshToken => Ok(manager.refresh_token().await?.to_json()),
            Self::GetToken => Ok(json!({"token": manager.get_token().await?.expose()})),
            Self::SetCredential(credential) => {
                manager.set_credential(credential.map(|text| Secret::from(text.as_str())));
                Ok(Value::Null)
            }
            Self::Refused(fingerprint) => {
                manager.refused_fingerprint(&fingerprint);
                Ok(Value::Null)
            }
            Self::Clear => manager.clear().await.map(|()| Value::Null),
            Self::Status => Ok(json!(manager.status().await?)),
        }
    }
}

/// An open auth manager.
pub(crate) struct Keeper {
    manager: AuthManager,
    terminal: Option<HostTerminal>,
    signals: Arc<Signals>,
    calls: Arc<Mutex<HashMap<i64, AbortHandle>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Checks the settings and opens an auth manager. Nothing is looked at yet.
pub(crate) fn open(spec: &RawValue, wake: Arc<dyn Wake>) -> Result<SessionId> {
    let spec: Spec = serde_json::from_str(spec.get()).map_err(|error| {
        let message = format!("auth_manager: {error}");
        Error::new(ErrorKind::InvalidOptions, message).operation("open").with("field", "auth_manager")
    })?;
    let runtime = runtime::handle()?;
    let _inside = runtime.enter();
    let number = handles::number();
    let signals = Arc::new(Signals::new(number, wake));
    let asks = Arc::new(Asks::new(Vec::new(), signals.clone()));
    let terminal = matches!(spec.terminal, TerminalName::Host).then(|| {
        let signals = signals.clone();
        HostTerminal::new(move |text| {
            signals.push(json!({"event": "setup_output", "text": text}).to_string());
        })
    });
    let limit = Duration::from_millis(spec.setup_timeout_ms);
    let setup: Arc<dyn TokenSetup> = match spec.setup {
        SetupName::Host => Arc::new(HostSetup { asks: asks.clone(), limit }),
        SetupName::Program => Arc::new(ProgramSetup {
            cli_path: spec.cli_path.clone(),
            env: spec.env.clone().into_iter().collect(),
            limit,
            terminal: terminal.clone().map_or_else(|| ProgramSetup::default().terminal, SetupTerminal::from),
            ..ProgramSetup::default()
        }),
    };
    let store = store(spec.store, &spec.env, &asks)?;
    let told = signals.clone();
    let manager = AuthManager::new(AuthConfig {
        name: spec.name,
        credential: spec.credential.map(|text| Secret::from(text.as_str())),
        env: spec.env,
        store,
        setup: Some(setup),
        auto_refresh: spec.auto_refresh,
        refresh_before_expiry: Duration::from_millis(spec.refresh_before_expiry_ms),
        interactive: spec.interactive,
        cli_login: spec.cli_login,
        cli_path: spec.cli_path,
        on_event: Some(Arc::new(move |event| told.push(announcement(event).to_string()))),
        ..AuthConfig::default()
    })
    .map_err(|error| error.operation("open"))?;
    let keeper = Arc::new(Keeper { manager, terminal, signals: signals.clone(), calls: Arc::default() });
    handles::insert(number, Entry::new(Running::Keeper(keeper), signals, asks));
    Ok(number)
}

fn store(
    name: StoreName,
    env: &BTreeMap<String, String>,
    asks: &Arc<Asks>,
) -> Result<Option<Arc<dyn TokenStore>>> {
    let env = Environment::current().with(env);
    Ok(match name {
        StoreName::Auto => None,
        StoreName::Keyring(account) => Some(Arc::new(KeyringTokenStore::within(account, &env))),
        StoreName::Memory => Some(Arc::new(MemoryTokenStore::new())),
        StoreName::Host => Some(Arc::new(HostTokenStore(asks.clone()))),
        StoreName::File(None) => Some(Arc::new(FileTokenStore::within(&env)?)),
        StoreName::File(Some(path)) => Some(Arc::new(FileTokenStore::new(path))),
    })
}

fn announcement(event: &AuthEvent) -> Value {
    match event {
        AuthEvent::Refreshed(credential) => json!({"event": "refreshed", "credential": credential.to_json()}),
        AuthEvent::RefreshFailed { error, next } => {
            json!({"event": "refresh_failed", "error": error.to_json(), "next_ms": next.as_millis()})
        }
        _ => json!({"event": "unknown"}),
    }
}

impl Keeper {
    /// The manager, for what is started with its credential.
    pub(crate) fn manager(&self) -> AuthManager {
        self.manager.clone()
    }

    /// Begins a call; its result is the reply.
    pub(crate) fn call(&self, id: i64, call: Call) -> Result<()> {
        let mut running = lock(&self.calls);
        if running.contains_key(&id) {
            return Err(invalid("id", &format!("a call with the id {id} runs already; choose another")));
        }
        let reply = Reply::new(&self.signals, id, call.name());
        let (calls, manager) = (self.calls.clone(), self.manager.clone());
        let task = runtime::handle()?.spawn(async move {
            let result = call.perform(manager).await;
            lock(&calls).remove(&id);
            reply.tell(result);
        });
        running.insert(id, task.abort_handle());
        Ok(())
    }

    /// Hands over what the person typed.
    pub(crate) fn type_text(&self, text: &str) -> Result<()> {
        match &self.terminal {
            Some(terminal) => {
                terminal.type_text(text);
                Ok(())
            }
            None => Err(invalid("terminal", "only with `host` is what is typed handed over")),
        }
    }

    /// Gives up a call; its reply says `cancelled`.
    pub(crate) fn cancel(&self, run: i64) {
        if let Some(call) = lock(&self.calls).remove(&run) {
            call.abort();
        }
    }

    /// Gives up all calls.
    pub(crate) fn stop(&self) {
        for (_, call) in lock(&self.calls).drain() {
            call.abort();
        }
    }
}

/// A token store of the host.
struct HostTokenStore(Arc<Asks>);

impl HostTokenStore {
    async fn ask(&self, request: Value) -> Result<Box<RawValue>> {
        let method = request["method"].as_str().unwrap_or_default().to_owned();
        let answer = self.0.ask("token_store", &request.to_string(), Progress::default());
        let late = |_| {
            Error::new(
                ErrorKind::Timeout,
                format!("the token store did not answer `{method}` within {} s", STORE_LIMIT.as_secs()),
            )
        };
        let answer = tokio::time::timeout(STORE_LIMIT, answer).await.map_err(late);
        answer.and_then(|answer| answer).map_err(|error| error.with("method", method.as_str()))
    }
}

impl TokenStore for HostTokenStore {
    fn name(&self) -> String {
        "the token store of the host".into()
    }

    fn load(&self) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        Box::pin(async {
            let answer = self.ask(json!({"method": "load"})).await?;
            match serde_json::from_str(answer.get()) {
                Ok(Value::Null) => Ok(None),
                Ok(token) => StoredToken::from_json(&token).map(Some),
                Err(error) => Err(invalid("token_store", &format!("load: {error}"))),
            }
        })
    }

    fn save<'a>(&'a self, token: &'a StoredToken) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { self.ask(json!({"method": "save", "token": token.to_json()})).await.map(drop) })
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { self.ask(json!({"method": "clear"})).await.map(drop) })
    }
}

/// A way of the host to get a token.
struct HostSetup {
    asks: Arc<Asks>,
    limit: Duration,
}

#[derive(Deserialize)]
struct Given {
    token: String,
    #[serde(default)]
    expires_at: Option<String>,
}

impl TokenSetup for HostSetup {
    fn new_token(&self) -> BoxFuture<'_, Result<NewToken>> {
        Box::pin(async {
            let answer = self.asks.ask("new_token", "{}", Progress::default());
            let answer = tokio::time::timeout(self.limit, answer).await.map_err(|_| {
                let text = format!("the set-up of the host gave no token within {} s", self.limit.as_secs());
                Error::new(ErrorKind::Timeout, text).operation("setup_token")
            })??;
            // The text of the error would show what was given.
            let given: Given = serde_json::from_str(answer.get())
                .map_err(|_| invalid("new_token", "expected {\"token\": TEXT, \"expires_at\"?: ISO 8601}"))?;
            let given = json!({"token": given.token, "expiry": given.expires_at});
            let StoredToken { token, expires_at, .. } = StoredToken::from_json(&given)?;
            Ok(NewToken { token, expires_at })
        })
    }
}

fn invalid(field: &str, expected: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{field}: {expected}")).with("field", field)
}

/// What a request says of the credential of what it opens.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Choice {
    /// The manager with this number.
    Manager(SessionId),
    /// `false`: the program decides.
    Off(bool),
}

impl Choice {
    /// What the core is told.
    pub(crate) fn source(self) -> Result<AuthSource> {
        match self {
            Self::Manager(number) => Ok(AuthSource::Manager(handles::get(number)?.keeper()?.manager())),
            Self::Off(false) => Ok(AuthSource::Off),
            Self::Off(true) => Err(invalid("auth", "expected the number of an auth manager, or `false`")),
        }
    }
}
