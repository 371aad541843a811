//! How much the model thinks, and what form its answer has.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::described::{Kind, words};

words! {
    /// How much effort goes into an answer.
    pub enum Effort {
        /// Little.
        Low = "low",
        /// Some.
        Medium = "medium",
        /// Much.
        High = "high",
        /// More.
        Xhigh = "xhigh",
        /// All there is.
        Max = "max",
    }
}

words! {
    /// How thinking is shown.
    pub enum ThinkingDisplay {
        /// In a summary.
        Summarized = "summarized",
        /// Not at all.
        Omitted = "omitted",
    }
}

/// Whether and how the model thinks before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Thinking {
    /// The model decides.
    Adaptive {
        /// How it is shown. Default: the CLI's own choice.
        #[serde(default)]
        display: Option<ThinkingDisplay>,
    },
    /// Up to a number of tokens; without one, as `adaptive`.
    Enabled {
        /// The most tokens.
        #[serde(default, alias = "budgetTokens")]
        budget_tokens: Option<u32>,
        /// How it is shown. Default: the CLI's own choice.
        #[serde(default)]
        display: Option<ThinkingDisplay>,
    },
    /// Not at all.
    Disabled {},
}

impl Thinking {
    pub(super) fn display(self) -> Option<ThinkingDisplay> {
        match self {
            Self::Adaptive { display } | Self::Enabled { display, .. } => display,
            Self::Disabled {} => None,
        }
    }
}

impl Kind for Thinking {
    fn kind() -> String {
        "object of the `type` `adaptive`, `enabled` or `disabled`".to_owned()
    }

    fn schema() -> Value {
        let display = Option::<ThinkingDisplay>::schema();
        json!({"anyOf": [
            {"type": "object", "required": ["type"], "additionalProperties": false, "properties": {
                "type": {"const": "adaptive"}, "display": display,
            }},
            {"type": "object", "required": ["type"], "additionalProperties": false, "properties": {
                "type": {"const": "enabled"}, "budget_tokens": {"type": ["integer", "null"], "minimum": 0}, "display": display,
            }},
            {"type": "object", "required": ["type"], "additionalProperties": false, "properties": {
                "type": {"const": "disabled"},
            }},
        ]})
    }
}

/// How many tokens a task may take; the model is told, and paces itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskBudget {
    /// Tokens in all. At least 1.
    pub total: u64,
}

impl Kind for TaskBudget {
    fn kind() -> String {
        "object `{total}`".to_owned()
    }

    fn schema() -> Value {
        json!({"type": "object", "required": ["total"], "additionalProperties": false, "properties": {
            "total": {"type": "integer", "minimum": 1},
        }})
    }
}

/// The form of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum OutputFormat {
    /// A value that a JSON Schema allows; the result has it as `structured_output`.
    JsonSchema {
        /// The schema.
        schema: Map<String, Value>,
    },
}

impl Kind for OutputFormat {
    fn kind() -> String {
        "object `{type: \"json_schema\", schema}`".to_owned()
    }

    fn schema() -> Value {
        json!({"type": "object", "required": ["type", "schema"], "additionalProperties": false, "properties": {
            "type": {"const": "json_schema"}, "schema": {"type": "object"},
        }})
    }
}
