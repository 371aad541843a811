//! One error for everything: *what* went wrong ([`ErrorKind`]), whether trying again can help ([`Retry`]), *where*
//! it happened (the operation), and the facts that help to mend it (the context).
//!
//! The kind is the contract: its [`code`](ErrorKind::code) is the same word in Rust, Python, Node.js and Elixir.
//! Messages are for people and may change.

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

use serde_json::{Map, Value, json};

use crate::redact::{redact, redact_json};

/// The result of everything in Madrigal that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as a stable word. New kinds may be added, so match with a fallback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option is unknown or has a value that cannot work. The message starts with the path of the field.
    InvalidOptions,
    /// An argument of a call (a prompt, a command) is malformed.
    InvalidArgument,
    /// No `claude` program was found. The context lists every place tried.
    CliNotFound,
    /// The `claude` program found is older than this library can drive.
    CliVersion,
    /// The operating system refused to start the program.
    SpawnFailed,
    /// The program ended before its work was done. The context has the exit code or signal and the last of stderr.
    ProcessExited,
    /// The program said something that is not its protocol. The context has the start of the line and the last of stderr.
    Protocol,
    /// Nobody is logged in, or the credentials were refused. The message says what to do next.
    Auth,
    /// The program answered a control request with an error.
    Control,
    /// Something took longer than its limit. The operation says what; the context says how long.
    Timeout,
    /// The caller gave up on the operation.
    Cancelled,
    /// The session, or the runtime behind it, is closed; the message says why (closed, forked, loop gone).
    Closed,
    /// A function of the host program (a permission callback) failed.
    Callback,
    /// A result has no value that meets the JSON Schema, or not one of the wanted type.
    StructuredOutput,
    /// The turn of a task ended with an error of the model's API, a limit or a refusal. The context says which.
    TurnFailed,
    /// A limit of requests is used up, ours or the server's. `retry` says when it is not.
    RateLimited,
    /// The circuit breaker is open: what was asked for has failed too often. `retry` says when it is tried again.
    CircuitOpen,
    /// A budget of money is used up. The context has the limit and what is spent.
    BudgetExceeded,
    /// Too much waits already, or the wait would be longer than the deadline allows. `retry` says when to come back.
    Overloaded,
    /// More unread data piled up than the hard cap allows.
    Overflow,
    /// A defect in Madrigal itself. Please report it.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of their declaration: for tables, tests and documentation.
    pub const ALL: [ErrorKind; 21] = [
        Self::InvalidOptions,
        Self::InvalidArgument,
        Self::CliNotFound,
        Self::CliVersion,
        Self::SpawnFailed,
        Self::ProcessExited,
        Self::Protocol,
        Self::Auth,
        Self::Control,
        Self::Timeout,
        Self::Cancelled,
        Self::Closed,
        Self::Callback,
        Self::StructuredOutput,
        Self::TurnFailed,
        Self::RateLimited,
        Self::CircuitOpen,
        Self::BudgetExceeded,
        Self::Overloaded,
        Self::Overflow,
        Self::Internal,
    ];

    /// The stable word for this kind, the same in every language.
    ///
    /// ```
    /// assert_eq!(madrigal::ErrorKind::CliNotFound.code(), "cli_not_found");
    /// ```
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidOptions => "invalid_options",
            Self::InvalidArgument => "invalid_argument",
            Self::CliNotFound => "cli_not_found",
            Self::CliVersion => "cli_version",
            Self::SpawnFailed => "spawn_failed",
            Self::ProcessExited => "process_exited",
            Self::Protocol => "protocol",
            Self::Auth => "auth",
            Self::Control => "control",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Closed => "closed",
            Self::Callback => "callback",
            Self::StructuredOutput => "structured_output",
            Self::TurnFailed => "turn_failed",
            Self::RateLimited => "rate_limited",
            Self::CircuitOpen => "circuit_open",
            Self::BudgetExceeded => "budget_exceeded",
            Self::Overloaded => "overloaded",
            Self::Overflow => "overflow",
            Self::Internal => "internal",
        }
    }

    /// The kind a code names, or `None` for a word that is not a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Whether trying again can help when nothing more is known than the kind.
    const fn default_retry(self) -> Retry {
        match self {
            Self::SpawnFailed | Self::ProcessExited | Self::Timeout => Retry::Now,
            _ => Retry::Never,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Whether the same call can succeed when made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// No: something must be changed first.
    Never,
    /// Yes, at once.
    Now,
    /// Yes, after this long.
    After(Duration),
}

/// What went wrong, whether to try again, where, and with which facts.
///
/// `Display` is one line for people; `Debug` shows everything. Neither ever holds a credential.
///
/// ```
/// use madrigal::{Error, ErrorKind};
/// let error = Error::new(ErrorKind::Timeout, "no answer within 60 s").operation("interrupt").with("limit_ms", 60_000);
/// assert_eq!(error.to_string(), "interrupt: no answer within 60 s");
/// assert_eq!(error.to_json()["code"], "timeout");
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    retry: Retry,
    operation: &'static str,
    message: String,
    context: Map<String, Value>,
    // Text, not the error itself: errors are cloned to every waiter and cross to other languages.
    causes: Vec<String>,
}

