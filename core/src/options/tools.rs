//! Which tools there are, who decides about them, and what they are told.

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        MapAccess, SeqAccess,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_json::{Value, json};

use super::{
    described::{Kind, words},
    prompt::PresetName,
    shape,
};

/// The built-in tools offered to the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tools {
    /// These; none when the list is empty.
    List(Vec<String>),
    /// All of the CLI's own: `{"type": "preset", "preset": "claude_code"}`.
    Preset,
}

impl<T: Into<String>> FromIterator<T> for Tools {
    fn from_iter<I: IntoIterator<Item = T>>(names: I) -> Self {
        Self::List(names.into_iter().map(Into::into).collect())
    }
}

impl From<Vec<String>> for Tools {
    fn from(names: Vec<String>) -> Self {
        Self::List(names)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Tagged {
    Preset { preset: PresetName },
}

impl Serialize for Tools {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::List(names) => names.serialize(serializer),
            Self::Preset => Tagged::Preset { preset: PresetName::ClaudeCode }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Tools {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape::read(deserializer)
    }
}

impl<'de> shape::Shape<'de> for Tools {
    const EXPECTED: &'static str = "a list of names, or {\"type\": \"preset\", \"preset\": \"claude_code\"}";

    fn list<A: SeqAccess<'de>>(list: SeqAccessDeserializer<A>) -> Result<Self, A::Error> {
        Vec::deserialize(list).map(Self::List)
    }

    fn object<A: MapAccess<'de>>(object: MapAccessDeserializer<A>) -> Result<Self, A::Error> {
        Tagged::deserialize(object).map(|_| Self::Preset)
    }
}

impl Kind for Tools {
    fn kind() -> String {
        "list of text, or the preset `claude_code`".to_owned()
    }

    fn schema() -> Value {
        json!({"anyOf": [
            {"type": "array", "items": {"type": "string"}},
            {"type": "object", "required": ["type", "preset"], "additionalProperties": false, "properties": {
                "type": {"const": "preset"}, "preset": {"const": "claude_code"},
            }},
        ]})
    }
}

/// Skills of the main conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Skills {
    /// Every skill that is found.
    All,
    /// These, by name; those of a plugin as `plugin:skill`.
    List(Vec<String>),
}

impl Serialize for Skills {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::List(names) => names.serialize(serializer),
            Self::All => "all".serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Skills {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape::read(deserializer)
    }
}

impl<'de> shape::Shape<'de> for Skills {
    const EXPECTED: &'static str = "\"all\" or a list of names";

    fn text(text: String) -> Option<Self> {
        (text == "all").then_some(Self::All)
    }

    fn list<A: SeqAccess<'de>>(list: SeqAccessDeserializer<A>) -> Result<Self, A::Error> {
        Vec::deserialize(list).map(Self::List)
    }
}

impl Kind for Skills {
    fn kind() -> String {
        "`all`, or list of text".to_owned()
    }

    fn schema() -> Value {
        json!({"anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}}]})
    }
}

words! {
    /// How permissions are decided when no rule matches.
    pub enum PermissionMode {
        /// Ask for what is not allowed by a rule.
        Default = "default",
        /// Edits of files pass without asking.
        AcceptEdits = "acceptEdits",
        /// Only look and plan.
        Plan = "plan",
        /// Refuse instead of asking.
        DontAsk = "dontAsk",
        /// A classifier of the CLI decides.
        Auto = "auto",
        /// Everything passes. Refused by the CLI for root outside a sandbox.
        BypassPermissions = "bypassPermissions",
    }
}

words! {
    /// Who answers permission questions.
    pub enum PermissionPrompts {
        /// This host, or the tool that was named for it.
        Host = "host",
        /// Nobody: what would be asked is denied.
        None = "none",
    }
}

words! {
    /// What the model is told to write as the preview of an answer it offers.
    pub enum PreviewFormat {
        /// Markdown.
        Markdown = "markdown",
        /// A fragment of HTML.
        Html = "html",
    }
}

/// Behaviour of single built-in tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ToolConfig {
    /// The tool that asks the user.
    #[serde(alias = "askUserQuestion")]
    pub ask_user_question: AskUserQuestion,
}

/// Behaviour of the tool that asks the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AskUserQuestion {
    /// The form of previews. Default: the CLI's own choice (`markdown`).
    #[serde(alias = "previewFormat")]
    pub preview_format: Option<PreviewFormat>,
}

impl Kind for ToolConfig {
    fn kind() -> String {
        "object `{ask_user_question: {preview_format}}`".to_owned()
    }

    fn schema() -> Value {
        let format = Option::<PreviewFormat>::schema();
        json!({"type": "object", "additionalProperties": false, "properties": {
            "ask_user_question": {"type": "object", "additionalProperties": false, "properties": {"preview_format": format}},
        }})
    }
}
