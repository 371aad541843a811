//! Many answers made into one: in groups, so that no prompt has to hold them all, until one is left.

use std::{future::Future, sync::Arc};

use super::{
    Outcome, Task,
    flow::{Flow, known},
    least::least,
    orchestrator::Shared,
};
use crate::{Error, ErrorKind, Result};

/// How answers were brought together.
#[derive(Clone, Debug)]
pub struct MapReduceOutcome {
    /// The last answer, of everything; absent when there was nothing to bring together.
    pub outcome: Option<Outcome>,
    /// What became of the tasks, in their order.
    pub mapped: Vec<Outcome>,
    /// What became of the groups, level by level, without the last.
    pub reduced: Vec<Outcome>,
    /// Why there is no answer.
    pub error: Option<Error>,
}

pub(super) struct MapReduce<I, F> {
    pub(super) tasks: I,
    pub(super) reduce: F,
    /// How many answers one group has at most; at least 2.
    pub(super) fan_in: usize,
    pub(super) limit: usize,
}

impl<I, F, R> MapReduce<I, F>
where
    I: IntoIterator,
    I::Item: Into<Task>,
    I::IntoIter: Send + 'static,
    F: FnMut(Vec<Outcome>) -> R + Send,
    R: Future<Output = Result<Task>> + Send,
{
    pub(super) async fn run(mut self, shared: &Arc<Shared>) -> MapReduceOutcome {
        if let Err(error) = least("fan_in", self.fan_in, 2) {
            let (mapped, reduced) = (Vec::new(), Vec::new());
            return MapReduceOutcome { outcome: None, mapped, reduced, error: Some(error) };
        }
        let flow = Flow::new(shared, "map_reduce");
        let mapped = run_in_order(&flow, known(self.tasks), self.limit, 0).await;
        let mut reduced: Vec<Outcome> = Vec::new();
        let mut next_index = mapped.len();
        let mut answers: Vec<Outcome> =
            mapped.iter().filter(|outcome| outcome.is_success()).cloned().collect();
        let mut error = None;
        if answers.is_empty() {
            error = Some(mapped.iter().find_map(Outcome::error).cloned().unwrap_or_else(|| {
                Error::new(ErrorKind::InvalidArgument, "tasks: expected at least one").operation("map_reduce")
            }));
        }
        let mut first = true;
        // Also a single answer is brought into the form of the whole.
        while error.is_none() && (answers.len() > 1 || first) {
            first = false;
            let mut tasks = Vec::new();
            for group in groups(answers, self.fan_in) {
                match (self.reduce)(group).await {
                    Ok(task) => tasks.push(task),
                    Err(failed) => {
                        error = Some(failed);
                        break;
                    }
                }
            }
            if error.is_some() {
                answers = Vec::new();
                break;
            }
            answers = run_in_order(&flow, known(tasks), self.limit, next_index).await;
            next_index += answers.len();
            // Bringing together less than everything without saying so would be a wrong answer.
            error = answers.iter().find_map(Outcome::error).cloned();
            if answers.len() > 1 || error.is_some() {
                reduced.extend(answers.iter().cloned());
            }
        }
        let outcome = if error.is_none() { answers.pop() } else { None };
        MapReduceOutcome { outcome, mapped, reduced, error }
    }
}

async fn run_in_order(flow: &Flow, source: super::flow::Source, limit: usize, first: usize) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let mut batch = flow.batch(source, limit, first);
    while let Some(outcome) = batch.next().await {
        outcomes.push(outcome);
    }
    outcomes.sort_by_key(|outcome| outcome.run().index);
    outcomes
}

/// Groups of nearly the same size, none larger than `fan_in`.
fn groups(answers: Vec<Outcome>, fan_in: usize) -> Vec<Vec<Outcome>> {
    let count = answers.len().div_ceil(fan_in);
    let (size, larger) = (answers.len() / count.max(1), answers.len() % count.max(1));
    let mut answers = answers.into_iter();
    (0..count).map(|group| answers.by_ref().take(size + usize::from(group < larger)).collect()).collect()
}
