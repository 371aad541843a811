//! A piece of work as data. It may be started more than once (again after a crash, beside its siblings in a race), so it
//! holds what each start needs and nothing that belongs to one start.

use std::{fmt, sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    Error, ErrorKind, Options, Prompt, Result,
    auth::AuthSource,
    resilience::{Class, RetryPolicy},
    session::{Host, Provided, SessionBuilder},
};

type Configure = Arc<dyn Fn(SessionBuilder) -> SessionBuilder + Send + Sync>;

/// A prompt and all that its query is told.
///
/// ```
/// use std::time::Duration;
/// use madrigal::{Options, orchestrate::Task};
///
/// let plain = Task::from("What is 2 + 2?");
/// let careful = Task::new("Review a.py")
///     .name("review of a.py")
///     .options(Options { model: Some("opus".into()), ..Options::default() })
///     .timeout(Duration::from_secs(60));
/// # let _ = (plain, careful);
/// ```
#[derive(Clone)]
pub struct Task {
    pub(super) prompt: Prompt,
    pub(super) options: Option<Options>,
    pub(super) name: Option<String>,
    pub(super) timeout: Option<Duration>,
    pub(super) idempotent: bool,
    pub(super) class: Class,
    pub(super) retry: Option<RetryPolicy>,
    pub(super) auth: Option<AuthSource>,
    pub(super) configure: Option<Configure>,
    /// Whether `configure` may add tools.
    pub(super) adds_tools: bool,
}

impl Task {
    /// A task with the options of its orchestrator.
    pub fn new(prompt: impl Into<Prompt>) -> Self {
        Self {
            prompt: prompt.into(),
            options: None,
            name: None,
            timeout: None,
            idempotent: false,
            class: Class::default(),
            retry: None,
            auth: None,
            configure: None,
            adds_tools: false,
        }
    }

    /// Options of its own. What they say, that is each field that is not as by default, goes over the options of the orchestrator.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = Some(options);
        self
    }

    /// Tells it first what was said before it, in the words in which a pipeline does. For the command, whose pipelines go on
    /// where an earlier run stopped.
    #[doc(hidden)]
    #[must_use]
    pub fn after(mut self, text: &str) -> Self {
        self.prompt = self.prompt.behind(&format!("Context from previous step:\n{text}\n\nNow: "));
        self
    }

    /// What it is called in progress and outcomes.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How long it may take from being taken up to its outcome, waiting for admission and trying again included.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Says that doing it twice does no harm: it may then be started afresh although a tool that changes something has run.
    /// Without this such a task goes on by resuming its session.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// How much it matters: of those who wait to be let in a higher class always goes first, and `sheddable` ones may be dropped when
    /// there is too much to do ([`OrchestratorConfig::shedding`](super::OrchestratorConfig::shedding)).
    ///
    /// ```
    /// use madrigal::{orchestrate::Task, resilience::Class};
    /// let task = Task::new("Somebody waits for this").class(Class::Critical);
    /// # let _ = task;
    /// ```
    #[must_use]
    pub fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// What is tried again for this task, in place of what the orchestrator says. The retries of all tasks are counted together all
    /// the same, so one that is tried often leaves less for the others (`budget_free`).
    ///
    /// ```
    /// use madrigal::{orchestrate::Task, resilience::RetryPolicy};
    /// // Failures of the API are our business, not the program's: five attempts in all, each told to give up at once.
    /// let policy = RetryPolicy { max_attempts: 5, program_retries: 0, ..RetryPolicy::default() };
    /// let task = Task::new("What is 2 + 2?").retry(policy);
    /// # let _ = task;
    /// ```
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Who gives its programs their credential, in place of what the orchestrator says. Limits, budgets and breakers count it by its
    /// fingerprint.
    #[must_use]
    pub fn auth(mut self, auth: impl Into<AuthSource>) -> Self {
        self.auth = Some(auth.into());
        self
    }

    /// Adds to each session that is started for it: callbacks, hooks, tools, a transport. As nobody can see which, such a task has no second
    /// attempt beside it ([`OrchestratorConfig::hedge`](super::OrchestratorConfig::hedge)) unless it is [`idempotent`](Self::idempotent).
    ///
    /// ```
    /// use madrigal::{Permission, orchestrate::Task};
    /// let task = Task::new("Tidy up").configure(|session| {
    ///     session.can_use_tool(|request| async move { Ok(Permission::deny(format!("no {}", request.tool_name))) })
    /// });
    /// # let _ = task;
    /// ```
    #[must_use]
    pub fn configure(
        mut self,
        configure: impl Fn(SessionBuilder) -> SessionBuilder + Send + Sync + 'static,
    ) -> Self {
        self.adds_tools = true;
        self.configure = Some(match self.configure.take() {
            None => Arc::new(configure),
            Some(before) => Arc::new(move |builder| configure(before(builder))),
        });
        self
    }
}

