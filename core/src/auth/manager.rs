//! The one who knows the credential: resolves it once, keeps it, gets a new one before the old one ends.
//!
//! Whoever asks while it is being resolved or renewed waits for that one answer. A process beside us that renewed the token first
//! is noticed under the lock of the store, and its token is taken.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::task::AbortHandle;

use super::{
    AutoTokenStore, Considered, Credential, Environment, Method, ProgramSetup, Provider, Resolution, Secret,
    StoredToken, TokenSetup, TokenStore, login,
    refresh::{AGAIN, Refresh},
    resolve, time,
};
use crate::{
    Error, ErrorKind, Result, redact,
    resilience::{Clock, SystemClock},
};

/// What an [`AuthManager`] is made of. All fields have a default.
#[derive(Clone)]
pub struct AuthConfig {
    /// What it is called where several are used.
    pub name: Option<String>,
    /// A credential that comes before all others: a key, a token of `claude setup-token`, or a gateway's bearer token.
    pub credential: Option<Secret>,
    /// Variables that count besides those of this process.
    pub env: BTreeMap<String, String>,
    /// Where the token is kept; by default in the keyring where there is one, else in `~/.claude_sdk/token.json` ([`AutoTokenStore`]).
    pub store: Option<Arc<dyn TokenStore>>,
    /// How a new token is got; `claude setup-token` by default.
    pub setup: Option<Arc<dyn TokenSetup>>,
    /// Whether a token is renewed by itself before it ends; yes by default.
    pub auto_refresh: bool,
    /// How long before its end; a day by default.
    pub refresh_before_expiry: Duration,
    /// Whether a person may be asked when there is no credential. By default: unless `CI` is set.
    pub interactive: Option<bool>,
    /// Whether the program's own login counts; yes by default.
    pub cli_login: bool,
    /// The program, as the option of the same name.
    pub cli_path: Option<PathBuf>,
    /// The clock; the machine's by default.
    pub clock: Option<Arc<dyn Clock>>,
    /// Called when a token was renewed by itself, or could not be. Must not block.
    pub on_event: Option<OnAuthEvent>,
}

/// Hears of what an [`AuthManager`] does by itself.
pub type OnAuthEvent = Arc<dyn Fn(&AuthEvent) + Send + Sync>;

/// What an [`AuthManager`] did by itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AuthEvent {
    /// There is a new token.
    Refreshed(Credential),
    /// There is none; the old one stays in place.
    RefreshFailed {
        /// Why.
        error: Error,
        /// When it is tried again.
        next: Duration,
    },
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            name: None,
            credential: None,
            env: BTreeMap::new(),
            store: None,
            setup: None,
            auto_refresh: true,
            refresh_before_expiry: Duration::from_secs(86_400),
            interactive: None,
            cli_login: true,
            cli_path: None,
            clock: None,
            on_event: None,
        }
    }
}

impl fmt::Debug for AuthConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthConfig")
            .field("name", &self.name)
            .field("credential", &self.credential)
            .field("env", &self.env.keys())
            .field("store", &self.store.as_ref().map(|store| store.name()))
            .field("auto_refresh", &self.auto_refresh)
            .field("refresh_before_expiry", &self.refresh_before_expiry)
            .field("interactive", &self.interactive)
            .finish_non_exhaustive()
    }
}

/// What [`AuthManager::status`] says.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct AuthStatus {
    /// What the manager is called.
    pub name: Option<String>,
    /// Whether there is a credential that works as far as can be known without asking the API.
    pub authenticated: bool,
    /// For whom.
    pub provider: &'static str,
    /// What it is: `api_key`, `auth_token`, `oauth_token`, `cli_login`, `cloud`.
    pub method: Option<&'static str>,
    /// Where it is from.
    pub source: Option<String>,
    /// Its name in limits and budgets; never the credential.
    pub fingerprint: Option<String>,
    /// Whether there is a token or key, as opposed to a login only the program can use.
    pub token_present: bool,
    /// When it ends, ISO 8601.
    pub expires_at: Option<String>,
    /// Hours until then, to one decimal; negative when it is over.
    pub time_until_expiry_hours: Option<f64>,
    /// The store where a token is, or would be, kept: `keyring`, `file ~/.claude_sdk/token.json`.
    pub store: String,
    /// Every place that was looked at, in order.
    pub considered: Vec<Considered>,
    /// What may be wrong all the same.
    pub warnings: Vec<String>,
}

