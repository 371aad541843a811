//! Stand-ins for the `claude` program and for the model behind it, for the tests of this project and for yours.
//!
//! * [`Script`] plays in memory, without a process: for unit tests.
//! * [`simulator`] is a process that plays scenarios written as data (`tests/conformance/README.md` has the format). It is
//!   given as `cli_path`, so that starting, piping and killing are tested too.
//! * [`recorder`] writes a session with the real program down, for the simulator to play again.
//! * `loopback` (feature `loopback`) stands in for the model's HTTP API, so that the real program runs without an account.

mod arguments;
mod frames;
#[cfg(feature = "loopback")]
pub mod loopback;
mod pattern;
mod player;
pub mod recorder;
mod recording;
mod reply;
mod scenario;
mod script;
mod setup;
pub mod simulator;
mod template;

pub use pattern::matches;
pub use scenario::Scenario;
pub use script::Script;
