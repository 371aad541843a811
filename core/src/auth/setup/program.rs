//! `claude setup-token`, run for a person: what it draws is shown with the token hidden, what the person types is handed on, and
//! the token is taken from the screen, because the program has no other way of giving it.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use zeroize::{Zeroize as _, Zeroizing};

use super::{
    HostTerminal,
    screen::Screen,
    terminal::{Channel, Person, pseudo, wait},
    typed::Typed,
};
use crate::{Error, ErrorKind, Result, auth::Secret, redact, transport::locate};

/// How long a person has.
pub const SETUP_LIMIT: Duration = Duration::from_secs(120);

/// How long the program may go on when the token is there: it waits for a key.
const LINGER: Duration = Duration::from_secs(2);

/// How often it is looked whether the program ended.
const LOOK: Duration = Duration::from_millis(50);

/// How long a program that is told to end may take.
const GRACE: Duration = Duration::from_secs(2);

/// What is typed is kept for a program that is about to read keys: until it does, or has drawn nothing for so long.
const STILL: Duration = Duration::from_secs(1);

/// The key that gives up: Ctrl-C.
const GIVE_UP: u8 = 3;

/// Where the person sits.
#[derive(Clone, Debug)]
pub enum SetupTerminal {
    /// At a terminal of this machine.
    Device(PathBuf),
    /// At a host that passes things on.
    Host(HostTerminal),
}

impl From<PathBuf> for SetupTerminal {
    fn from(path: PathBuf) -> Self {
        Self::Device(path)
    }
}

impl From<&str> for SetupTerminal {
    fn from(path: &str) -> Self {
        Self::Device(path.into())
    }
}

impl From<HostTerminal> for SetupTerminal {
    fn from(host: HostTerminal) -> Self {
        Self::Host(host)
    }
}

/// How a token is got from the program.
#[derive(Clone)]
pub struct ProgramSetup {
    /// The program, as the option `cli_path`; `None` searches for it.
    pub cli_path: Option<PathBuf>,
    /// Variables for the program, beside those of this process.
    pub env: Vec<(String, String)>,
    /// How long the person has; two minutes by default.
    pub limit: Duration,
    /// The terminal the person sits at; `/dev/tty`, this process's own, by default.
    pub terminal: SetupTerminal,
    /// Whether the program may open a browser by itself; by default the person opens the address that is shown.
    pub open_browser: bool,
}

/// Variables hold credentials: only their names are shown.
impl fmt::Debug for ProgramSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgramSetup")
            .field("cli_path", &self.cli_path)
            .field("env", &self.env.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("limit", &self.limit)
            .field("terminal", &self.terminal)
            .field("open_browser", &self.open_browser)
            .finish()
    }
}

impl Default for ProgramSetup {
    fn default() -> Self {
        Self {
            cli_path: None,
            env: Vec::new(),
            limit: SETUP_LIMIT,
            terminal: "/dev/tty".into(),
            open_browser: false,
        }
    }
}

impl ProgramSetup {
    /// Runs `claude setup-token` on a pseudo-terminal and returns the token.
    ///
    /// # Errors
    ///
    /// `cli_not_found`; `auth` without a terminal, when the login was refused, and when no token was shown; `timeout` when the
    /// person did not finish; `cancelled` when they pressed Ctrl-C. The program is gone in every case, and the terminal as before.
    pub async fn run(&self) -> Result<Secret> {
        self.attempt().await.map_err(|error| error.operation("setup_token"))
    }

    /// All of it waits for descriptors, for minutes: on a thread of its own, which ends soon after nobody waits for it.
    async fn attempt(&self) -> Result<Secret> {
        let program = locate(self.cli_path.as_deref())?;
        let _secrets = redact::Known::among(&self.env.iter().cloned().collect());
        let (setup, wanted) = (self.clone(), Arc::new(()));
        let unwanted = Arc::downgrade(&wanted);
        let (sender, token) = tokio::sync::oneshot::channel();
        let thread = thread::Builder::new().name("setup-token".into()).spawn(move || {
            let _ = sender.send(setup.converse(&program, &unwanted));
        });
        thread.map_err(|error| unusable("no thread could be started", &error))?;
        let token = token.await;
        drop(wanted);
        token.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the set-up ended without an answer")))
    }

