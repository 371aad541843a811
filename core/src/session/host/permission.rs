//! Permission questions, typed, and those of the tool that asks the user: `AskUserQuestion`.

use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{PermissionUpdate, callbacks::read};
use crate::Result;

/// A tool that wants to run.
#[derive(Clone, Debug, PartialEq)]
pub struct PermissionRequest {
    /// The tool.
    pub tool_name: String,
    /// What it would be given.
    pub input: Value,
    /// The id of the call.
    pub tool_use_id: String,
    /// Every field of the request, also those above.
    pub fields: Map<String, Value>,
}

/// Whether a tool may run.
///
/// ```
/// use madrigal::Permission;
/// let denied = Permission::deny("not on a Friday");
/// let changed = Permission::allow().with_input(serde_json::json!({"command": "ls"}));
/// # let _ = (denied, changed);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Permission(Value);

impl Permission {
    /// It may, with the input it asked for.
    pub fn allow() -> Self {
        Self(json!({"behavior": "allow"}))
    }

    /// It may not; the model is told why.
    pub fn deny(message: impl Into<String>) -> Self {
        Self(json!({"behavior": "deny", "message": message.into()}))
    }

    /// With `allow`: runs with this input instead.
    #[must_use]
    pub fn with_input(mut self, input: Value) -> Self {
        self.0["updatedInput"] = input;
        self
    }

    /// With `allow`: also changes permissions from now on. Takes [`PermissionUpdate`]s or the CLI's JSON of them.
    #[must_use]
    pub fn with_updates<U: Into<Value>>(mut self, updates: impl IntoIterator<Item = U>) -> Self {
        self.0["updatedPermissions"] = updates.into_iter().map(Into::into).collect::<Vec<Value>>().into();
        self
    }

    /// Answers the questions of `AskUserQuestion`: pairs of the text of a question and the label that was chosen, several
    /// labels separated by `, `.
    ///
    /// ```
    /// # use madrigal::session::{Permission, PermissionRequest};
    /// # fn example(request: &PermissionRequest) -> Permission {
    /// let questions = request.questions();
    /// let first = |question: &madrigal::session::Question| (question.question.clone(), question.options[0].label.clone());
    /// Permission::answer(request, questions.iter().map(first))
    /// # }
    /// ```
    pub fn answer(
        request: &PermissionRequest,
        answers: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        let answers: Map<String, Value> =
            answers.into_iter().map(|(question, label)| (question.into(), label.into().into())).collect();
        let mut input = request.input.clone();
        input["answers"] = answers.into();
        Self::allow().with_input(input)
    }

    /// With `deny`: also ends the turn.
    #[must_use]
    pub fn with_interrupt(mut self) -> Self {
        self.0["interrupt"] = true.into();
        self
    }

    pub(crate) fn into_json(self) -> Value {
        self.0
    }
}

impl PermissionRequest {
    pub(super) fn read(request: &RawValue) -> Result<Self> {
        let fields: Map<String, Value> = read(request)?;
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self {
            tool_name: text("tool_name"),
            input: fields.get("input").cloned().unwrap_or_default(),
            tool_use_id: text("tool_use_id"),
            fields,
        })
    }

    /// What the program suggests to change so that it need not ask again; for
    /// [`Permission::with_updates`].
    pub fn suggestions(&self) -> Vec<PermissionUpdate> {
        let suggested = self.fields.get("permission_suggestions").and_then(Value::as_array);
        suggested
            .into_iter()
            .flatten()
            .filter_map(|update| PermissionUpdate::deserialize(update).ok())
            .collect()
    }

    /// The questions of `AskUserQuestion`, for [`Permission::answer`]; empty for other tools.
    pub fn questions(&self) -> Vec<Question> {
        let asked = self.input.get("questions").filter(|_| self.tool_name == "AskUserQuestion");
        asked.and_then(|questions| Vec::deserialize(questions).ok()).unwrap_or_default()
    }
}

/// A question of the tool `AskUserQuestion`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Question {
    /// Its text, which also names it in the answers.
    pub question: String,
    /// A word or two for a heading.
    pub header: String,
    /// What can be chosen.
    pub options: Vec<QuestionOption>,
    /// Several may be chosen.
    pub multi_select: bool,
}

/// An answer to choose.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct QuestionOption {
    /// Its name.
    pub label: String,
    /// What it means.
    pub description: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(value: Value) -> PermissionRequest {
        PermissionRequest::read(&serde_json::value::to_raw_value(&value).unwrap()).unwrap()
    }

    #[test]
    fn questions_are_read_and_answered_by_their_text() {
        let request = request(json!({"tool_name": "AskUserQuestion", "input": {"questions": [
            {"question": "Which?", "header": "Colour", "options": [{"label": "Red", "description": "r"}], "multiSelect": false},
        ]}}));
        let questions = request.questions();
        assert_eq!((&*questions[0].question, &*questions[0].options[0].label), ("Which?", "Red"));
        let answer = Permission::answer(&request, [("Which?", "Red")]).into_json();
        assert_eq!(answer["updatedInput"]["answers"], json!({"Which?": "Red"}));
        assert_eq!(answer["updatedInput"]["questions"], request.input["questions"]);
    }

    #[test]
    fn suggestions_can_be_handed_back() {
        let suggested = json!([{"type": "setMode", "mode": "acceptEdits", "destination": "session"}]);
        let request = request(json!({"tool_name": "Edit", "permission_suggestions": suggested}));
        let answer = Permission::allow().with_updates(request.suggestions()).into_json();
        assert_eq!(answer["updatedPermissions"], suggested);
        assert!(request.questions().is_empty());
    }
}