impl Task {
    /// Answers the questions of each session that is started for it, and gives it hooks and tools. For bindings.
    #[doc(hidden)]
    #[must_use]
    pub fn host(self, host: Arc<dyn Host>, provided: Provided) -> Self {
        let adds_tools = self.adds_tools || !provided.tool_servers.is_empty();
        let mut task = self.configure(move |session| session.host(host.clone()).provide(provided.clone()));
        task.adds_tools = adds_tools;
        task
    }
}

/// A task as data.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    prompt: Value,
    #[serde(default)]
    options: Option<Options>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    timeout_ms: Option<u64>,
    #[serde(default)]
    idempotent: bool,
    #[serde(default)]
    class: Class,
    #[serde(default)]
    retry: Option<RetryPolicy>,
}

impl Task {
    /// Reads a task: a prompt (a string, or a list of content blocks), or an object with `prompt` and, where wanted, `options`,
    /// `name`, `timeout_ms`, `idempotent`, `class` and `retry`.
    ///
    /// # Errors
    /// `invalid_argument`, naming the field; `invalid_options` for options that cannot work.
    ///
    /// ```
    /// use madrigal::orchestrate::Task;
    /// use serde_json::json;
    /// assert!(Task::from_json(json!("What is 2 + 2?")).is_ok());
    /// assert!(Task::from_json(json!({"prompt": "Review a.py", "options": {"model": "opus"}, "timeout_ms": 60000})).is_ok());
    /// let error = Task::from_json(json!({"prompt": "Review a.py", "optoins": {}})).unwrap_err();
    /// assert!(error.to_string().contains("optoins"), "{error}");
    /// ```
    pub fn from_json(value: Value) -> Result<Self> {
        if !value.is_object() || value["type"] == "user" {
            return Ok(Self::new(Prompt::from_json(value)?));
        }
        let wire: Wire = serde_path_to_error::deserialize(value).map_err(|error| {
            let field = error.path().to_string();
            Error::new(ErrorKind::InvalidArgument, format!("task: {field}: {}", error.inner()))
                .operation("orchestrate")
                .with("field", field)
        })?;
        if wire.timeout_ms == Some(0) {
            let message = "task: timeout_ms: expected 1 or more milliseconds";
            return Err(Error::new(ErrorKind::InvalidArgument, message)
                .operation("orchestrate")
                .with("field", "timeout_ms"));
        }
        if let Some(options) = &wire.options {
            options.validate()?;
        }
        if let Some(retry) = &wire.retry {
            retry.validate()?;
        }
        Ok(Self {
            options: wire.options,
            name: wire.name,
            timeout: wire.timeout_ms.map(Duration::from_millis),
            idempotent: wire.idempotent,
            class: wire.class,
            retry: wire.retry,
            ..Self::new(Prompt::from_json(wire.prompt)?)
        })
    }

    /// What it is called.
    pub fn label(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("name", &self.name)
            .field("prompt", &self.prompt)
            .field("options", &self.options)
            .field("timeout", &self.timeout)
            .field("idempotent", &self.idempotent)
            .field("class", &self.class)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

impl From<&str> for Task {
    fn from(prompt: &str) -> Self {
        Self::new(prompt)
    }
}

impl From<String> for Task {
    fn from(prompt: String) -> Self {
        Self::new(prompt)
    }
}

impl From<Prompt> for Task {
    fn from(prompt: Prompt) -> Self {
        Self::new(prompt)
    }
}

impl<P: Into<Prompt>> From<(P, Options)> for Task {
    fn from((prompt, options): (P, Options)) -> Self {
        Self::new(prompt).options(options)
    }
}
