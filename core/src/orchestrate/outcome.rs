//! What became of a task. Each way of ending is a case of its own, so that nobody has to guess why there is no text.

use std::{borrow::Cow, time::Duration};

use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    Error, ErrorKind, Message, Result,
    message::{Body, Usage},
    models::suggest_models,
    pool::Start,
};

/// What is known of a task however it ended.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The position of the task among its siblings, from 0.
    pub index: usize,
    /// The name of the task.
    pub name: Option<String>,
    /// The session it ran in, the last one if there were several; by this it can be resumed.
    pub session_id: Option<String>,
    /// The messages of the last attempt, without the pieces (`stream_event`) that whole messages repeat.
    pub messages: Vec<Message>,
    /// What all attempts cost, in US dollars.
    pub cost_usd: f64,
    /// Tokens of all attempts.
    pub usage: Usage,
    /// How often it was started.
    pub attempts: u32,
    /// How its program came to be there, at the last attempt.
    pub start: Option<Start>,
    /// From being taken up to the outcome.
    pub duration: Duration,
    /// The model that served it, where it said so.
    pub model: Option<String>,
    /// Whose credential the last attempt was let in with: its fingerprint, or the name a fallback gives it. None where only the program knows it, or
    /// none was let in.
    pub credential: Option<String>,
    /// Which of the fallbacks served it: 0 is the task as it was given.
    pub fallback: usize,
}

impl Run {
    /// The last result.
    pub fn result(&self) -> Option<&Message> {
        self.messages.iter().rev().find(|message| message.is_result())
    }

    /// The text of the answer, that of the result; empty when there is none.
    pub fn text(&self) -> Cow<'_, str> {
        self.result().map(Message::text).unwrap_or_default()
    }

    /// The models that may be meant by the one that it was given: as the session warned of it, which knew the program's own list.
    fn models_meant(&self) -> Vec<String> {
        let warned = self.messages.iter().filter(|message| message.subtype() == Some("option_warning"));
        let warned = warned
            .filter_map(|message| serde_json::from_str::<Value>(message.raw()).ok())
            .find(|warning| warning["field"] == "model")
            .and_then(|warning| serde_json::from_value(warning["suggestions"].clone()).ok());
        let known = || suggest_models(self.model.as_deref()?, None).suggestions.into();
        warned.or_else(known).unwrap_or_default()
    }
}

/// What became of a task.
///
/// ```
/// use madrigal::orchestrate::Outcome;
/// fn report(outcome: &Outcome) -> String {
///     match outcome {
///         Outcome::Succeeded(run) => format!("{} ({:.4} USD)", run.text(), run.cost_usd),
///         other => format!("{}: {}", other.status(), other.error().unwrap()),
///     }
/// }
/// # let _ = report;
/// ```
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was answered.
    Succeeded(Run),
    /// It was started and failed, as often as it may be tried.
    Failed(Run, Error),
    /// It was not let in, or not in time, for the reason the error names; `retry` says when it would be, as far as can be told.
    Rejected(Run, Error),
    /// Its time was up while it worked.
    TimedOut(Run, Error),
    /// It was given up because it is not needed any more.
    Cancelled(Run, Error),
    /// It was never started, because of how another one ended.
    Skipped(Run, Error),
}

impl Outcome {
    /// `succeeded`, `failed`, `rejected`, `timed_out`, `cancelled` or `skipped`.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Succeeded(_) => "succeeded",
            Self::Failed(..) => "failed",
            Self::Rejected(..) => "rejected",
            Self::TimedOut(..) => "timed_out",
            Self::Cancelled(..) => "cancelled",
            Self::Skipped(..) => "skipped",
        }
    }

    /// Whether it was answered.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Succeeded(_))
    }

    /// What is known of it.
    pub fn run(&self) -> &Run {
        match self {
            Self::Succeeded(run)
            | Self::Failed(run, _)
            | Self::Rejected(run, _)
            | Self::TimedOut(run, _)
            | Self::Cancelled(run, _)
            | Self::Skipped(run, _) => run,
        }
    }

    /// Why it was not answered.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Succeeded(_) => None,
            Self::Failed(_, error)
            | Self::Rejected(_, error)
            | Self::TimedOut(_, error)
            | Self::Cancelled(_, error)
            | Self::Skipped(_, error) => Some(error),
        }
    }

    /// The text of the answer; empty when there is none.
    pub fn text(&self) -> Cow<'_, str> {
        self.run().text()
    }

    /// The text, or the error.
    ///
    /// # Errors
    /// The one of the outcome.
    pub fn into_text(self) -> Result<String> {
        match self.error() {
            None => Ok(self.text().into_owned()),
            Some(error) => Err(error.clone()),
        }
    }

    /// The form in which outcomes cross to other languages: `{"index", "name", "status", "text", "session_id", "cost_usd",
    /// "usage", "attempts", "start", "duration_ms", "model", "credential", "fallback", "structured_output"?, "error", "messages"}`.
    pub fn to_json(&self) -> Value {
        let run = self.run();
        let lines =
            run.messages.iter().filter_map(|message| RawValue::from_string(message.raw().to_owned()).ok());
        let mut outcome = json!({
            "index": run.index,
            "name": run.name,
            "status": self.status(),
            "text": run.text(),
            "session_id": run.session_id,
            "cost_usd": run.cost_usd,
            "usage": run.usage.serialize(serde_json::value::Serializer).unwrap_or_default(),
            "attempts": run.attempts,
            "start": run.start,
            "duration_ms": u64::try_from(run.duration.as_millis()).unwrap_or(u64::MAX),
            "model": run.model,
            "credential": run.credential,
            "fallback": run.fallback,
            "error": self.error().map(Error::to_json),
            "messages": lines.collect::<Vec<_>>(),
        });
        if let Some(Ok(Body::Result(result))) = run.result().map(Message::body)
            && let Some(value) = &result.structured_output
        {
            outcome["structured_output"] = value.clone();
        }
        outcome
    }
}

/// Why a result that says `is_error` is a failure, as an error.
pub(super) fn failure(result: &Message, run: &Run) -> Error {
    let text = result.text();
    let Ok(Body::Result(body)) = result.body() else {
        return Error::new(ErrorKind::TurnFailed, text.into_owned()).operation("query");
    };
    let said = if text.is_empty() { body.errors.join("; ") } else { text.into_owned() };
    let said = if said.is_empty() { format!("the turn ended with `{}`", body.subtype) } else { said };
    let kind = match body.api_error_status {
        Some(401 | 403) => ErrorKind::Auth,
        _ if body.subtype == "error_max_budget_usd" => ErrorKind::BudgetExceeded,
        _ => ErrorKind::TurnFailed,
    };
    let suggestions = match body.api_error_status {
        Some(404) => run.models_meant(),
        _ => Vec::new(),
    };
    let said = match &*suggestions {
        [] => said,
        [meant, ..] => format!("{said} (did you mean `{meant}`?)"),
    };
    let mut error = Error::new(kind, said).operation("query").with("subtype", body.subtype.as_str());
    if let Some(status) = body.api_error_status {
        error = error.with("api_error_status", status);
    }
    if let Some(reason) = &body.terminal_reason {
        error = error.with("terminal_reason", reason.as_str());
    }
    if !suggestions.is_empty() {
        error = error.with("suggestions", suggestions);
    }
    error
}
