//! Processes started ahead of need, so that a run does not wait for the program to start.
//!
//! An [`Orchestrator`](crate::orchestrate::Orchestrator) with a [`PoolConfig`] keeps some: each was started with everything that is
//! known before a prompt, has answered `initialize` and waits. A run whose start would be the same in every respect takes one; every
//! other run starts its own program. A process serves one run, unless [`recycle`](PoolConfig::recycle) says otherwise. How a run
//! began stands in its outcome and its progress: [`Start`].

mod clear;
mod config;
mod kind;
mod memory;
mod processes;
mod run;
mod shelf;
mod suits;
mod tend;
mod witness;

use std::fmt;

use serde::Serialize;

pub use config::PoolConfig;
pub(crate) use processes::{Event, Pool};
pub(crate) use run::{Heard, Running};

/// How the program of a run came to be there.
///
/// ```
/// use madrigal::pool::Start;
/// assert_eq!(Start::Prewarmed.to_string(), "prewarmed");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// It was started for this run.
    Cold,
    /// It was there, and had never seen a prompt.
    Prewarmed,
    /// It was there, and had forgotten the run before.
    Recycled,
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cold => "cold",
            Self::Prewarmed => "prewarmed",
            Self::Recycled => "recycled",
        })
    }
}
