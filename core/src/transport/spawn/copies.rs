//! Descriptors that a forked copy of the host must not hold.
//!
//! A pipe ends when its last holder lets go. A copy made with `fork` (a worker of Python's `multiprocessing`, say) holds
//! everything its parent held, for as long as it lives: programs of the parent would not see the end of their input, and
//! the guardian would not see the parent die. Close-on-exec does not help with copies that never exec.

use std::{
    os::fd::AsRawFd,
    sync::{
        Once,
        atomic::{AtomicI32, AtomicUsize, Ordering},
    },
};

const NONE: i32 = -1;

/// Enough for every session of a large host; what finds no room is merely not covered.
static HELD: [AtomicI32; 4096] = [const { AtomicI32::new(NONE) }; 4096];
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Covers a descriptor as long as it lives. Must be dropped *before* the descriptor is closed, since its number may be
/// used again at once.
pub(in crate::transport) struct NotForCopies(Option<&'static AtomicI32>);

impl NotForCopies {
    pub(in crate::transport) fn new(fd: &impl AsRawFd) -> Self {
        static ONCE: Once = Once::new();
        // SAFETY: the handler lives as long as this library and does only what is allowed after `fork`. Failure means
        // that there is no memory for it; then copies hold what they inherit, which delays an end and no more.
        ONCE.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(let_go_in_the_copy));
        });
        let fd = fd.as_raw_fd();
        let start = NEXT.fetch_add(1, Ordering::Relaxed);
        let slot = (0..HELD.len())
            .map(|step| &HELD[start.wrapping_add(step) % HELD.len()])
            .find(|slot| slot.compare_exchange(NONE, fd, Ordering::Relaxed, Ordering::Relaxed).is_ok());
        Self(slot)
    }
}

impl Drop for NotForCopies {
    fn drop(&mut self) {
        if let Some(slot) = self.0 {
            slot.store(NONE, Ordering::Relaxed);
        }
    }
}

/// Puts nothing in the place of each descriptor. Its number stays taken: its owner in the copy may still close it.
extern "C" fn let_go_in_the_copy() {
    let mut nothing = NONE;
    for slot in &HELD {
        let fd = slot.load(Ordering::Relaxed);
        if fd == NONE {
            continue;
        }
        // SAFETY: bare system calls, all allowed after `fork`; the path is a constant. The numbers are those of open
        // descriptors: whoever closes one takes it out of the table before.
        unsafe {
            if nothing == NONE {
                nothing = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
            }
            if nothing != NONE && libc::dup2(nothing, fd) >= 0 {
                libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        }
    }
    if nothing != NONE {
        // SAFETY: opened above, known to nobody else.
        unsafe { libc::close(nothing) };
    }
}
