//! Tools and servers of a Rust host: closures with their descriptions.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    sync::{Arc, PoisonError, RwLock},
};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{ServerSpec, ToolResult, ToolSpec};
use crate::{Error, ErrorKind, Result, SessionHandle, session::Progress, transport::BoxFuture};

pub(crate) type Handler = Arc<dyn Fn(ToolCall) -> BoxFuture<'static, Result<ToolResult>> + Send + Sync>;

/// A call of a tool.
#[derive(Debug)]
pub struct ToolCall {
    /// The arguments; they fit the schema of the tool.
    pub arguments: Value,
    /// What the program says about the call: `claudecode/toolUseId`, `progressToken`.
    pub meta: Map<String, Value>,
    /// Where progress is told.
    pub progress: Progress,
}

impl ToolCall {
    /// The arguments as a type of yours.
    ///
    /// # Errors
    /// `invalid_argument`, naming the field; as the error of a tool it reaches the model.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_path_to_error::deserialize(&self.arguments).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, format!("arguments.{}: {}", error.path(), error.inner()))
                .operation("tool_call")
        })
    }

    /// The id of the `tool_use` block that called.
    pub fn tool_use_id(&self) -> Option<&str> {
        self.meta.get("claudecode/toolUseId").and_then(Value::as_str)
    }
}

/// A tool that runs in this process.
#[derive(Clone)]
pub struct Tool {
    pub(crate) spec: ToolSpec,
    pub(crate) handler: Handler,
}

impl Tool {
    /// A tool with a name, a description for the model, the JSON Schema of its arguments (of type `object`), and what it does.
    /// Calls may run beside each other. An error becomes a result the model reads; a call the program gives up on is dropped.
    pub fn new<F, R>(name: &str, description: &str, schema: Value, run: F) -> Self
    where
        F: Fn(ToolCall) -> R + Send + Sync + 'static,
        R: Future<Output = Result<ToolResult>> + Send + 'static,
    {
        let spec = ToolSpec {
            name: name.to_owned(),
            description: description.to_owned(),
            input_schema: schema,
            ..ToolSpec::default()
        };
        Self { spec, handler: Arc::new(move |call| Box::pin(run(call))) }
    }

    /// Sets a hint of MCP: `readOnlyHint`, `destructiveHint`, `idempotentHint`, `openWorldHint`, `title`.
    #[must_use]
    pub fn annotation(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.spec.annotations.insert(name.to_owned(), value.into());
        self
    }

    /// The JSON Schema of its structured result; a result that does not fit is an error the model reads.
    #[must_use]
    pub fn output_schema(mut self, schema: Value) -> Self {
        self.spec.output_schema = Some(schema);
        self
    }

    /// Adds to what the program is told under `_meta`.
    #[must_use]
    pub fn meta(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.spec.meta.insert(name.to_owned(), value.into());
        self
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool").field("spec", &self.spec).finish_non_exhaustive()
    }
}

/// Tools that run in this process; to the program an MCP server. A cheap clone of the same server.
///
/// ```
/// use madrigal::tools::{Tool, ToolResult, ToolServer};
/// let schema = serde_json::json!({"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
///     "required": ["a", "b"]});
/// let server = ToolServer::new("calc", "1.0.0").tool(Tool::new("add", "Adds two numbers", schema, |call| async move {
///     let sum = call.arguments["a"].as_f64().unwrap_or(0.0) + call.arguments["b"].as_f64().unwrap_or(0.0);
///     Ok(ToolResult::text(sum.to_string()))
/// }));
/// let builder = madrigal::Session::builder(madrigal::Options::default()).tool_server(server);
/// # let _ = builder;
/// ```
#[derive(Clone)]
pub struct ToolServer {
    spec: ServerSpec,
    handlers: Arc<RwLock<HashMap<String, Handler>>>,
}

