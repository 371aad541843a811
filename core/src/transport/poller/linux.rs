//! With epoll, whose cost does not grow with the number of descriptors, and an eventfd.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};

/// A set of descriptors, each known by a number.
pub(in crate::transport) struct Poller {
    epoll: OwnedFd,
}

impl Poller {
    pub(in crate::transport) fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(epoll::CreateFlags::CLOEXEC)? })
    }

    /// Reports `token` whenever the descriptor can be read or is at its end.
    pub(in crate::transport) fn add(&self, fd: impl AsFd, token: u64) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, fd, epoll::EventData::new_u64(token), epoll::EventFlags::IN)?)
    }

    /// Must be called before the descriptor is closed: a copy elsewhere would keep it in the set.
    pub(in crate::transport) fn remove(&self, fd: impl AsFd, _token: u64) {
        let _ = epoll::delete(&self.epoll, fd);
    }

    /// Waits for at most this long and hands over the tokens of all that are ready.
    pub(in crate::transport) fn wait(&self, timeout: Option<Duration>, ready: &mut Vec<u64>) {
        // Rounded up to milliseconds: waking early would spin.
        let timeout = timeout.map(|timeout| {
            let ms = i64::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::from(i32::MAX));
            Timespec { tv_sec: ms / 1000, tv_nsec: (ms % 1000) * 1_000_000 }
        });
        let mut events = [const { MaybeUninit::uninit() }; 256];
        // Interrupted is as good as nothing ready: the caller looks again.
        if let Ok((events, _)) = epoll::wait(&self.epoll, &mut events, timeout.as_ref()) {
            ready.extend(events.iter().map(|event| event.data.u64()));
        }
    }
}

/// Wakes the thread that waits.
pub(in crate::transport) struct Bell(OwnedFd);

impl Bell {
    pub(in crate::transport) fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    pub(in crate::transport) fn ring(&self) {
        // It can only fail when it rings already.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    pub(in crate::transport) fn silence(&self) {
        let _ = rustix::io::read(&self.0, &mut [0_u8; 8]);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}
