//! One account: a limit, what is spent, what is held for those who are spending.

use std::{collections::VecDeque, time::Duration};

use serde::Serialize;

use super::Cost;
use crate::resilience::Moment;

/// The shares of a limit at which a word is said, in percent.
const MARKS: [u8; 3] = [50, 80, 95];

/// Charges that are this close together (a share of the window) are remembered as one, at the later time: a window never needs more
/// entries than this, and forgets nothing too early.
const GRAIN: u32 = 1_024;

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) limit: Option<Cost>,
    window: Option<Duration>,
    /// Everything ever.
    pub(super) spent: Cost,
    pub(super) held: Cost,
    /// The part of it that is held for runs whose cost nobody knows: nobody gives it back.
    doubtful: Cost,
    /// What was spent within the window, and when.
    recent: VecDeque<(Moment, Cost)>,
    within: Cost,
    marked: u8,
}

/// Whether an amount fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fit {
    Yes,
    /// When enough will have left the window; `None`: when others give back what they hold.
    Later(Option<Moment>),
    Never,
}

/// How an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AccountState {
    /// The limit, in US dollars; `None`: there is none.
    #[serde(rename = "limit_usd")]
    pub limit: Option<Cost>,
    /// Spent within the window of the account (ever, when it has none), in US dollars.
    #[serde(rename = "spent_usd")]
    pub spent: Cost,
    /// Held for runs that are under way or whose cost is not known yet, in US dollars.
    #[serde(rename = "held_usd")]
    pub held: Cost,
}

impl Account {
    pub(super) fn new(limit: Option<Cost>, window: Option<Duration>) -> Self {
        Self {
            limit,
            window,
            spent: Cost::ZERO,
            held: Cost::ZERO,
            doubtful: Cost::ZERO,
            recent: VecDeque::new(),
            within: Cost::ZERO,
            marked: 0,
        }
    }

    fn trim(&mut self, now: Moment) {
        let Some(window) = self.window else { return };
        while let Some((at, amount)) = self.recent.front()
            && *at + window <= now
        {
            self.within = self.within.minus(*amount);
            self.recent.pop_front();
        }
    }

    /// What counts against the limit, without what is held.
    pub(super) fn counted(&mut self, now: Moment) -> Cost {
        self.trim(now);
        if self.window.is_some() { self.within } else { self.spent }
    }

    pub(super) fn fit(&mut self, amount: Cost, now: Moment) -> Fit {
        let Some(limit) = self.limit else { return Fit::Yes };
        let counted = self.counted(now);
        if counted.plus(self.held).plus(amount) <= limit {
            return Fit::Yes;
        }
        let Some(window) = self.window else {
            // What is doubtful is charged in the end.
            let sure = counted.plus(self.doubtful).plus(amount);
            return if sure > limit { Fit::Never } else { Fit::Later(None) };
        };
        if amount > limit {
            return Fit::Never;
        }
        let mut left = counted.plus(self.held).plus(amount);
        for (at, charge) in &self.recent {
            left = left.minus(*charge);
            if left <= limit {
                return Fit::Later(Some(*at + window));
            }
        }
        // What is doubtful is charged some day and counts for a window from then on: nobody can wait for that.
        if self.doubtful.plus(amount) > limit { Fit::Never } else { Fit::Later(None) }
    }

    /// Part of what is held is for a run whose cost nobody knows.
    pub(super) fn doubt(&mut self, amount: Cost) {
        self.doubtful = self.doubtful.plus(amount);
    }

    /// It is known, or charged, after all.
    pub(super) fn clear_up(&mut self, amount: Cost) {
        self.doubtful = self.doubtful.minus(amount);
    }

    pub(super) fn hold(&mut self, amount: Cost) {
        self.held = self.held.plus(amount);
    }

    pub(super) fn let_go(&mut self, amount: Cost) {
        self.held = self.held.minus(amount);
    }

    /// Spends; returns the mark that was passed by it.
    pub(super) fn spend(&mut self, amount: Cost, at: Moment, now: Moment) -> Option<u8> {
        self.spent = self.spent.plus(amount);
        if let Some(window) = self.window
            && amount > Cost::ZERO
        {
            self.within = self.within.plus(amount);
            match self.recent.back_mut() {
                Some((last, sum)) if at.since(*last) < window / GRAIN => {
                    *last = at.max(*last);
                    *sum = sum.plus(amount);
                }
                _ => self.recent.push_back((at, amount)),
            }
        }
        self.mark(now)
    }

    /// Each mark is said once, and again when the window fell below it.
    fn mark(&mut self, now: Moment) -> Option<u8> {
        let limit = self.limit?;
        let counted = self.counted(now).nanos();
        let passed = |mark: &&u8| u128::from(counted) * 100 >= u128::from(limit.nanos()) * u128::from(**mark);
        let highest = MARKS.iter().rev().find(passed).copied().unwrap_or(0);
        let new = highest > self.marked;
        self.marked = highest;
        new.then_some(highest)
    }

    pub(super) fn state(&mut self, now: Moment) -> AccountState {
        AccountState { limit: self.limit, spent: self.counted(now), held: self.held }
    }

    pub(super) fn idle(&mut self, now: Moment) -> bool {
        self.counted(now) == Cost::ZERO && self.held == Cost::ZERO
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.recent.len()
    }
}