    /// Blocks.
    fn converse(&self, program: &Path, wanted: &Weak<()>) -> Result<Secret> {
        let person = match &self.terminal {
            SetupTerminal::Device(path) => Person::at(path).map_err(|error| no_terminal(path, &error))?,
            SetupTerminal::Host(host) => {
                Person::of(host).map_err(|error| unusable("no line to the host could be made", &error))?
            }
        };
        let size = person.size();
        let (ours, theirs) =
            pseudo(size).map_err(|error| unusable("no pseudo-terminal could be made", &error))?;
        let mut running = Running::start(self, program, theirs)?;
        let mut screen = Screen::new(usize::from(size.ws_col));
        let mut typed = Typed::default();
        let until = Instant::now() + self.limit;
        let end = watch(&person, &ours, &mut running, (&mut screen, &mut typed), until, wanted);
        running.stop();
        let _ = show(&person, &ours, &mut screen);
        person.leave();
        let (token, text) = screen.finish();
        match (end.map_err(|error| unusable("the terminal failed", &error))?, token) {
            (End::GaveUp, _) => {
                Err(Error::new(ErrorKind::Cancelled, "Ctrl-C was pressed; no token was stored"))
            }
            (_, Some(token)) => Ok(token),
            (End::Late, None) => {
                let text = format!(
                    "no token within {}{}: run it again and finish the login in time",
                    humantime::format_duration(self.limit),
                    said(&typed.hidden_in(&text))
                );
                let limit = u64::try_from(self.limit.as_millis()).unwrap_or(u64::MAX);
                Err(Error::new(ErrorKind::Timeout, text).with("limit_ms", limit))
            }
            (End::Exited(status), None) => {
                Err(no_token(status.and_then(|status| status.code()), &typed.hidden_in(&text)))
            }
        }
    }
}

/// How the watching ended.
enum End {
    Exited(Option<ExitStatus>),
    Late,
    GaveUp,
}

fn watch(
    person: &Person,
    ours: &Channel,
    running: &mut Running,
    (screen, typed): (&mut Screen, &mut Typed),
    mut until: Instant,
    wanted: &Weak<()>,
) -> io::Result<End> {
    let mut keys = Zeroizing::new([0; 1024]);
    let mut kept = Zeroizing::new(Vec::new());
    let mut changed = Instant::now();
    let mut person_is_there = true;
    loop {
        wait(ours, person_is_there.then(|| person.channel()), LOOK)?;
        let before = screen.found().is_some();
        match show(person, ours, screen)? {
            Shown::Nothing => {}
            Shown::Something => changed = Instant::now(),
            Shown::TheEnd => return Ok(End::Exited(running.exited())),
        }
        if !before && screen.found().is_some() {
            until = until.min(Instant::now() + LINGER);
        }
        if person_is_there {
            match person.channel().read(&mut *keys)? {
                None => {}
                Some(0) => person_is_there = false,
                Some(count) if keys[..count].contains(&GIVE_UP) => return Ok(End::GaveUp),
                Some(count) => {
                    // Before the program can draw it.
                    typed.take(&keys[..count]);
                    kept.extend_from_slice(&keys[..count]);
                }
            }
        }
        // A terminal that collects lines makes a line feed of the key Enter, which to a reader of keys is another one.
        if !kept.is_empty() && (ours.hands_on_keys() || changed.elapsed() >= STILL) {
            ours.write(&kept)?;
            kept.zeroize();
        }
        if let Some(status) = running.status() {
            return Ok(End::Exited(status));
        }
        if wanted.strong_count() == 0 {
            return Ok(End::GaveUp);
        }
        if Instant::now() >= until {
            return Ok(End::Late);
        }
    }
}

enum Shown {
    Nothing,
    Something,
    /// It cannot draw any more.
    TheEnd,
}