/// Resolves, keeps and renews the credential of a program's runs. Clones are the same one.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use std::sync::Arc;
/// use madrigal::auth::{AuthConfig, AuthManager, MemoryTokenStore, StoredToken, TokenStore as _};
/// let store = MemoryTokenStore::new();
/// store.save(&StoredToken::new("sk-ant-oat01-test-test-test".into(), std::time::SystemTime::now())?).await?;
/// let env = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"].map(|name| (name.to_owned(), String::new()));
/// let auth = AuthManager::new(AuthConfig { store: Some(Arc::new(store)), env: env.into(), ..AuthConfig::default() })?;
/// let mut options = madrigal::Options::default();
/// auth.ensure_authenticated().await?.apply(&mut options);
/// assert_eq!(options.env["CLAUDE_CODE_OAUTH_TOKEN"], "sk-ant-oat01-test-test-test");
/// # Ok::<_, madrigal::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct AuthManager(Arc<Inner>);

pub(super) struct Inner {
    config: AuthConfig,
    store: Arc<dyn TokenStore>,
    setup: Arc<dyn TokenSetup>,
    clock: Arc<dyn Clock>,
    /// Taken by the one who resolves or renews.
    flight: tokio::sync::Mutex<()>,
    known: Mutex<Known>,
    /// Hidden in errors and logs, as the credential is.
    _variables: redact::Known,
}

#[derive(Default)]
struct Known {
    credential: Option<Credential>,
    /// What the caller gave.
    given: Option<Secret>,
    /// How often that changed: what was looked up before counts no more.
    given_times: u64,
    /// Fingerprints of what the API refused.
    refused: HashSet<String>,
    refresh: Option<AbortHandle>,
    /// The person was asked to unlock the store, and it stayed locked: not again by itself.
    stays_locked: bool,
}

impl Drop for Known {
    fn drop(&mut self) {
        if let Some(refresh) = self.refresh.take() {
            refresh.abort();
        }
    }
}

impl AuthManager {
    /// Nothing is looked at yet.
    ///
    /// # Errors
    ///
    /// `auth` when no store is given and there is no home directory for the usual one.
    pub fn new(config: AuthConfig) -> Result<Self> {
        let store = match &config.store {
            Some(store) => Arc::clone(store),
            None => Arc::new(AutoTokenStore::within(&Environment::current().with(&config.env))?),
        };
        let setup = config.setup.clone().unwrap_or_else(|| {
            let env = config.env.clone().into_iter().collect();
            Arc::new(ProgramSetup { cli_path: config.cli_path.clone(), env, ..ProgramSetup::default() })
        });
        let clock = config.clock.clone().unwrap_or_else(SystemClock::shared);
        let mut known = Known::default();
        known.given.clone_from(&config.credential);
        Ok(Self(Arc::new(Inner {
            _variables: redact::Known::among(&config.env),
            config,
            store,
            setup,
            clock,
            flight: tokio::sync::Mutex::new(()),
            known: Mutex::new(known),
        })))
    }

