//! What a request says about where its conversation stands.
//!
//! Everything is read from the request itself, never from the order of requests, so sessions may run side by side. The
//! program adds messages of its own (`system` roles, `<system-reminder>` blocks, notes about interrupts), so the prompt
//! is found by what it is, not by where it stands.

use serde_json::Value;

/// A request for a message, understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Conversation {
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) max_tokens: u64,
    pub(super) system: String,
    pub(super) tools: Vec<String>,
    /// Texts of users, oldest first; the last is the prompt.
    pub(super) prompts: Vec<String>,
    /// The text blocks of the message with the last prompt: several prompts can be joined in one message.
    pub(super) candidates: Vec<String>,
    /// Texts of the model, oldest first.
    pub(super) replies: Vec<String>,
    /// Results of tools since the prompt.
    pub(super) tool_results: Vec<String>,
    /// What the program added since the prompt, or with it.
    pub(super) notes: Vec<String>,
    /// How the model is to think, as the request has it.
    pub(super) thinking: Value,
    /// How much effort it is to make.
    pub(super) effort: Option<String>,
    /// Messages of the model since the prompt, and in all.
    pub(super) rounds: usize,
    pub(super) all_rounds: usize,
    pub(super) messages: usize,
    /// The session, as the body tells it.
    pub(super) session: Option<String>,
}

impl Conversation {
    pub(super) fn read(body: &Value) -> Self {
        let mut conversation = Self {
            model: string(&body["model"]),
            stream: body["stream"].as_bool().unwrap_or(false),
            max_tokens: body["max_tokens"].as_u64().unwrap_or(0),
            system: texts(&body["system"]).join("\n"),
            tools: list(&body["tools"]).iter().map(|tool| string(&tool["name"])).collect(),
            messages: list(&body["messages"]).len(),
            session: session(body),
            thinking: body["thinking"].clone(),
            effort: body["output_config"]["effort"].as_str().map(str::to_owned),
            ..Self::default()
        };
        let mut speaker = "";
        for message in list(&body["messages"]) {
            let role = message["role"].as_str().unwrap_or_default();
            let content = &message["content"];
            match role {
                // Neighbours count once: one message of the model can be sent back in pieces.
                "assistant" => {
                    if speaker != "assistant" {
                        conversation.rounds += 1;
                        conversation.all_rounds += 1;
                    }
                    conversation.replies.extend(texts(content));
                }
                "user" => conversation.user(content),
                // Facts the program adds; not somebody's turn.
                _ => {
                    conversation.notes.extend(texts(content));
                    continue;
                }
            }
            speaker = role;
        }
        conversation
    }

    fn user(&mut self, content: &Value) {
        let (notes, written): (Vec<String>, Vec<String>) =
            texts(content).into_iter().partition(|text| is_note(text));
        if !written.is_empty() {
            self.rounds = 0;
            self.tool_results.clear();
            self.notes.clear();
            self.prompts.extend(written.iter().cloned());
            self.candidates = written;
        }
        self.notes.extend(notes);
        let results = list(content).iter().filter(|block| block["type"] == "tool_result");
        self.tool_results.extend(results.map(|block| result_of(&block["content"])));
    }

    /// The last text a user wrote.
    pub(super) fn prompt(&self) -> &str {
        self.prompts.last().map_or("", |prompt| prompt.trim())
    }

    /// A text of the script with its references replaced.
    pub(super) fn fill(&self, text: &str) -> String {
        // The longer name first where one is the beginning of the other.
        let last_result = self.tool_results.last().map_or("", String::as_str);
        let values = [
            ("$prompts", self.prompts.join(" | ")),
            ("$prompt", self.prompt().to_owned()),
            ("$tool_results", self.tool_results.join(" | ")),
            ("$tool_result", last_result.to_owned()),
            ("$model", self.model.clone()),
        ];
        let (mut filled, mut rest) = (String::new(), text);
        while let Some(at) = rest.find('$') {
            filled.push_str(&rest[..at]);
            rest = &rest[at..];
            match values.iter().find(|(name, _)| rest.starts_with(name)) {
                Some((name, value)) => {
                    filled.push_str(value);
                    rest = &rest[name.len()..];
                }
                None => {
                    filled.push('$');
                    rest = &rest[1..];
                }
            }
        }
        filled + rest
    }
}

/// How texts begin that the program writes under the user's name: reminders, the end of a task in the background, what a
/// hook has against stopping, that a value is still missing, that a tool was found. They are no new prompt: the next step of the rule answers.
const NOTES: [&str; 6] = [
    "<system-reminder>",
    "<task-notification>",
    "[Request interrupted by user",
    "[structured-output-enforce]",
    "Stop hook feedback:",
    "Tool loaded.",
];

