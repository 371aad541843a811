//! The simulator's process: stdin on a thread, stdout on the main one, and signals as the real program takes them.

use std::{
    io::{self, BufRead as _, BufReader},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel},
    },
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::{consts, flag, low_level};

use super::{VARIABLE, complain};
use crate::testing::{
    Scenario,
    frames::Facts,
    player::{End, Event, Player, Stage, Wait},
    scenario::Sig,
};

/// The longest anything here sleeps: nobody waits longer for a test.
const LONG: Duration = Duration::from_secs(600);

pub(super) fn play(scenario: &Scenario, facts: Facts, args: Vec<String>) -> io::Result<End> {
    if std::env::var_os(NEW_SESSION).is_some() {
        rustix::process::setsid()?;
    }
    let signals = Signals::install()?;
    let (sender, events) = channel();
    let deaf = Arc::new(AtomicBool::new(false));
    let (heard, ready) = (Arc::clone(&deaf), signals.ready);
    thread::Builder::new().name("stdin".into()).spawn(move || listen(&sender, &ready, &heard))?;
    let stage = ProcessStage {
        events,
        deaf,
        heed_term: signals.heed_term,
        heed_int: signals.heed_int,
        args,
        started: Instant::now(),
        children: Vec::new(),
    };
    let mut player = Player::new(scenario, stage, facts);
    let mut play = std::pin::pin!(player.run(&scenario.steps));
    // Nothing here ever waits in the asynchronous way: the stage blocks, so the first poll is the whole play.
    loop {
        if let Poll::Ready(end) = play.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Ok(end);
        }
    }
}

/// Ends this process by a signal.
pub(super) fn die(signal: i32) -> i32 {
    drop(low_level::emulate_default_handler(signal));
    // SIGKILL and SIGSTOP have no handler to emulate.
    if let Some(signal) = rustix::process::Signal::from_named_raw(signal) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
    }
    thread::sleep(Duration::from_secs(1));
    97
}

/// SIGTERM exits 143 and SIGINT 0, until a step ignores them.
struct Signals {
    heed_term: Arc<AtomicBool>,
    heed_int: Arc<AtomicBool>,
    /// Readable when SIGINT came.
    ready: UnixStream,
}

impl Signals {
    fn install() -> io::Result<Self> {
        let heed_term = Arc::new(AtomicBool::new(true));
        flag::register_conditional_shutdown(consts::SIGTERM, 143, Arc::clone(&heed_term))?;
        let (ready, write) = UnixStream::pair()?;
        low_level::pipe::register(consts::SIGINT, write)?;
        Ok(Self { heed_term, heed_int: Arc::new(AtomicBool::new(true)), ready })
    }
}

/// Reads stdin and tells of SIGINT, in the background as the real program does.
fn listen(events: &Sender<Event>, ready: &UnixStream, deaf: &AtomicBool) {
    let stdin = io::stdin();
    let mut buffer = Vec::new();
    let mut over = false;
    loop {
        let quiet = over || deaf.load(Ordering::Acquire);
        let (interrupted, readable) = wait(ready.as_fd(), (!quiet).then(|| stdin.as_fd()));
        if interrupted {
            let mut byte = [0];
            let _ = rustix::io::read(ready, &mut byte);
            if events.send(Event::Interrupted).is_err() {
                return;
            }
        }
        if !readable || deaf.load(Ordering::Acquire) {
            continue;
        }
        if !read(stdin.as_fd(), &mut buffer, events) {
            over = true;
            if !buffer.is_empty() && events.send(Event::Line(std::mem::take(&mut buffer))).is_err() {
                return;
            }
            if events.send(Event::End).is_err() {
                return;
            }
        }
    }
}

/// Which of the two has something to say.
fn wait(ready: BorrowedFd<'_>, stdin: Option<BorrowedFd<'_>>) -> (bool, bool) {
    let mut both =
        [PollFd::from_borrowed_fd(ready, PollFlags::IN), PollFd::from_borrowed_fd(ready, PollFlags::IN)];
    let watched = match stdin {
        Some(stdin) => {
            both[1] = PollFd::from_borrowed_fd(stdin, PollFlags::IN);
            &mut both[..]
        }
        None => &mut both[..1],
    };
    match poll(watched, None) {
        Ok(_) => {
            let interrupted = !watched[0].revents().is_empty();
            (interrupted, watched.get(1).is_some_and(|fd| !fd.revents().is_empty()))
        }
        Err(_) => (false, false),
    }
}

