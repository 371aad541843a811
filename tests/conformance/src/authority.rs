//! The steps for authentication: an auth manager, and what its host keeps, gives out and shows.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use madrigal::{
    Error, ErrorKind, Result,
    auth::{
        AuthConfig, AuthManager, Environment, FileTokenStore, HostTerminal, KeyringTokenStore,
        MemoryTokenStore, NewToken, ProgramSetup, SETUP_LIMIT, Secret, SetupTerminal, StoredToken,
        TokenSetup, TokenStore,
    },
    orchestrate::{OrchestratorConfig, Task},
    transport::BoxFuture,
};
use serde_json::{Value, json};

/// What does not count, unless a scenario sets it.
const UNSET: [&str; 9] = [
    "CI",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_AGENT_API_KEY",
    "CLAUDE_AGENT_AUTH_TOKEN",
    "CLAUDE_AGENT_OAUTH_TOKEN",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
];

/// What a scenario keeps over its managers.
pub(crate) struct Authority {
    kept: Arc<Kept>,
    terminal: HostTerminal,
    shown: Arc<Mutex<String>>,
    manager: Option<AuthManager>,
    named: Managers,
}

/// The managers that stand beside each other, by the names of the scenario.
#[derive(Clone, Default)]
pub(crate) struct Managers(BTreeMap<String, AuthManager>);

impl Managers {
    /// The manager of this name.
    pub(crate) fn of(&self, name: &Value) -> Result<AuthManager> {
        let name = name.as_str().unwrap_or_default();
        self.0.get(name).cloned().ok_or_else(|| unknown("auth", name))
    }

    /// A task, with the manager that it names.
    pub(crate) fn task(&self, mut given: Value) -> Result<Task> {
        let name = given.as_object_mut().and_then(|fields| fields.remove("auth"));
        let task = Task::from_json(given)?;
        Ok(match name {
            Some(name) => task.auth(self.of(&name)?),
            None => task,
        })
    }

    /// An orchestrator's configuration, with the managers that it and its fallbacks name.
    pub(crate) fn config(&self, given: &Value, usual: Option<&AuthManager>) -> Result<OrchestratorConfig> {
        let mut given = given.clone();
        let own = given.as_object_mut().and_then(|fields| fields.remove("auth"));
        let fallbacks = given.get_mut("fallbacks").and_then(Value::as_array_mut).into_iter().flatten();
        let names: Vec<Option<Value>> =
            fallbacks.map(|one| one.as_object_mut().and_then(|fields| fields.remove("auth"))).collect();
        let mut config = OrchestratorConfig::from_json(&given.to_string())?;
        if let Some(manager) = own.map(|name| self.of(&name)).transpose()?.as_ref().or(usual) {
            config.auth = manager.into();
        }
        for (fallback, name) in config.fallbacks.iter_mut().zip(names) {
            fallback.auth = name.map(|name| self.of(&name)).transpose()?;
        }
        Ok(config)
    }
}

