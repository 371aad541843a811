//! The keeper: one thread per host process that starts, watches, signals and buries every program.
//!
//! It has to be one thread that never ends: the parent-death signal fires when the *thread* that started a program ends.
//! And it has to be no task of a runtime: a program must be ended also when the runtime that used it is gone.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Signal as SystemSignal, WaitOptions};
use tokio::sync::watch;

use super::{
    Exit, Signal, StopLadder,
    child::ChildProcess,
    guardian::Guardian,
    inbox::{Fate, Inbox, Request, SpawnRequest},
    poller::Poller,
    spawn::{self, Spawned, Spawner},
    stderr::{Stderr, Tail},
    tree,
    ward::{Step, Ward},
};

/// How soon to look again for processes that were killed and are not gone yet.
const SWEEP_AGAIN: Duration = Duration::from_millis(4);

/// How often to look before giving up on what cannot be killed (stuck in the kernel, or another user's).
const SWEEPS: u32 = 250;

/// How often to ask for the end of processes where the system cannot tell us.
const ASK_AGAIN: Duration = Duration::from_millis(5);

const BELL: u64 = 0;

/// Starts the keeper of this process.
pub(super) fn start(host: u32) -> io::Result<Arc<Inbox>> {
    let inbox = Arc::new(Inbox::new(host)?);
    let poller = Poller::new()?;
    poller.add(&inbox.bell, BELL)?;
    let keeper = Keeper {
        inbox: Arc::clone(&inbox),
        poller,
        spawner: Spawner::new(),
        guardian: Guardian::new(),
        next_key: 1,
        wards: HashMap::new(),
        steps: BTreeSet::new(),
        unwatched: BTreeSet::new(),
        doomed: Vec::new(),
    };
    thread::Builder::new().name("madrigal-keeper".to_owned()).stack_size(512 * 1024).spawn(move || {
        spawn::block_signals();
        keeper.run();
    })?;
    Ok(inbox)
}

struct Keeper {
    inbox: Arc<Inbox>,
    poller: Poller,
    spawner: Spawner,
    guardian: Guardian,
    next_key: u64,
    wards: HashMap<u64, Ward>,
    /// What is due when. Steps of programs that are gone are skipped when they come up.
    steps: BTreeSet<(Instant, u64, Step)>,
    /// Programs whose end must be asked for.
    unwatched: BTreeSet<u64>,
    /// Programs to be killed with all descendants, gathered so that one look at the system serves all.
    doomed: Vec<u64>,
}

impl Keeper {
    fn run(mut self) {
        let mut ready = Vec::new();
        loop {
            let due = self.steps.first().map(|(when, _, _)| when.saturating_duration_since(Instant::now()));
            let timeout = if self.unwatched.is_empty() {
                due
            } else {
                Some(due.map_or(ASK_AGAIN, |due| due.min(ASK_AGAIN)))
            };
            ready.clear();
            self.poller.wait(timeout, &mut ready);
            for token in ready.drain(..) {
                match (token, token / 2, token % 2) {
                    (BELL, _, _) => {
                        if self.serve_requests().is_break() {
                            return;
                        }
                    }
                    (_, key, 0) => self.reap(key),
                    (_, key, _) => self.read_stderr(key),
                }
            }
            for key in self.unwatched.clone() {
                self.reap(key);
            }
            let mut to_sweep = Vec::new();
            self.take_steps(&mut to_sweep);
            self.kill_doomed();
            self.sweep(&to_sweep);
        }
    }

    fn serve_requests(&mut self) -> ControlFlow<()> {
        let requests = self.inbox.take();
        for request in requests {
            match request {
                Request::Spawn(request) => self.spawn(*request),
                Request::Signal(key, signal) => self.signal(key, signal),
                Request::Stop(key, ladder) => self.climb(key, ladder),
                Request::Quit => return ControlFlow::Break(()),
            }
        }
        ControlFlow::Continue(())
    }

    fn spawn(&mut self, request: SpawnRequest) {
        let SpawnRequest { prepared, mark, stdio, stderr, on_stderr, answer } = request;
        if answer.is_closed() {
            return;
        }
        // Both before it lives: the host may die at any moment, also in the one behind its first program.
        if let Some(launcher) = self.guardian.start_once(&mut self.spawner) {
            self.watch_launcher(launcher);
        }
        let entry = self.guardian.enter(&mark);
        let spawned = match self.spawner.spawn(&prepared, &stdio) {
            Ok(spawned) => spawned,
            Err(error) => {
                self.guardian.strike(entry);
                let _ = answer.send(Err(error));
                return;
            }
        };
        // At once, so that the ends of the pipes are where they belong before anybody waits for an end of file.
        drop(stdio);
        let key = self.next_key;
        self.next_key += 1;
        let fate = Arc::new(Fate { exit: watch::Sender::new(None), tail: Mutex::new(Tail::default()) });
        let mut ward = Ward::new(spawned, mark, Arc::clone(&fate));
        // The answer first: the caller's thread wakes while we see to the rest.
        let _ = answer.send(Ok(ChildProcess::new(ward.number(), key, Arc::clone(&self.inbox), fate)));

        let stderr = Stderr::new(stderr, on_stderr);
        // Without a watch the lines are read at the end.
        let _ = self.poller.add(&stderr, key * 2 + 1);
        ward.stderr = Some(stderr);
        ward.entry = Some(entry);
        self.watch_over(key, ward);
    }

