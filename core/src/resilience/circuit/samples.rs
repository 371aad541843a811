//! Successes and failures of the last while, in ten cells of time: old ones leave a tenth at a time, and none has to be remembered.

use crate::resilience::Moment;

const CELLS: u64 = 10;

#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    cells: [Cell; CELLS as usize],
}

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    number: u64,
    good: u32,
    bad: u32,
}

impl Samples {
    pub(super) fn add(&mut self, good: bool, window_ms: u64, now: Moment) {
        let number = number(window_ms, now);
        let cell = &mut self.cells[(number % CELLS) as usize];
        if cell.number != number {
            *cell = Cell { number, good: 0, bad: 0 };
        }
        if good { cell.good += 1 } else { cell.bad += 1 }
    }

    /// How many were good and bad within the window.
    pub(super) fn count(&self, window_ms: u64, now: Moment) -> (u32, u32) {
        let newest = number(window_ms, now);
        let recent = self.cells.iter().filter(|cell| cell.number + CELLS > newest);
        recent.fold((0, 0), |(good, bad), cell| (good + cell.good, bad + cell.bad))
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn number(window_ms: u64, now: Moment) -> u64 {
    // From 1, so that an unused cell is of no time.
    now.nanos() / (window_ms.saturating_mul(1_000_000) / CELLS).max(1) + CELLS
}
