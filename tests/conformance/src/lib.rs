//! The Rust runner of the shared scenarios: carries out their `host` half over the public API of `madrigal`, against
//! the simulator as a real process. The README beside this crate says what each step means.

mod asks;
mod authority;
mod calls;
mod disk;
mod observed;
mod orchestrators;
mod place;
mod policies;
mod process;
mod protocol_page;
mod steps;
mod store;
mod through;

pub use place::{known_failing, scenarios, simulator};
pub use protocol_page::protocol_page;
pub use steps::{Program, play};

use serde_json::Value;

/// Why a scenario failed, with the place in it.
pub type Outcome<T = ()> = Result<T, String>;

/// One scenario file.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name, also that of its file.
    pub name: String,
    /// Where it is.
    pub path: std::path::PathBuf,
    /// What is in it.
    pub value: Value,
}
