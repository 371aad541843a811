//! A terminal with somebody at it: the command runs in a session of its own, so that `/dev/tty` is this one.

use std::{
    fs::File,
    io::Read,
    os::fd::OwnedFd,
    process::{Child, Command},
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};

/// Longer than anything here takes: what is not there by then does not come.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Terminal {
    ours: OwnedFd,
    theirs: Option<File>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

#[derive(Default)]
struct Seen {
    text: String,
    over: bool,
}

impl Terminal {
    pub(crate) fn new(columns: u16) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let path = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let theirs = rustix::fs::open(
            path,
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        );
        let theirs = File::from(theirs.unwrap());
        tcsetwinsize(&theirs, Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let seen = Arc::<(Mutex<Seen>, Condvar)>::default();
        let (mut reader, shared) = (File::from(ours.try_clone().unwrap()), Arc::clone(&seen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The end of a pseudo-terminal is an error.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                shared.0.lock().unwrap().text += &String::from_utf8_lossy(&buffer[..count]);
                shared.1.notify_all();
            }
            shared.0.lock().unwrap().over = true;
            shared.1.notify_all();
        });
        Self { ours, theirs: Some(theirs), seen }
    }

    /// Runs `program` with this terminal as its own; output goes where the caller says.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait", program]);
        let again = || self.theirs.as_ref().unwrap().try_clone().unwrap();
        command.stdin(again()).stdout(again()).stderr(again());
        command
    }

    pub(crate) fn types(&self, keys: &str) {
        rustix::io::write(&self.ours, keys.as_bytes()).unwrap();
    }

    /// Waits until this was shown.
    pub(crate) fn shows(&self, what: &str) {
        let seen = self.seen.0.lock().unwrap();
        let (seen, waited) = self
            .seen
            .1
            .wait_timeout_while(seen, PATIENCE, |seen| !seen.text.contains(what) && !seen.over)
            .unwrap();
        assert!(!waited.timed_out() && seen.text.contains(what), "{what:?} not in {:?}", seen.text);
    }

    /// Waits for the end; its exit code, everything that was shown, and whether the terminal is as before.
    pub(crate) fn end(mut self, mut child: Child) -> (Option<i32>, String, bool) {
        let code = child.wait().unwrap().code();
        let modes = tcgetattr(&self.ours).unwrap().local_modes;
        self.theirs = None;
        let seen = self.seen.0.lock().unwrap();
        let (seen, _) = self.seen.1.wait_timeout_while(seen, PATIENCE, |seen| !seen.over).unwrap();
        let before = modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        (code, seen.text.clone(), before)
    }
}
