//! Something else that may do the same work: another model, another credential, another provider.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Options, auth::AuthManager};

/// What is different when a task falls back to it.
///
/// ```
/// use madrigal::orchestrate::Candidate;
/// let cheaper: Candidate = serde_json::from_str(r#"{"model": "haiku"}"#).unwrap();
/// assert_eq!(cheaper.model.as_deref(), Some("haiku"));
/// assert!(serde_json::from_str::<Candidate>(r#"{"modle": "haiku"}"#).is_err());
/// ```
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Candidate {
    /// The model, in place of that of the task.
    pub model: Option<String>,
    /// Variables for the program, beside or in place of those of the task: a credential, the address of a provider.
    pub env: BTreeMap<String, String>,
    /// A name for the credential in `env`, by which limits count it.
    pub credential: Option<String>,
    /// Who gives the program its credential, in place of what the task says. Not on the wire.
    #[serde(skip)]
    pub auth: Option<AuthManager>,
    /// A name for the provider in `env`, by which limits count it.
    pub provider: Option<String>,
}

impl Candidate {
    /// Another model with everything else as it is.
    pub fn model(model: impl Into<String>) -> Self {
        Self { model: Some(model.into()), ..Self::default() }
    }

    /// The options of a task for this candidate.
    pub(super) fn over(&self, options: &Options) -> Options {
        let mut changed = options.clone();
        if let Some(model) = &self.model {
            changed.model = Some(model.clone());
            // The program refuses a fallback that is the model itself.
            changed.fallback_model = changed.fallback_model.filter(|fallback| fallback != model);
        }
        changed.env.extend(self.env.iter().map(|(name, value)| (name.clone(), value.clone())));
        changed
    }
}

/// Variables hold credentials: only their names are shown.
impl std::fmt::Debug for Candidate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Candidate")
            .field("model", &self.model)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("credential", &self.credential)
            .field("auth", &self.auth)
            .field("provider", &self.provider)
            .finish()
    }
}