    /// The guardian's launcher ends at once; all there is to do is to bury it.
    fn watch_launcher(&mut self, launcher: Spawned) {
        let key = self.next_key;
        self.next_key += 1;
        let fate = Arc::new(Fate { exit: watch::Sender::new(None), tail: Mutex::new(Tail::default()) });
        self.watch_over(key, Ward::new(launcher, String::new(), fate));
    }

    fn watch_over(&mut self, key: u64, ward: Ward) {
        let watched = ward.pidfd.as_ref().is_some_and(|pidfd| self.poller.add(pidfd, key * 2).is_ok());
        if !watched {
            self.unwatched.insert(key);
        }
        self.wards.insert(key, ward);
    }

    fn signal(&mut self, key: u64, signal: Signal) {
        let Some(ward) = self.wards.get_mut(&key).filter(|ward| ward.ended.is_none()) else { return };
        match signal {
            Signal::Interrupt => ward.send(SystemSignal::INT),
            Signal::Terminate => ward.send(SystemSignal::TERM),
            Signal::Kill => {
                ward.ending = true;
                self.doomed.push(key);
            }
        }
    }

    /// Takes up a ladder. Of two ladders, the earlier time of each step counts.
    fn climb(&mut self, key: u64, ladder: StopLadder) {
        let Some(ward) = self.wards.get_mut(&key).filter(|ward| ward.ended.is_none()) else { return };
        let now = Instant::now();
        let wanted = [ladder.interrupt_after, ladder.terminate_after, Some(ladder.kill_after)];
        let steps = [Step::Interrupt, Step::Terminate, Step::Kill];
        for ((slot, after), step) in ward.ladder.0.iter_mut().zip(wanted).zip(steps) {
            // A time beyond what the clock can show never comes.
            let Some(when) = after.and_then(|after| now.checked_add(after)) else { continue };
            if slot.is_none_or(|earlier| when < earlier) {
                *slot = Some(when);
                self.steps.insert((when, key, step));
            }
        }
    }

    fn take_steps(&mut self, to_sweep: &mut Vec<u64>) {
        let now = Instant::now();
        while let Some((when, key, step)) = self.steps.first().copied() {
            if when > now {
                break;
            }
            self.steps.pop_first();
            let Some(ward) = self.wards.get_mut(&key) else { continue };
            match step {
                Step::Sweep => to_sweep.push(key),
                _ if ward.ended.is_some() => {}
                // Replaced by an earlier one, which was taken.
                _ if ward.ladder.0[step as usize] != Some(when) => {}
                Step::Interrupt => {
                    ward.ending = true;
                    ward.send(SystemSignal::INT);
                }
                Step::Terminate => {
                    ward.ending = true;
                    ward.send(SystemSignal::TERM);
                }
                Step::Kill => {
                    ward.ending = true;
                    self.doomed.push(key);
                }
            }
        }
    }

    /// Kills programs with all their descendants. They are frozen first, so that nothing is born between the look and
    /// the kill; and looked for again until nobody new is found.
    fn kill_doomed(&mut self) {
        let mut keys = std::mem::take(&mut self.doomed);
        // One that has ended meanwhile no longer owns its number.
        keys.iter().for_each(|key| self.reap(*key));
        keys.retain(|key| self.wards.get(key).is_some_and(|ward| ward.ended.is_none()));
        let wards: Vec<&Ward> = keys.iter().filter_map(|key| self.wards.get(key)).collect();
        if wards.is_empty() {
            return;
        }
        let roots: Vec<tree::Root<'_>> =
            wards.iter().map(|ward| tree::Root { leader: Some(ward.number()), mark: &ward.mark }).collect();
        wards.iter().for_each(|ward| ward.send(SystemSignal::STOP));
        let mut frozen = vec![BTreeSet::new(); roots.len()];
        // Bounded, so that a program which breeds faster than we look cannot hold us: the sweep after its end goes on.
        for _ in 0..8 {
            let mut nobody_new = true;
            let found = tree::members(&roots, self.inbox.since);
            nobody_new &= !found.unsure;
            for (frozen, found) in frozen.iter_mut().zip(found.members) {
                for member in found {
                    if frozen.insert(member) {
                        member.send(SystemSignal::STOP);
                        nobody_new = false;
                    }
                }
            }
            if nobody_new {
                break;
            }
        }
        frozen.iter().flatten().for_each(|member| member.send(SystemSignal::KILL));
        for ward in wards {
            // Its process group too: all there is where `/proc` is missing.
            let _ = rustix::process::kill_process_group(ward.pid, SystemSignal::KILL);
            ward.send(SystemSignal::KILL);
        }
        for (key, killed) in keys.iter().zip(frozen) {
            if let Some(ward) = self.wards.get_mut(key) {
                ward.killed.extend(killed);
            }
        }
    }

