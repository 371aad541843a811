//! Starts a process: the only unsafe code of the engine.
//!
//! The standard library cannot set a parent-death signal without copying the address space of the host, which costs
//! milliseconds in a large one. So on Linux the child is made with `clone(CLONE_VM | CLONE_VFORK)`: it borrows our memory
//! on a stack of its own while the calling thread stands still, and does nothing but system calls until it becomes the
//! program. Elsewhere the standard library does the work and there is no parent-death signal.
//!
//! Must be called from a thread that lives as long as the process: the parent-death signal is bound to the *thread*.
#![allow(unsafe_code)]

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
};

use rustix::process::Pid;

mod copies;
pub(super) use copies::NotForCopies;
mod identity;
pub(super) use identity::Identity;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(super) use linux::{Spawner, block_signals};

// Also compiled for tests everywhere, so that it cannot rot.
#[cfg(any(test, not(target_os = "linux")))]
mod portable;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::{Spawner, block_signals};

/// The child's ends of its three pipes.
pub(super) struct Stdio {
    pub(super) stdin: OwnedFd,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
}

/// A process that has become the program.
pub(super) struct Spawned {
    pub(super) pid: Pid,
    /// Becomes readable when the process ends. `None` where the system has no such thing.
    pub(super) pidfd: Option<OwnedFd>,
}

/// Lifts a descriptor out of the range of the standard streams, so that moving it there cannot overwrite another.
pub(super) fn above_standard_streams(fd: OwnedFd) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() > 2 { Ok(fd) } else { Ok(rustix::io::fcntl_dupfd_cloexec(&fd, 3)?) }
}

#[cfg(test)]
mod tests;
