//! Watches a run whose process shall be used again, and says what speaks against that.
//!
//! What is allowed is listed; whatever else the program says, now or in a later version, is a reason to end the process.

use crate::{
    Message, MessageKind,
    message::{Body, ContentBlock, InitMessage, SystemMessage},
};

/// What a session says of itself at the start of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) session_id: String,
    model: String,
    cwd: String,
    permission_mode: String,
}

impl Facts {
    /// Reads them. The error says what a session that is used again must not have.
    pub(super) fn of(init: &InitMessage) -> Result<Self, String> {
        if !init.tools.is_empty() {
            return Err(format!("it has tools: {}", init.tools.join(", ")));
        }
        if let Some(server) = init.mcp_servers.first() {
            return Err(format!("it has the MCP server `{}`", server.name));
        }
        // The program's own plugins are part of it; what others bring may act behind its back.
        if let Some(plugin) = init.plugins.iter().find(|plugin| plugin.path != "builtin") {
            return Err(format!("it has the plugin `{}`", plugin.name));
        }
        Ok(Self {
            session_id: init.session_id.clone(),
            model: init.model.clone(),
            cwd: init.cwd.clone(),
            permission_mode: init.permission_mode.clone(),
        })
    }

    /// What differs, apart from the session.
    pub(super) fn differ(&self, other: &Self) -> Option<String> {
        let fields = [
            ("model", &self.model, &other.model),
            ("working directory", &self.cwd, &other.cwd),
            ("permission mode", &self.permission_mode, &other.permission_mode),
        ];
        let (name, was, is) = fields.into_iter().find(|(_, was, is)| was != is)?;
        Some(format!("its {name} changed from `{was}` to `{is}`"))
    }
}

/// What a message means for the run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It belongs to the run.
    Part,
    /// It is a last word about what was before the run.
    Before,
    /// It is the result.
    Result,
    /// This is not the session it should be.
    Stranger(String),
}

/// Watches one run.
#[derive(Debug)]
pub(super) struct Witness {
    prompt: String,
    /// As the session was after it forgot the run before; `None` for one that has seen no prompt.
    expected: Option<Facts>,
    facts: Option<Facts>,
    against: Option<String>,
}

impl Witness {
    /// `prompt`: the uuid of the prompt.
    pub(super) fn new(prompt: &str, expected: Option<Facts>) -> Self {
        Self { prompt: prompt.to_owned(), expected, facts: None, against: None }
    }

    /// Something speaks against using the process again. The first reason counts.
    pub(super) fn object(&mut self, reason: impl Into<String>) {
        self.against.get_or_insert(reason.into());
    }

    pub(super) fn see(&mut self, message: &Message) -> Seen {
        match message.kind() {
            MessageKind::StreamEvent => return Seen::Part,
            MessageKind::Result => {
                if message.is_error() {
                    self.object("the run failed");
                }
                return Seen::Result;
            }
            _ => {}
        }
        match (message.kind_name(), message.body()) {
            ("command_lifecycle", _) => {
                let value = message.value();
                if value["command_uuid"] != self.prompt.as_str() {
                    return Seen::Before;
                }
            }
            (_, Ok(Body::System(SystemMessage::Init(init)))) => return self.begins(init),
            (_, Ok(Body::Assistant(said))) => {
                let other = said.message.content.blocks().iter().find(|block| {
                    !matches!(
                        block,
                        ContentBlock::Text(_) | ContentBlock::Thinking(_) | ContentBlock::RedactedThinking(_)
                    )
                });
                if let Some(block) = other {
                    self.object(format!("it said more than text: `{}`", block.kind()));
                }
            }
            (_, Ok(Body::System(SystemMessage::Status(status)))) => {
                if status.permission_mode.is_some() || status.compact_result.is_some() {
                    self.object("its permission mode changed, or it compacted its conversation");
                }
            }
            (_, Ok(Body::System(SystemMessage::BackgroundTasksChanged(changed)))) => {
                if !changed.tasks.is_empty() {
                    self.object("it has background tasks");
                }
            }
            (
                _,
                Ok(Body::System(
                    SystemMessage::ApiRetry(_)
                    | SystemMessage::ThinkingTokens(_)
                    | SystemMessage::SessionStateChanged(_),
                )),
            )
            | ("rate_limit_event", _) => {}
            // Our own, about the options.
            ("system", _) if message.subtype() == Some("option_warning") => {}
            (kind, _) => {
                let kind =
                    message.subtype().map_or_else(|| kind.to_owned(), |subtype| format!("{kind}/{subtype}"));
                self.object(format!("it said `{kind}`"));
            }
        }
        Seen::Part
    }