/// The host's store, and the tokens it gives out.
struct Kept {
    token: Mutex<Option<StoredToken>>,
    fails: Mutex<BTreeMap<String, i64>>,
    new: Mutex<VecDeque<Value>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Authority {
    pub(crate) fn new(scenario: &Value) -> Result<Self> {
        let store = &scenario["token_store"];
        let held = Some(&store["holds"]).filter(|held| !held.is_null());
        let fails = store["fails"].as_object().into_iter().flatten();
        let shown = Arc::new(Mutex::new(String::new()));
        let drawn = Arc::clone(&shown);
        Ok(Self {
            kept: Arc::new(Kept {
                token: Mutex::new(held.map(StoredToken::from_json).transpose()?),
                fails: Mutex::new(
                    fails.map(|(name, times)| (name.clone(), times.as_i64().unwrap_or(-1))).collect(),
                ),
                new: Mutex::new(scenario["new_tokens"].as_array().cloned().unwrap_or_default().into()),
            }),
            terminal: HostTerminal::new(move |text| lock(&drawn).push_str(text)),
            shown,
            manager: None,
            named: Managers::default(),
        })
    }

    /// Those that have names.
    pub(crate) fn named(&self) -> &Managers {
        &self.named
    }

    /// Opens a manager, in place of the one before or beside all others under a name.
    pub(crate) fn open(&mut self, given: &Value, name: Option<&str>, place: (&Value, &Path)) -> Result<()> {
        if let Some(name) = name {
            let manager = self.manager(given, place)?;
            self.named.0.insert(name.to_owned(), manager);
        } else {
            self.manager = None;
            self.manager = Some(self.manager(given, place)?);
        }
        Ok(())
    }

    /// Who gives a credential to what names nobody.
    pub(crate) fn usual(&self) -> Option<&AuthManager> {
        self.manager.as_ref()
    }

    /// A manager. `own` is what the runner adds to options, `folder` the directory of `files`.
    fn manager(&self, given: &Value, (own, folder): (&Value, &Path)) -> Result<AuthManager> {
        let env = environment(given, own, folder);
        let cli_path = given["cli_path"].as_str().or(own["cli_path"].as_str()).map(Into::into);
        let text = |name: &str| given[name].as_str().map(str::to_owned);
        let within = Environment::current().with(&env);
        let store: Option<Arc<dyn TokenStore>> = match (&given["store"], given["store"]["file"].as_str()) {
            (_, Some(path)) => Some(Arc::new(FileTokenStore::new(folder.join(path)))),
            (Value::String(word), _) => match word.as_str() {
                "auto" => None,
                "host" => Some(Arc::new(HostStore(Arc::clone(&self.kept)))),
                "memory" => Some(Arc::new(MemoryTokenStore::new())),
                "file" => Some(Arc::new(FileTokenStore::within(&within)?)),
                "keyring" => Some(Arc::new(KeyringTokenStore::within("default", &within))),
                _ => return Err(unknown("store", word)),
            },
            _ => None,
        };
        let setup: Arc<dyn TokenSetup> = match given["setup"].as_str() {
            Some("host") => Arc::new(HostSetup(Arc::clone(&self.kept))),
            _ => Arc::new(ProgramSetup {
                cli_path: cli_path.clone(),
                env: env.clone().into_iter().collect(),
                limit: given["setup_timeout_ms"].as_u64().map_or(SETUP_LIMIT, Duration::from_millis),
                terminal: match given["terminal"].as_str() {
                    Some("host") => SetupTerminal::from(self.terminal.clone()),
                    _ => ProgramSetup::default().terminal,
                },
                ..ProgramSetup::default()
            }),
        };
        let usual = AuthConfig::default();
        AuthManager::new(AuthConfig {
            name: text("name"),
            credential: text("credential").as_deref().map(Secret::from),
            env,
            store,
            setup: Some(setup),
            auto_refresh: given["auto_refresh"].as_bool().unwrap_or(usual.auto_refresh),
            refresh_before_expiry: given["refresh_before_expiry_ms"]
                .as_u64()
                .map_or(usual.refresh_before_expiry, Duration::from_millis),
            interactive: Some(given["interactive"].as_bool().unwrap_or(true)),
            cli_login: given["cli_login"].as_bool().unwrap_or(false),
            cli_path,
            ..usual
        })
    }

    /// Calls a method of the manager `of` this name, or of the one that has none; what it gives, in the form in which it crosses.
    pub(crate) async fn call(
        &self,
        name: &str,
        of: Option<&Value>,
        with: &Value,
        types: &Value,
    ) -> Result<Value> {
        let manager = match of {
            Some(of) => self.named.of(of)?,
            None => self.manager.clone().ok_or_else(|| unknown("auth_call", name))?,
        };
        lock(&self.shown).clear();
        for text in types.as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.terminal.type_text(text);
        }
        Ok(match name {
            "ensure_authenticated" => manager.ensure_authenticated().await?.to_json(),
            "setup_token" => manager.setup_token().await?.to_json(),
            "refresh_token" => manager.refresh_token().await?.to_json(),
            "get_token" => json!({"token": manager.get_token().await?.expose()}),
            "status" => json!(manager.status().await?),
            "clear" => manager.clear().await.map(|()| Value::Null)?,
            "set_credential" => {
                manager.set_credential(with["credential"].as_str().map(Secret::from));
                Value::Null
            }
            "refused" => {
                manager.refused_fingerprint(with["fingerprint"].as_str().unwrap_or_default());
                Value::Null
            }
            _ => return Err(unknown("auth_call", name)),
        })
    }

    /// All that was drawn during the last call.
    pub(crate) fn shown(&self) -> String {
        lock(&self.shown).clone()
    }
}

fn environment(given: &Value, own: &Value, folder: &Path) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> =
        UNSET.iter().map(|name| ((*name).to_owned(), String::new())).collect();
    let mut add = |more: &Value| {
        for (name, value) in more.as_object().into_iter().flatten() {
            env.insert(name.clone(), value.as_str().unwrap_or_default().to_owned());
        }
    };
    add(&own["env"]);
    add(&json!({"HOME": folder, "CLAUDE_CONFIG_DIR": folder}));
    add(&given["env"]);
    env
}

fn unknown(field: &str, word: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{field}: the runner knows no {word:?}"))
}

fn boom(text: &str) -> Error {
    Error::new(ErrorKind::Callback, text)
}

impl Kept {
    fn unless_failing(&self, method: &str) -> Result<()> {
        match lock(&self.fails).get_mut(method) {
            None | Some(0) => return Ok(()),
            Some(left) => *left = (*left - 1).max(-1),
        }
        Err(boom("the store is down"))
    }
}

struct HostStore(Arc<Kept>);

impl HostStore {
    fn done<T: Send + 'static>(
        &self,
        method: &str,
        work: impl FnOnce(&mut Option<StoredToken>) -> T,
    ) -> BoxFuture<'_, Result<T>> {
        let done = self.0.unless_failing(method).map(|()| work(&mut lock(&self.0.token)));
        Box::pin(std::future::ready(done))
    }
}

impl TokenStore for HostStore {
    fn name(&self) -> String {
        "the token store of the host".into()
    }

    fn load(&self) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        self.done("load", |token| token.clone())
    }

    fn save<'a>(&'a self, token: &'a StoredToken) -> BoxFuture<'a, Result<()>> {
        self.done("save", |kept| *kept = Some(token.clone()))
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        self.done("clear", |kept| *kept = None)
    }
}

struct HostSetup(Arc<Kept>);

impl TokenSetup for HostSetup {
    fn new_token(&self) -> BoxFuture<'_, Result<NewToken>> {
        let next = lock(&self.0.new).pop_front();
        let given = match next {
            Some(Value::String(token)) => Ok(NewToken::from(Secret::from(token.as_str()))),
            Some(other) => Err(boom(other["raise"].as_str().unwrap_or("no token"))),
            None => Err(boom("no token is left")),
        };
        Box::pin(std::future::ready(given))
    }
}
