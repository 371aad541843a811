//! What a run costs while it goes on. Its result says so when the money is gone; so where money is limited the program is asked
//! after each answer of the API what its session has cost: its own count, at its own prices.

use std::{future::IntoFuture, time::Duration};

use tokio::time::Instant;

use crate::{Error, MessageKind, Result, SessionHandle, session::control::Usage, transport::BoxFuture};

/// How long a program that was interrupted may take to say its result, which states what it cost in the end. The same as the wait
/// between the steps of stopping a program.
const LAST_WORD: Duration = Duration::from_secs(5);

/// How often the program is asked when it looks up the limits of a subscription for its answer: no more often than this.
const LOOKED_UP: Duration = Duration::from_secs(30);

/// Follows the money of one attempt.
#[derive(Default)]
pub(super) struct Spending {
    asked: Option<BoxFuture<'static, Result<Usage>>>,
    /// Answers of the API that were heard of when the program was asked last.
    answers: usize,
    not_before: Option<Instant>,
    over: Option<(Error, Instant)>,
}

impl Spending {
    /// Asks when a call of the API was answered and counted: a tool it called has a result, or the next one is being answered.
    /// `answers`: how many were heard of.
    pub(super) fn ask(&mut self, handle: &SessionHandle, kind: MessageKind, answers: usize) {
        let news = match kind {
            MessageKind::User => true,
            MessageKind::Assistant => answers != self.answers,
            _ => false,
        };
        let early = self.not_before.is_some_and(|until| Instant::now() < until);
        if !news || self.asked.is_some() || self.over.is_some() || early {
            return;
        }
        self.answers = answers;
        // `detached`: what is sent later need not wait for this answer.
        let request = handle.get_usage().skip_behaviors().with("detached", true);
        self.asked = Some(request.into_future());
    }

    /// What the session has cost when the program says so, before it was resumed included. Never ends when nothing is asked; giving
    /// up the wait loses nothing.
    pub(super) async fn total(&mut self) -> Option<f64> {
        let Some(asked) = &mut self.asked else { return std::future::pending().await };
        let answer = asked.await;
        self.asked = None;
        // A program that does not know the question, or is gone, tells in its result.
        let usage = answer.ok()?;
        if usage.rate_limits_available {
            self.not_before = Instant::now().checked_add(LOOKED_UP);
        }
        Some(usage.session.total_cost_usd)
    }

    /// It spent more than it may: it is interrupted, and has a moment for its last word.
    pub(super) fn stop(&mut self, handle: &SessionHandle, why: Error) {
        if self.over.is_none() {
            // The request is sent by this; its receipt says nothing that the result does not.
            drop(handle.interrupt().into_future());
            self.over = Some((why, Instant::now() + LAST_WORD));
        }
    }

    /// When its last word must have been said.
    pub(super) fn last_word(&self) -> Option<Instant> {
        self.over.as_ref().map(|(_, until)| *until)
    }

    /// Why it was interrupted, when it was.
    pub(super) fn into_refusal(self) -> Option<Error> {
        self.over.map(|(why, _)| why)
    }
}
