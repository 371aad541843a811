//! One session as Python sees it: a number of the bridge, the process it belongs to, and nothing else.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use madrigal_bridge::{self as bridge, Batch, Close, Item, SessionId, Wake as _};
use pyo3::{prelude::*, types::PyList};

use crate::{
    convert,
    error::{call, exception},
    fork::Owner,
    inbox::{Cord, Inbox},
    keys::{self, Keys},
    message,
};

/// A handle. Dropping it ends a session that is still open.
#[pyclass(frozen, module = "madrigal._native")]
pub(crate) struct Session {
    number: SessionId,
    owner: Owner,
    cord: Arc<Cord>,
    // What was drained but stands behind an error that Python must see first.
    behind: Mutex<Behind>,
}

#[derive(Default)]
struct Behind {
    items: VecDeque<Item>,
    end: Option<serde_json::Value>,
}

/// Messages, the error after them, the end of the stream after both.
type Drained<'py> = (Bound<'py, PyList>, Option<Bound<'py, PyAny>>, Option<Bound<'py, PyAny>>);

impl Session {
    pub(crate) fn new(number: SessionId, cord: Arc<Cord>) -> Self {
        Self { number, owner: Owner::here(), cord, behind: Mutex::default() }
    }
}

#[pymethods]
impl Session {
    /// The number under which an inbox names this session.
    #[getter]
    fn number(&self) -> SessionId {
        self.number
    }

    /// Has another inbox name this session from now on; whatever waits is named there at once.
    fn move_to(&self, inbox: &Inbox) {
        self.cord.hang(inbox);
        self.cord.wake(self.number);
    }

    /// Hands over a command as JSON text; its outcome arrives as a signal.
    fn submit(&self, py: Python<'_>, command: &str) -> PyResult<()> {
        call(py, || {
            self.owner.check()?;
            bridge::submit(self.number, command)
        })
    }

    /// The answer of a policy as JSON text. The interpreter lock is not held: a budget may write to its ledger.
    fn decide(&self, py: Python<'_>, question: &str) -> PyResult<String> {
        call(py, || {
            self.owner.check()?;
            bridge::decide(self.number, question)
        })
    }

    /// Takes all waiting signals.
    fn signals<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let texts = call(py, || {
            self.owner.check()?;
            bridge::signals(self.number)
        })?;
        texts.iter().map(|text| convert::loads(py, text)).collect()
    }

    /// Takes up to `limit` messages, stopping behind an error: `(messages, error, end)`.
    fn drain<'py>(&self, py: Python<'py>, limit: usize) -> PyResult<Drained<'py>> {
        let mut taken = std::mem::take(&mut *self.behind.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.items.is_empty() && taken.end.is_none() {
            let Batch { items, end } = call(py, || {
                self.owner.check()?;
                bridge::drain(self.number, limit)
            })?;
            taken = Behind { items: items.into(), end };
        }
        let mut shared = keys::shared();
        let mut own = Keys::default();
        let keys = shared.as_deref_mut().unwrap_or(&mut own);
        let mut messages = Vec::with_capacity(taken.items.len());
        let mut error = None;
        while let Some(item) = taken.items.pop_front() {
            match item {
                Item::Message(message) => messages.push(message::object(py, &message, keys)?),
                Item::Error(found) => {
                    error = Some(found);
                    break;
                }
            }
        }
        drop(shared);
        let error = error.map(|error| exception(py, &error)).transpose()?;
        let mut end = None;
        if taken.items.is_empty() {
            end = taken.end.take().map(|end| convert::loads(py, &end.to_string())).transpose()?;
        }
        *self.behind.lock().unwrap_or_else(PoisonError::into_inner) = taken;
        Ok((PyList::new(py, messages)?, error, end))
    }

    /// Ends the session and returns at once; harmless when it has ended.
    fn close(&self, py: Python<'_>, graceful: bool) -> PyResult<()> {
        let how = if graceful { Close::Graceful } else { Close::Now };
        call(py, || {
            if self.owner.is_here() {
                bridge::close(self.number, how);
            }
            Ok(())
        })
    }

    /// Forgets the session, ending it when it is still open.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        call(py, || {
            if self.owner.is_here() {
                bridge::release(self.number);
            }
            Ok(())
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.owner.is_here() {
            let number = self.number;
            let _ = bridge::catch(move || {
                bridge::release(number);
                Ok(())
            });
        }
    }
}
