//! How bytes reach the program and come back: a pair of byte streams and the process behind them.
//!
//! The session never knows whether it talks to a child process or to a script in memory; both are a [`Connection`].

#[cfg(unix)]
mod child;
pub(crate) mod frame;
#[cfg(unix)]
mod guardian;
#[cfg(unix)]
mod inbox;
#[cfg(unix)]
mod input;
#[cfg(unix)]
mod keeper;
#[cfg(unix)]
mod locate;
#[cfg(unix)]
mod poller;
#[cfg(unix)]
mod prepare;
#[cfg(unix)]
mod spawn;
#[cfg(unix)]
mod stderr;
#[cfg(unix)]
mod tree;
#[cfg(unix)]
mod ward;

#[cfg(unix)]
pub use child::ChildTransport;
#[cfg(unix)]
pub use locate::{
    CLI_PATH_VARIABLE, MINIMUM_VERSION, Surroundings, Version, check_version, locate, locate_in,
    parse_version, version_of,
};
#[cfg(unix)]
pub(crate) use prepare::inherited;

/// The number of a user a program is to run as; `None` when this process is that user. Blocks.
///
/// # Errors
/// `invalid_options`: there is no such user. `spawn_failed`: only root may do that.
#[cfg(unix)]
pub(crate) fn number_of(user: &str) -> Result<Option<u32>> {
    Ok(spawn::Identity::named(user)?.map(|identity| identity.uid))
}

use std::{
    collections::BTreeMap, ffi::OsString, fmt, future::Future, path::PathBuf, pin::Pin, sync::Arc,
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite};

use crate::{Result, redact::redact};

/// A future that can be stored and sent, so that traits with asynchronous methods stay usable as objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Everything needed to start the program: made from the options by a pure function, so it can be tested and shown.
#[derive(Clone, Default)]
pub struct Launch {
    /// The program, already located.
    pub program: PathBuf,
    /// Its arguments, without the program itself. Never holds a secret.
    pub args: Vec<OsString>,
    /// Variables added to, or replaced in, the environment of this process.
    pub env: BTreeMap<OsString, OsString>,
    /// Variables removed from the inherited environment.
    pub env_remove: Vec<OsString>,
    /// The only variables that are inherited, when there are such; a name may end in `*`.
    pub env_keep: Option<Vec<OsString>>,
    /// The working directory; that of this process when `None`.
    pub cwd: Option<PathBuf>,
    /// The user it runs as; that of this process when `None`.
    pub user: Option<String>,
    /// Called with each line the program writes to stderr, without its newline.
    pub on_stderr: Option<StderrLine>,
}

/// A function that is given each line of stderr. It must not block: it runs on the thread that looks after processes.
pub type StderrLine = Arc<dyn Fn(&str) + Send + Sync>;

impl fmt::Debug for Launch {
    /// Values of the environment may be secrets: only their names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("program", &self.program)
            .field(
                "args",
                &self.args.iter().map(|arg| redact(&arg.to_string_lossy()).into_owned()).collect::<Vec<_>>(),
            )
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("env_remove", &self.env_remove)
            .field("env_keep", &self.env_keep)
            .field("cwd", &self.cwd)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// How the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// It is gone, but the system did not keep how (another part of the host program reaped it).
    Unknown,
}

impl Exit {
    /// Whether the process ended with code 0.
    pub fn success(self) -> bool {
        self == Exit::Code(0)
    }
}

/// A signal for the process. `Kill` goes to the whole tree, also to descendants in sessions of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: end the turn, then the process.
    Interrupt,
    /// SIGTERM: end now, taking tools along.
    Terminate,
    /// SIGKILL, to every process of the tree.
    Kill,
}

/// How to end a process that is to be ended: each step that comes is taken unless the process is gone by then.
/// `None` skips a step. Times count from the start of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopLadder {
    /// When to send [`Signal::Interrupt`].
    pub interrupt_after: Option<Duration>,
    /// When to send [`Signal::Terminate`].
    pub terminate_after: Option<Duration>,
    /// When to send [`Signal::Kill`] to the whole tree. Always taken: a ladder ends.
    pub kill_after: Duration,
}

impl StopLadder {
    /// For a caller who gave up: terminate at once, kill after two seconds.
    pub const NOW: StopLadder = StopLadder {
        interrupt_after: None,
        terminate_after: Some(Duration::ZERO),
        kill_after: Duration::from_secs(2),
    };
}

/// The process behind a connection.
///
/// Dropping the last reference to a process that still runs stops it with [`StopLadder::NOW`], even when no
/// asynchronous runtime is left to wait for it.
pub trait Process: Send + Sync {
    /// Its process id, when there is a process.
    fn id(&self) -> Option<u32>;
    /// Sends a signal; nothing happens when the process is gone.
    fn signal(&self, signal: Signal);
    /// Starts a ladder and returns at once. A second ladder replaces the steps of the first that are later.
    fn stop(&self, ladder: StopLadder);
    /// Waits until the process is gone; may be called often and by many.
    fn wait(&self) -> BoxFuture<'_, Exit>;
    /// The last lines written to stderr, at most 8 KiB, for error messages.
    fn stderr_tail(&self) -> String;
}

/// An open connection to a program.
pub struct Connection {
    /// What the program reads. Dropping it ends the program's input.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    /// What the program writes.
    pub output: Box<dyn AsyncRead + Send + Unpin>,
    /// The process.
    pub process: Arc<dyn Process>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("pid", &self.process.id()).finish_non_exhaustive()
    }
}

/// A way to reach a program.
pub trait Transport: Send + Sync {
    /// Starts the program. Must be called inside a tokio runtime.
    fn connect(&self, launch: Launch) -> BoxFuture<'_, Result<Connection>>;
}
