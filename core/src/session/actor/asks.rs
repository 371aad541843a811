//! Questions of the program on their way to the host and back.

use std::time::Duration;

use serde_json::{Value, json, value::RawValue};
use tokio::{
    task::{self, JoinError},
    time::Instant,
};

use super::Actor;
use crate::{
    Error, ErrorKind, Result,
    message::{Head, excerpt},
    protocol,
    session::{Ask, AskKind, host::check_permission},
    transport::BoxFuture,
};

impl Actor {
    pub(super) fn asked(&mut self, line: &str, head: &Head<'_>) -> Result<()> {
        let (Some(id), Some(request)) = (head.request_id.as_deref(), head.request) else {
            return Err(Error::new(
                ErrorKind::Protocol,
                "a control_request without `request_id` or `request`",
            )
            .operation("read")
            .with("line", excerpt(line)));
        };
        #[derive(serde::Deserialize)]
        struct Subtype<'a> {
            #[serde(borrow)]
            subtype: std::borrow::Cow<'a, str>,
        }
        let subtype = serde_json::from_str::<Subtype<'_>>(request)
            .map_err(|error| {
                Error::new(ErrorKind::Protocol, format!("a control_request with {error}"))
                    .with("line", excerpt(line))
            })?
            .subtype;
        let kind = AskKind::from_name(&subtype);
        match (kind, &self.host) {
            (Some(kind), Some(host)) if host.asks().contains(&kind) => {
                let answer = host.answer(Ask { kind, request: raw(request) });
                let answer = in_time(answer, kind, self.options.timeouts.callback_ms);
                let id = id.to_owned();
                let task = self.asks.spawn({
                    let id = id.clone();
                    async move { (id, answer.await) }
                });
                self.open_asks.insert(id, task);
            }
            // A question nobody answers would stop the turn for ever.
            _ => {
                tracing::debug!(subtype = &*subtype, "refused a question this host does not answer");
                self.write(&protocol::answer_error(id, &format!("this host does not answer `{subtype}`")));
            }
        }
        Ok(())
    }

    pub(super) fn answered(&mut self, answered: std::result::Result<(String, Result<Value>), JoinError>) {
        let (id, answer) = match answered {
            Ok(answered) => answered,
            // Withdrawn, and so not open any more.
            Err(error) if error.is_cancelled() => return,
            // Its code panicked: the tool must not wait for ever.
            Err(error) => return self.answer_lost(error.id()),
        };
        if self.open_asks.remove(&id).is_none() {
            return;
        }
        self.last_output = Instant::now();
        self.answered_at = self.last_output;
        let answer = answer.and_then(|answer| check_permission(&answer).map(|()| answer));
        match answer {
            Ok(mut answer) => {
                if answer["updatedInput"].is_null() {
                    answer.as_object_mut().map(|fields| fields.remove("updatedInput"));
                }
                self.write(&protocol::answer_success(&id, &answer));
            }
            Err(error) => {
                self.write(&protocol::answer_success(
                    &id,
                    &json!({"behavior": "deny", "message": error.message()}),
                ));
                let error = match error.kind() {
                    ErrorKind::Callback | ErrorKind::InvalidArgument | ErrorKind::Timeout => error,
                    _ => Error::new(ErrorKind::Callback, error.message()).caused_by(&error),
                };
                self.batch.push(Err(error.operation("can_use_tool")));
                self.flush();
            }
        }
    }

    fn answer_lost(&mut self, task: task::Id) {
        let lost = self.open_asks.iter().find(|(_, ask)| ask.id() == task).map(|(id, _)| id.clone());
        if let Some(id) = lost {
            self.open_asks.remove(&id);
            let message = "the permission callback panicked";
            self.write(&protocol::answer_success(&id, &json!({"behavior": "deny", "message": message})));
            self.batch.push(Err(Error::new(ErrorKind::Callback, message).operation("can_use_tool")));
        }
        self.flush();
    }
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

/// The text as it came: it was checked when its line was read, so it cannot be refused here.
fn raw(request: &str) -> Box<RawValue> {
    RawValue::from_string(request.to_owned()).unwrap_or_default()
}
