//! From words and numbers of the program to a kind of failure. Every rule was seen in the recordings under `tests/frames` or,
//! where marked, follows from the meaning of an HTTP status (RFC 9110).

use super::FailureKind;
use crate::{Error, ErrorKind, message::ResultMessage};

/// What an API call answered, from the HTTP status (`None`: there was no answer) and the program's word for it.
pub(super) fn api_call(status: Option<u16>, word: &str, text: &str) -> FailureKind {
    match status {
        Some(529) => FailureKind::Overloaded,
        Some(429) => FailureKind::RateLimited,
        Some(401 | 403) => FailureKind::Auth,
        Some(404) => FailureKind::ModelNotFound,
        // RFC 9110: the server gave up waiting, or a gateway behind it did.
        Some(408 | 504) => FailureKind::Network,
        Some(402) => FailureKind::Billing,
        Some(400) if word == "billing_error" || about_money(text) => FailureKind::Billing,
        Some(400 | 413) if about_length(text) => FailureKind::ContextOverflow,
        Some(500..) => FailureKind::ServerError,
        Some(400..) => FailureKind::InvalidRequest,
        Some(_) | None => from_word(word, text),
    }
}

/// The program's own words, as `error` of `api_retry` and of assistant messages has them.
fn from_word(word: &str, text: &str) -> FailureKind {
    match word {
        _ if about_certificate(text) => FailureKind::TlsCert,
        "authentication_failed" | "oauth_org_not_allowed" => FailureKind::Auth,
        "billing_error" => FailureKind::Billing,
        "rate_limit" => FailureKind::RateLimited,
        "overloaded" => FailureKind::Overloaded,
        "invalid_request" => FailureKind::InvalidRequest,
        "model_not_found" => FailureKind::ModelNotFound,
        "max_output_tokens" => FailureKind::MaxOutputTokens,
        // Without a status nobody answered: the word `server_error` then means a connection that failed.
        "server_error" | "connection_failed" => FailureKind::Network,
        _ => FailureKind::Unknown,
    }
}

fn about_money(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["credit balance", "usage limit", "spend limit", "spending limit"].iter().any(|part| text.contains(part))
}

fn about_length(text: &str) -> bool {
    text.to_ascii_lowercase().contains("prompt is too long")
}

fn about_certificate(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("certificate") || text.contains("self_signed_cert")
}

/// A result whose `is_error` is true. `word` is the program's word from the assistant message before it. `subtype` is looked at
/// last: it is `success` for every failure of the API.
pub(super) fn failed_result(result: &ResultMessage, word: &str) -> FailureKind {
    let text = result.result.as_deref().unwrap_or_default();
    match result.terminal_reason.as_deref() {
        Some("aborted_streaming" | "aborted_tools") => return FailureKind::Cancelled,
        Some("prompt_too_long") => return FailureKind::ContextOverflow,
        Some("image_error") => return FailureKind::InvalidRequest,
        Some("max_turns") => return FailureKind::MaxTurns,
        Some("budget_exhausted") => return FailureKind::BudgetExceeded,
        Some("structured_output_retry_exhausted") => return FailureKind::StructuredInvalid,
        Some("hook_stopped") => return FailureKind::Denied,
        _ => {}
    }
    if result.stop_reason.as_deref() == Some("refusal") {
        return FailureKind::Refusal;
    }
    match result.api_error.as_deref() {
        Some("max_output_tokens") => return FailureKind::MaxOutputTokens,
        Some("usage_limit_reached") => return FailureKind::RateLimited,
        Some("connection_failed") if !about_certificate(text) => return FailureKind::Network,
        _ => {}
    }
    if result.api_error_status.is_some() || !word.is_empty() {
        return api_call(result.api_error_status, word, text);
    }
    match result.subtype.as_str() {
        "error_max_turns" => FailureKind::MaxTurns,
        "error_max_budget_usd" => FailureKind::BudgetExceeded,
        "error_max_structured_output_retries" => FailureKind::StructuredInvalid,
        // The program answers a start that it refuses (a wrong flag, a session id in use) with a result instead of a session.
        "error_during_execution" if result.terminal_reason.is_none() && result.num_turns == 0 => {
            FailureKind::InvalidRequest
        }
        _ => api_call(None, result.api_error.as_deref().unwrap_or_default(), text),
    }
}

/// An error of ours. `ready`: the program had begun the session.
pub(super) fn error(error: &Error, ready: bool) -> FailureKind {
    match error.kind() {
        ErrorKind::CliNotFound | ErrorKind::CliVersion => FailureKind::NotInstalled,
        ErrorKind::SpawnFailed => FailureKind::SpawnFailed,
        ErrorKind::ProcessExited if !ready => FailureKind::CrashedBeforeInit,
        ErrorKind::ProcessExited => match error.context().get("exit").and_then(|exit| exit.get("code")) {
            Some(code) if code == 0 => FailureKind::IncompleteResponse,
            _ => FailureKind::CrashedMidRun,
        },
        ErrorKind::Protocol => FailureKind::IncompleteResponse,
        ErrorKind::Auth => FailureKind::Auth,
        ErrorKind::Timeout => match error.operation_name() {
            "open" | "version" => FailureKind::CrashedBeforeInit,
            "turn" => FailureKind::DeadlineExceeded,
            _ if error.context().contains_key("callback") => FailureKind::HostFailed,
            _ => FailureKind::Stalled,
        },
        ErrorKind::Cancelled | ErrorKind::Closed => FailureKind::Cancelled,
        ErrorKind::Callback | ErrorKind::Overflow => FailureKind::HostFailed,
        ErrorKind::StructuredOutput => FailureKind::StructuredInvalid,
        ErrorKind::InvalidOptions | ErrorKind::InvalidArgument | ErrorKind::Control => {
            FailureKind::InvalidRequest
        }
        ErrorKind::RateLimited => FailureKind::RateLimited,
        ErrorKind::CircuitOpen => FailureKind::CircuitOpen,
        ErrorKind::BudgetExceeded => FailureKind::BudgetExceeded,
        ErrorKind::Overloaded => FailureKind::Shed,
        // A failed turn has a result, which says more.
        ErrorKind::TurnFailed | ErrorKind::Internal => FailureKind::Unknown,
    }
}

/// An exit of the program that nothing else explains: `code` as the system gives it, `None` for a signal.
pub(super) fn exit(code: Option<i32>, ready: bool) -> FailureKind {
    match code {
        _ if !ready => FailureKind::CrashedBeforeInit,
        Some(0) => FailureKind::IncompleteResponse,
        // 128 + 15 and 128 + 2: it was told to end (seen: 143 after SIGTERM).
        Some(143 | 130) => FailureKind::Cancelled,
        _ => FailureKind::CrashedMidRun,
    }
}
