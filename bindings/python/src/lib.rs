//! The native half of the Python package: `madrigal._native`.
//!
//! It translates strings, wakes and lifetimes; the contract is `docs/boundary.md`. Two rules keep it safe: a thread of
//! the core never calls Python and never waits for the interpreter lock, and a wait on the Python side carries no data.

mod convert;
mod error;
mod fork;
mod inbox;
mod keys;
mod message;
mod runtime;
mod session;

use pyo3::prelude::*;

/// What `madrigal` is built on. Private: the public names are in the package.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::inbox::Inbox;
    #[pymodule_export]
    use super::runtime::{invoke, loads, logs, open, set_log_level, shutdown};
    #[pymodule_export]
    use super::session::Session;
    use super::{Bound, PyModule, PyModuleMethods as _, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("VERSION", madrigal_bridge::VERSION)
    }
}
