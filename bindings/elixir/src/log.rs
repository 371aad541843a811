//! Log lines of the core, for the host's Logger. A wake for session 0 says that some wait.

use madrigal_bridge as bridge;
use rustler::{Encoder, Env, Term};

use crate::{
    atoms, error,
    wake::{Targets, Waker},
};

/// Wakes the caller for log lines at or above `level` from now on.
#[rustler::nif]
fn set_log_level<'a>(env: Env<'a>, level: &str) -> Term<'a> {
    error::returning(env, || {
        bridge::set_log_level(level, Some(std::sync::Arc::new(Waker(Targets::new(env.pid())))))?;
        Ok(atoms::ok().encode(env))
    })
}

#[rustler::nif]
fn logs() -> Vec<String> {
    bridge::logs()
}
