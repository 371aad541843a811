//! Puts a session together: options, host, transport.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::sync::{mpsc, watch};

use super::{
    AskKind, Elicitation, ElicitationAnswer, End, Host, Mailbox, Opened, Permission, PermissionRequest,
    Prompt, Provided, Query, Reader, Session, SessionHandle, UserDialog, UserDialogAnswer,
    actor::{Actor, Command},
    host::{Callbacks, SharedHost},
    starter::{CurrentPid, Starter},
};
use crate::{
    Error, ErrorKind, Options, Result,
    auth::{AuthSource, Given},
    caught::caught,
    hook::{HookInput, HookOutput, HookRule},
    options::EmptyRoot,
    redact::Known,
    store::{self, Calls, PrivateDir, SharedStore, mirror::Mirror},
    tools::ToolServer,
    transport::{ChildTransport, Connection, StderrLine, Transport, locate},
};

/// Made by [`Session::builder`].
pub struct SessionBuilder {
    pub(super) options: Options,
    pub(super) host: Option<SharedHost>,
    pub(super) provided: Provided,
    pub(super) callbacks: Callbacks,
    pub(super) transport: Option<Arc<dyn Transport>>,
    pub(super) on_stderr: Option<StderrLine>,
    pub(super) store: Option<SharedStore>,
    pub(super) auth: AuthSource,
}

impl std::fmt::Debug for SessionBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionBuilder")
            .field("options", &self.options)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

