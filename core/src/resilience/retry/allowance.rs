//! How many retries a key may have: a share of its first attempts within the last minute and some more, so that a service that is down
//! is not asked three times as often as one that is up.

use super::RetryPolicy;
use crate::resilience::Moment;

/// A minute in cells of a second, and one that is being left.
const CELLS: usize = 61;
const SECOND: u64 = 1_000_000_000;

#[derive(Clone, Debug)]
pub(super) struct Allowance {
    cells: [Cell; CELLS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    second: u64,
    firsts: u32,
    retries: u32,
}

impl Allowance {
    pub(super) fn new() -> Self {
        Self { cells: [Cell::default(); CELLS] }
    }

    fn cell(&mut self, now: Moment) -> &mut Cell {
        // From `CELLS`, so that an unused cell is of no time.
        let second = now.nanos() / SECOND + CELLS as u64;
        let cell = &mut self.cells[(second % CELLS as u64) as usize];
        if cell.second != second {
            *cell = Cell { second, firsts: 0, retries: 0 };
        }
        cell
    }

    pub(super) fn first(&mut self, now: Moment) {
        self.cell(now).firsts += 1;
    }

    /// Takes one retry when there is one.
    pub(super) fn take(&mut self, policy: &RetryPolicy, now: Moment) -> bool {
        let newest = self.cell(now).second;
        let count = |age: u64, of: fn(&Cell) -> u32| -> u32 {
            self.cells.iter().filter(|cell| cell.second + age > newest).map(of).sum()
        };
        // Firsts of a minute at most, retries of a minute at least: the bound holds in any minute.
        let (firsts, retries) = (count(60, |cell| cell.firsts), count(61, |cell| cell.retries));
        let share = f64::from(firsts) * policy.budget_share + f64::from(policy.budget_free);
        let allowed = f64::from(retries + 1) <= share.min(f64::from(policy.budget_cap));
        if allowed {
            self.cell(now).retries += 1;
        }
        allowed
    }

    pub(super) fn idle(&self, now: Moment) -> bool {
        let newest = now.nanos() / SECOND + CELLS as u64;
        self.cells.iter().all(|cell| cell.second + CELLS as u64 <= newest)
    }
}
