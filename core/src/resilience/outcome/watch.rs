//! Follows one attempt from frame to frame: tells policies at once what each API call did, and at the end what became of all.

use std::{collections::BTreeSet, time::Duration};

use serde::Serialize;

use super::{Failure, FailureKind, Replay, classify};
use crate::{
    Error,
    message::{
        ApiEvent, AssistantMessage, Body, ContentBlock, Message, MessageKind, RateLimitInfo, ResultMessage,
        SystemMessage,
    },
    redact::redact,
};

/// Tools of the program that change nothing, so that a run that used no others may be done again from the start. Tools that the API
/// itself runs (search of the web) change nothing here either.
pub const READ_ONLY_TOOLS: [&str; 12] = [
    "Read",
    "Glob",
    "Grep",
    "LS",
    "NotebookRead",
    "WebFetch",
    "WebSearch",
    "ToolSearch",
    "BashOutput",
    "ListMcpResources",
    "ReadMcpResource",
    "StructuredOutput",
];

/// What a frame says to policies while the attempt goes on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Signal {
    /// The session began.
    Ready,
    /// A call of the API is being answered.
    Answered,
    /// A call of the API failed and the program will try again by itself.
    AttemptFailed {
        /// How it failed.
        kind: FailureKind,
        /// How long the program waits before it tries again. After a 429 this is what the server asked for.
        #[serde(rename = "retry_after_ms", serialize_with = "millis")]
        retry_after: Duration,
    },
    /// How a subscription stands. `rejected`: nothing will be answered until it resets.
    Subscription {
        /// Whether calls are refused now.
        rejected: bool,
        /// When it is full again, as time since 1970.
        #[serde(rename = "resets_at_ms", serialize_with = "maybe_millis")]
        resets_at: Option<Duration>,
    },
}

fn millis<S: serde::Serializer>(value: &Duration, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_u64(crate::resilience::refusal::millis_up(*value))
}

#[allow(clippy::ref_option, reason = "the form that serde calls")]
fn maybe_millis<S: serde::Serializer>(value: &Option<Duration>, out: S) -> Result<S::Ok, S::Error> {
    value.map(crate::resilience::refusal::millis_up).serialize(out)
}

/// Follows the frames of one attempt.
///
/// ```
/// use madrigal::{Message, resilience::{FailureKind, OutcomeWatch}};
/// let mut watch = OutcomeWatch::new();
/// // A failed call of the API says `success`.
/// let line = r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":529,"terminal_reason":"api_error"}"#;
/// watch.observe(&Message::parse(line).unwrap());
/// assert_eq!(watch.outcome(None, None).unwrap_err().kind, FailureKind::Overloaded);
/// ```
#[derive(Clone, Debug, Default)]
pub struct OutcomeWatch {
    read_only: BTreeSet<String>,
    ready: bool,
    answered: bool,
    changed: bool,
    word: String,
    rejected_until: Option<Duration>,
    last_wait: Option<(FailureKind, Duration)>,
    result: Option<Result<(), Failure>>,
}

impl OutcomeWatch {
    /// A watch that knows the program's own tools.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names further tools, such as `mcp__notes__search`, that change nothing.
    #[must_use]
    pub fn read_only_tools(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.read_only.extend(names.into_iter().map(Into::into));
        self
    }

    /// Takes note of a message; returns what it says to policies now. Costs next to nothing for deltas.
    pub fn observe(&mut self, message: &Message) -> Option<Signal> {
        if message.kind() == MessageKind::StreamEvent {
            if self.answered {
                return None;
            }
            let Ok(Body::StreamEvent(event)) = message.body() else { return None };
            return if matches!(event.event, ApiEvent::Error(_)) { None } else { self.answer() };
        }
        match message.body().ok()? {
            Body::System(SystemMessage::Init(_)) => {
                let first = !self.ready;
                self.ready = true;
                first.then_some(Signal::Ready)
            }
            Body::System(SystemMessage::ApiRetry(retry)) => {
                self.answered = false;
                let kind = classify::api_call(retry.error_status, &retry.error, "");
                let retry_after = milliseconds(retry.retry_delay_ms);
                self.last_wait = Some((kind, retry_after));
                // The program may hold the login itself, and renews it behind the first refusal.
                let renews = kind == FailureKind::Auth && retry.attempt < 2;
                (!renews).then_some(Signal::AttemptFailed { kind, retry_after })
            }
            Body::RateLimitEvent(event) => Some(self.subscription(&event.rate_limit_info)),
            Body::Assistant(said) => self.assistant(said),
            Body::User(_) => {
                // What follows a tool result is the next call of the API.
                self.answered = false;
                None
            }
            Body::Result(result) => {
                self.result(result);
                None
            }
            _ => None,
        }
    }

