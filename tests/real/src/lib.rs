//! The cases of this folder in Rust: the real `claude`, the loopback API, a home and a directory of its own for each. The
//! README beside this crate says what a case is.

mod case;
mod place;
pub mod process;
mod wiretap;

pub use case::{Case, cases, flows};
pub use place::{Place, cli};
pub use wiretap::Wiretap;