impl SessionBuilder {
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            host: None,
            provided: Provided::default(),
            callbacks: Callbacks::default(),
            transport: None,
            on_stderr: None,
            store: None,
            auth: AuthSource::default(),
        }
    }

    /// Answers permission questions. An error denies the tool with its message, and reaches the reader of the messages.
    #[must_use]
    pub fn can_use_tool<F, R>(mut self, decide: F) -> Self
    where
        F: Fn(PermissionRequest) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Permission>> + Send + 'static,
    {
        self.callbacks.permission(decide);
        self
    }

    /// Adds a hook, called where the rule says. An error is told to the program, which goes on or blocks as the rule says,
    /// and reaches the reader of the messages. See [`hook`](crate::hook).
    #[must_use]
    pub fn hook<F, R>(mut self, rule: impl Into<HookRule>, run: F) -> Self
    where
        F: Fn(HookInput) -> R + Send + Sync + 'static,
        R: Future<Output = Result<HookOutput>> + Send + 'static,
    {
        self.callbacks.hook(rule.into(), run, &mut self.provided);
        self
    }

    /// Offers the tools of a server in this process. See [`tools`](crate::tools).
    #[must_use]
    pub fn tool_server(mut self, server: ToolServer) -> Self {
        self.callbacks.server(server, &mut self.provided);
        self
    }

    /// Answers what MCP servers ask the user. An error cancels the question and reaches the reader of the messages.
    #[must_use]
    pub fn on_elicitation<F, R>(mut self, answer: F) -> Self
    where
        F: Fn(Elicitation) -> R + Send + Sync + 'static,
        R: Future<Output = Result<ElicitationAnswer>> + Send + 'static,
    {
        self.callbacks.elicitation(answer);
        self
    }

    /// Shows dialogs of the kinds in `options.supported_dialog_kinds`. An error cancels the dialog and reaches the reader of
    /// the messages.
    #[must_use]
    pub fn on_user_dialog<F, R>(mut self, show: F) -> Self
    where
        F: Fn(UserDialog) -> R + Send + Sync + 'static,
        R: Future<Output = Result<UserDialogAnswer>> + Send + 'static,
    {
        self.callbacks.dialog(show);
        self
    }

    /// Answers questions that no closure given here answers.
    #[must_use]
    pub fn host(mut self, host: Arc<dyn Host>) -> Self {
        self.host = Some(host);
        self
    }

    /// Announces hooks and tool servers to the program. What they do is asked of the [`host`](Self::host), with the kinds
    /// [`AskKind::HookCallback`] and [`AskKind::ToolCall`].
    #[must_use]
    pub fn provide(mut self, provided: Provided) -> Self {
        let Provided { hooks, tool_servers } = provided;
        for (event, matchers) in hooks {
            self.provided.hooks.entry(event).or_default().extend(matchers);
        }
        self.provided.tool_servers.extend(tool_servers);
        self
    }

    /// Who gives the program its credential: an [`AuthManager`](crate::auth::AuthManager), or [`AuthSource`]. Left out, it is the token that a
    /// set-up stored, where the environment has none. A manager is told when the API refuses its credential.
    #[must_use]
    pub fn auth(mut self, auth: impl Into<AuthSource>) -> Self {
        self.auth = auth.into();
        self
    }

    /// Reaches the program another way than as a child process, such as a [`Script`](crate::testing::Script) in memory.
    #[must_use]
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Called with each line the program writes to stderr. Must not block.
    #[must_use]
    pub fn on_stderr(mut self, line: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.on_stderr = Some(Arc::new(line));
        self
    }

    /// Keeps the transcript in a store: each line that the program writes is appended there, and with `resume` or `continue`
    /// the session is loaded from there before the program starts, into a directory of its own that is removed at the end.
    /// A session that the store does not have is looked for where the program looks. What the store did not take arrives as
    /// a message `system` with the subtype `mirror_error`, and the run goes on. See [`store`](crate::store).
    ///
    /// ```no_run
    /// # async fn example() -> madrigal::Result<()> {
    /// use std::sync::Arc;
    /// use madrigal::{Options, Session, store::MemorySessionStore};
    /// let store = Arc::new(MemorySessionStore::new());
    /// let session = Session::builder(Options::default()).session_store(store.clone()).open().await?;
    /// session.close().await;
    /// println!("{} sessions are stored", store.size());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn session_store(mut self, store: SharedStore) -> Self {
        self.store = Some(store);
        self
    }

    /// Starts the program and waits until it is ready.
    ///
    /// # Errors
    /// `invalid_options`, `cli_not_found`, `cli_version`, `spawn_failed`, `process_exited`, `timeout`; `auth` when the manager has
    /// no credential; `callback` when the
    /// session store fails to give the session.
    pub async fn open(self) -> Result<Session> {
        let session = self.connect().await?;
        session.handle.opened().await?;
        Ok(session)
    }

    /// Starts the program and returns without waiting for it to be ready; prompts may be sent at once. What goes wrong
    /// from here on arrives in the stream of messages.
    ///
    /// # Errors
    /// `invalid_options`, `cli_not_found`, `spawn_failed`.
    pub async fn connect(self) -> Result<Session> {
        let (mut parts, session) = self.parts()?;
        let (starter, connection) = parts.connect().await?;
        spawn(&session, parts.actor(starter, connection));
        Ok(session)
    }

    /// Checks the options and returns at once; the program is started in the background. Everything else that can go wrong
    /// arrives in the stream of messages. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// `invalid_options`.
    pub fn start(self) -> Result<Session> {
        let (mut parts, session) = self.parts()?;
        spawn(&session, async move {
            match parts.connect().await {
                Ok((starter, connection)) => parts.actor(starter, connection).await,
                Err(error) => parts.refuse(&error),
            }
        });
        Ok(session)
    }

    /// Asks one thing: starts the program, sends the prompt, and lets the program end when everything is said. See
    /// [`query`](crate::query).
    ///
    /// # Errors
    /// `invalid_options`, `cli_not_found`, `spawn_failed`.
    pub async fn query(self, prompt: impl Into<Prompt>) -> Result<Query> {
        let prompt = prompt.into();
        let (mut parts, session) = self.parts()?;
        let (starter, connection) = parts.connect().await?;
        // Put before the actor runs, so that the first thing it writes holds everything.
        parts.first = Some(prompt);
        spawn(&session, parts.actor(starter, connection));
        Ok(Query::new(session))
    }

    fn answers_permissions(&self) -> bool {
        self.callbacks.kinds(self.host.as_deref()).contains(&AskKind::CanUseTool)
    }

    fn parts(self) -> Result<(Parts, Session)> {
        let secrets = Known::of(&self.options);
        self.options.validate()?;
        self.provided.validate()?;
        if self.answers_permissions() && self.options.permission_prompt_tool_name.is_some() {
            let message = "permission_prompt_tool_name: cannot be combined with a host that answers permission questions; choose one";
            return Err(Error::new(ErrorKind::InvalidOptions, message)
                .operation("options")
                .with("field", "permission_prompt_tool_name"));
        }
        if let Some(store) = &self.store {
            store::check_options(&**store, &self.options)?;
        }
        let mailbox = Arc::new(Mailbox::new(self.options.limits.buffer_bytes));
        mailbox.hide(secrets);
        let (commands, receiver) = mpsc::unbounded_channel();
        let pid = CurrentPid::default();
        let (opened, known) = watch::channel(Opened::NotYet);
        let senders = commands.downgrade();
        let handle = SessionHandle::new(commands, mailbox.clone(), known, pid.clone());
        let session = Session { handle, reader: Reader::new(mailbox.clone()) };
        let parts = Parts {
            builder: self,
            mailbox,
            senders,
            commands: receiver,
            opened,
            pid,
            first: None,
            root: None,
            config: None,
            given: None,
        };
        Ok((parts, session))
    }
}

