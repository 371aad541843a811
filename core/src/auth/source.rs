//! Where a run has its credential from: a manager, the token that a set-up stored, or whatever the program finds.

use super::{
    AuthManager, Credential, Environment, FileTokenStore, KeyringTokenStore, Provider, StoredToken,
    TokenStore,
};
use crate::{Options, Result};

/// Variables that hold a credential the program uses.
const CREDENTIALS: [&str; 3] = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];

/// Who gives a run its credential.
///
/// ```
/// use madrigal::{Options, Session, auth::{AuthConfig, AuthManager, AuthSource}};
/// let auth = AuthManager::new(AuthConfig::default())?;
/// let with_ours = Session::builder(Options::default()).auth(&auth);
/// let as_the_program_finds_it = Session::builder(Options::default()).auth(AuthSource::Off);
/// # let _ = (with_ours, as_the_program_finds_it);
/// # Ok::<_, madrigal::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum AuthSource {
    /// The token that was stored by a set-up (in `~/.claude_sdk/token.json`, or in the keyring where a note beside it says so), where the environment has no credential and names no
    /// provider. Where there is none either, or it expired, the program decides.
    #[default]
    Automatic,
    /// The program decides.
    Off,
    /// This manager: the program is given its credential and no other, and none is started when there is none.
    Manager(AuthManager),
}

impl From<AuthManager> for AuthSource {
    fn from(manager: AuthManager) -> Self {
        Self::Manager(manager)
    }
}

impl From<&AuthManager> for AuthSource {
    fn from(manager: &AuthManager) -> Self {
        Self::Manager(manager.clone())
    }
}

/// What a run was given.
#[derive(Debug)]
pub(crate) struct Given {
    manager: AuthManager,
    credential: Credential,
}

impl Given {
    /// The API did not take it.
    pub(crate) fn refused(&self) {
        self.manager.refused(&self.credential);
    }

    /// By which limits count it.
    pub(crate) fn fingerprint(&self) -> String {
        self.credential.fingerprint()
    }
}

impl AuthSource {
    /// Puts the credential into the environment of a run.
    pub(crate) async fn give(&self, options: &mut Options) -> Result<Option<Given>> {
        match self {
            Self::Off => Ok(None),
            Self::Automatic => {
                if let Some(token) = stored(options).await {
                    token.apply(options);
                }
                Ok(None)
            }
            Self::Manager(manager) => {
                let credential = manager.ensure_authenticated().await?;
                credential.apply(options);
                Ok(Some(Given { manager: manager.clone(), credential }))
            }
        }
    }
}

/// The stored token, where nothing else was chosen. One that cannot be used is told in the log; the program may have another.
async fn stored(options: &Options) -> Option<Credential> {
    let env = Environment::current().with(&options.env);
    let chosen = |name: &str| options.env.contains_key(name) || env.get(name).is_some();
    let providers = Provider::ALL.into_iter().filter_map(Provider::variable);
    if CREDENTIALS.into_iter().chain(providers).any(chosen) {
        return None;
    }
    // Every start of a program comes by here. Where no token was ever stored no thread is started to read one, and where none was put
    // into the keyring nobody asks D-Bus: two looks cost no more than those at where the program may be.
    let file = FileTokenStore::within(&env).ok()?;
    let keyring;
    let store: &dyn TokenStore = if file.path().symlink_metadata().is_ok() {
        &file
    } else {
        keyring = KeyringTokenStore::noted(&env, &file)?;
        &keyring
    };
    match store.load().await {
        Ok(token) => token
            .filter(|token| token.is_valid(env.now()))
            .map(|token: StoredToken| Credential::stored(token, store.name())),
        Err(error) => {
            tracing::warn!("the stored token is not used: {error}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::PrivateDir;

    const TOKEN: &str = "sk-ant-oat01-test-test-test";

    async fn given(home: &std::path::Path, env: &[(&str, &str)]) -> Options {
        let mut options = Options::default();
        options.env.insert("HOME".into(), home.display().to_string());
        options.env.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        assert!(AuthSource::Automatic.give(&mut options).await.unwrap().is_none());
        options
    }

    #[tokio::test]
    async fn the_stored_token_is_used_where_nothing_else_was_chosen() {
        if CREDENTIALS.into_iter().any(|name| std::env::var_os(name).is_some()) {
            return;
        }
        let home = PrivateDir::new().unwrap();
        let path = home.path().join(".claude_sdk/token.json");
        assert!(!given(home.path(), &[]).await.env.contains_key("CLAUDE_CODE_OAUTH_TOKEN"));
        let token = StoredToken::new(TOKEN.into(), std::time::SystemTime::now()).unwrap();
        FileTokenStore::new(&path).save(&token).await.unwrap();
        assert_eq!(given(home.path(), &[]).await.env["CLAUDE_CODE_OAUTH_TOKEN"], TOKEN);
        for chosen in ["ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK"] {
            let options = given(home.path(), &[(chosen, "1")]).await;
            assert!(!options.env.contains_key("CLAUDE_CODE_OAUTH_TOKEN"), "{chosen}");
        }
        let expired = StoredToken { expires_at: Some(std::time::UNIX_EPOCH), ..token };
        FileTokenStore::new(&path).save(&expired).await.unwrap();
        assert!(!given(home.path(), &[]).await.env.contains_key("CLAUDE_CODE_OAUTH_TOKEN"));
    }

    #[tokio::test]
    async fn a_manager_without_a_credential_starts_nothing() {
        let env = CREDENTIALS.map(|name| (name.to_owned(), String::new())).into();
        let auth = AuthManager::new(crate::auth::AuthConfig {
            env,
            store: Some(std::sync::Arc::new(crate::auth::MemoryTokenStore::new())),
            interactive: Some(false),
            cli_login: false,
            ..Default::default()
        });
        let source = AuthSource::from(auth.unwrap());
        let mut options = Options::default();
        assert_eq!(source.give(&mut options).await.unwrap_err().kind(), crate::ErrorKind::Auth);
        let AuthSource::Manager(auth) = &source else { unreachable!() };
        auth.set_credential(Some(TOKEN.into()));
        let given = source.give(&mut options).await.unwrap().unwrap();
        assert_eq!(options.env["CLAUDE_CODE_OAUTH_TOKEN"], TOKEN);
        given.refused();
        assert_eq!(source.give(&mut options).await.unwrap_err().kind(), crate::ErrorKind::Auth);
        auth.set_credential(Some("sk-ant-oat01-test-test-other".into()));
        assert!(source.give(&mut options).await.is_ok());
    }
}