    /// The credential. Resolved at the first call; afterwards there is nothing to wait for until it ends.
    ///
    /// Where there is none and a person may be asked, they are ([`setup_token`](Self::setup_token)).
    ///
    /// # Errors
    ///
    /// `auth` when there is none; the message says what to do.
    pub async fn ensure_authenticated(&self) -> Result<Credential> {
        if let Some(credential) = self.0.current() {
            return Ok(credential);
        }
        let _flight = self.0.flight.lock().await;
        if let Some(credential) = self.0.current() {
            return Ok(credential);
        }
        let mut asked = false;
        loop {
            let since = self.0.lock().given_times;
            let (resolution, mut trouble) = self.0.look().await?;
            // Nobody is asked to unlock a token that is not needed.
            let needed = resolution.credential.as_ref().is_none_or(|found| found.method == Method::CliLogin);
            let locked = needed && trouble.as_ref().is_some_and(is_locked);
            if locked && !asked && self.0.person() && !self.0.lock().stays_locked {
                asked = true;
                match self.0.unlock().await {
                    Ok(()) => continue,
                    Err(error) => trouble = Some(error),
                }
            }
            for warning in &resolution.warnings {
                tracing::warn!("{warning}");
            }
            let found = match trouble {
                // A new token is no answer to a keyring that may have one, and could not be kept there.
                Some(error) if resolution.credential.is_none() => {
                    return Err(error.operation("ensure_authenticated"));
                }
                _ if resolution.credential.is_none() && self.0.may_ask() => {
                    self.0.stored(self.0.renew(None).await?)
                }
                _ => resolution.require().map_err(|error| error.operation("ensure_authenticated"))?,
            };
            // Another one was given meanwhile: that one counts.
            if let Some(kept) = self.keep_since(found, since) {
                return Ok(kept);
            }
        }
    }

    /// Gets a new token and stores it, whatever is there.
    ///
    /// # Errors
    ///
    /// Those of the set-up ([`ProgramSetup::run`]) and of the store.
    pub async fn setup_token(&self) -> Result<Credential> {
        let _flight = self.0.flight.lock().await;
        // Before the person logs in: a new token must have a place.
        if self.0.person() {
            self.0.unlock().await?;
        }
        let before = self.0.store.load().await?;
        let token = self.0.renew(Some(before)).await?;
        Ok(self.keep(self.0.stored(token)))
    }

    /// The secret of the credential.
    ///
    /// # Errors
    ///
    /// Those of [`ensure_authenticated`](Self::ensure_authenticated); `auth` where only the program has it (its own login, a cloud).
    pub async fn get_token(&self) -> Result<Secret> {
        let credential = self.ensure_authenticated().await?;
        credential.secret.ok_or_else(|| {
            let text = format!("{} is used, and only the program has its token", credential.source);
            Error::new(ErrorKind::Auth, text).operation("get_token")
        })
    }

    /// Gets a new token in place of the stored one, unless another process just did.
    ///
    /// # Errors
    ///
    /// Those of the set-up and of the store. The old token stays in place.
    pub async fn refresh_token(&self) -> Result<Credential> {
        let seen = self.0.lock().credential.clone().and_then(|credential| credential.secret);
        let _flight = self.0.flight.lock().await;
        // Somebody in this process was faster while we waited.
        let now = self.0.lock().credential.clone();
        if let (Some(seen), Some(now)) = (&seen, &now)
            && now.secret.as_ref() != Some(seen)
        {
            return Ok(now.clone());
        }
        let before = self.0.store.load().await?;
        // Another process was: its token is not the one we know, and it works.
        if let (Some(stored), Some(seen)) = (&before, &seen)
            && now.is_some_and(|now| now.source == self.0.store.name())
            && stored.token != *seen
            && stored.is_valid(self.0.wall())
        {
            return Ok(self.keep(self.0.stored(stored.clone())));
        }
        let token = self.0.renew(Some(before)).await?;
        Ok(self.keep(self.0.stored(token)))
    }

