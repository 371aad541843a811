//! What the keeper knows about one program.

use std::{os::fd::OwnedFd, sync::Arc, time::Instant};

use rustix::process::{Pid, Signal as SystemSignal};

use super::{Exit, guardian::Entry, inbox::Fate, spawn::Spawned, stderr::Stderr, tree::Member};

/// A running program, or one whose tree is being cleared away.
pub(super) struct Ward {
    pub(super) pid: Pid,
    pub(super) pidfd: Option<OwnedFd>,
    pub(super) mark: String,
    /// Its line in the guardian's ledger.
    pub(super) entry: Option<Entry>,
    pub(super) fate: Arc<Fate>,
    pub(super) stderr: Option<Stderr>,
    pub(super) ladder: Ladder,
    /// Whether a ladder has sent it a signal: then nothing of it may stay.
    pub(super) ending: bool,
    /// How it ended, while its tree is being cleared away.
    pub(super) ended: Option<Exit>,
    pub(super) sweeps: u32,
    /// Descendants that were killed with it, perhaps not gone yet.
    pub(super) killed: Vec<Member>,
}

/// When each signal is due.
#[derive(Clone, Copy, Default)]
pub(super) struct Ladder(pub(super) [Option<Instant>; 3]);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Interrupt,
    Terminate,
    Kill,
    Sweep,
}

impl Ward {
    pub(super) fn new(spawned: Spawned, mark: String, fate: Arc<Fate>) -> Self {
        Self {
            pid: spawned.pid,
            pidfd: spawned.pidfd,
            mark,
            entry: None,
            fate,
            stderr: None,
            ladder: Ladder::default(),
            ending: false,
            ended: None,
            sweeps: 0,
            killed: Vec::new(),
        }
    }

    /// Its process id.
    pub(super) fn number(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// To the program alone. Through its descriptor where there is one: numbers are used again.
    pub(super) fn send(&self, signal: SystemSignal) {
        #[cfg(target_os = "linux")]
        if let Some(pidfd) = &self.pidfd {
            let _ = rustix::process::pidfd_send_signal(pidfd, signal);
            return;
        }
        let _ = rustix::process::kill_process(self.pid, signal);
    }
}
