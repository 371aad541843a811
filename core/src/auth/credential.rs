//! The credential a run uses: what it is, where it came from, and what the program finds of it in its environment.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::{Method, Provider, Secret, StoredToken, time};
use crate::Options;

/// A credential, or the knowledge that the program has one itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// For whom.
    pub provider: Provider,
    /// What it is.
    pub method: Method,
    /// Where it came from: `ANTHROPIC_API_KEY`, `file ~/.claude_sdk/token.json`, `the login of claude`.
    pub source: String,
    /// The secret; `None` where the program finds it by itself (its own login, a cloud).
    pub secret: Option<Secret>,
    /// When it stops working, where that is known.
    pub expires_at: Option<SystemTime>,
}

impl Credential {
    /// That of a token in the store of this name.
    pub(super) fn stored(token: StoredToken, store: String) -> Self {
        Self {
            provider: token.provider,
            method: token.method(),
            source: store,
            secret: Some(token.token),
            expires_at: token.expires_at,
        }
    }

    /// A name for the credential that does not give it away, for limits, budgets and metrics. Where there is no secret: the
    /// provider and the method.
    pub fn fingerprint(&self) -> String {
        match &self.secret {
            Some(secret) => secret.fingerprint(),
            None => format!("{}-{}", self.provider, self.method.name()),
        }
    }

    /// The variables the program is started with: this credential's, and nothing in those of the others, so that it is
    /// this one that is used, and exactly one provider.
    pub fn variables(&self) -> Vec<(&'static str, Secret)> {
        let mut variables = Vec::new();
        for provider in Provider::ALL {
            if let Some(name) = provider.variable() {
                variables.push((name, Secret::from(if provider == self.provider { "1" } else { "" })));
            }
        }
        if self.provider == Provider::Anthropic {
            for method in [Method::ApiKey, Method::AuthToken, Method::OauthToken] {
                if let Some(name) = method.variable() {
                    let secret = self.secret.clone().filter(|_| method == self.method);
                    variables.push((name, secret.unwrap_or_else(|| Secret::from(""))));
                }
            }
        }
        variables
    }

    /// What may be told of it: `provider`, `method`, `source`, `fingerprint`, `hint` (the first characters of the secret) and
    /// `expires_at` (ISO 8601).
    pub fn to_json(&self) -> Value {
        json!({
            "provider": self.provider.name(),
            "method": self.method.name(),
            "source": self.source,
            "fingerprint": self.fingerprint(),
            "hint": self.secret.as_ref().map(Secret::hint),
            "expires_at": self.expires_at.map(time::show),
        })
    }

    /// Puts the credential into the environment of these options, in place of any other.
    ///
    /// ```
    /// use madrigal::{Options, auth::{Environment, resolve}};
    /// let env = Environment::of([("CLAUDE_CODE_OAUTH_TOKEN", "sk-ant-oat01-test-test-test")]);
    /// let mut options = Options::default();
    /// resolve(None, &env, None, false)?.require()?.apply(&mut options);
    /// assert_eq!(options.env["CLAUDE_CODE_OAUTH_TOKEN"], "sk-ant-oat01-test-test-test");
    /// assert_eq!(options.env["ANTHROPIC_API_KEY"], "");
    /// # Ok::<_, madrigal::Error>(())
    /// ```
    pub fn apply(&self, options: &mut Options) {
        for (name, value) in self.variables() {
            options.env.insert(name.to_owned(), value.expose().to_owned());
        }
    }
}
