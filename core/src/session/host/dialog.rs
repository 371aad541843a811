//! Questions to the user behind the host: of MCP servers (elicitation), and of the program itself (dialogs).

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// An MCP server asks the user for something.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Elicitation {
    /// The server.
    pub mcp_server_name: String,
    /// What it says.
    pub message: String,
    /// `form`: fields to fill in; `url`: a page to visit.
    pub mode: Option<String>,
    /// The JSON Schema of the form.
    pub requested_schema: Option<Value>,
    /// The page.
    pub url: Option<String>,
    /// Every other field of the request.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What the user said to an [`Elicitation`].
#[derive(Clone, Debug, PartialEq)]
pub enum ElicitationAnswer {
    /// Yes, with the values of the form.
    Accept(Map<String, Value>),
    /// No.
    Decline,
    /// The user closed the question.
    Cancel,
}

impl ElicitationAnswer {
    pub(crate) fn into_json(self) -> Value {
        match self {
            Self::Accept(content) => json!({"action": "accept", "content": content}),
            Self::Decline => json!({"action": "decline"}),
            Self::Cancel => json!({"action": "cancel"}),
        }
    }
}

/// The program wants a dialog shown; one of the kinds in `options.supported_dialog_kinds`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct UserDialog {
    /// Which dialog.
    pub dialog_kind: String,
    /// What it shows; its form depends on the kind.
    pub payload: Value,
    /// The tool call it belongs to.
    pub tool_use_id: Option<String>,
}

/// What the user chose in a [`UserDialog`].
#[derive(Clone, Debug, PartialEq)]
pub enum UserDialogAnswer {
    /// This; its form depends on the kind.
    Completed(Value),
    /// Nothing: the program does what it does without the dialog.
    Cancelled,
}

impl UserDialogAnswer {
    pub(crate) fn into_json(self) -> Value {
        match self {
            Self::Completed(result) => json!({"behavior": "completed", "result": result}),
            Self::Cancelled => json!({"behavior": "cancelled"}),
        }
    }
}