    /// Learns how a program ended, and either tells or first clears away what it left.
    fn reap(&mut self, key: u64) {
        let Some(ward) = self.wards.get_mut(&key).filter(|ward| ward.ended.is_none()) else { return };
        let exit = match rustix::process::waitpid(Some(ward.pid), WaitOptions::NOHANG) {
            Ok(None) | Err(rustix::io::Errno::INTR) => return,
            Ok(Some((_, status))) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Exit::Code(code),
                (None, Some(signal)) => Exit::Signal(signal),
                (None, None) => return,
            },
            // Reaped by another part of the host, or by the system because the host ignores SIGCHLD.
            Err(_) => Exit::Unknown,
        };
        if let Some(pidfd) = ward.pidfd.take() {
            self.poller.remove(&pidfd, key * 2);
        }
        self.unwatched.remove(&key);
        if let Some(stderr) = ward.stderr.take() {
            // What is in the pipe belongs to the story; what a descendant may write later does not.
            self.poller.remove(&stderr, key * 2 + 1);
            let fate = Arc::clone(&ward.fate);
            let _ = catch_unwind(AssertUnwindSafe(|| stderr.finish(&fate.tail)));
        }
        ward.ended = Some(exit);
        if !ward.mark.is_empty() && (ward.ending || matches!(exit, Exit::Signal(_))) {
            self.steps.insert((Instant::now(), key, Step::Sweep));
        } else {
            self.bury(key);
        }
    }

    /// Kills what programs that are gone have left behind, and tells of their end when nothing is left.
    fn sweep(&mut self, keys: &[u64]) {
        if keys.is_empty() {
            return;
        }
        let wards: Vec<(u64, &Ward)> =
            keys.iter().filter_map(|key| Some((*key, self.wards.get(key)?))).collect();
        let roots: Vec<tree::Root<'_>> =
            wards.iter().map(|(_, ward)| tree::Root { leader: None, mark: &ward.mark }).collect();
        let left = tree::members(&roots, self.inbox.since);
        let unsure = left.unsure;
        let mut clean = Vec::new();
        let mut again = Vec::new();
        for ((key, ward), left) in wards.iter().zip(left.members) {
            left.iter().for_each(|member| member.send(SystemSignal::KILL));
            let gone = left.is_empty() && !unsure && !ward.killed.iter().any(|member| member.lives());
            if gone || ward.sweeps >= SWEEPS {
                clean.push(*key);
            } else {
                again.push((*key, left));
            }
        }
        for key in clean {
            self.bury(key);
        }
        let soon = Instant::now() + SWEEP_AGAIN;
        for (key, killed) in again {
            if let Some(ward) = self.wards.get_mut(&key) {
                ward.sweeps += 1;
                // On its way out it has no environment any more, and lives for another moment.
                ward.killed.extend(killed);
                self.steps.insert((soon, key, Step::Sweep));
            }
        }
    }

    fn bury(&mut self, key: u64) {
        let Some(ward) = self.wards.remove(&key) else { return };
        if let Some(entry) = ward.entry {
            self.guardian.strike(entry);
        }
        for (when, step) in ward.ladder.0.into_iter().zip([Step::Interrupt, Step::Terminate, Step::Kill]) {
            if let Some(when) = when {
                self.steps.remove(&(when, key, step));
            }
        }
        ward.fate.exit.send_replace(Some(ward.ended.unwrap_or(Exit::Unknown)));
    }

    fn read_stderr(&mut self, key: u64) {
        let Some(ward) = self.wards.get_mut(&key) else { return };
        let Some(stderr) = &mut ward.stderr else { return };
        let fate = &ward.fate;
        // The host's function may panic; the keeper may not.
        let open = catch_unwind(AssertUnwindSafe(|| stderr.read(&fate.tail))).unwrap_or(true);
        if !open && let Some(stderr) = ward.stderr.take() {
            self.poller.remove(&stderr, key * 2 + 1);
        }
    }
}
