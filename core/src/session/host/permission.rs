//! Permission questions, typed.

use std::future::Future;

use serde_json::{Map, Value, json, value::RawValue};

use super::{Ask, AskKind, Host};
use crate::{Error, ErrorKind, Result, transport::BoxFuture};

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
