//! The transport to a child process: the real `claude`, or anything else that speaks its protocol on stdin and stdout.

use std::{io, os::fd::OwnedFd, process, sync::Arc};

use tokio::{
    net::unix::pipe::{Receiver, Sender},
    sync::oneshot,
};

use super::{
    BoxFuture, Connection, Exit, Launch, Process, Signal, StderrLine, StopLadder, Transport,
    inbox::{self, Fate, Inbox, Request, SpawnRequest, lock},
    input::Input,
    prepare::{Prepared, Step},
    spawn::{Identity, Stdio, above_standard_streams},
};
use crate::{
    Error, ErrorKind, Result,
    redact::{Known, redact},
};

/// Starts programs as child processes and talks to them over pipes.
///
/// Each program gets a process group of its own and no descriptor of this process but its three pipes. It does not
/// outlive this process, however this process ends.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> madrigal::Result<()> {
/// use madrigal::transport::{ChildTransport, Exit, Launch, Transport};
/// use tokio::io::AsyncReadExt;
///
/// let launch = Launch { program: "sh".into(), args: vec!["-c".into(), "echo hello".into()], ..Launch::default() };
/// let mut connection = ChildTransport.connect(launch).await?;
/// let mut said = String::new();
/// connection.output.read_to_string(&mut said).await.unwrap();
/// assert_eq!(said, "hello\n");
/// assert_eq!(connection.process.wait().await, Exit::Code(0));
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ChildTransport;

impl Transport for ChildTransport {
    fn connect(&self, launch: Launch) -> BoxFuture<'_, Result<Connection>> {
        Box::pin(connect(launch))
    }
}

async fn connect(launch: Launch) -> Result<Connection> {
    let secrets = Known::among(&launch.env);
    let inbox = inbox::current()?;
    let mark = inbox.next_mark();
    let mut prepared = Prepared::new(&launch, &mark)?;
    if let Some(user) = launch.user {
        let lost = |error| Error::new(ErrorKind::Internal, "looking up a user failed").caused_by(&error);
        prepared.identity =
            tokio::task::spawn_blocking(move || Identity::named(&user)).await.map_err(lost)??;
    }
    let refused = |error: io::Error| prepared.refused(Step::Birth, error.raw_os_error().unwrap_or(0));
    let (stdin, our_stdin) = pipe().map_err(refused)?;
    let (our_stdout, stdout) = pipe().map_err(refused)?;
    let (our_stderr, stderr) = pipe().map_err(refused)?;
    let input = Sender::from_owned_fd(our_stdin).map_err(refused)?;
    let output = Receiver::from_owned_fd(our_stdout).map_err(refused)?;
    rustix::io::ioctl_fionbio(&our_stderr, true).map_err(|error| refused(error.into()))?;

    let (answer, answered) = oneshot::channel();
    inbox.send(Request::Spawn(Box::new(SpawnRequest {
        prepared,
        mark,
        stdio: Stdio { stdin, stdout, stderr },
        stderr: our_stderr,
        on_stderr: launch.on_stderr.map(shown),
        answer,
    })));
    let mut process = answered.await.map_err(|_| {
        Error::new(ErrorKind::Internal, "the thread that looks after processes is gone").operation("spawn")
    })??;
    process.secrets = secrets;
    Ok(Connection {
        input: Box::new(Input::new(input)),
        output: Box::new(output),
        process: Arc::new(process),
    })
}

/// Who hears stderr writes it to a log: it is heard without secrets.
fn shown(heard: StderrLine) -> StderrLine {
    Arc::new(move |line| heard(&redact(line)))
}

/// A reading and a writing end that no other program inherits.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    Ok((above_standard_streams(reader.into())?, above_standard_streams(writer.into())?))
}

/// A program that the keeper looks after. Dropping it while the program runs stops the program.
pub(super) struct ChildProcess {
    pid: u32,
    key: u64,
    inbox: Arc<Inbox>,
    fate: Arc<Fate>,
    /// What its words on stderr must not hold.
    secrets: Known,
}

impl ChildProcess {
    pub(super) fn new(pid: u32, key: u64, inbox: Arc<Inbox>, fate: Arc<Fate>) -> Self {
        Self { pid, key, inbox, fate, secrets: Known::default() }
    }

    /// Whether this handle came through `fork`: the program is then another process's child, and its keeper and the
    /// locks it may hold are not here.
    fn inherited(&self) -> bool {
        self.inbox.host != process::id()
    }

    fn gone(&self) -> bool {
        self.fate.exit.borrow().is_some()
    }

    fn ask(&self, request: Request) {
        if !self.inherited() && !self.gone() {
            self.inbox.send(request);
        }
    }
}

impl Process for ChildProcess {
    fn id(&self) -> Option<u32> {
        Some(self.pid)
    }

    fn signal(&self, signal: Signal) {
        self.ask(Request::Signal(self.key, signal));
    }

    fn stop(&self, ladder: StopLadder) {
        self.ask(Request::Stop(self.key, ladder));
    }

    fn wait(&self) -> BoxFuture<'_, Exit> {
        Box::pin(async move {
            if self.inherited() {
                return Exit::Unknown;
            }
            let mut exit = self.fate.exit.subscribe();
            // The sender lives as long as `self`, so this ends with an exit.
            exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit).unwrap_or(Exit::Unknown)
        })
    }

    fn stderr_tail(&self) -> String {
        if self.inherited() {
            return String::new();
        }
        let tail = lock(&self.fate.tail).text();
        redact(&tail).into_owned()
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        self.ask(Request::Stop(self.key, StopLadder::NOW));
    }
}
