//! Many queries under control: side by side, one after the other, against each other.
//!
//! An [`Orchestrator`] holds the limits; its calls run [`Task`]s and give an [`Outcome`] for each. Whatever a call starts is gone
//! when it returns or is dropped, and every task has exactly one outcome that says why it ended as it did.
//!
//! | Call | Runs |
//! |---|---|
//! | [`run`](Orchestrator::run) | one task, again when it fails and may |
//! | [`parallel`](Orchestrator::parallel) | tasks side by side |
//! | [`pipeline`](Orchestrator::pipeline) | steps one after the other, each told what the one before said |
//! | [`race`](Orchestrator::race) | tasks until one is answered |
//! | [`vote`](Orchestrator::vote) | tasks until most agree |
//! | [`map_reduce`](Orchestrator::map_reduce) | tasks, then their answers brought together |
//! | [`until`](Orchestrator::until) | one session again and again until its answer is good |

mod attempt;
mod candidate;
mod config;
mod flow;
mod gate;
mod hedged;
mod item;
mod layer;
mod least;
#[cfg(test)]
mod limit_tests;
mod map_reduce;
mod orchestrator;
mod outcome;
mod parallel;
mod pipeline;
mod prefix;
mod progress;
mod race;
#[cfg(test)]
mod random_calls;
mod spending;
mod stagger;
mod stats;
mod task;
#[cfg(test)]
mod tests;
mod totals;
mod until;
mod vote;

pub use candidate::Candidate;
pub use config::OrchestratorConfig;
pub use map_reduce::MapReduceOutcome;
pub use orchestrator::Orchestrator;
pub use outcome::{Outcome, Run};
pub use parallel::{OnError, Parallel};
pub use pipeline::{Pipeline, Step};
pub use progress::{Progress, ProgressStream, Stage};
pub use race::{Race, RaceOutcome};
pub use stats::Stats;
pub use task::Task;
pub use until::{UntilOutcome, Verdict};
pub use vote::{Quorum, Vote, VoteOutcome};
