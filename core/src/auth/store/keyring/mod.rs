//! The keyring of the person's desktop: encrypted on the disk, open while they are logged in. What can be wrong with it is told with
//! what to do next, and nothing waits for it longer than a limit.

#[cfg(not(all(feature = "keyring", any(target_os = "linux", target_os = "macos"))))]
mod absent;
#[cfg(all(feature = "keyring", any(target_os = "macos", test)))]
mod keychain;
#[cfg(all(feature = "keyring", target_os = "linux"))]
mod secret_service;
#[cfg(test)]
mod tests;
mod trouble;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

#[cfg(not(all(feature = "keyring", any(target_os = "linux", target_os = "macos"))))]
use absent as backend;
#[cfg(all(feature = "keyring", target_os = "macos"))]
use keychain as backend;
#[cfg(all(feature = "keyring", target_os = "linux"))]
use secret_service as backend;
pub(super) use trouble::Trouble;

use super::{FileTokenStore, StoredToken, TokenLock, TokenStore};
use crate::{Error, Result, auth::Environment, transport::BoxFuture};

/// How long a person may take to unlock it; as long as for a set-up.
const PERSON_LIMIT: Duration = Duration::from_secs(120);

/// How long the keyring may take for what it does by itself. It answers in milliseconds; the first question may start it. On macOS the
/// system asks the person in the middle of it.
const LIMIT: Duration = if cfg!(target_os = "macos") { PERSON_LIMIT } else { Duration::from_secs(10) };

/// The attribute by which our secrets are found beside those of other programs.
const APPLICATION: &str = "madrigal";

/// The account whose token sessions use by themselves.
const DEFAULT: &str = "default";

/// What the note says.
const NOTE: &str = "The token is in the keyring: application madrigal, account default.\n";

/// Keeps the token in the keyring of the desktop: on Linux the Secret Service (GNOME Keyring, KWallet, KeePassXC), reached over the
/// D-Bus of the session; on macOS the login keychain (checked by the compiler and with a made-up store: the suite runs on Linux).
///
/// The secret is the JSON of the file ([`StoredToken::to_json`]), found by two attributes: `application` (the service) is `madrigal`,
/// `account` is `default` or what was chosen. Nothing waits longer than ten seconds for the keyring, and two minutes for a person who is
/// asked to unlock it ([`unlock`](TokenStore::unlock)); reading a locked one is an error, not a question, but for macOS, which asks by
/// itself. Processes that change the token take turns by the lock of the usual file.
///
/// When a token of the account `default` is kept, a note without a secret is put beside the usual file (`~/.claude_sdk/token.keyring`), so that
/// sessions know where to look without asking D-Bus each time.
///
/// ```
/// use madrigal::auth::{KeyringTokenStore, TokenStore as _};
/// assert_eq!(KeyringTokenStore::standard().name(), "keyring");
/// assert_eq!(KeyringTokenStore::new("build-server").name(), "keyring, account build-server");
/// ```
#[derive(Clone, Debug)]
pub struct KeyringTokenStore {
    place: Place,
    /// The usual file, whose lock and folder are used; none without a home directory.
    file: Option<FileTokenStore>,
    limit: Duration,
    person_limit: Duration,
}

/// Where in the keyring.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "what is used depends on the system")]
struct Place {
    /// The address of the D-Bus of the session.
    bus: Option<String>,
    application: &'static str,
    account: String,
    /// What the programs that show a keyring to a person call it.
    label: String,
}

impl KeyringTokenStore {
    /// The account `default`, in the keyring of this process's session.
    pub fn standard() -> Self {
        Self::new(DEFAULT)
    }

    /// Another account: each has a token of its own.
    pub fn new(account: impl Into<String>) -> Self {
        Self::within(account, &Environment::current())
    }

    /// The same where other variables count: `DBUS_SESSION_BUS_ADDRESS`, or `XDG_RUNTIME_DIR` with a `bus` in it, says where the keyring is, and
    /// `HOME` where the lock is.
    pub fn within(account: impl Into<String>, env: &Environment) -> Self {
        let account = account.into();
        let bus = env.get("DBUS_SESSION_BUS_ADDRESS").map(str::to_owned).or_else(|| {
            let socket = Path::new(env.get("XDG_RUNTIME_DIR")?).join("bus");
            socket.exists().then(|| format!("unix:path={}", socket.display()))
        });
        let label = match account.as_str() {
            DEFAULT => "Token of Claude (madrigal)".to_owned(),
            account => format!("Token of Claude (madrigal, {account})"),
        };
        Self {
            place: Place { bus, application: APPLICATION, account, label },
            file: FileTokenStore::within(env).ok(),
            limit: LIMIT,
            person_limit: PERSON_LIMIT,
        }
    }

