//! What the exit codes mean: scripts decide by them, so they stay as they are.

use madrigal::{Error, ErrorKind};

/// The turn failed, or `doctor` found something wrong.
pub(crate) const FAILED: u8 = 1;
/// The command line, an option or the prompt was not understood.
pub(crate) const USAGE: u8 = 2;
/// There is no `claude`, or it is too old.
pub(crate) const NO_CLI: u8 = 3;
/// Nobody is logged in, or the credentials were refused.
pub(crate) const AUTH: u8 = 4;
/// A limit of time was reached.
pub(crate) const TIMEOUT: u8 = 5;
/// `claude` could not be started, ended too early, or did not keep to its protocol.
pub(crate) const PROGRAM: u8 = 6;
/// Stopped by Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;

/// The table for `--help`.
pub(crate) const HELP: &str = "Exit codes:
  0    everything went well
  1    the turn failed, or doctor found something wrong
  2    the command line, an option or the prompt was not understood
  3    there is no `claude`, or it is too old
  4    nobody is logged in, or the credentials were refused
  5    a limit of time was reached
  6    `claude` could not be started, ended too early, or broke its protocol
  130  stopped by Ctrl-C";

/// The code for an error.
pub(crate) fn code(error: &Error) -> u8 {
    match error.kind() {
        ErrorKind::InvalidOptions | ErrorKind::InvalidArgument => USAGE,
        ErrorKind::CliNotFound | ErrorKind::CliVersion => NO_CLI,
        ErrorKind::Auth => AUTH,
        ErrorKind::Timeout => TIMEOUT,
        ErrorKind::Cancelled => INTERRUPTED,
        ErrorKind::SpawnFailed
        | ErrorKind::ProcessExited
        | ErrorKind::Protocol
        | ErrorKind::Control
        | ErrorKind::Overflow => PROGRAM,
        _ => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_about_the_command_has_the_same_table() {
        assert!(include_str!("../../../docs/cli.md").contains(HELP));
    }

    #[test]
    fn every_code_is_in_the_help() {
        for code in
            ErrorKind::ALL.map(|kind| code(&Error::new(kind, ""))).into_iter().chain([USAGE, INTERRUPTED])
        {
            assert!(HELP.lines().any(|line| line.trim_start().starts_with(&format!("{code} "))), "{code}");
        }
    }
}
