//! The parts of the core that read what others wrote. A target panics when something is wrong.
//!
//! They use what the core offers to everybody, so that this file can be part of its tests, too.

pub mod control;
pub mod framing;
pub mod messages;
mod program;
pub mod transcripts;