    fn answer(&mut self) -> Option<Signal> {
        let first = !self.answered;
        self.answered = true;
        self.last_wait = None;
        first.then_some(Signal::Answered)
    }

    fn assistant(&mut self, said: &AssistantMessage) -> Option<Signal> {
        for block in said.message.content.blocks() {
            self.changed |= match block {
                ContentBlock::ToolUse(call) => {
                    !READ_ONLY_TOOLS.contains(&call.name.as_str()) && !self.read_only.contains(&call.name)
                }
                ContentBlock::McpToolUse(call) => !self.read_only.contains(&call.name),
                _ => false,
            };
        }
        if said.message.model != "<synthetic>" {
            return self.answer();
        }
        if said.parent_tool_use_id.is_none()
            && let Some(word) = &said.error
        {
            self.word.clone_from(word);
        }
        None
    }

    fn subscription(&mut self, info: &RateLimitInfo) -> Signal {
        let resets_at = info.resets_at.map(since_1970);
        let rejected = info.status == "rejected" && info.is_using_overage != Some(true);
        self.rejected_until = resets_at.filter(|_| rejected);
        Signal::Subscription { rejected, resets_at }
    }

    fn result(&mut self, result: &ResultMessage) {
        self.ready = true;
        let word = std::mem::take(&mut self.word);
        self.answered = false;
        if !result.is_error {
            self.result = Some(Ok(()));
            return;
        }
        let kind = classify::failed_result(result, &word);
        let text = result.result.as_deref().or(result.errors.first().map(String::as_str)).unwrap_or_default();
        self.result = Some(Err(Failure {
            kind,
            retry_after: self.last_wait.take().filter(|(failed, _)| *failed == kind).map(|(_, wait)| wait),
            replay: self.replay(),
            status: result.api_error_status,
            message: redact(text).into_owned(),
        }));
    }

    /// How the work may be done again, as of now.
    pub fn replay(&self) -> Replay {
        if self.changed { Replay::ResumeOnly } else { Replay::Fresh }
    }

    /// Until when a subscription refuses everything, as time since 1970, when the program said so.
    pub fn rejected_until(&self) -> Option<Duration> {
        self.rejected_until
    }

    /// What became of the attempt.
    ///
    /// A result of the program decides. Without one, `error` (what our side saw) does, and without that `exit`, the exit code of the
    /// program (`Some(None)`: a signal). With nothing at all the answer is incomplete.
    ///
    /// ```
    /// use madrigal::{Error, ErrorKind, resilience::{FailureKind, OutcomeWatch}};
    /// let gone = Error::new(ErrorKind::CliNotFound, "no claude program was found");
    /// assert_eq!(OutcomeWatch::new().outcome(Some(&gone), None).unwrap_err().kind, FailureKind::NotInstalled);
    /// assert_eq!(OutcomeWatch::new().outcome(None, Some(Some(1))).unwrap_err().kind, FailureKind::CrashedBeforeInit);
    /// ```
    pub fn outcome(&self, error: Option<&Error>, exit: Option<Option<i32>>) -> Result<(), Failure> {
        if let Some(result) = &self.result {
            // The host's own limit interrupts the turn, so the result says "aborted": the reason is ours.
            let interrupted =
                matches!(result, Err(Failure { kind: FailureKind::Cancelled, .. })) && error.is_some();
            if !interrupted {
                return result.clone();
            }
        }
        let (kind, message) = match (error, exit) {
            (Some(error), _) => (classify::error(error, self.ready), error.to_string()),
            (None, Some(code)) => (classify::exit(code, self.ready), String::new()),
            (None, None) if self.ready => (FailureKind::IncompleteResponse, String::new()),
            (None, None) => (FailureKind::CrashedBeforeInit, String::new()),
        };
        Err(Failure { message, replay: self.replay(), ..Failure::new(kind) })
    }
}

/// A wait in milliseconds as the program writes it; what is no number is no wait.
fn milliseconds(wait: f64) -> Duration {
    Duration::try_from_secs_f64(wait / 1_000.0).unwrap_or_default()
}

/// Seconds since 1970. What is too large for seconds (after the year 5138 it would be) are milliseconds.
fn since_1970(value: f64) -> Duration {
    let seconds = if value > 1e11 { value / 1_000.0 } else { value };
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
