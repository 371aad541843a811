//! With `poll` and a pipe, where there is no epoll.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Mutex,
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::transport::inbox::lock;

/// A set of descriptors, each known by a number.
pub(in crate::transport) struct Poller {
    // Copies of the descriptors: a set must not depend on what its user closes when.
    watched: Mutex<BTreeMap<u64, OwnedFd>>,
}

impl Poller {
    pub(in crate::transport) fn new() -> io::Result<Self> {
        Ok(Self { watched: Mutex::new(BTreeMap::new()) })
    }

    /// Reports `token` whenever the descriptor can be read or is at its end.
    pub(in crate::transport) fn add(&self, fd: impl AsFd, token: u64) -> io::Result<()> {
        lock(&self.watched).insert(token, fd.as_fd().try_clone_to_owned()?);
        Ok(())
    }

    /// Ends the reports of this token.
    pub(in crate::transport) fn remove(&self, _fd: impl AsFd, token: u64) {
        lock(&self.watched).remove(&token);
    }

    /// Waits for at most this long and hands over the tokens of all that are ready.
    pub(in crate::transport) fn wait(&self, timeout: Option<Duration>, ready: &mut Vec<u64>) {
        let watched = lock(&self.watched);
        let mut fds: Vec<PollFd<'_>> = watched.values().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        if poll(&mut fds, timeout.as_ref()).is_ok() {
            let tokens = watched.keys().zip(&fds).filter(|(_, fd)| !fd.revents().is_empty());
            ready.extend(tokens.map(|(token, _)| *token));
        }
    }
}

/// Wakes the thread that waits.
pub(in crate::transport) struct Bell {
    reader: io::PipeReader,
    writer: io::PipeWriter,
}

impl Bell {
    pub(in crate::transport) fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        rustix::io::ioctl_fionbio(&reader, true)?;
        rustix::io::ioctl_fionbio(&writer, true)?;
        Ok(Self { reader, writer })
    }

    pub(in crate::transport) fn ring(&self) {
        // It can only fail when it rings already.
        let _ = (&self.writer).write(&[1]);
    }

    pub(in crate::transport) fn silence(&self) {
        while (&self.reader).read(&mut [0; 64]).is_ok_and(|count| count == 64) {}
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
