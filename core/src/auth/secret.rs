//! A text nobody may see: wiped when its last copy is dropped, never in what is printed, and hidden in errors and logs for as long as
//! there is one.

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

use crate::redact::hold;

/// How much of a token is ever shown: its kind (`sk-ant-oat01-`) and a little, so that a person can tell two apart.
const SHOWN: usize = 20;

/// A credential. `Debug` shows its kind and its length only; memory is overwritten when the last copy is dropped.
///
/// ```
/// use madrigal::auth::Secret;
/// let secret = Secret::from("sk-ant-oat01-test-test-test-test-test-test");
/// assert_eq!(format!("{secret:?}"), "Secret(sk-ant-..., 42 characters)");
/// assert_eq!(secret.hint(), "sk-ant-oat01-test-te...");
/// assert_eq!(secret.expose().len(), 42);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// The text itself: for the environment of the program and for stores.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What may be shown to its owner: the first 20 characters of a token that has at least twice as many, fewer of a shorter one.
    pub fn hint(&self) -> String {
        let shown = SHOWN.min(self.0.chars().count() / 2);
        self.0.chars().take(shown).chain("...".chars()).collect()
    }

    /// A name for the credential that does not give it away: the first 12 hexadecimal digits of its SHA-256.
    ///
    /// The same in every process and version, so that limits, budgets and metrics of one key meet.
    ///
    /// ```
    /// assert_eq!(madrigal::auth::Secret::from("test-key").fingerprint(), "62af8704764f");
    /// ```
    pub fn fingerprint(&self) -> String {
        use sha2::Digest as _;
        let digest = sha2::Sha256::digest(self.0.as_bytes());
        digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(hold(text.to_owned()))
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(hold(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.0.starts_with("sk-ant-") { "sk-ant-..." } else { "..." };
        write!(f, "Secret({kind}, {} characters)", self.0.chars().count())
    }
}
