//! Limits of time, all in one place: what is due next, and what happens then.

use std::time::Duration;

use serde_json::json;
use tokio::{sync::oneshot, time::Instant};

use super::Actor;
use crate::{Error, ErrorKind, protocol, session::control::Limit};

/// How long a turn may take to end after it ran out of time and was interrupted.
const AFTER_INTERRUPT: Duration = Duration::from_secs(5);

impl Actor {
    /// When something is due next, if nothing happens before.
    pub(super) fn alarm(&self) -> Option<Instant> {
        [
            self.start_deadline.filter(|_| !self.closing),
            self.pending.deadline(),
            self.idle_deadline(),
            self.turn_deadline(),
            self.first_token_deadline(),
            self.stall_deadline(),
            self.turns.follow_up_deadline().filter(|_| self.finishing && self.input_open),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    pub(super) fn idle_deadline(&self) -> Option<Instant> {
        let limit = self.options.timeouts.idle_ms.filter(|_| self.silent())?;
        Some(self.last_output + Duration::from_millis(limit))
    }

    /// Whether it is the program that is silent: a question open with the host, or a full mailbox, is our silence.
    pub(super) fn silent(&self) -> bool {
        self.turns.busy()
            && self.open_asks.is_empty()
            && !self.closing
            && self.may_read()
            && !self.stopping_to_resume()
    }

    pub(super) fn turn_deadline(&self) -> Option<Instant> {
        if self.closing {
            return None;
        }
        match &self.turn_interrupted {
            Some((at, _)) => Some(*at + AFTER_INTERRUPT),
            None => Some(self.turns.since()? + Duration::from_millis(self.options.timeouts.turn_ms?)),
        }
    }

    pub(super) fn on_alarm(&mut self, now: Instant) {
        for id in self.pending.expire(now) {
            self.write(&protocol::cancel(&id));
        }
        if self.start_deadline.is_some_and(|deadline| deadline <= now) && !self.closing {
            self.start_deadline = None;
            self.fail(timeout(
                "open",
                "did not answer `initialize`",
                "start_ms",
                self.options.timeouts.start_ms,
            ));
        }
        if self.idle_deadline().is_some_and(|deadline| deadline <= now) {
            self.fail(timeout("read", "was silent during a turn", "idle_ms", self.options.timeouts.idle_ms));
        }
        if self.turn_deadline().is_some_and(|deadline| deadline <= now) {
            match self.turn_interrupted.take() {
                Some((_, late)) => self.fail(late),
                None => {
                    let limit = self.options.timeouts.turn_ms;
                    self.cut_short(now, timeout("turn", "did not finish a turn", "turn_ms", limit));
                }
            }
        }
        self.check_liveness(now);
    }

    /// Interrupts a turn that takes too long: the session outlives it, and its reader is told why.
    pub(super) fn cut_short(&mut self, now: Instant, late: Error) {
        self.batch.push(Err(late.clone()));
        self.flush();
        self.turn_interrupted = Some((now, late));
        self.interrupt();
    }

    pub(super) fn interrupt(&mut self) {
        let (answer, _) = oneshot::channel();
        self.control(&json!({"subtype": "interrupt"}), Limit::Option, answer);
    }
}

pub(super) fn timeout(operation: &'static str, what: &str, option: &str, limit: Option<u64>) -> Error {
    let limit = limit.unwrap_or_default();
    Error::new(ErrorKind::Timeout, format!("the claude program {what} within {limit} ms (timeouts.{option})"))
        .operation(operation)
        .with("limit_ms", limit)
}
