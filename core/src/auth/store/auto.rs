//! The store of who did not choose one: the keyring where there is one, else the file. A token stays where it is, so that there is
//! never one in both.

use std::sync::{Mutex, PoisonError};

use super::{FileTokenStore, KeyringTokenStore, StoredToken, TokenLock, TokenStore, keyring::Trouble};
use crate::{Result, auth::Environment, transport::BoxFuture};

/// Keeps the token in the keyring where one answers, else in the file.
///
/// | What is there | Where the token is read and kept |
/// |---|---|
/// | a token in the file | the file |
/// | no token in the file, a keyring | the keyring |
/// | no token in the file, no keyring, or one that stays locked | the file |
///
/// Its [`name`](TokenStore::name) is that of the one that was used last.
///
/// ```no_run
/// # async fn example() -> madrigal::Result<()> {
/// use madrigal::auth::{AutoTokenStore, TokenStore as _};
/// let store = AutoTokenStore::standard()?;
/// println!("{:?} in the {}", store.load().await?, store.name());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct AutoTokenStore {
    file: FileTokenStore,
    keyring: KeyringTokenStore,
    used: Mutex<Used>,
}

#[derive(Clone, Copy, Debug)]
enum Used {
    File,
    Keyring,
}

impl AutoTokenStore {
    /// The usual file (`~/.claude_sdk/token.json`) and the account `default` of the keyring.
    ///
    /// # Errors
    ///
    /// `auth` when there is no home directory.
    pub fn standard() -> Result<Self> {
        Self::within(&Environment::current())
    }

    /// The same where other variables count, as [`KeyringTokenStore::within`] and [`FileTokenStore::within`] say.
    ///
    /// # Errors
    ///
    /// `auth` when there is no home directory.
    pub fn within(env: &Environment) -> Result<Self> {
        let keyring = KeyringTokenStore::within("default", env);
        Ok(Self { file: FileTokenStore::within(env)?, keyring, used: Mutex::new(Used::File) })
    }

    fn used(&self, now: Used) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Whether the token is in a keyring that does not give it.
    fn is_kept_in(&self, trouble: &Trouble) -> bool {
        self.keyring.is_noted() || matches!(trouble, Trouble::Locked { stored: true } | Trouble::Corrupt(_))
    }

    async fn read(&self) -> Result<Option<StoredToken>> {
        self.used(Used::File);
        if let Some(token) = self.file.load().await? {
            return Ok(Some(token));
        }
        match self.keyring.read().await {
            Ok(token) => {
                self.used(Used::Keyring);
                Ok(token)
            }
            Err(trouble) if self.is_kept_in(&trouble) => {
                self.used(Used::Keyring);
                Err(self.keyring.error(&trouble))
            }
            Err(_) => Ok(None),
        }
    }

    async fn write(&self, token: &StoredToken) -> Result<()> {
        if self.file.load().await?.is_none() {
            match self.keyring.write(token).await {
                Ok(()) => {
                    self.used(Used::Keyring);
                    return Ok(());
                }
                // What is there and no token is somebody's.
                Err(trouble @ Trouble::Corrupt(_)) => return Err(self.keyring.error(&trouble)),
                Err(trouble) if trouble.is_absence() => {}
                Err(trouble) => {
                    let error = self.keyring.error(&trouble);
                    tracing::warn!("the token is kept in the {}: {error}", self.file.name());
                }
            }
        }
        self.used(Used::File);
        self.file.save(token).await
    }

    async fn remove(&self) -> Result<()> {
        self.file.clear().await?;
        match self.keyring.remove().await {
            Err(trouble) if self.is_kept_in(&trouble) => Err(self.keyring.error(&trouble)),
            _ => Ok(()),
        }
    }

    async fn open(&self) -> Result<()> {
        if self.file.load().await?.is_some() {
            return Ok(());
        }
        // Unlocking cannot tell whether the token is in there; reading can.
        let Err(locked) = self.keyring.read().await else { return Ok(()) };
        match self.keyring.open().await {
            Err(trouble) if self.is_kept_in(&locked) => Err(self.keyring.error(&trouble)),
            Err(trouble) if !trouble.is_absence() => {
                tracing::warn!(
                    "the token will be kept in the {}: {}",
                    self.file.name(),
                    self.keyring.error(&trouble)
                );
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl TokenStore for AutoTokenStore {
    fn name(&self) -> String {
        match *self.used.lock().unwrap_or_else(PoisonError::into_inner) {
            Used::File => self.file.name(),
            Used::Keyring => self.keyring.name(),
        }
    }

    fn load(&self) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        Box::pin(self.read())
    }

    fn save<'a>(&'a self, token: &'a StoredToken) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.write(token))
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.remove())
    }

    fn unlock(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.open())
    }

    fn lock(&self) -> BoxFuture<'_, Result<TokenLock>> {
        self.file.lock()
    }
}
