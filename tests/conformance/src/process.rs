//! What the system knows about processes: who lives, and how big this one is.

use std::time::Duration;

use rustix::process::{Pid, test_kill_process};
use tokio::time::{Instant, sleep};

use crate::Outcome;

/// Waits until a process is gone; it gets ten seconds.
pub(crate) async fn gone(pid: u32) -> Outcome {
    let deadline = Instant::now() + Duration::from_secs(10);
    while lives(pid) {
        if Instant::now() > deadline {
            return Err(format!("the process {pid} is still alive"));
        }
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

fn lives(pid: u32) -> bool {
    let Some(id) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    // A process that ended but was not yet collected by its parent is not alive.
    test_kill_process(id).is_ok() && state(pid) != Some('Z')
}

/// The state letter of a process, where the system has `/proc`.
fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// The resident memory of this process in bytes, where the system has `/proc`.
pub(crate) fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
