//! Finds the processes of a session: children of children, and those that went their own way.
//!
//! Tools run in sessions of their own and are handed to the system's first process when the program dies, so neither the
//! process group nor the parent links are enough. Every descendant inherits a variable that names its session, however,
//! and `/proc` shows it. Without `/proc` nothing is found here, and the process group is all there is.

use std::{collections::HashMap, fs, io::ErrorKind};

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process},
};

use super::prepare::SESSION_VARIABLE;

/// Whose processes are sought.
pub(super) struct Root<'a> {
    /// Its process, when that is known to live: its descendants belong to it.
    pub(super) leader: Option<u32>,
    /// The name that its descendants inherit.
    pub(super) mark: &'a str,
}

/// A process, told apart from a later one with the same number by its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) pid: u32,
    start: u64,
}

impl Member {
    /// Whether it still runs; a zombie does not.
    pub(super) fn lives(self) -> bool {
        stat(self.pid).is_some_and(|(state, _, start)| alive(state) && start == self.start)
    }

    /// Sends it a signal; nothing happens when it is gone or not ours to signal.
    pub(super) fn send(self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }
}

struct Entry {
    pid: u32,
    parent: u32,
    start: u64,
}

/// What one look at the system found.
pub(super) struct Found {
    /// All living processes that belong to each root, without their leaders.
    pub(super) members: Vec<Vec<Member>>,
    /// Whether some process was just becoming another program. For that moment the system shows no environment for it, so
    /// whose it is can only be told by looking again.
    pub(super) unsure: bool,
}

/// The processes of each root, in one pass over `/proc` for all of them.
///
/// `since` is the start of this host on the clock of `/proc`: what is older cannot be a descendant.
pub(super) fn members(roots: &[Root<'_>], since: u64) -> Found {
    let me = std::process::id();
    let marks: HashMap<&str, usize> = roots.iter().enumerate().map(|(at, root)| (root.mark, at)).collect();
    let mut owner: HashMap<u32, usize> =
        roots.iter().enumerate().filter_map(|(at, root)| Some((root.leader?, at))).collect();
    let leaders: Vec<u32> = owner.keys().copied().collect();
    let entries = census(since);
    let mut unsure = false;
    for entry in &entries {
        if entry.pid == me || owner.contains_key(&entry.pid) {
            continue;
        }
        match mark_of(entry.pid, &marks) {
            Mark::Of(at) => drop(owner.insert(entry.pid, at)),
            Mark::Unknown if entry.parent != KERNEL => unsure = true,
            _ => {}
        }
    }
    // Children of members are members: repeat until nobody joins, since entries come in no useful order.
    loop {
        let before = owner.len();
        for entry in &entries {
            if entry.pid != me
                && !owner.contains_key(&entry.pid)
                && let Some(at) = owner.get(&entry.parent).copied()
            {
                owner.insert(entry.pid, at);
            }
        }
        if owner.len() == before {
            break;
        }
    }
    let mut members = vec![Vec::new(); roots.len()];
    for Entry { pid, start, .. } in entries {
        if let Some(at) = owner.get(&pid).filter(|_| !leaders.contains(&pid)) {
            members[*at].push(Member { pid, start });
        }
    }
    Found { members, unsure }
}

/// When a process was started, on the clock of `/proc`. `None` when it is gone or there is no `/proc`.
pub(super) fn start_time(pid: u32) -> Option<u64> {
    stat(pid).map(|(_, _, start)| start)
}

fn stat(pid: u32) -> Option<(u8, u32, u64)> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// A zombie is dead; only its parent can remove it.
fn alive(state: u8) -> bool {
    !matches!(state, b'Z' | b'X')
}

fn census(since: u64) -> Vec<Entry> {
    let Ok(listing) = fs::read_dir("/proc") else { return Vec::new() };
    listing
        .filter_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let (state, parent, start) = stat(pid)?;
            (alive(state) && start >= since && pid > 1).then_some(Entry { pid, parent, start })
        })
        .collect()
}

/// State, parent and start time. The name before them may hold anything, also spaces and parentheses.
fn parse_stat(stat: &[u8]) -> Option<(u8, u32, u64)> {
    let end_of_name = memchr::memrchr(b')', stat)?;
    let mut fields = std::str::from_utf8(stat.get(end_of_name + 1..)?).ok()?.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let parent = fields.next()?.parse().ok()?;
    // Field 22 of the line; the state is field 3.
    let start = fields.nth(17)?.parse().ok()?;
    Some((state, parent, start))
}

/// The parent of the kernel's own threads, which have neither arguments nor environment.
const KERNEL: u32 = 2;

/// Whose a process is.
enum Mark {
    Of(usize),
    Nobodys,
    /// It became another program while we read, or is about to: what was read is not all, or belongs to neither.
    Unknown,
}

/// Which of these sessions a process belongs to, by its inherited variable. The value lists outer sessions first.
fn mark_of(pid: u32, marks: &HashMap<&str, usize>) -> Mark {
    let environment = match fs::read(format!("/proc/{pid}/environ")) {
        Ok(environment) => environment,
        // Gone, or of another user.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
            return Mark::Nobodys;
        }
        Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => return Mark::Nobodys,
        Err(_) => return Mark::Unknown,
    };
    let found = environment.split(|byte| *byte == 0).find_map(|entry| {
        let value = entry.strip_prefix(SESSION_VARIABLE.as_bytes())?.strip_prefix(b"=")?;
        std::str::from_utf8(value).ok()?.split(',').find_map(|mark| marks.get(mark).copied())
    });
    match found {
        Some(at) => Mark::Of(at),
        None if read_whole(pid, environment.len()) => Mark::Nobodys,
        None => Mark::Unknown,
    }
}

/// Whether this many bytes are the whole environment of a process that is not between two programs. True of one that is
/// gone, too.
fn read_whole(pid: u32, length: usize) -> bool {
    let Ok(stat) = fs::read(format!("/proc/{pid}/stat")) else { return true };
    let fields = || {
        let fields = stat.get(memchr::memrchr(b')', &stat)? + 1..)?;
        let mut fields = std::str::from_utf8(fields).ok()?.split_ascii_whitespace();
        let state = *fields.next()?.as_bytes().first()?;
        // Fields 50 and 51 of the line: where the environment begins and ends. Both are 0 until it is laid out.
        let start: u64 = fields.nth(46)?.parse().ok()?;
        let end: u64 = fields.next()?.parse().ok()?;
        Some((state, start, end))
    };
    fields().is_none_or(|(state, start, end)| {
        // While it is laid out it looks empty for an instant, of one who is at work. Who sleeps has none.
        let settled = length > 0 || !matches!(state, b'R' | b'D');
        !alive(state) || (settled && end != 0 && end.checked_sub(start) == u64::try_from(length).ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_does_not_confuse_the_reader() {
        let line = b"42 (a) R 1 (b) S 7 42 42 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 12345 1 1\n";
        assert_eq!(parse_stat(line), Some((b'S', 7, 12345)));
        assert_eq!(parse_stat(b"42 (short) S"), None);
        assert_eq!(parse_stat(b""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_a_start_and_is_never_a_member() {
        let me = std::process::id();
        let start = start_time(me).unwrap();
        let parent = rustix::process::getppid().unwrap().as_raw_nonzero().get();
        let parent = u32::try_from(parent).unwrap();
        let found = members(&[Root { leader: Some(parent), mark: "no such mark" }], start);
        assert!(!found.members[0].iter().any(|member| member.pid == me));
    }
}
