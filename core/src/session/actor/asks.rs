//! Questions of the program on their way to the host and back.
//!
//! Each question has exactly one outcome, whatever the host does: its answer, what stands for a failure of its kind, or
//! nothing when the program withdrew it. A second answer finds nobody.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use serde_json::{Value, json, value::RawValue};
use tokio::{
    task::{self, AbortHandle, JoinError},
    time::Instant,
};

use super::Actor;
use crate::{
    Error, ErrorKind, Result,
    message::{Head, malformed},
    protocol,
    session::{
        Ask, AskKind,
        host::{Progress, check_answer},
    },
    tools::{self, ToolSpec},
    transport::BoxFuture,
};

/// A question the host works on.
pub(super) struct OpenAsk {
    kind: AskKind,
    task: AbortHandle,
    /// Of a tool call.
    pub(super) call: Option<OpenCall>,
}

/// What is needed to answer a tool call.
pub(super) struct OpenCall {
    pub(super) server: String,
    /// The JSON-RPC id of the call.
    pub(super) id: Value,
    pub(super) progress_token: Option<Value>,
    /// The tool as it was declared when it was called; it may be gone by the time of its answer.
    pub(super) tool: Option<ToolSpec>,
}

impl Actor {
    pub(super) fn asked(&mut self, line: &str, head: &Head<'_>) -> Result<()> {
        let id = head
            .request_id
            .as_deref()
            .ok_or_else(|| malformed(line, "a control_request without a `request_id` that is text"))?;
        let asked = self.serve(id, head.request.unwrap_or("null"));
        asked.map_err(|problem| {
            // The program waits for an answer, also to what cannot be read.
            self.write(&protocol::answer_error(id, &problem));
            malformed(line, &problem)
        })
    }

    /// Serves a request of the program; what is wrong with it comes back in words.
    fn serve(&mut self, id: &str, text: &str) -> std::result::Result<(), String> {
        let request: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if !request.is_object() {
            return Err("a control_request whose `request` is no object".to_owned());
        }
        let subtype = request["subtype"]
            .as_str()
            .ok_or("a control_request whose `request` has no `subtype` that is text")?;
        match AskKind::from_name(subtype) {
            _ if subtype == "mcp_message" => self.mcp_message(id, &request)?,
            Some(kind) if self.answers(kind) => {
                needed(kind, &request).map_err(|problem| format!("a `{subtype}` {problem}"))?;
                match request["callback_id"].as_str() {
                    Some(name) if kind == AskKind::HookCallback && !self.provided.has_hook(name) => {
                        self.write(&protocol::answer_error(id, &format!("this host has no hook `{name}`")));
                    }
                    _ => self.ask(id, kind, raw(text), None),
                }
            }
            // A question nobody answers would stop the turn for ever.
            _ => {
                tracing::debug!(
                    subtype = &*crate::redact::redact(subtype),
                    "refused a question this host does not answer"
                );
                self.write(&protocol::answer_error(id, &format!("this host does not answer `{subtype}`")));
            }
        }
        Ok(())
    }

    fn answers(&self, kind: AskKind) -> bool {
        match kind {
            AskKind::HookCallback => !self.provided.hooks.is_empty(),
            // Not a word of the program: calls arrive as `mcp_message`.
            AskKind::ToolCall => false,
            _ => self.host.as_ref().is_some_and(|host| host.asks().contains(&kind)),
        }
    }

    /// Puts a question to the host.
    pub(super) fn ask(&mut self, id: &str, kind: AskKind, request: Box<RawValue>, call: Option<OpenCall>) {
        let Some(host) = &self.host else {
            self.write(&protocol::answer_error(id, &format!("no host answers `{}`", kind.name())));
            return;
        };
        let wanted = call.as_ref().is_some_and(|call| call.progress_token.is_some());
        let progress =
            if wanted { Progress::of(self.commands.clone(), id.to_owned()) } else { Progress::default() };
        // What is called is code of the host already before there is something to wait for.
        let called = catch_unwind(AssertUnwindSafe(|| host.answer(Ask { kind, request, progress })));
        let answer = called.unwrap_or_else(|_| Box::pin(std::future::ready(Err(panicked()))));
        let answer = in_time(answer, kind, self.options.timeouts.callback_ms);
        let answered = id.to_owned();
        let task = self.asks.spawn(async move { (answered, answer.await) });
        self.open_asks.insert(id.to_owned(), OpenAsk { kind, task, call });
    }

    /// The program does not want an answer any more.
    pub(super) fn withdrawn(&mut self, id: &str) {
        if let Some(ask) = self.open_asks.remove(id) {
            ask.task.abort();
        }
    }