impl Error {
    /// An error of a kind, with a message for people that says what was expected and what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            retry: kind.default_retry(),
            operation: "",
            message: shown(message.into()),
            context: Map::new(),
            causes: Vec::new(),
        }))
    }

    /// Names what was being done: `open`, `send`, `interrupt`. The innermost name is kept.
    #[must_use]
    pub fn operation(mut self, operation: &'static str) -> Self {
        if self.0.operation.is_empty() {
            self.0.operation = operation;
        }
        self
    }

    /// Adds a fact under a stable key.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        let mut value = value.into();
        redact_json(&mut value);
        self.0.context.insert(key.to_owned(), value);
        self
    }

    /// Overrides whether trying again can help.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Records what caused this, outermost first.
    #[must_use]
    pub fn caused_by(mut self, source: &(dyn StdError + 'static)) -> Self {
        let mut next = Some(source);
        while let Some(error) = next {
            self.0.causes.push(shown(error.to_string()));
            next = error.source();
        }
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether trying again can help.
    pub fn retry_verdict(&self) -> Retry {
        self.0.retry
    }

    /// What was being done, or `""`.
    pub fn operation_name(&self) -> &'static str {
        self.0.operation
    }

    /// The message without the operation.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The facts: keys are stable, values are JSON.
    pub fn context(&self) -> &Map<String, Value> {
        &self.0.context
    }

    /// What caused this, outermost first.
    pub fn causes(&self) -> &[String] {
        &self.0.causes
    }

    /// The form in which errors cross to other languages:
    /// `{"code", "message", "operation", "retry": {"verdict": "never" | "now" | "after", "after_ms"?}, "context", "causes"}`.
    pub fn to_json(&self) -> Value {
        let retry = match self.0.retry {
            Retry::Never => json!({"verdict": "never"}),
            Retry::Now => json!({"verdict": "now"}),
            Retry::After(delay) => {
                json!({"verdict": "after", "after_ms": u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)})
            }
        };
        json!({
            "code": self.0.kind.code(),
            "message": self.0.message,
            "operation": self.0.operation,
            "retry": retry,
            "context": self.0.context,
            "causes": self.0.causes,
        })
    }
}

/// Without what looks like a secret, so that no error ever holds one.
fn shown(text: String) -> String {
    match redact(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(redacted) => redacted,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.operation.is_empty() {
            f.write_str(&self.0.message)
        } else {
            write!(f, "{}: {}", self.0.operation, self.0.message)
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("retry", &self.0.retry)
            .field("operation", &self.0.operation)
            .field("message", &self.0.message)
            .field("context", &self.0.context)
            .field("causes", &self.0.causes)
            .finish()
    }
}

impl StdError for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_read_back() {
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_code(kind.code()), Some(kind));
            assert_eq!(kind.to_string(), kind.code());
        }
        assert_eq!(ErrorKind::from_code("nonsense"), None);
    }

    #[test]
    fn the_innermost_operation_wins() {
        let error =
            Error::new(ErrorKind::Closed, "the session is closed").operation("write").operation("send");
        assert_eq!(error.operation_name(), "write");
        assert_eq!(error.to_string(), "write: the session is closed");
    }

    #[test]
    fn the_wire_form_carries_everything() {
        let io = std::io::Error::other("disk on fire");
        let error = Error::new(ErrorKind::SpawnFailed, "could not start")
            .with("program", "claude")
            .retry(Retry::After(Duration::from_millis(1500)))
            .caused_by(&io);
        let wire = error.to_json();
        assert_eq!(wire["retry"], json!({"verdict": "after", "after_ms": 1500}));
        assert_eq!(wire["context"]["program"], "claude");
        assert_eq!(wire["causes"], json!(["disk on fire"]));
        assert!(format!("{error:?}").contains("disk on fire"));
    }

    #[test]
    fn an_error_holds_no_secret_wherever_it_came_from() {
        let io = std::io::Error::other("refused Bearer test-constant-1");
        let error = Error::new(ErrorKind::Auth, "sk-ant-test-constant-1 was refused")
            .with("stderr", "ANTHROPIC_API_KEY=test-constant-1")
            .with("sent", json!({"x-api-key": "test-constant-1"}))
            .caused_by(&io);
        for shown in [error.to_string(), format!("{error:?}"), error.to_json().to_string()] {
            assert!(!shown.contains("test-constant-1"), "{shown}");
        }
    }
}
