//! How Python learns that something waits: one byte on a socket that its event loop watches.
//!
//! An event loop has one inbox for all its sessions. The threads of the core put the number of a session on the list;
//! the byte is written when the list was empty, so at most one is on its way and a busy stream costs no system calls.

use std::{
    io::{ErrorKind, Read, Write},
    mem,
    os::{fd::AsRawFd as _, unix::net::UnixStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use madrigal_bridge::{SessionId, Wake};
use pyo3::{exceptions::PyOSError, prelude::*};

/// What the threads of the core see of an inbox. It knows nothing of Python.
pub(crate) struct Bell {
    ready: Mutex<Vec<SessionId>>,
    // `None` when the inbox is closed.
    writer: Mutex<Option<UnixStream>>,
}

impl Wake for Bell {
    fn wake(&self, session: SessionId) {
        let first = {
            let mut ready = held(&self.ready);
            ready.push(session);
            ready.len() == 1
        };
        if first && let Some(writer) = &mut *held(&self.writer) {
            // A full socket has a byte waiting already; one that Python closed has nobody to wake.
            let _ = writer.write(&[0]);
        }
    }
}

/// How one session rings: at the bell of its event loop, or at that of the loop it was moved to.
pub(crate) struct Cord(Mutex<Arc<Bell>>);

impl Cord {
    pub(crate) fn new(inbox: &Inbox) -> Self {
        Self(Mutex::new(Arc::clone(&inbox.bell)))
    }

    /// From now on it rings there.
    pub(crate) fn hang(&self, inbox: &Inbox) {
        *held(&self.0) = Arc::clone(&inbox.bell);
    }
}

impl Wake for Cord {
    fn wake(&self, session: SessionId) {
        let bell = Arc::clone(&held(&self.0));
        bell.wake(session);
    }
}

/// The list of sessions that have something to take, and a descriptor that is readable when it is not empty.
#[pyclass(frozen, module = "madrigal._native")]
pub(crate) struct Inbox {
    bell: Arc<Bell>,
    reader: Mutex<Option<UnixStream>>,
}

impl Inbox {
    pub(crate) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }
}

#[pymethods]
impl Inbox {
    #[new]
    fn new() -> PyResult<Self> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Self {
            bell: Arc::new(Bell { ready: Mutex::default(), writer: Mutex::new(Some(writer)) }),
            reader: Mutex::new(Some(reader)),
        })
    }

    /// The descriptor to watch.
    fn fileno(&self) -> PyResult<i32> {
        match &*held(&self.reader) {
            Some(reader) => Ok(reader.as_raw_fd()),
            None => Err(PyOSError::new_err("the inbox is closed")),
        }
    }

    /// Takes the numbers of the sessions that have something; 0 stands for the log.
    fn take(&self) -> Vec<SessionId> {
        // First the bytes, then the list: the other way round, the byte of a later entry could be eaten.
        if let Some(reader) = &mut *held(&self.reader) {
            let mut bytes = [0; 16];
            loop {
                match reader.read(&mut bytes) {
                    Ok(count) if count == bytes.len() => {}
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    _ => break,
                }
            }
        }
        mem::take(&mut *held(&self.bell.ready))
    }

    /// Closes the descriptor. Later wakes go nowhere.
    fn close(&self) {
        drop(held(&self.bell.writer).take());
        drop(held(&self.reader).take());
    }
}

/// A list of numbers is whole whatever happened to the thread that held it.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