fn is_note(text: &str) -> bool {
    let text = text.trim_start();
    text.is_empty() || NOTES.iter().any(|beginning| text.starts_with(beginning))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The texts of a content, which is a string or a list of blocks.
fn texts(content: &Value) -> Vec<String> {
    match content {
        Value::String(text) => vec![text.clone()],
        blocks => list(blocks)
            .iter()
            .filter(|block| block["type"] == "text")
            .map(|block| string(&block["text"]))
            .collect(),
    }
}

/// What a tool gave: its texts, and what else there is by name.
fn result_of(content: &Value) -> String {
    let Value::Array(blocks) = content else { return string(content) };
    let blocks = blocks.iter().map(|block| match block["type"].as_str().unwrap_or_default() {
        "text" => string(&block["text"]),
        "tool_reference" => format!("[tool_reference {}]", string(&block["tool_name"])),
        kind => format!("[{kind} {}]", string(&block["source"]["media_type"])),
    });
    blocks.collect::<Vec<_>>().join("\n")
}

/// `metadata.user_id` is JSON text in which the program names its session.
fn session(body: &Value) -> Option<String> {
    let user: Value = serde_json::from_str(body["metadata"]["user_id"].as_str()?).ok()?;
    user["session_id"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(text: &str) -> Value {
        json!({"type": "text", "text": text})
    }

    #[test]
    fn the_prompt_is_found_among_what_the_program_adds() {
        let body = json!({"model": "claude-x", "stream": true, "messages": [
            {"role": "system", "content": "Environment: test"},
            {"role": "user", "content": [text("<system-reminder>skills</system-reminder>"), text("First?")]},
            {"role": "assistant", "content": [text("One.")]},
            {"role": "user", "content": [text("[Request interrupted by user]"), text(" Second? ")]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "ok"}, text("<system-reminder>x</system-reminder>")]},
            {"role": "system", "content": "more"},
        ]});
        let conversation = Conversation::read(&body);
        assert_eq!(conversation.prompt(), "Second?");
        assert_eq!(conversation.prompts, ["First?", " Second? "]);
        assert_eq!(conversation.replies, ["One."]);
        assert_eq!(conversation.tool_results, ["ok"]);
        assert_eq!((conversation.rounds, conversation.all_rounds), (1, 2));
    }

    #[test]
    fn a_new_prompt_starts_its_rounds_anew() {
        let body = json!({"messages": [
            {"role": "user", "content": "a"}, {"role": "assistant", "content": "1"},
            {"role": "assistant", "content": "2"}, {"role": "user", "content": "b"},
        ]});
        let conversation = Conversation::read(&body);
        assert_eq!((conversation.prompt(), conversation.rounds, conversation.all_rounds), ("b", 0, 1));
    }

    #[test]
    fn what_the_program_writes_is_a_note_and_not_a_prompt() {
        let results = json!([{"type": "tool_result", "content": [
            {"type": "tool_reference", "tool_name": "mcp__calc__add"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}]},
            {"type": "tool_result", "content": "plain"}, text("Tool loaded.")]);
        let body = json!({"thinking": {"type": "enabled", "budget_tokens": 9}, "messages": [
            {"role": "user", "content": "old"}, {"role": "system", "content": "of the old"},
            {"role": "user", "content": "Go."}, {"role": "system", "content": "a hook says so"},
            {"role": "assistant", "content": [text("1")]}, {"role": "user", "content": results},
            {"role": "assistant", "content": [text("2")]}, {"role": "user", "content": "Stop hook feedback:\nlook again"},
            {"role": "assistant", "content": [text("3")]}, {"role": "user", "content": [text("<task-notification>over</task-notification>")]},
        ]});
        let conversation = Conversation::read(&body);
        assert_eq!((conversation.prompt(), conversation.rounds), ("Go.", 3));
        assert_eq!(
            conversation.tool_results,
            ["[tool_reference mcp__calc__add]\n[image image/png]", "plain"]
        );
        let notes = ["a hook says so", "Tool loaded.", "Stop hook feedback:\nlook again"];
        assert_eq!(conversation.notes[..3], notes);
        assert_eq!((conversation.notes.len(), &conversation.thinking["budget_tokens"]), (4, &json!(9)));
    }

    #[test]
    fn references_are_replaced_once() {
        let conversation = Conversation {
            prompts: vec!["a".into(), "$model".into()],
            tool_results: vec!["q".into(), "r".into()],
            model: "m".into(),
            ..Conversation::default()
        };
        assert_eq!(
            conversation.fill("$prompts/$prompt/$tool_results/$tool_result/$model/$5 $"),
            "a | $model/$model/q | r/r/m/$5 $"
        );
    }

    #[test]
    fn nonsense_is_an_empty_conversation() {
        assert_eq!(Conversation::read(&json!({"messages": 7})), Conversation::default());
        assert_eq!(Conversation::default().prompt(), "");
    }

    #[test]
    fn the_session_is_read_from_the_metadata() {
        let body = json!({"metadata": {"user_id": r#"{"device_id":"d","session_id":"s"}"#}});
        assert_eq!(Conversation::read(&body).session.as_deref(), Some("s"));
    }
}