    pub(super) fn answered(&mut self, answered: std::result::Result<(String, Result<Value>), JoinError>) {
        let (id, answer) = match answered {
            Ok(answered) => answered,
            // Withdrawn, and so not open any more.
            Err(error) if error.is_cancelled() => return,
            // Its code panicked: the program must not wait for ever.
            Err(error) => match self.lost(error.id()) {
                Some(id) => (id, Err(panicked())),
                None => return,
            },
        };
        let Some(ask) = self.open_asks.remove(&id) else { return };
        self.last_output = Instant::now();
        self.answered_at = self.last_output;
        let tool = ask.call.as_ref().and_then(|call| call.tool.as_ref());
        let answer = answer.and_then(|answer| check_answer(ask.kind, &answer, tool).map(|()| answer));
        match answer {
            Ok(answer) => self.write(&accepted(&id, &ask, answer)),
            Err(error) => {
                self.write(&failed(&id, &ask, error.message()));
                if ask.kind == AskKind::ToolCall {
                    // The model reads it; for the people behind the host there is the log.
                    tracing::warn!("a tool of the host failed: {error}");
                    return;
                }
                let error = match error.kind() {
                    ErrorKind::Callback | ErrorKind::InvalidArgument | ErrorKind::Timeout => error,
                    _ => Error::new(ErrorKind::Callback, error.message()).caused_by(&error),
                };
                self.batch.push(Err(error.operation(ask.kind.name())));
                self.flush();
            }
        }
    }

    fn lost(&self, task: task::Id) -> Option<String> {
        self.open_asks.iter().find(|(_, ask)| ask.task.id() == task).map(|(id, _)| id.clone())
    }
}

/// In words of our own: what a panic says is printed by the host's own hook and goes nowhere else.
fn panicked() -> Error {
    Error::new(ErrorKind::Callback, "the callback of the host panicked")
}

/// The answer of the host, as one line.
fn accepted(id: &str, ask: &OpenAsk, mut answer: Value) -> String {
    match (&ask.kind, &ask.call) {
        (AskKind::ToolCall, Some(call)) => mcp_result(id, call, answer),
        (AskKind::CanUseTool, _) => {
            if let Some(fields) = answer.as_object_mut() {
                fields.retain(|_, value| !value.is_null());
            }
            protocol::answer_success(id, &answer)
        }
        _ => protocol::answer_success(id, &answer),
    }
}

/// What the program is told when the host failed, as one line.
fn failed(id: &str, ask: &OpenAsk, message: &str) -> String {
    match (&ask.kind, &ask.call) {
        (AskKind::ToolCall, Some(call)) => mcp_result(id, call, tools::error_result(message)),
        (AskKind::CanUseTool, _) => {
            protocol::answer_success(id, &json!({"behavior": "deny", "message": message}))
        }
        (AskKind::Elicitation, _) => protocol::answer_success(id, &json!({"action": "cancel"})),
        (AskKind::UserDialog, _) => protocol::answer_success(id, &json!({"behavior": "cancelled"})),
        // The program does what `on_failure` of the hook says.
        _ => protocol::answer_error(id, message),
    }
}

fn mcp_result(id: &str, call: &OpenCall, result: Value) -> String {
    protocol::answer_success(id, &json!({"mcp_response": tools::success(&call.id, result)}))
}

/// A host that takes longer than `timeouts.callback_ms` has failed; its work is dropped.
async fn in_time(
    answer: BoxFuture<'static, Result<Value>>,
    kind: AskKind,
    limit: Option<u64>,
) -> Result<Value> {
    let Some(limit) = limit else { return answer.await };
    tokio::time::timeout(Duration::from_millis(limit), answer).await.unwrap_or_else(|_| {
        let name = kind.name();
        let message = format!("the host did not answer `{name}` within {limit} ms (timeouts.callback_ms)");
        Err(Error::new(ErrorKind::Timeout, message)
            .operation(name)
            .with("callback", name)
            .with("limit_ms", limit))
    })
}

/// Checks that a question has what a host cannot do without.
fn needed(kind: AskKind, request: &Value) -> std::result::Result<(), String> {
    let (texts, object): (&[&str], _) = match kind {
        AskKind::CanUseTool => (&["tool_name"], Some("input")),
        AskKind::HookCallback => (&["callback_id"], Some("input")),
        AskKind::Elicitation => (&["message"], None),
        AskKind::UserDialog => (&["dialog_kind"], None),
        AskKind::ToolCall => (&[], None),
    };
    match (
        texts.iter().find(|name| !request[**name].is_string()),
        object.filter(|name| !request[*name].is_object()),
    ) {
        (Some(name), _) => Err(format!("request without `{name}`, a text")),
        (None, Some(name)) => Err(format!("request without `{name}`, an object")),
        (None, None) => Ok(()),
    }
}

/// The text as it came: it was checked when its line was read, so it cannot be refused here.
fn raw(request: &str) -> Box<RawValue> {
    RawValue::from_string(request.to_owned()).unwrap_or_default()
}
