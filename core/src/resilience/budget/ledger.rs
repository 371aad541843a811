//! Where reservations and charges are written down, so that a host that dies does not forget what it spent.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::{Cost, Spender};
use crate::Result;

/// One line of a ledger. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LedgerEntry {
    /// Money is held for a run.
    Reserved {
        /// The number of the reservation.
        id: u64,
        /// On whose account.
        spender: Spender,
        /// How much the run may spend.
        cap: Cost,
        /// How much is held.
        held: Cost,
        /// When.
        at_ms: u64,
    },
    /// More is held, or less.
    Held {
        /// The number of the reservation.
        id: u64,
        /// How much is held now.
        held: Cost,
    },
    /// The run is over and this is what it cost.
    Settled {
        /// The number of the reservation.
        id: u64,
        /// What it cost.
        actual: Cost,
        /// When.
        at_ms: u64,
    },
}

/// Keeps what a budget writes. Called inside the budget's lock, so it must not wait for anything slow: queue what a disk has to do, and say
/// so with an error when the queue is lost.
pub trait Ledger: Send + Sync + 'static {
    /// Writes one entry. When it fails, nothing new is reserved.
    fn append(&self, entry: &LedgerEntry) -> Result<()>;

    /// Everything written so far, oldest first: read once, when a budget begins.
    fn load(&self) -> Result<Vec<LedgerEntry>>;
}

/// A ledger in memory: for tests, and as an example.
///
/// ```
/// use madrigal::resilience::{Budget, Cost, CostBudget, Ledger, MemoryLedger, Spender, SystemClock};
/// use std::sync::Arc;
/// let ledger = Arc::new(MemoryLedger::default());
/// let budget = CostBudget::with_ledger(Budget::standard(), SystemClock::new(), Arc::clone(&ledger))?;
/// budget.reserve(&Spender::default(), Cost::from_usd(1.0), Cost::ZERO).unwrap().settle(Cost::from_usd(0.25));
/// assert_eq!(ledger.load()?.len(), 2);
/// # Ok::<_, madrigal::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<Vec<LedgerEntry>>);

impl Ledger for MemoryLedger {
    fn append(&self, entry: &LedgerEntry) -> Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry.clone());
        Ok(())
    }

    fn load(&self) -> Result<Vec<LedgerEntry>> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
