//! The system prompt: a text of one's own, the CLI's own with something added, or a file. Never on the command line.

use std::path::PathBuf;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        MapAccess, SeqAccess,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_json::{Value, json};

use super::{described::Kind, shape};

/// What the model is told before the conversation.
///
/// ```
/// use madrigal::{Options, options::SystemPrompt};
/// let options = Options::from_json(r#"{"system_prompt": {"type": "preset", "preset": "claude_code", "append": "Be brief."}}"#);
/// assert!(matches!(options.unwrap().system_prompt, Some(SystemPrompt::Preset { append: Some(text), .. }) if text == "Be brief."));
/// assert_eq!(SystemPrompt::from("Be brief."), SystemPrompt::Text("Be brief.".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(into = "Written")]
pub enum SystemPrompt {
    /// Replaces the CLI's own.
    Text(String),
    /// The same in several blocks.
    Blocks(Vec<String>),
    /// The same, saying whether it is recorded with the conversation (the CLI's default: yes).
    Custom {
        /// The blocks.
        prompt: Vec<String>,
        /// `false`: rendered anew for every request.
        snapshot: Option<bool>,
    },
    /// The CLI's own.
    Preset {
        /// Added to it.
        append: Option<String>,
        /// Leaves out what differs from machine to machine (directory, memory path), so that caches are shared.
        exclude_dynamic_sections: Option<bool>,
        /// `false`: rendered anew for every request.
        snapshot: Option<bool>,
    },
    /// The text of a file.
    File(PathBuf),
}

impl From<&str> for SystemPrompt {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for SystemPrompt {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl SystemPrompt {
    /// The blocks that replace the CLI's own.
    pub(super) fn blocks(&self) -> Option<&[String]> {
        match self {
            Self::Text(text) => Some(std::slice::from_ref(text)),
            Self::Blocks(blocks) | Self::Custom { prompt: blocks, .. } => Some(blocks),
            Self::Preset { .. } | Self::File(_) => None,
        }
    }

    /// What is added to the CLI's own.
    pub(super) fn append(&self) -> Option<&str> {
        match self {
            Self::Preset { append, .. } => append.as_deref(),
            _ => None,
        }
    }

    pub(super) fn snapshot(&self) -> Option<bool> {
        match self {
            Self::Custom { snapshot, .. } | Self::Preset { snapshot, .. } => *snapshot,
            _ => None,
        }
    }

    pub(super) fn exclude_dynamic_sections(&self) -> Option<bool> {
        match self {
            Self::Preset { exclude_dynamic_sections, .. } => *exclude_dynamic_sections,
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for SystemPrompt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape::read(deserializer)
    }
}

impl<'de> shape::Shape<'de> for SystemPrompt {
    const EXPECTED: &'static str =
        "a text, a list of texts, or an object with the `type` `preset`, `custom` or `file`";

    fn text(text: String) -> Option<Self> {
        Some(Self::Text(text))
    }

    fn list<A: SeqAccess<'de>>(list: SeqAccessDeserializer<A>) -> Result<Self, A::Error> {
        Vec::deserialize(list).map(Self::Blocks)
    }

    fn object<A: MapAccess<'de>>(object: MapAccessDeserializer<A>) -> Result<Self, A::Error> {
        Ok(match Tagged::deserialize(object)? {
            Tagged::Preset { append, exclude_dynamic_sections, snapshot, .. } => {
                Self::Preset { append, exclude_dynamic_sections, snapshot }
            }
            Tagged::Custom { prompt, snapshot } => Self::Custom { prompt: prompt.0, snapshot },
            Tagged::File { path } => Self::File(path),
        })
    }
}

/// The forms with a `type`.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Tagged {
    Preset {
        preset: PresetName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        append: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none", alias = "excludeDynamicSections")]
        exclude_dynamic_sections: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        snapshot: Option<bool>,
    },
    Custom {
        prompt: Blocks,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        snapshot: Option<bool>,
    },
    File {
        path: PathBuf,
    },
}

/// There is one preset, of tools and of the prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PresetName {
    /// All of the CLI's own.
    #[default]
    ClaudeCode,
}

/// One text or several.
#[derive(Serialize)]
struct Blocks(Vec<String>);

impl<'de> Deserialize<'de> for Blocks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        shape::read(deserializer)
    }
}

impl<'de> shape::Shape<'de> for Blocks {
    const EXPECTED: &'static str = "a text or a list of texts";

    fn text(text: String) -> Option<Self> {
        Some(Self(vec![text]))
    }

    fn list<A: SeqAccess<'de>>(list: SeqAccessDeserializer<A>) -> Result<Self, A::Error> {
        Vec::deserialize(list).map(Self)
    }
}

/// The wire form.
#[derive(Serialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Blocks(Vec<String>),
    Tagged(Tagged),
}

impl From<SystemPrompt> for Written {
    fn from(prompt: SystemPrompt) -> Self {
        match prompt {
            SystemPrompt::Text(text) => Self::Text(text),
            SystemPrompt::Blocks(blocks) => Self::Blocks(blocks),
            SystemPrompt::Custom { prompt, snapshot } => {
                Self::Tagged(Tagged::Custom { prompt: Blocks(prompt), snapshot })
            }
            SystemPrompt::Preset { append, exclude_dynamic_sections, snapshot } => {
                let preset = PresetName::ClaudeCode;
                Self::Tagged(Tagged::Preset { preset, append, exclude_dynamic_sections, snapshot })
            }
            SystemPrompt::File(path) => Self::Tagged(Tagged::File { path }),
        }
    }
}

impl Kind for SystemPrompt {
    fn kind() -> String {
        "text, list of text, or an object of the `type` `preset`, `custom` or `file`".to_owned()
    }

    fn schema() -> Value {
        let text = json!({"type": "string"});
        let texts = json!({"type": "array", "items": text});
        let snapshot = json!({"type": ["boolean", "null"]});
        json!({"anyOf": [
            text,
            texts,
            {"type": "object", "required": ["type", "preset"], "additionalProperties": false, "properties": {
                "type": {"const": "preset"}, "preset": {"const": "claude_code"},
                "append": {"type": ["string", "null"]}, "exclude_dynamic_sections": {"type": ["boolean", "null"]}, "snapshot": snapshot,
            }},
            {"type": "object", "required": ["type", "prompt"], "additionalProperties": false, "properties": {
                "type": {"const": "custom"}, "prompt": {"anyOf": [text, texts]}, "snapshot": snapshot,
            }},
            {"type": "object", "required": ["type", "path"], "additionalProperties": false, "properties": {
                "type": {"const": "file"}, "path": text,
            }},
        ]})
    }
}
