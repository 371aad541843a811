//! What a host may ask the program for, beside prompts: one method for each request the program knows, with a typed answer,
//! and [`SessionHandle::control`] for those that come later. The methods are in files by theme; this one has what they share.
//!
//! [`crate::protocol::CONTROL_REQUESTS`] lists them.

mod agent;
mod files;
mod info;
mod mcp;
mod model;
mod servers;
mod tasks;
#[cfg(test)]
mod tests;
mod titles;

use std::{fmt, future::IntoFuture, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use files::{FileContents, FileSuggestions, RepoRoot, Rewind};
pub use info::{
    AccountInfo, AgentInfo, BinaryVersion, CommandInfo, ContextCategory, ContextUsage, HooksListing,
    ModelInfo, ModelList, PermissionRules, SessionCost, SessionUsage, Settings, Usage,
};
pub use mcp::{McpCallResult, McpResource};
pub use model::{Interrupted, McpModeSet, ModeSet, ModelSet};
pub use servers::{McpServerStatus, McpServersSet, McpStatus, McpTool};
pub use tasks::{MessageCancelled, TaskOutput};
pub use titles::{OutputStyles, ReloadedPlugins, ReloadedSkills, SideAnswer, Title};

use super::SessionHandle;
use crate::{Error, ErrorKind, Result, transport::BoxFuture};

/// How long an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// As `timeouts.control_ms` says.
    Option,
    /// This long, whatever the options say.
    Own(Duration),
    /// For ever.
    None,
}

/// A request to the program that was not sent yet. It is sent, and its answer waited for, by `.await`; or sent at once by
/// [`into_future`](IntoFuture::into_future), so that several can be under way together in the order they were written.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use std::time::Duration;
/// use madrigal::{Options, Session, testing::Script};
///
/// let session = Session::builder(Options::default()).transport(Script::new()).open().await?;
/// let set = session.set_model(Some("opus")).within(Duration::from_secs(5)).await?;
/// assert_eq!(set.model.as_deref(), Some("opus"));
/// # session.close().await;
/// # Ok::<_, madrigal::Error>(()) }).unwrap();
/// ```
#[must_use = "a request does nothing until it is awaited"]
pub struct Control<T> {
    handle: SessionHandle,
    subtype: String,
    fields: Map<String, Value>,
    limit: Limit,
    refused: Option<Error>,
    /// It puts another agent in the lead.
    switches: bool,
    read: fn(&str, Value) -> Result<T>,
}

impl<T> fmt::Debug for Control<T> {
    /// Without the values: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("subtype", &self.subtype)
            .field("fields", &self.fields.keys().collect::<Vec<_>>())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<T> Control<T> {
    /// Fails with `timeout` when there is no answer after this long; replaces `timeouts.control_ms`.
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = Limit::Own(limit);
        self
    }

    /// Waits for the answer however long it takes; replaces `timeouts.control_ms`.
    pub fn without_limit(mut self) -> Self {
        self.limit = Limit::None;
        self
    }

    /// Sets a field of the request under the CLI's name: for what this library has no word for yet.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.to_owned(), value.into());
        self
    }
}

impl<T: Send + 'static> IntoFuture for Control<T> {
    type Output = Result<T>;
    type IntoFuture = BoxFuture<'static, Result<T>>;

    /// Sends the request now; the future waits for its answer.
    fn into_future(self) -> Self::IntoFuture {
        if let Some(error) = self.refused {
            return Box::pin(std::future::ready(Err(error)));
        }
        let mut request = Map::new();
        request.insert("subtype".to_owned(), self.subtype.as_str().into());
        request.extend(self.fields);
        let answered = if self.switches {
            self.handle.switch_agent(request.into(), self.limit)
        } else {
            self.handle.request(request.into(), self.limit)
        };
        let (read, subtype) = (self.read, self.subtype);
        Box::pin(async move { read(&subtype, answered.await?) })
    }
}

impl SessionHandle {
    /// Any control request: its subtype and fields as the CLI names them. The answer is its payload, `Null` when it has none.
    /// Answered also while messages are unread.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # use madrigal::{Options, Session, testing::Script};
    /// # let session = Session::builder(Options::default()).transport(Script::new()).open().await?;
    /// let status = session.control("mcp_status", serde_json::json!({})).await?;
    /// assert!(status["mcpServers"].is_array());
    /// # session.close().await;
    /// # Ok::<_, madrigal::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `invalid_argument` without a subtype, or when `fields` is neither an object nor `Null`; `closed`; `timeout` after
    /// `timeouts.control_ms`; `control` when the program refused it: its `error_code` and further facts are in the context.
    pub fn control(&self, subtype: &str, fields: Value) -> Control<Value> {
        let mut request = self.ask(subtype, |_, payload| Ok(payload));
        request.refused = match subtype {
            "" => Some(invalid("subtype", "expected the name of a control request, such as \"set_model\"")),
            "initialize" => {
                Some(invalid("subtype", "`initialize` is sent when the session opens; use the options"))
            }
            _ => None,
        };
        match fields {
            Value::Object(mut fields) => {
                fields.remove("subtype");
                request.fields = fields;
            }
            Value::Null => {}
            _ => request.refused = Some(invalid("fields", "expected an object")),
        }
        request
    }

    /// A request whose answer is a payload with fields.
    fn typed<T: DeserializeOwned>(&self, subtype: &str) -> Control<T> {
        self.ask(subtype, typed)
    }

    /// A request that is only acknowledged.
    fn acknowledged(&self, subtype: &str) -> Control<()> {
        self.ask(subtype, |_, _| Ok(()))
    }

    fn ask<T>(&self, subtype: &str, read: fn(&str, Value) -> Result<T>) -> Control<T> {
        Control {
            handle: self.clone(),
            subtype: subtype.to_owned(),
            fields: Map::new(),
            limit: Limit::Option,
            refused: None,
            switches: false,
            read,
        }
    }
}

/// Reads a payload; what it says of a field that has another form than we know names the field.
fn typed<T: DeserializeOwned>(subtype: &str, payload: Value) -> Result<T> {
    let payload = if payload.is_null() { Value::Object(Map::new()) } else { payload };
    serde_path_to_error::deserialize(payload).map_err(|error| {
        let field = error.path().to_string();
        let message = format!(
            "the claude program answered `{subtype}` in a form this library does not know: {field}: {}; `control` gives \
             the answer as it is",
            error.inner()
        );
        Error::new(ErrorKind::Protocol, message)
            .operation("control")
            .with("subtype", subtype)
            .with("field", field)
    })
}

fn invalid(field: &str, problem: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{field}: {problem}"))
        .operation("control")
        .with("field", field)
}