    /// The usual account, if the note beside this file says that the token is there.
    pub(in crate::auth) fn noted(env: &Environment, file: &FileTokenStore) -> Option<Self> {
        note(file).exists().then(|| Self::within(DEFAULT, env))
    }

    /// Whether a token was kept here, as far as the disk says.
    pub(super) fn is_noted(&self) -> bool {
        self.note().is_some_and(|note| note.exists())
    }

    fn note(&self) -> Option<PathBuf> {
        self.file.as_ref().filter(|_| self.place.account == DEFAULT).map(note)
    }

    /// Reads what is there; the reason when it cannot.
    pub(super) async fn read(&self) -> Result<Option<StoredToken>, Trouble> {
        let Some(secret) = self.within_limit(backend::load(&self.place)).await? else { return Ok(None) };
        let secret = zeroize::Zeroizing::new(secret);
        let value: Value = serde_json::from_slice(&secret).map_err(|_| Trouble::Corrupt(None))?;
        StoredToken::from_json(&value).map(Some).map_err(|error| Trouble::Corrupt(Some(error)))
    }

    /// Writes, unless what is there is none of ours.
    pub(super) async fn write(&self, token: &StoredToken) -> Result<(), Trouble> {
        self.read().await?;
        let secret = zeroize::Zeroizing::new(serde_json::to_vec(&token.to_json()).unwrap_or_default());
        self.within_limit(backend::save(&self.place, &secret)).await?;
        self.put_note(true).await;
        Ok(())
    }

    pub(super) async fn remove(&self) -> Result<(), Trouble> {
        self.within_limit(backend::clear(&self.place)).await?;
        self.put_note(false).await;
        Ok(())
    }

    pub(super) async fn open(&self) -> Result<(), Trouble> {
        match tokio::time::timeout(self.person_limit, backend::unlock(&self.place)).await {
            Ok(done) => done,
            Err(_) => Err(Trouble::NobodyAnswered(self.person_limit)),
        }
    }

    pub(super) fn error(&self, trouble: &Trouble) -> Error {
        trouble.error(&self.name(), self.place.bus.as_deref()).operation("token_store")
    }

    async fn within_limit<T>(&self, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
        tokio::time::timeout(self.limit, work).await.unwrap_or(Err(Trouble::Silent(self.limit)))
    }

    /// Puts the note down, or takes it away. That it could not be done is no reason to fail: a manager finds the token without it.
    async fn put_note(&self, kept: bool) {
        let (Some(file), Some(note)) = (self.file.clone(), self.note()) else { return };
        let changed = tokio::task::spawn_blocking(move || {
            if kept {
                file.folder()?;
                return fs::write(&note, NOTE).map_err(|error| file.failed("could not be written", &error));
            }
            match fs::remove_file(&note) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(file.failed("could not be removed", &error))
                }
                _ => Ok(()),
            }
        });
        if let Ok(Err(error)) = changed.await {
            tracing::warn!(
                "the note beside the token file does not say whether the token is in the keyring: {error}"
            );
        }
    }
}

/// What says on the disk that the token is in the keyring.
fn note(file: &FileTokenStore) -> PathBuf {
    file.path().with_extension("keyring")
}

impl TokenStore for KeyringTokenStore {
    fn name(&self) -> String {
        match self.place.account.as_str() {
            DEFAULT => "keyring".to_owned(),
            account => format!("keyring, account {account}"),
        }
    }

    fn load(&self) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        Box::pin(async { self.read().await.map_err(|trouble| self.error(&trouble)) })
    }

    fn save<'a>(&'a self, token: &'a StoredToken) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { self.write(token).await.map_err(|trouble| self.error(&trouble)) })
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { self.remove().await.map_err(|trouble| self.error(&trouble)) })
    }

    fn unlock(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { self.open().await.map_err(|trouble| self.error(&trouble)) })
    }

    fn lock(&self) -> BoxFuture<'_, Result<TokenLock>> {
        match &self.file {
            Some(file) => file.lock(),
            None => Box::pin(std::future::ready(Ok(TokenLock::none()))),
        }
    }
}
