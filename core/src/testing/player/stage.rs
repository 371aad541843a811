//! Where a scenario is played: everything that is different in a process and in memory.

use std::{future::Future, time::Duration};

use crate::testing::scenario::Sig;

/// Where a scenario is played.
pub(crate) trait Stage: Send {
    /// The next thing that happens, waiting as told. `End` comes once.
    fn next(&mut self, wait: Wait) -> impl Future<Output = Event> + Send;
    /// Writes to the host. A host that closed its end is no error: the real program lives on, too.
    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = ()> + Send;
    /// Writes to stderr.
    fn stderr(&mut self, text: &str);
    /// Stops listening for good and sleeps.
    fn hang(&mut self) -> impl Future<Output = ()> + Send;
    /// How long it has been played.
    fn elapsed(&self) -> Duration;
    /// Ignores a signal from now on.
    fn ignore(&mut self, signal: Sig);
    /// Starts a process that sleeps and returns its id.
    fn spawn(&mut self, new_session: bool, ignore: &[Sig]) -> Result<u32, String>;
    /// The arguments, without the program.
    fn args(&self) -> &[String];
    /// A variable of the environment.
    fn env(&self, name: &str) -> Option<String>;
}

/// How long to wait for an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wait {
    Not,
    For(Duration),
    Forever,
}

/// What can happen to a player.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    /// The host wrote a line; without its newline.
    Line(Vec<u8>),
    /// The host ended the input.
    End,
    /// SIGINT.
    Interrupted,
    /// Nothing in the time given.
    Nothing,
}

/// How a play ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Code(i32),
    Signal(i32),
}
