//! `/clear` as the way to forget: sent as a command, and its answer checked frame by frame.
//!
//! It is a command for people, not a promise to programs, so nothing is taken for granted: the program must say that the conversation
//! was reset, begin another session that has no tool and no server and is otherwise as before, and report a turn that asked
//! no model and cost nothing. On 2.1.330 that takes about 20 ms.

use std::time::Duration;

use super::witness::Facts;
use crate::{
    Message, MessageKind, Prompt, Session,
    message::{Body, SystemMessage},
};

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Lets a session forget what was said. Where that cannot be relied on: why.
pub(super) async fn clear(session: &mut Session, before: Option<&Facts>) -> Result<Facts, String> {
    let prompt = Prompt::command("/clear");
    let mut clearing = Clearing::new(prompt.uuid(), before.cloned());
    let cleared = async {
        session.handle().send(prompt).await.map_err(|error| error.to_string())?;
        loop {
            match session.next().await {
                Some(Ok(message)) => {
                    if let Some(facts) = clearing.see(&message)? {
                        return Ok(facts);
                    }
                }
                Some(Err(error)) => return Err(error.to_string()),
                None => return Err("it ended".to_owned()),
            }
        }
    };
    match tokio::time::timeout(LIMIT, cleared).await {
        Ok(cleared) => cleared.map_err(|reason| format!("`/clear` did not work as expected: {reason}")),
        Err(_) => Err(format!("`/clear` was not done within {} s", LIMIT.as_secs())),
    }
}

/// What was seen of the answer.
struct Clearing {
    command: String,
    before: Option<Facts>,
    reset: bool,
    after: Option<Facts>,
}

impl Clearing {
    fn new(command: &str, before: Option<Facts>) -> Self {
        Self { command: command.to_owned(), before, reset: false, after: None }
    }

    /// Takes the next frame; gives what the new session is when all is as it should be.
    fn see(&mut self, message: &Message) -> Result<Option<Facts>, String> {
        if message.kind() == MessageKind::Result {
            return self.result(message).map(Some);
        }
        match (message.kind_name(), message.body()) {
            ("conversation_reset", _) => {
                if message.value()["user_message_uuid"] != self.command.as_str() {
                    return Err("a reset that was not asked for".to_owned());
                }
                self.reset = true;
            }
            (_, Ok(Body::System(SystemMessage::Init(init)))) => {
                let facts = Facts::of(init)?;
                if let Some(before) = &self.before {
                    if before.session_id == facts.session_id {
                        return Err("the session is still the same".to_owned());
                    }
                    if let Some(reason) = before.differ(&facts) {
                        return Err(reason);
                    }
                }
                self.after = Some(facts);
            }
            (_, Ok(Body::System(SystemMessage::BackgroundTasksChanged(changed))))
                if changed.tasks.is_empty() => {}
            (_, Ok(Body::System(SystemMessage::SessionStateChanged(_)))) | ("command_lifecycle", _) => {}
            // Our own, about the options.
            ("system", _) if message.subtype() == Some("option_warning") => {}
            (kind, _) => {
                let subtype = message.subtype().map(|subtype| format!("/{subtype}")).unwrap_or_default();
                return Err(format!("it said `{kind}{subtype}`"));
            }
        }
        Ok(None)
    }

    fn result(&mut self, message: &Message) -> Result<Facts, String> {
        let Ok(Body::Result(result)) = message.body() else {
            return Err("a result that cannot be read".to_owned());
        };
        let facts = self
            .after
            .take()
            .filter(|_| self.reset)
            .ok_or("no reset, or no new session, before the result")?;
        if result.is_error {
            return Err("it failed".to_owned());
        }
        if result.session_id != facts.session_id {
            return Err("its result is of another session".to_owned());
        }
        if result.num_turns != 0 || result.total_cost_usd.is_none_or(|cost| cost != 0.0) {
            return Err("a model was asked, or the account of the session before goes on".to_owned());
        }
        Ok(facts)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::pool::witness::tests::{init, message};

    fn reset() -> Value {
        json!({"type": "conversation_reset", "new_conversation_id": "n", "trigger": "clear", "user_message_uuid": "c"})
    }

    fn result(session: &str) -> Value {
        json!({"type": "result", "subtype": "success", "is_error": false, "num_turns": 0, "total_cost_usd": 0, "session_id": session})
    }

    fn before() -> Facts {
        let Body::System(SystemMessage::Init(init)) = message(init("s")).body().unwrap().clone() else {
            panic!()
        };
        Facts::of(&init).unwrap()
    }

    fn see(frames: &[Value]) -> Result<Option<Facts>, String> {
        let mut clearing = Clearing::new("c", Some(before()));
        let mut last = Ok(None);
        for frame in frames {
            last = clearing.see(&message(frame.clone()));
            if last.is_err() {
                break;
            }
        }
        last
    }

    #[test]
    fn the_answer_of_the_real_program_passes() {
        let tasks = json!({"type": "system", "subtype": "background_tasks_changed", "tasks": []});
        let queued = json!({"type": "command_lifecycle", "command_uuid": "c", "state": "queued"});
        let facts = see(&[queued, reset(), tasks, init("t"), result("t")]).unwrap().unwrap();
        assert_eq!(facts.session_id, "t");
    }

    #[test]
    fn whatever_is_otherwise_does_not() {
        let change = |mut frame: Value, field: &str, value: Value| {
            frame[field] = value;
            frame
        };
        for (frames, reason) in [
            (vec![init("t"), result("t")], "no reset"),
            (vec![reset(), result("t")], "no new session"),
            (vec![reset(), init("s")], "still the same"),
            (vec![reset(), init("t"), result("s")], "another session"),
            (vec![reset(), change(init("t"), "tools", json!(["Bash"]))], "tools"),
            (vec![reset(), change(init("t"), "model", json!("n"))], "model"),
            (vec![reset(), init("t"), change(result("t"), "total_cost_usd", json!(0.1))], "account"),
            (vec![reset(), init("t"), change(result("t"), "num_turns", json!(1))], "a model was asked"),
            (vec![reset(), init("t"), change(result("t"), "is_error", json!(true))], "failed"),
            (vec![change(reset(), "user_message_uuid", json!("d"))], "not asked for"),
            (
                vec![
                    json!({"type": "assistant", "message": {"role": "assistant", "content": "You said: /clear"}}),
                ],
                "`assistant`",
            ),
            (
                vec![
                    json!({"type": "system", "subtype": "background_tasks_changed", "tasks": [{"task_id": "t", "task_type": "x", "description": "d"}]}),
                ],
                "background_tasks_changed",
            ),
        ] {
            let error = see(&frames).unwrap_err();
            assert!(error.contains(reason), "{error}: {reason}");
        }
    }
}