/// Has it done in the background. However it stops, the session ends: a panic, and a runtime that is gone, are told as its end.
fn spawn(session: &Session, work: impl Future<Output = ()> + Send + 'static) {
    let told = Told(session.handle.mailbox.clone());
    tokio::spawn(async move {
        if caught(work).await.is_err() {
            told.end(
                ErrorKind::Internal,
                "a panic ended this session: in a function of the host that was called while it started, or in Madrigal; what it said was printed where it happened",
            );
        }
    });
}

/// Tells the end of a session that has not told its own.
struct Told(Arc<Mailbox>);

impl Told {
    fn end(&self, kind: ErrorKind, text: &str) {
        self.0.end(End { exit: None, error: Some(Error::new(kind, text)) });
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.end(ErrorKind::Closed, "the runtime this session ran on was shut down");
    }
}

/// What becomes the actor once the program runs.
struct Parts {
    builder: SessionBuilder,
    mailbox: Arc<Mailbox>,
    senders: mpsc::WeakUnboundedSender<Command>,
    commands: mpsc::UnboundedReceiver<Command>,
    opened: watch::Sender<Opened>,
    pid: CurrentPid,
    /// The only prompt, of a query.
    first: Option<Prompt>,
    /// Stands for the project while the program runs.
    root: Option<EmptyRoot>,
    /// The configuration of a program that goes on with a session from a store.
    config: Option<PrivateDir>,
    /// The credential it was given by a manager.
    given: Option<Given>,
}

impl Parts {
    async fn connect(&mut self) -> Result<(Starter, Connection)> {
        // What is reached another way is no program of this machine: only a manager that was named is asked.
        if self.builder.transport.is_none() || matches!(self.builder.auth, AuthSource::Manager(_)) {
            let given = self.builder.auth.give(&mut self.builder.options).await;
            self.given = given.map_err(|error| error.operation("open"))?;
            self.mailbox.hide(Known::of(&self.builder.options));
        }
        if let Some(store) = &self.builder.store
            && let Some((options, config)) = store::resumed(store, &self.builder.options).await?
        {
            self.builder.options = options;
            self.config = Some(config);
        }
        // What is reached another way has its own files.
        if self.builder.transport.is_none() {
            let secured = self.builder.options.secured().await?;
            if let Some(options) = secured.options {
                self.builder.options = options;
            }
            self.root = secured.root;
        }
        let SessionBuilder { options, transport, on_stderr, .. } = &self.builder;
        let program = match (transport, &options.cli_path) {
            // A script need not be executable: what runs it reads it.
            (None, Some(script)) if options.executable.is_some() => script.clone(),
            (None, explicit) => locate(explicit.as_deref())?,
            (Some(_), explicit) => explicit.clone().unwrap_or_else(|| "claude".into()),
        };
        let starter = Starter {
            program,
            transport: transport.clone().unwrap_or_else(|| Arc::new(ChildTransport)),
            on_stderr: on_stderr.clone(),
            permissions: self.builder.answers_permissions(),
            mirrors: self.builder.store.is_some(),
            pid: self.pid.clone(),
        };
        let connection = starter.connect(options).await?;
        Ok((starter, connection))
    }

    fn actor(self, starter: Starter, connection: Connection) -> impl Future<Output = ()> + Send {
        let mirror = self.builder.store.map(|store| {
            let options = &self.builder.options;
            let calls = Calls::new(&store, Duration::from_millis(options.timeouts.store_ms));
            Mirror::start(calls, options.session_store_flush, options.limits.buffer_bytes)
        });
        let actor = Actor::new(
            self.builder.options,
            starter,
            connection,
            self.mailbox,
            (self.builder.callbacks.into_host(self.builder.host), self.builder.provided),
            self.senders,
            self.opened,
        )
        .with_store(mirror, self.config)
        .with_credential(self.given);
        let actor = match self.first {
            Some(prompt) => actor.with_query(&prompt),
            None => actor,
        };
        let (commands, root) = (self.commands, self.root);
        async move {
            actor.run(commands).await;
            // The process is gone: nobody looks there any more.
            drop(root);
        }
    }

    fn refuse(self, error: &Error) {
        self.opened.send_replace(Opened::No(error.clone()));
        self.mailbox.end(End { exit: None, error: Some(error.clone()) });
    }
}
