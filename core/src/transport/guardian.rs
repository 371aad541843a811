//! The guardian: a small process that outlives its host by a moment, to end what the host could not.
//!
//! The parent-death signal ends programs that obey SIGTERM. One that ignores it, or a tool in a session of its own, would
//! live on after a host that was killed. Why a shell script, and what it costs: `docs/adr/0002`.

use std::{ffi::OsStr, fs::OpenOptions, io, os::fd::OwnedFd, path::Path};

use super::{
    prepare::Prepared,
    spawn::{NotForCopies, Spawned, Spawner, Stdio, above_standard_streams},
};

const SCRIPT: &str = include_str!("guardian.sh");

/// A line in the ledger.
#[derive(Clone, Copy)]
pub(super) struct Entry(usize);

/// The keeper's side: the ledger of programs that run, and the end of the pipe by which the guardian sees us die.
pub(super) struct Guardian {
    /// A file in memory, so that keeping it costs the guardian no wake. `None` when the system has no such file.
    ledger: Option<OwnedFd>,
    free: Vec<usize>,
    lines: usize,
    /// Held for the life of this process, and never written to.
    lifeline: Option<(NotForCopies, OwnedFd)>,
    started: bool,
}

impl Guardian {
    pub(super) fn new() -> Self {
        let ledger = ledger().and_then(|ledger| above_standard_streams(ledger).ok());
        Self { ledger, free: Vec::new(), lines: 0, lifeline: None, started: false }
    }

    /// Enters a mark. All marks have the same length.
    pub(super) fn enter(&mut self, mark: &str) -> Entry {
        let line = self.free.pop().unwrap_or_else(|| {
            self.lines += 1;
            self.lines - 1
        });
        self.write(line, mark);
        Entry(line)
    }

    /// Strikes a mark out: what carries it may live on.
    pub(super) fn strike(&mut self, entry: Entry) {
        self.write(entry.0, "");
        self.free.push(entry.0);
    }

    fn write(&self, line: usize, mark: &str) {
        let width = super::inbox::MARK_LENGTH;
        let text = format!("{mark:~<width$}\n");
        if let (Some(ledger), Ok(at)) = (&self.ledger, u64::try_from(line * text.len())) {
            // Short writes do not happen in memory; without memory there are greater worries.
            let _ = rustix::io::pwrite(ledger, text.as_bytes(), at);
        }
    }

    /// Starts the guardian, the first time this is called. Without a shell, or without room for it, there is none: the
    /// parent-death signal is then all that ends programs of a dead host.
    pub(super) fn start_once(&mut self, spawner: &mut Spawner) -> Option<Spawned> {
        if std::mem::replace(&mut self.started, true) {
            return None;
        }
        self.start(spawner).ok().flatten()
    }

    fn start(&mut self, spawner: &mut Spawner) -> io::Result<Option<Spawned>> {
        let Some(ledger) = &self.ledger else { return Ok(None) };
        let (theirs, ours) = io::pipe()?;
        let (theirs, ours) = (above_standard_streams(theirs.into())?, above_standard_streams(ours.into())?);
        let cover = NotForCopies::new(&ours);
        let nowhere =
            above_standard_streams(OpenOptions::new().read(true).write(true).open("/dev/null")?.into())?;
        // Whoever lists processes sees the script: without its comments.
        let script: Vec<&str> = SCRIPT.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
        let script = script.join("\n");
        let name = format!("madrigal-guardian-of-{}", std::process::id());
        let prepared = Prepared::detached(
            Path::new("/bin/sh"),
            &["-c", &script, &name],
            // No mark, so that it does not find itself.
            &[
                ("PATH", OsStr::new("/usr/bin:/bin:/usr/local/bin:/run/current-system/sw/bin")),
                ("LC_ALL", OsStr::new("C")),
            ],
        );
        let stdio = Stdio { stdin: theirs, stdout: ledger.try_clone()?, stderr: nowhere };
        let Ok(launcher) = spawner.spawn(&prepared, &stdio) else { return Ok(None) };
        self.lifeline = Some((cover, ours));
        Ok(Some(launcher))
    }
}

#[cfg(target_os = "linux")]
fn ledger() -> Option<OwnedFd> {
    rustix::fs::memfd_create(c"madrigal-ledger", rustix::fs::MemfdFlags::CLOEXEC).ok()
}

/// The guardian finds processes through `/proc`, which only Linux has in this form.
#[cfg(not(target_os = "linux"))]
fn ledger() -> Option<OwnedFd> {
    None
}