    /// Forgets the token, here and in the store. Variables and the program's own login are not touched.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn clear(&self) -> Result<()> {
        let _flight = self.0.flight.lock().await;
        let _lock = self.0.store.lock().await?;
        if let Err(error) = self.0.store.clear().await {
            if !(is_locked(&error) && self.0.person()) {
                return Err(error);
            }
            self.0.unlock().await?;
            self.0.store.clear().await?;
        }
        let mut known = self.0.lock();
        known.credential = None;
        known.refused.clear();
        known.given_times += 1;
        if let Some(refresh) = known.refresh.take() {
            refresh.abort();
        }
        Ok(())
    }

    /// What is known, looked up anew; nobody is asked.
    ///
    /// # Errors
    ///
    /// `auth` for two providers at once and for a cloud whose variables are half set.
    pub async fn status(&self) -> Result<AuthStatus> {
        let (resolution, _) = self.0.look().await?;
        let now = self.0.wall();
        let used = resolution.credential.as_ref();
        let expires_at = used.and_then(|used| used.expires_at);
        Ok(AuthStatus {
            name: self.0.config.name.clone(),
            authenticated: used.is_some(),
            provider: used.map_or(Provider::Anthropic, |used| used.provider).name(),
            method: used.map(|used| used.method.name()),
            source: used.map(|used| used.source.clone()),
            fingerprint: used.map(Credential::fingerprint),
            token_present: used.is_some_and(|used| used.secret.is_some()),
            expires_at: expires_at.map(time::show),
            time_until_expiry_hours: expires_at.map(|at| hours(now, at)),
            store: self.0.store.name(),
            considered: resolution.considered,
            warnings: resolution.warnings,
        })
    }

    /// The API refused this credential (401, 403): it is not used again until it changes.
    pub fn refused(&self, credential: &Credential) {
        self.refused_fingerprint(&credential.fingerprint());
    }

    /// The same, by the credential's fingerprint.
    pub fn refused_fingerprint(&self, fingerprint: &str) {
        let mut known = self.0.lock();
        known.refused.insert(fingerprint.to_owned());
        if known.credential.as_ref().is_some_and(|credential| credential.fingerprint() == fingerprint) {
            known.credential = None;
        }
    }

    /// Replaces the credential that was given ([`AuthConfig::credential`]), from the next run on; `None` takes it away, so that the
    /// other places count again. It has another chance when it was refused before.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use madrigal::auth::{AuthConfig, AuthManager};
    /// let auth = AuthManager::new(AuthConfig { credential: Some("sk-ant-api03-test-one".into()), ..AuthConfig::default() })?;
    /// auth.set_credential(Some("sk-ant-api03-test-two".into()));
    /// assert_eq!(auth.get_token().await?.expose(), "sk-ant-api03-test-two");
    /// # Ok::<_, madrigal::Error>(()) }).unwrap();
    /// ```
    pub fn set_credential(&self, credential: Option<Secret>) {
        let mut known = self.0.lock();
        if let Some(credential) = &credential {
            known.refused.remove(&credential.fingerprint());
        }
        (known.given, known.credential) = (credential, None);
        known.given_times += 1;
    }

    /// What it is called where several are used.
    pub fn name(&self) -> Option<&str> {
        self.0.config.name.as_deref()
    }

    fn keep(&self, credential: Credential) -> Credential {
        self.put(&mut self.0.lock(), credential)
    }

    /// The same, unless another credential was given since.
    fn keep_since(&self, credential: Credential, since: u64) -> Option<Credential> {
        let mut known = self.0.lock();
        (known.given_times == since).then(|| self.put(&mut known, credential))
    }

    fn put(&self, known: &mut Known, credential: Credential) -> Credential {
        if let Some(before) = known.refresh.take() {
            before.abort();
        }
        let own = credential.source == self.0.store.name();
        if let Some(expiry) = credential.expires_at.filter(|_| own && self.0.config.auto_refresh) {
            let refresh = Refresh::new(Arc::clone(&self.0.clock), self.0.config.refresh_before_expiry);
            let weak = Arc::downgrade(&self.0);
            known.refresh = tokio::runtime::Handle::try_current().ok().map(|runtime| {
                runtime
                    .spawn(async move { refresh.keep(expiry, || renew(weak.clone())).await })
                    .abort_handle()
            });
        }
        known.credential = Some(credential.clone());
        credential
    }
}

