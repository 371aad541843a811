//! One question asked several times: what most say is taken for the answer.

use std::{
    collections::HashMap,
    future::{Future, IntoFuture},
    pin::Pin,
    sync::Arc,
};

use super::{
    Outcome, Task,
    flow::{Flow, known},
    orchestrator::Shared,
};
use crate::{Error, ErrorKind, Result};

/// When an answer has won.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quorum {
    /// More than half of all that were asked say the same.
    #[default]
    Majority,
    /// All say the same.
    Unanimous,
    /// More say it than anything else, when all have answered.
    Plurality,
}

type Ballot = Box<dyn FnMut(Outcome) -> Pin<Box<dyn Future<Output = Result<Option<String>>> + Send>> + Send>;

/// A call of [`Orchestrator::vote`](super::Orchestrator::vote); `.await` runs it.
#[must_use = "nothing is run before it is awaited"]
pub struct Vote {
    shared: Arc<Shared>,
    tasks: Vec<Task>,
    quorum: Quorum,
    ballot: Ballot,
}

/// How a vote ended.
#[derive(Clone, Debug)]
pub struct VoteOutcome {
    /// What won; `None` when nothing did.
    pub ballot: Option<String>,
    /// The first answer that says it.
    pub winner: Option<usize>,
    /// The part of all that were asked who say it, from 0 to 1.
    pub agreement: f64,
    /// How many said what.
    pub counts: HashMap<String, usize>,
    /// What became of each, in order. Those that could not change the result any more are `Cancelled`.
    pub outcomes: Vec<Outcome>,
    /// Why nothing won: nobody answered, the answers do not agree, or what was asked what an answer says failed.
    pub error: Option<Error>,
}

impl VoteOutcome {
    /// The first answer that says what won.
    pub fn winner(&self) -> Option<&Outcome> {
        self.outcomes.get(self.winner?)
    }
}

impl Vote {
    pub(super) fn new<I>(shared: &Arc<Shared>, tasks: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Task>,
    {
        Self {
            shared: Arc::clone(shared),
            tasks: tasks.into_iter().map(Into::into).collect(),
            quorum: Quorum::default(),
            ballot: Box::new(|outcome| Box::pin(std::future::ready(Ok(Some(plain(&outcome.text())))))),
        }
    }

    /// When an answer has won. Default: a majority.
    pub fn quorum(mut self, quorum: Quorum) -> Self {
        self.quorum = quorum;
        self
    }

    /// What an answer says, in a form in which equal answers are equal; `None` for one that says nothing. Default: its text in
    /// small letters, without what is not a letter or digit at its ends, blanks as one. Where it fails the vote is given up, and what
    /// still runs is ended.
    pub fn ballot<F, R>(mut self, mut ballot: F) -> Self
    where
        F: FnMut(Outcome) -> R + Send + 'static,
        R: Future<Output = Result<Option<String>>> + Send + 'static,
    {
        self.ballot = Box::new(move |outcome| Box::pin(ballot(outcome)));
        self
    }

    async fn run(mut self) -> VoteOutcome {
        let flow = Flow::new(&self.shared, "vote");
        let asked = self.tasks.len();
        let mut counting = Counting { asked, quorum: self.quorum, ..Counting::default() };
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(asked);
        let mut failed = None;
        let mut batch = flow.batch(known(self.tasks), asked, 0);
        while let Some(outcome) = batch.next().await {
            // What comes after the decision does not change it.
            if !counting.decided && failed.is_none() {
                let said = if outcome.is_success() { (self.ballot)(outcome.clone()).await } else { Ok(None) };
                let why = match said {
                    Ok(said) => counting.count(said, outcome.run().index).then_some("the vote was decided"),
                    Err(error) => {
                        failed = Some(error);
                        Some("what an answer says could not be said")
                    }
                };
                if let Some(why) = why {
                    batch.enough(Error::new(ErrorKind::Cancelled, why).operation("vote"));
                }
            }
            outcomes.push(outcome);
        }
        outcomes.sort_by_key(|outcome| outcome.run().index);
        match failed {
            None => counting.result(outcomes),
            error => VoteOutcome {
                ballot: None,
                winner: None,
                agreement: 0.0,
                counts: counting.counts,
                outcomes,
                error,
            },
        }
    }
}

impl IntoFuture for Vote {
    type Output = VoteOutcome;
    type IntoFuture = Pin<Box<dyn Future<Output = VoteOutcome> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

#[derive(Default)]
struct Counting {
    asked: usize,
    quorum: Quorum,
    answered: usize,
    said_something: usize,
    counts: HashMap<String, usize>,
    /// The lowest place at which each was said.
    first: HashMap<String, usize>,
    decided: bool,
}

impl Counting {
    /// Whether nothing that may still come can change who wins.
    fn count(&mut self, said: Option<String>, index: usize) -> bool {
        self.answered += 1;
        if let Some(said) = said {
            self.said_something += 1;
            self.first.entry(said.clone()).and_modify(|first| *first = index.min(*first)).or_insert(index);
            *self.counts.entry(said).or_default() += 1;
        }
        let left = self.asked - self.answered;
        let most = self.counts.values().copied().max().unwrap_or(0);
        let second = {
            let mut counts: Vec<usize> = self.counts.values().copied().collect();
            counts.sort_unstable();
            counts.iter().rev().nth(1).copied().unwrap_or(0)
        };
        self.decided = match self.quorum {
            Quorum::Majority => most * 2 > self.asked || (most + left) * 2 <= self.asked,
            Quorum::Unanimous => self.counts.len() > 1 || self.said_something < self.answered,
            Quorum::Plurality => most > second + left,
        } && left > 0;
        self.decided
    }

    fn result(self, outcomes: Vec<Outcome>) -> VoteOutcome {
        let most = self.counts.values().copied().max().unwrap_or(0);
        let mut leaders: Vec<&String> =
            self.counts.iter().filter(|(_, count)| **count == most).map(|(said, _)| said).collect();
        leaders.sort_by_key(|said| self.first.get(*said));
        let won = match self.quorum {
            Quorum::Majority => most * 2 > self.asked,
            Quorum::Unanimous => most == self.asked && most > 0,
            Quorum::Plurality => most > 0 && leaders.len() == 1,
        };
        let ballot = leaders.first().filter(|_| won).map(|said| (*said).clone());
        let error = (!won).then(|| {
            let message = if most == 0 { "nobody gave an answer" } else { "the answers do not agree" };
            let error = Error::new(ErrorKind::TurnFailed, message).operation("vote");
            match outcomes.iter().find_map(Outcome::error).filter(|_| most == 0) {
                Some(cause) => error.caused_by(cause),
                None => error,
            }
        });
        VoteOutcome {
            winner: ballot.as_ref().and_then(|said| self.first.get(said).copied()),
            agreement: if won { most as f64 / self.asked.max(1) as f64 } else { 0.0 },
            ballot,
            counts: self.counts,
            outcomes,
            error,
        }
    }
}

fn plain(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ").trim_matches(|letter: char| !letter.is_alphanumeric()).to_owned()
}