    fn begins(&mut self, init: &InitMessage) -> Seen {
        let facts = match Facts::of(init) {
            Ok(facts) => facts,
            Err(reason) => {
                self.object(reason);
                return Seen::Part;
            }
        };
        if let Some(expected) = &self.expected {
            if expected.session_id != facts.session_id {
                return Seen::Stranger(
                    "its session is not the one it began when it was told to forget".to_owned(),
                );
            }
            if let Some(reason) = expected.differ(&facts) {
                return Seen::Stranger(reason);
            }
        }
        if self.facts.as_ref().is_some_and(|before| *before != facts) {
            self.object("its session changed during the run");
        }
        self.facts = Some(facts);
        Seen::Part
    }

    /// What the session is, when nothing speaks against using its process again.
    pub(super) fn verdict(self) -> Result<Facts, String> {
        match (self.against, self.facts) {
            (Some(reason), _) => Err(reason),
            (None, None) => Err("it never said what its session is".to_owned()),
            (None, Some(facts)) => Ok(facts),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;

    pub(in crate::pool) fn message(value: Value) -> Message {
        Message::parse(&value.to_string()).unwrap()
    }

    pub(in crate::pool) fn init(session: &str) -> Value {
        json!({"type": "system", "subtype": "init", "session_id": session, "tools": [], "mcp_servers": [], "model": "m",
            "plugins": [{"name": "cc-plugin-agents-md", "path": "builtin", "source": "cc-plugin-agents-md@builtin"}],
            "cwd": "/w", "permissionMode": "default"})
    }

    fn result() -> Value {
        json!({"type": "result", "subtype": "success", "is_error": false, "num_turns": 1})
    }

    fn verdict(frames: &[Value]) -> Result<Facts, String> {
        let mut witness = Witness::new("p", None);
        for frame in frames {
            witness.see(&message(frame.clone()));
        }
        witness.verdict()
    }

    #[test]
    fn a_run_that_only_talked_can_be_followed_by_another() {
        let said = json!({"type": "assistant", "message": {"role": "assistant", "content": [{"type": "text", "text": "x"}]}});
        let retry = json!({"type": "system", "subtype": "api_retry", "attempt": 1, "max_retries": 10, "retry_delay_ms": 1,
            "error_status": 529, "error": "overloaded"});
        let ours = json!({"type": "system", "subtype": "option_warning", "source": "madrigal", "code": "unknown_model"});
        let facts = verdict(&[ours, init("s"), retry, said, result()]).unwrap();
        assert_eq!(facts.session_id, "s");
    }

    #[test]
    fn whatever_else_it_did_speaks_against_it() {
        let tool = json!({"type": "assistant", "message": {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {}}]}});
        let mut with_tools = init("s");
        with_tools["tools"] = json!(["Bash"]);
        let mut with_server = init("s");
        with_server["mcp_servers"] = json!([{"name": "n", "status": "connected"}]);
        let mut with_plugin = init("s");
        with_plugin["plugins"] = json!([{"name": "own", "path": "builtin"}, {"name": "n", "path": "/p"}]);
        for (frames, reason) in [
            (vec![with_plugin], "plugin `n`"),
            (vec![init("s"), tool], "more than text"),
            (vec![with_tools], "tools: Bash"),
            (vec![with_server], "MCP server `n`"),
            (vec![init("s"), json!({"type": "result", "subtype": "success", "is_error": true})], "failed"),
            (vec![init("s"), json!({"type": "tomorrow"})], "`tomorrow`"),
            (
                vec![
                    init("s"),
                    json!({"type": "system", "subtype": "compact_boundary", "compact_metadata": {}}),
                ],
                "compact",
            ),
            (vec![init("s"), init("t")], "session changed"),
            (vec![result()], "never said"),
        ] {
            let error = verdict(&frames).unwrap_err();
            assert!(error.contains(reason), "{error}: {reason}");
        }
    }

    #[test]
    fn the_session_must_be_the_one_that_was_begun() {
        let Body::System(SystemMessage::Init(before)) = message(init("s")).body().unwrap().clone() else {
            panic!()
        };
        let expected = Facts::of(&before).unwrap();
        let see = |frame: Value| Witness::new("p", Some(expected.clone())).see(&message(frame));
        assert_eq!(see(init("s")), Seen::Part);
        assert!(matches!(see(init("t")), Seen::Stranger(_)));
        let mut other = init("s");
        other["model"] = json!("n");
        assert!(matches!(see(other), Seen::Stranger(reason) if reason.contains("model")));
        assert_eq!(
            see(json!({"type": "command_lifecycle", "command_uuid": "q", "state": "completed"})),
            Seen::Before
        );
        assert_eq!(
            see(json!({"type": "command_lifecycle", "command_uuid": "p", "state": "queued"})),
            Seen::Part
        );
    }
}
