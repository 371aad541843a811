//! Numbers a call cannot work with. Each says so before anything is started: to run a task all the same, as if another number had been
//! given, would hide a mistake.

use crate::{Error, ErrorKind, Result};

/// Checks that an argument is not too small.
pub(super) fn least(field: &'static str, given: usize, least: usize) -> Result<()> {
    if given >= least {
        return Ok(());
    }
    let message = format!("{field}: expected a whole number, {least} or more, not {given}");
    Err(Error::new(ErrorKind::InvalidArgument, message).operation("orchestrate").with("field", field))
}