/// Reads once and hands whole lines on; `false` at the end of the input.
fn read(stdin: BorrowedFd<'_>, buffer: &mut Vec<u8>, events: &Sender<Event>) -> bool {
    const ROOM: usize = 64 * 1024;
    let start = buffer.len();
    buffer.resize(start + ROOM, 0);
    let count = match rustix::io::read(stdin, &mut buffer[start..]) {
        Ok(count) => count,
        Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {
            buffer.truncate(start);
            return true;
        }
        Err(_) => 0,
    };
    buffer.truncate(start + count);
    let mut line_start = 0;
    for end in memchr::memchr_iter(b'\n', &buffer[start..]).map(|at| start + at) {
        drop(events.send(Event::Line(buffer[line_start..end].to_vec())));
        line_start = end + 1;
    }
    buffer.drain(..line_start);
    count > 0
}

struct ProcessStage {
    events: Receiver<Event>,
    deaf: Arc<AtomicBool>,
    heed_term: Arc<AtomicBool>,
    heed_int: Arc<AtomicBool>,
    args: Vec<String>,
    started: Instant,
    /// Kept so that nothing is waited for or ended when they are forgotten.
    children: Vec<Child>,
}

impl ProcessStage {
    fn receive(&self, wait: Wait) -> Event {
        match wait {
            Wait::Not => match self.events.try_recv() {
                Ok(event) => event,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => Event::Nothing,
            },
            Wait::For(time) => match self.events.recv_timeout(time) {
                Ok(event) => event,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Event::Nothing,
            },
            Wait::Forever => self.events.recv().unwrap_or(Event::End),
        }
    }
}

impl Stage for ProcessStage {
    async fn next(&mut self, wait: Wait) -> Event {
        loop {
            match self.receive(wait) {
                Event::Interrupted if !self.heed_int.load(Ordering::Acquire) => {}
                event => return event,
            }
        }
    }

    async fn write(&mut self, mut bytes: &[u8]) {
        // Straight to the descriptor: the standard handle would look for line ends and copy.
        while !bytes.is_empty() {
            match rustix::io::write(io::stdout(), bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(rustix::io::Errno::INTR) => {}
                // The host may have made its pipe one that does not block.
                Err(rustix::io::Errno::AGAIN) => {
                    let stdout = io::stdout();
                    let _ = poll(&mut [PollFd::new(&stdout, PollFlags::OUT)], None);
                }
                Err(_) => return,
            }
        }
    }

    fn stderr(&mut self, text: &str) {
        complain(text);
    }

    async fn hang(&mut self) {
        self.deaf.store(true, Ordering::Release);
        let until = Instant::now() + LONG;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            match self.events.recv_timeout(left) {
                Ok(Event::Interrupted) if self.heed_int.load(Ordering::Acquire) => std::process::exit(0),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        // The end of the input may have come and gone unheard, so this is the end; a forgotten process must not stay.
        std::process::exit(0);
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn ignore(&mut self, signal: Sig) {
        match signal {
            Sig::Int => &self.heed_int,
            Sig::Term => &self.heed_term,
        }
        .store(false, Ordering::Release);
    }

    fn spawn(&mut self, new_session: bool, ignore: &[Sig]) -> Result<u32, String> {
        let names: Vec<&str> = ignore.iter().map(|signal| signal.name()).collect();
        // The sleeper is this program with a scenario of its own; it tells when its signals are as asked for.
        let scenario =
            serde_json::json!({"cli": [{"ignore": names}, {"emit_raw": "ready\n"}, {"hang": true}]});
        let started = std::env::current_exe().and_then(|program| {
            let mut command = Command::new(program);
            command.args(["-p", "--input-format=stream-json", "--output-format=stream-json", "--verbose"]);
            command.env(VARIABLE, scenario.to_string());
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
            if new_session {
                command.env(NEW_SESSION, "1");
            }
            let mut child = command.spawn()?;
            let mut line = String::new();
            if let Some(stdout) = child.stdout.take() {
                BufReader::new(stdout).read_line(&mut line)?;
            }
            if line == "ready\n" { Ok(child) } else { Err(io::Error::other("it did not become ready")) }
        });
        match started {
            Ok(child) => {
                let id = child.id();
                self.children.push(child);
                Ok(id)
            }
            Err(error) => Err(format!("a process could not be started: {error}")),
        }
    }

    fn args(&self) -> &[String] {
        &self.args
    }

    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

/// Set for a child that is to lead a session of its own, as the tools of the real program do.
const NEW_SESSION: &str = "MADRIGAL_SIMULATE_NEW_SESSION";
