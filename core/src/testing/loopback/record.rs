//! What the program asked, for tests to look at. Headers are not kept, so no credential is.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde::Serialize;
use serde_json::Value;

use super::conversation::Conversation;

/// How many requests are kept.
const KEPT: usize = 1000;

/// One request that reached the API.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Request {
    /// Its number, from 1.
    pub number: u64,
    /// `POST`, `GET`...
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The model asked for.
    pub model: String,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// The most tokens the answer may have.
    pub max_tokens: u64,
    /// The session of the program, when it said so.
    pub session_id: Option<String>,
    /// The system prompt, its blocks joined by newlines.
    pub system: String,
    /// The names of the tools offered.
    pub tools: Vec<String>,
    /// The last text a user wrote.
    pub prompt: String,
    /// All texts users wrote in this conversation, oldest first: a resumed session sends the old ones too.
    pub prompts: Vec<String>,
    /// All texts of the model in this conversation.
    pub replies: Vec<String>,
    /// What the tools called since the prompt gave back. What is no text stands in brackets: `[image image/png]`,
    /// `[tool_reference mcp__calc__add]`.
    pub tool_results: Vec<String>,
    /// What the program added since the prompt or with it, such as what hooks had to say, joined by newlines.
    pub notes: String,
    /// How the model is to think, as the request has it; `null` when it says nothing.
    pub thinking: Value,
    /// How much effort the model is to make (`low` to `max`); `None` when the request says nothing.
    pub effort: Option<String>,
    /// How many messages the conversation has, those of the program among them.
    pub messages: usize,
    /// How many requests for an answer were open when this one came, itself among them; 0 where no model is asked.
    pub beside: usize,
    /// The status of the answer; 0 while there is none yet.
    pub status: u16,
    /// Whether the answer was sent to its end. `false` also when the caller went away in the middle of it.
    pub finished: bool,
}

impl Request {
    pub(super) fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), ..Self::default() }
    }

    pub(super) fn of(mut self, conversation: &Conversation) -> Self {
        self.model.clone_from(&conversation.model);
        self.stream = conversation.stream;
        self.max_tokens = conversation.max_tokens;
        self.session_id = self.session_id.or_else(|| conversation.session.clone());
        self.system.clone_from(&conversation.system);
        self.tools.clone_from(&conversation.tools);
        self.prompt = conversation.prompt().to_owned();
        self.prompts.clone_from(&conversation.prompts);
        self.replies.clone_from(&conversation.replies);
        self.tool_results.clone_from(&conversation.tool_results);
        self.notes = conversation.notes.join("\n");
        self.thinking.clone_from(&conversation.thinking);
        self.effort.clone_from(&conversation.effort);
        self.messages = conversation.messages;
        self
    }
}

/// The newest requests.
#[derive(Debug, Default)]
pub(super) struct Log(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    count: u64,
    kept: VecDeque<Request>,
}

impl Log {
    /// Adds a request and returns its number.
    pub(super) fn add(&self, mut request: Request) -> u64 {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.count += 1;
        request.number = entries.count;
        if entries.kept.len() == KEPT {
            entries.kept.pop_front();
        }
        entries.kept.push_back(request);
        entries.count
    }

    /// Notes how a request was answered.
    pub(super) fn update(&self, number: u64, change: impl FnOnce(&mut Request)) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(request) = entries.kept.iter_mut().rev().find(|request| request.number == number) {
            change(request);
        }
    }

    pub(super) fn all(&self) -> Vec<Request> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).kept.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_requests_are_kept_and_keep_their_numbers() {
        let log = Log::default();
        for _ in 0..=KEPT {
            log.add(Request::new("GET", "/"));
        }
        log.update(1, |_| panic!("the first is gone"));
        log.update(2, |request| request.status = 200);
        let all = log.all();
        assert_eq!((all.len(), all[0].number, all[0].status), (KEPT, 2, 200));
    }
}
