//! A child made by the standard library, without a parent-death signal.

use std::{
    io,
    os::fd::OwnedFd,
    os::unix::{ffi::OsStrExt, process::CommandExt},
    process::Command,
};

use rustix::process::Pid;

use super::{Identity, Spawned, Stdio};
use crate::{
    Error, ErrorKind, Result,
    transport::prepare::{Prepared, Step},
};

/// Starts processes through the standard library.
pub(in crate::transport) struct Spawner;

impl Spawner {
    pub(in crate::transport) fn new() -> Self {
        Self
    }

    /// Starts the program; returns when it runs or was refused.
    pub(in crate::transport) fn spawn(&mut self, prepared: &Prepared, stdio: &Stdio) -> Result<Spawned> {
        let duplicate = |fd: &OwnedFd| {
            fd.try_clone().map_err(|error| prepared.refused(Step::Birth, error.raw_os_error().unwrap_or(0)))
        };
        let mut command = Command::new(&prepared.program);
        let mut args = prepared.args.iter();
        args.next().map(|name| command.arg0(name));
        command.args(args).env_clear().process_group(0);
        for entry in prepared.env.iter() {
            let mut halves =
                entry.as_bytes().splitn(2, |byte| *byte == b'=').map(std::ffi::OsStr::from_bytes);
            if let (Some(name), Some(value)) = (halves.next(), halves.next()) {
                command.env(name, value);
            }
        }
        if let Some(identity) = &prepared.identity {
            become_user(&mut command, identity.clone());
        }
        if let Some(cwd) = &prepared.cwd {
            command.current_dir(cwd);
        }
        command
            .stdin(duplicate(&stdio.stdin)?)
            .stdout(duplicate(&stdio.stdout)?)
            .stderr(duplicate(&stdio.stderr)?);
        let child = command.spawn().map_err(|error| {
            // The standard library does not say which step failed.
            let step = match &prepared.cwd {
                Some(cwd) if !cwd.is_dir() => Step::Directory,
                _ => Step::Program,
            };
            prepared.refused(step, error.raw_os_error().unwrap_or(0))
        })?;
        i32::try_from(child.id())
            .ok()
            .and_then(Pid::from_raw)
            .map(|pid| Spawned { pid, pidfd: None })
            .ok_or_else(|| Error::new(ErrorKind::Internal, "the system gave a process id that is none"))
    }
}

/// The standard library sets the user and its first group, but other groups only in versions that are not released.
fn become_user(command: &mut Command, identity: Identity) {
    // SAFETY: between `fork` and `exec` only system calls are made; nothing is allocated or locked.
    unsafe {
        command.pre_exec(move || {
            let count = identity.groups.len();
            let done = libc::setgroups(count as _, identity.groups.as_ptr()) == 0
                && libc::setgid(identity.gid) == 0
                && libc::setuid(identity.uid) == 0;
            if done { Ok(()) } else { Err(io::Error::last_os_error()) }
        });
    }
}

/// Nothing to do: no memory is shared with children here.
#[cfg(not(target_os = "linux"))]
pub(in crate::transport) fn block_signals() {}
