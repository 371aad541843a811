//! What limits are counted by. Two runs share a limit when a server would count them together: same provider, same
//! credential, same model.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// Whom a limit, a breaker or a budget is kept for. Cheap to clone.
///
/// The four parts are free text; an empty part is a value like any other, so `Key::default()` is the one key of a host that needs
/// no more. Limits of a tenant count all keys with the same `tenant`.
///
/// ```
/// use madrigal::resilience::Key;
/// let key = Key::new("api", "3fa9", "sonnet").tenant("blue");
/// assert_eq!(key.to_string(), "blue/api/3fa9/sonnet");
/// assert_eq!(serde_json::from_str::<Key>(r#"{"provider":"api"}"#).unwrap().parts().model, "");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "KeyParts", into = "KeyParts")]
pub struct Key(Arc<KeyParts>);

/// The parts of a [`Key`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyParts {
    /// On whose behalf the work is done.
    pub tenant: String,
    /// Who answers: a name for the endpoint.
    pub provider: String,
    /// Which credential: a fingerprint or a name, never the credential itself.
    pub credential: String,
    /// The model, or the class of models that share a limit.
    pub model: String,
}

impl Key {
    /// A key without a tenant. `credential` is a fingerprint or a name, never the credential: keys are shown in states and logs.
    pub fn new(provider: impl Into<String>, credential: impl Into<String>, model: impl Into<String>) -> Self {
        Self(Arc::new(KeyParts {
            tenant: String::new(),
            provider: provider.into(),
            credential: credential.into(),
            model: model.into(),
        }))
    }

    /// The same key for a tenant.
    #[must_use]
    pub fn tenant(self, tenant: impl Into<String>) -> Self {
        Self(Arc::new(KeyParts { tenant: tenant.into(), ..Arc::unwrap_or_clone(self.0) }))
    }

    /// What it is made of.
    pub fn parts(&self) -> &KeyParts {
        &self.0
    }
}

impl From<KeyParts> for Key {
    fn from(parts: KeyParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl From<Key> for KeyParts {
    fn from(key: Key) -> Self {
        Arc::unwrap_or_clone(key.0)
    }
}

/// The parts with `/` between them; empty ones are left out.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KeyParts { tenant, provider, credential, model } = &*self.0;
        let mut first = true;
        for part in [tenant, provider, credential, model] {
            if !part.is_empty() {
                write!(f, "{}{part}", if first { "" } else { "/" })?;
                first = false;
            }
        }
        Ok(())
    }
}