/// Shows what the program drew.
fn show(person: &Person, ours: &Channel, screen: &mut Screen) -> io::Result<Shown> {
    let mut drawn = [0; 4096];
    let mut shown = Shown::Nothing;
    loop {
        match ours.read(&mut drawn)? {
            None => return Ok(shown),
            Some(0) => return Ok(Shown::TheEnd),
            Some(count) => person.channel().write(&screen.show(&drawn[..count]))?,
        }
        shown = Shown::Something;
    }
}

/// The program; ended when dropped.
struct Running(Child);

impl Running {
    fn start(setup: &ProgramSetup, program: &Path, terminal: std::fs::File) -> Result<Self> {
        let failed = |error: io::Error| {
            Error::new(ErrorKind::SpawnFailed, format!("{} could not be started: {error}", program.display()))
                .caused_by(&error)
        };
        let again = || terminal.try_clone().map_err(failed);
        let mut command = Command::new(program);
        command
            .arg("setup-token")
            .stdin(again()?)
            .stdout(again()?)
            .stderr(Stdio::from(terminal.try_clone().map_err(failed)?));
        if !setup.open_browser {
            command.env("BROWSER", "false");
        }
        // A credential that is there would be used in place of a login.
        for name in ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"] {
            command.env_remove(name);
        }
        command.envs(setup.env.iter().map(|(name, value)| (name, value)));
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn().map(Self).map_err(failed)
    }

    /// Its status once it ended. The status itself is lost where somebody else reaps our children, as the BEAM may.
    #[allow(clippy::option_option, reason = "whether it ended, and the status if that is known")]
    fn status(&mut self) -> Option<Option<ExitStatus>> {
        match self.0.try_wait() {
            Ok(None) => None,
            Ok(status) => Some(status),
            Err(_) => Some(None),
        }
    }

    fn exited(&mut self) -> Option<ExitStatus> {
        let until = Instant::now() + GRACE;
        while Instant::now() < until {
            if let Some(status) = self.status() {
                return status;
            }
            thread::sleep(LOOK / 10);
        }
        None
    }

    fn signal(&mut self, signal: rustix::process::Signal) {
        // It is a child that was not waited for, so the number is still its own.
        if self.status().is_none()
            && let Some(pid) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process_group(pid, signal);
        }
    }

    fn stop(&mut self) {
        self.signal(rustix::process::Signal::TERM);
        if self.status().is_none() {
            self.exited();
        }
        self.signal(rustix::process::Signal::KILL);
        self.exited();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal(rustix::process::Signal::KILL);
        let _ = self.0.wait();
    }
}

/// What the program said last, such as why it refused a code: it does not end then, but waits for another.
fn said(drawn: &str) -> String {
    match last_words(drawn) {
        words if words.is_empty() => words,
        // In brackets of its own: behind `token:` it would look like one and be hidden.
        words => format!(" (it said: {words})"),
    }
}

/// The last lines of what was drawn that say something.
fn last_words(text: &str) -> String {
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| line.chars().any(char::is_alphanumeric)).collect();
    let words = lines[lines.len().saturating_sub(3)..].join(" / ");
    words.chars().take(300).collect()
}

fn no_token(code: Option<i32>, drawn: &str) -> Error {
    let how = code.map_or_else(|| "ended".to_owned(), |code| format!("exited with {code}"));
    let why = said(drawn);
    let text = format!(
        "`claude setup-token` {how} and showed no token{why}: run it again, or set ANTHROPIC_API_KEY"
    );
    Error::new(ErrorKind::Auth, text).with("exit_code", code)
}

fn no_terminal(path: &Path, error: &io::Error) -> Error {
    Error::new(
        ErrorKind::Auth,
        "setting up a token needs a terminal and a person at it: run `madrigal auth setup-token` in one, or set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN",
    )
    .with("terminal", path.display().to_string())
    .caused_by(error)
}

fn unusable(what: &str, error: &io::Error) -> Error {
    Error::new(ErrorKind::Auth, format!("{what}: {error}")).caused_by(error)
}
