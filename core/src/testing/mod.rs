//! Stand-ins for the `claude` program, for the tests of this project and for yours.
//!
//! Both play the same scenarios, written as data: see `tests/conformance/README.md` for the format.
//!
//! * [`simulator`] is a process: it is given as `cli_path`, so that starting, piping and killing are tested too.

mod frames;
mod pattern;
mod player;
mod recording;
mod reply;
mod scenario;
pub mod simulator;
mod template;

pub use pattern::matches;
pub use scenario::Scenario;