/// Renews, unless nobody has the manager any more.
async fn renew(manager: Weak<Inner>) -> Option<Result<Option<SystemTime>>> {
    let manager = AuthManager(manager.upgrade()?);
    let own = manager.0.lock().refresh.take();
    let renewed = manager.refresh_token().await;
    if renewed.is_err() {
        // Still ours: the next attempt is this task's.
        manager.0.lock().refresh = own;
    }
    if let Some(tell) = &manager.0.config.on_event {
        tell(&match &renewed {
            Ok(credential) => AuthEvent::Refreshed(credential.clone()),
            Err(error) => AuthEvent::RefreshFailed { error: error.clone(), next: AGAIN },
        });
    }
    Some(renewed.map(|credential| credential.expires_at))
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wall(&self) -> SystemTime {
        UNIX_EPOCH + self.clock.wall()
    }

    /// The credential that is known, while it works.
    fn current(&self) -> Option<Credential> {
        let now = self.wall();
        self.lock().credential.clone().filter(|known| known.expires_at.is_none_or(|at| at > now))
    }

    fn may_ask(&self) -> bool {
        !self.setup.is_interactive() || self.person()
    }

    /// Whether somebody may be asked.
    fn person(&self) -> bool {
        self.config.interactive.unwrap_or_else(|| !self.environment().is_on("CI"))
    }

    async fn unlock(&self) -> Result<()> {
        let unlocked = self.store.unlock().await;
        self.lock().stays_locked = unlocked.is_err();
        unlocked
    }

    fn environment(&self) -> Environment {
        Environment::current().with(&self.config.env).at(self.wall())
    }

    /// Looks everywhere but asks nobody. With it the error of a keyring that does not say what it has.
    async fn look(&self) -> Result<(Resolution, Option<Error>)> {
        let env = self.environment();
        let stored = self.store.load().await.map(|token| token.map(|token| (token, self.store.name())));
        let trouble = stored.as_ref().err().filter(|error| error.context().contains_key("keyring")).cloned();
        let stored = stored.transpose();
        let (refused, given) = {
            let known = self.lock();
            (known.refused.clone(), known.given.clone())
        };
        let login = self.config.cli_login && login::present(&env, self.config.cli_path.as_deref()).await;
        let refused = |found: &Credential| refused.contains(&found.fingerprint());
        Ok((resolve::choose(given.as_ref(), &env, stored, login, &refused)?, trouble))
    }

    /// Gets a token and stores it under the store's lock. `before` is what the store had when this was decided: when another process
    /// stored one since, that one is taken, unless the API refused it.
    async fn renew(&self, before: Option<Option<StoredToken>>) -> Result<StoredToken> {
        let _lock = self.store.lock().await?;
        let now = self.store.load().await?;
        if let Some(now) = now
            && before.flatten().is_none_or(|before| before.token != now.token)
            && now.is_valid(self.wall())
            && !self.lock().refused.contains(&now.token.fingerprint())
        {
            return Ok(now);
        }
        let new = self.setup.new_token().await?;
        let mut token = StoredToken::new(new.token, self.wall())?;
        token.expires_at = new.expires_at.or(token.expires_at);
        self.store.save(&token).await?;
        Ok(token)
    }

    fn stored(&self, token: StoredToken) -> Credential {
        Credential::stored(token, self.store.name())
    }
}

impl fmt::Debug for AuthManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AuthManager").field(&self.0.config).finish()
    }
}

/// Whether a person could open the store.
fn is_locked(error: &Error) -> bool {
    error.context().get("keyring").is_some_and(|why| why == "locked")
}

/// Hours from one time to another, to one decimal.
fn hours(from: SystemTime, to: SystemTime) -> f64 {
    let seconds = match to.duration_since(from) {
        Ok(left) => left.as_secs_f64(),
        Err(over) => -over.duration().as_secs_f64(),
    };
    (seconds / 360.0).round() / 10.0
}
