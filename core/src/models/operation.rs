//! What is asked about models by name, as it crosses to other languages: one JSON object in, one JSON value out.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{option_preset, option_presets, suggest_models};
use crate::{
    Result,
    transcript::{json_text, operation_from_json},
};

/// A question about models and presets of options.
///
/// ```
/// use madrigal::models::ModelOperation;
/// let answer = ModelOperation::from_json(r#"{"operation": "suggest_models", "model": "opuss"}"#)?.perform()?;
/// assert_eq!(answer, r#"{"known":false,"suggestions":["opus"]}"#);
/// # Ok::<_, madrigal::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ModelOperation {
    /// [`option_presets`].
    OptionPresets {},
    /// [`option_preset`].
    OptionPreset(OfPreset),
    /// [`suggest_models`].
    SuggestModels(OfModel),
}

/// Which preset.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfPreset {
    /// Its name.
    pub name: String,
    /// Options that win.
    #[serde(default)]
    pub over: Map<String, Value>,
}

/// Which model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfModel {
    /// Its name.
    pub model: String,
    /// The models of the program's answer to `initialize`.
    #[serde(default)]
    pub models: Option<Vec<Value>>,
}

impl ModelOperation {
    /// The names of these operations.
    pub const NAMES: [&str; 3] = ["option_presets", "option_preset", "suggest_models"];

    /// The operation that a request `{"operation": "...", ...}` describes.
    ///
    /// # Errors
    /// `invalid_argument` when it is none; the message names the operation or the field.
    pub fn from_json(request: &str) -> Result<Self> {
        operation_from_json(request)
    }

    /// Carries it out and returns its result as JSON text.
    ///
    /// # Errors
    /// Those of the operation.
    pub fn perform(&self) -> Result<String> {
        match self {
            Self::OptionPresets {} => json_text(&option_presets().collect::<Vec<_>>()),
            Self::OptionPreset(of) => json_text(&option_preset(&of.name, &of.over)?),
            Self::SuggestModels(of) => json_text(&suggest_models(&of.model, of.models.as_deref())),
        }
    }
}
