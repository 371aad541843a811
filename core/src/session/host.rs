//! Questions the program puts to us, and who answers them.
//!
//! The core never runs code of the host language: an [`Ask`] is data, its answer is JSON. Rust users give a closure;
//! the bindings turn asks into events.

use std::{fmt, future::Future, sync::Arc};

use serde_json::{Map, Value, json, value::RawValue};

use crate::{Error, ErrorKind, Result, transport::BoxFuture};

/// A kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AskKind {
    /// May this tool run?
    CanUseTool,
}

impl AskKind {
    /// The CLI's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CanUseTool => "can_use_tool",
        }
    }

    /// The kind a word names.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::CanUseTool].into_iter().find(|kind| kind.name() == name)
    }
}

/// One question.
#[derive(Debug)]
pub struct Ask {
    /// What kind.
    pub kind: AskKind,
    /// The request as the program wrote it.
    pub request: Box<RawValue>,
}

/// Answers questions.
///
/// Each answer is a future of its own, so several questions can be open at once. The future is dropped when the program
/// withdraws the question. An error denies the tool with its message and then reaches the reader of the messages.
pub trait Host: Send + Sync {
    /// Which questions this host answers; the program is told to ask only those.
    fn asks(&self) -> &[AskKind];
    /// Answers one.
    fn answer(&self, ask: Ask) -> BoxFuture<'static, Result<Value>>;
}

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

    /// With `allow`: also changes permissions from now on, as the CLI's `PermissionUpdate` objects say.
    #[must_use]
    pub fn with_updates(mut self, updates: Vec<Value>) -> Self {
        self.0["updatedPermissions"] = updates.into();
        self
    }

    /// With `deny`: also ends the turn.
    #[must_use]
    pub fn with_interrupt(mut self) -> Self {
        self.0["interrupt"] = true.into();
        self
    }
}

/// The host made of a Rust closure.
pub(crate) struct CanUseTool<F>(pub(crate) F);

impl<F, R> Host for CanUseTool<F>
where
    F: Fn(PermissionRequest) -> R + Send + Sync,
    R: Future<Output = Result<Permission>> + Send + 'static,
{
    fn asks(&self) -> &[AskKind] {
        &[AskKind::CanUseTool]
    }

    fn answer(&self, ask: Ask) -> BoxFuture<'static, Result<Value>> {
        match permission_request(&ask.request) {
            Ok(request) => {
                let answer = (self.0)(request);
                Box::pin(async move { answer.await.map(|permission| permission.0) })
            }
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

fn permission_request(request: &RawValue) -> Result<PermissionRequest> {
    let fields: Map<String, Value> = serde_json::from_str(request.get()).map_err(|error| {
        Error::new(ErrorKind::Protocol, format!("a can_use_tool request is not an object: {error}"))
            .operation("ask")
    })?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(PermissionRequest {
        tool_name: text("tool_name"),
        input: fields.get("input").cloned().unwrap_or_default(),
        tool_use_id: text("tool_use_id"),
        fields,
    })
}

/// Checks an answer before it is written: an invalid one would be taken for a denial by the program, with a reason
/// that the user never sees.
pub(crate) fn check_permission(answer: &Value) -> Result<()> {
    let problem = match answer.get("behavior").and_then(Value::as_str) {
        Some("allow") => match answer.get("updatedInput") {
            None | Some(Value::Null | Value::Object(_)) => return Ok(()),
            Some(_) => "updatedInput: expected an object",
        },
        Some("deny") => match answer.get("message") {
            Some(Value::String(_)) => return Ok(()),
            _ => "message: expected the reason of the denial as a string",
        },
        _ => "behavior: expected \"allow\" or \"deny\"",
    };
    Err(Error::new(ErrorKind::InvalidArgument, format!("answer to can_use_tool: {problem}"))
        .operation("answer"))
}

impl fmt::Debug for dyn Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("asks", &self.asks()).finish()
    }
}

/// A shared host.
pub(crate) type SharedHost = Arc<dyn Host>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_checked_by_field() {
        assert!(check_permission(&Permission::allow().with_input(json!({"a": 1})).0).is_ok());
        assert!(check_permission(&Permission::deny("no").with_interrupt().0).is_ok());
        for (answer, field) in [
            (json!({"behavior": "maybe"}), "behavior"),
            (json!({"behavior": "deny"}), "message"),
            (json!(null), "behavior"),
        ] {
            assert!(check_permission(&answer).unwrap_err().message().contains(field));
        }
    }
}
