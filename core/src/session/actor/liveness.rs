//! A program that lives but does nothing: it has not begun to answer, or has gone silent in the middle of a turn.
//!
//! Silence alone is no failure (a tool may compile for minutes), so its reader is told by a message, and what follows is the
//! user's choice: `timeouts.stall_action`.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Actor, clock::timeout};
use crate::{Message, options::StallAction};

/// What was done about the silence of the running turn.
#[derive(Default)]
pub(super) struct Stall {
    /// When its reader was told, if nothing was heard since.
    told: Option<Instant>,
    /// An interrupt was sent for it.
    interrupted: bool,
    /// How often the turn was resumed.
    resumed: u32,
}

impl Stall {
    pub(super) fn heard(&mut self) {
        self.told = None;
    }

    pub(super) fn resumed(&self) -> u32 {
        self.resumed
    }

    /// Another program goes on with the turn, and has all the patience that the one before had.
    pub(super) fn after_resuming(before: &Self) -> Self {
        Self { resumed: before.resumed + 1, ..Self::default() }
    }

    pub(super) fn turn_ended(&mut self) {
        *self = Self::default();
    }
}

impl Actor {
    /// When a turn that has not begun to answer runs out of time.
    pub(super) fn first_token_deadline(&self) -> Option<Instant> {
        let limit = self.options.timeouts.first_token_ms?;
        let free = self.turn_interrupted.is_none() && self.open_asks.is_empty() && !self.closing;
        let since = self.turns.waiting_since().filter(|_| free)?;
        Some(since.max(self.answered_at) + Duration::from_millis(limit))
    }

    /// When the silence becomes a stall. It is told once, unless something more is to be done about it.
    pub(super) fn stall_deadline(&self) -> Option<Instant> {
        let limit = Duration::from_millis(self.options.timeouts.stall_ms.filter(|_| self.silent())?);
        match self.stall.told {
            Some(told) => self.stops().then(|| told + limit),
            None => Some(self.last_output + limit),
        }
    }

    fn stops(&self) -> bool {
        matches!(self.options.timeouts.stall_action, StallAction::Stop | StallAction::Resume)
    }

    pub(super) fn check_liveness(&mut self, now: Instant) {
        if self.first_token_deadline().is_some_and(|deadline| deadline <= now) {
            let limit = self.options.timeouts.first_token_ms;
            self.cut_short(now, timeout("turn", "did not begin to answer", "first_token_ms", limit));
        }
        if self.stall_deadline().is_some_and(|deadline| deadline <= now) {
            self.stalled(now);
        }
    }

    fn stalled(&mut self, now: Instant) {
        let action = self.options.timeouts.stall_action;
        if self.stall.interrupted && self.stops() {
            if let Err(why) = self.stop_to_resume(self.stall.resumed) {
                let limit = self.options.timeouts.stall_ms;
                let what = format!("was silent, also after an interrupt{why},");
                self.fail(timeout("read", &what, "stall_ms", limit));
            }
            return;
        }
        let interrupts = action != StallAction::Event && !self.stall.interrupted;
        let silent = u64::try_from(now.duration_since(self.last_output).as_millis()).unwrap_or(u64::MAX);
        let frame = json!({
            "type": "system", "subtype": "stalled", "source": "madrigal", "silent_ms": silent,
            "interrupted": interrupts, "uuid": Uuid::new_v4().to_string(),
        });
        self.batch.push(Message::parse(&frame.to_string()));
        self.flush();
        self.stall.told = Some(now);
        if interrupts {
            self.stall.interrupted = true;
            self.interrupt();
        }
    }
}
