//! Errors become the exception classes of the package: the native half knows no class, it hands the facts of
//! `docs/boundary.md` to `madrigal.errors.from_wire`.

use std::panic::AssertUnwindSafe;

use madrigal_bridge::{Error, Result};
use pyo3::{prelude::*, sync::PyOnceLock};

use crate::convert;

/// The exception object for an error.
pub(crate) fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    static FROM_WIRE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let from_wire = FROM_WIRE.import(py, "madrigal.errors", "from_wire")?;
    from_wire.call1((convert::loads(py, &error.to_json().to_string())?,))
}

/// The error to raise.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    match exception(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// Runs a call into the core; a panic becomes an `internal` error.
pub(crate) fn call<T>(py: Python<'_>, body: impl FnOnce() -> Result<T>) -> PyResult<T> {
    madrigal_bridge::catch(AssertUnwindSafe(body)).map_err(|error| raise(py, &error))
}
