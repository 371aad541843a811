//! What concerns the whole process: opening a session, the log, and leaving.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use madrigal_bridge as bridge;
use pyo3::prelude::*;

use crate::{
    convert,
    error::call,
    fork::Owner,
    inbox::{Cord, Inbox},
    session::Session,
};

/// The process that opened sessions last: a fork of it has nothing to shut down.
static OPENED: RwLock<Option<Owner>> = RwLock::new(None);

/// Checks the request and starts a session in the background.
#[pyfunction]
pub(crate) fn open(py: Python<'_>, request: &str, inbox: &Inbox) -> PyResult<Session> {
    let cord = Arc::new(Cord::new(inbox));
    let wake = Arc::clone(&cord);
    let number = py.detach(|| bridge::catch(std::panic::AssertUnwindSafe(|| bridge::open(request, wake))));
    let session = call(py, || number).map(|number| Session::new(number, cord))?;
    *OPENED.write().unwrap_or_else(PoisonError::into_inner) = Some(Owner::here());
    Ok(session)
}

/// Ends all sessions and waits, at most `timeout` seconds, until their processes are gone. Does nothing in a process
/// that opened none.
#[pyfunction]
pub(crate) fn shutdown(py: Python<'_>, timeout: f64) -> PyResult<()> {
    if !OPENED.read().unwrap_or_else(PoisonError::into_inner).is_some_and(Owner::is_here) {
        return Ok(());
    }
    let timeout = Duration::try_from_secs_f64(timeout).unwrap_or_default();
    let ended = py.detach(|| {
        bridge::catch(move || {
            bridge::shutdown(timeout);
            Ok(())
        })
    });
    call(py, || ended)
}

/// Carries out work that belongs to no session and returns its result. Blocks without holding the interpreter lock.
#[pyfunction]
pub(crate) fn invoke<'py>(py: Python<'py>, request: &str) -> PyResult<Bound<'py, PyAny>> {
    let result = py.detach(|| bridge::catch(|| bridge::invoke(request)));
    convert::loads(py, &call(py, || result)?)
}

/// Forwards log lines at or above `level` to the inbox, as session 0.
#[pyfunction]
pub(crate) fn set_log_level(py: Python<'_>, level: &str, inbox: &Inbox) -> PyResult<()> {
    call(py, || bridge::set_log_level(level, Some(inbox.bell() as Arc<dyn bridge::Wake>)))
}

/// Takes the waiting log lines.
#[pyfunction]
pub(crate) fn logs(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyAny>>> {
    call(py, || Ok(bridge::logs()))?.iter().map(|text| convert::loads(py, text)).collect()
}

/// The objects for a JSON text, as `json.loads` makes them: the conversion that messages go through.
#[pyfunction]
pub(crate) fn loads<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    convert::loads(py, text)
}