impl ToolServer {
    /// A server without tools. The program calls a tool of it `mcp__<name>__<tool>`.
    pub fn new(name: &str, version: &str) -> Self {
        let spec = ServerSpec { name: name.to_owned(), version: version.to_owned(), ..ServerSpec::default() };
        Self { spec, handlers: Arc::default() }
    }

    /// Adds a tool.
    #[must_use]
    pub fn tool(mut self, tool: Tool) -> Self {
        self.put(&tool);
        self.spec.tools.push(tool.spec);
        self
    }

    /// How to use the server, for the model.
    #[must_use]
    pub fn instructions(mut self, text: &str) -> Self {
        self.spec.instructions = Some(text.to_owned());
        self
    }

    /// Replaces the tools in a session that was opened with this server; the program offers them from the next turn on.
    /// A call that runs is not touched.
    ///
    /// # Errors
    /// `invalid_argument` when the session does not have the server; `invalid_options` for a tool that cannot be offered,
    /// with its field; `closed`; `timeout`.
    pub async fn set_tools(&self, session: &SessionHandle, tools: Vec<Tool>) -> Result<()> {
        // Before the program hears of them, for it may call at once.
        tools.iter().for_each(|tool| self.put(tool));
        let specs = tools.into_iter().map(|tool| tool.spec).collect();
        session.set_tool_specs(&self.spec.name, specs).await
    }

    fn put(&self, tool: &Tool) {
        let mut handlers = self.handlers.write().unwrap_or_else(PoisonError::into_inner);
        handlers.insert(tool.spec.name.clone(), tool.handler.clone());
    }

    pub(crate) fn spec(&self) -> &ServerSpec {
        &self.spec
    }

    pub(crate) fn handler(&self, tool: &str) -> Option<Handler> {
        self.handlers.read().unwrap_or_else(PoisonError::into_inner).get(tool).cloned()
    }
}

impl fmt::Debug for ToolServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolServer").field("spec", &self.spec).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Options, Session, testing::Script};

    fn add() -> Tool {
        Tool::new("add", "Adds", json!({"type": "object"}), |call| async move {
            #[derive(serde::Deserialize)]
            struct Pair {
                a: f64,
                b: f64,
            }
            let pair: Pair = call.parse()?;
            Ok(ToolResult::text((pair.a + pair.b).to_string()))
        })
    }

    #[test]
    fn what_is_said_of_a_tool_reaches_its_description() {
        let tool =
            add().annotation("readOnlyHint", true).output_schema(json!({"type": "object"})).meta("k", 1);
        assert!(format!("{tool:?}").contains("readOnlyHint"));
        assert_eq!(tool.spec.output_schema, Some(json!({"type": "object"})));
        assert_eq!(tool.spec.meta["k"], 1);
        let server = ToolServer::new("calc", "1.0.0").instructions("Use it").tool(tool);
        assert_eq!(server.spec().instructions.as_deref(), Some("Use it"));
        assert!(format!("{server:?}").contains("calc"));
    }

    #[tokio::test]
    async fn arguments_are_read_into_a_type_and_a_misfit_names_its_field() {
        let call = |arguments: Value| {
            let meta = json!({"claudecode/toolUseId": "t1"});
            let meta = meta.as_object().unwrap().clone();
            ToolCall { arguments, meta, progress: Progress::default() }
        };
        assert_eq!(call(json!({})).tool_use_id(), Some("t1"));
        let handler = add().handler;
        assert!(handler(call(json!({"a": 1, "b": 2}))).await.is_ok());
        let error = handler(call(json!({"a": 1, "b": "two"}))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().starts_with("arguments.b:"), "{error}");
    }

    #[tokio::test]
    async fn tools_of_a_server_the_session_does_not_have_cannot_be_replaced() {
        let script = Script::new();
        let session = Session::builder(Options::default()).transport(script).open().await.unwrap();
        let server = ToolServer::new("calc", "1.0.0");
        let error = server.set_tools(&session.handle(), vec![add()]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        session.close().await;
    }
}
