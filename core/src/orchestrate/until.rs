//! The same session asked again until its answer is good.

use std::{future::Future, pin::Pin, sync::Arc};

use super::{Outcome, Task, flow::Flow, least::least, orchestrator::Shared};
use crate::{Error, ErrorKind, Prompt, Result};

/// What is made of an answer.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It is good: this is the end.
    Done,
    /// The session is asked this.
    Again(Prompt),
}

/// How a loop ended.
#[derive(Clone, Debug)]
pub struct UntilOutcome {
    /// Whether the last answer was found good.
    pub done: bool,
    /// What became of each round.
    pub outcomes: Vec<Outcome>,
    /// Why it ended otherwise: the rounds were used up, a round was not answered, the judge failed; or no round was allowed, and
    /// none was begun.
    pub error: Option<Error>,
}

pub(super) async fn until<F, R>(shared: &Arc<Shared>, task: Task, rounds: usize, mut judge: F) -> UntilOutcome
where
    F: FnMut(Outcome) -> R + Send,
    R: Future<Output = Result<Verdict>> + Send,
{
    let ended = |done, outcomes, error| UntilOutcome { done, outcomes, error };
    if let Err(error) = least("rounds", rounds, 1) {
        return ended(false, Vec::new(), Some(error));
    }
    let flow = Flow::new(shared, "until");
    let mut outcomes = Vec::new();
    let mut next = task;
    for index in 0..rounds {
        let outcome = flow.run(index, next.clone()).await;
        let session = outcome.run().session_id.clone();
        let failed = outcome.error().cloned();
        outcomes.push(outcome);
        if failed.is_some() {
            return ended(false, outcomes, failed);
        }
        let verdict: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(judge(outcomes[index].clone()));
        match verdict.await {
            Ok(Verdict::Done) => return ended(true, outcomes, None),
            Ok(Verdict::Again(prompt)) => {
                next.prompt = prompt;
                let mut options = next.options.take().unwrap_or_default();
                options.resume = session;
                options.session_id = None;
                options.continue_session = false;
                next.options = Some(options);
            }
            Err(error) => return ended(false, outcomes, Some(error)),
        }
    }
    let message = format!("no answer was found good in {} rounds", outcomes.len());
    let error = Error::new(ErrorKind::TurnFailed, message).operation("until").with("rounds", outcomes.len());
    ended(false, outcomes, Some(error))
}
