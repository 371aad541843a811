//! How much may be spent. Money is held before a run starts and settled after it, so that runs at the same time cannot spend the same
//! dollar.
//!
//! The most that can be spent beyond a limit is what runs cost more than was held for them: a cap is enforced by the program after each
//! answer of the API, so hold a margin of one request on top of it.

mod account;
mod book;
mod compact;
mod config;
mod cost;
mod file;
mod ledger;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;

pub use account::AccountState;
pub(crate) use book::Book;
pub use book::BudgetEvent;
pub use config::{Budget, Spender};
pub use cost::Cost;
pub use file::FileLedger;
pub use ledger::{Ledger, LedgerEntry, MemoryLedger};

use super::{Clock, Moment, Refusal, RefusalReason, SystemClock, line::Check};
use crate::Result;

/// How the accounts of a spender stand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BudgetState {
    /// Everything spent, by everybody, in US dollars.
    #[serde(rename = "total_spent_usd")]
    pub total_spent: Cost,
    /// Held for runs whose cost is not known, in US dollars.
    #[serde(rename = "uncertain_usd")]
    pub uncertain: Cost,
    /// Each account by its scope: `run`, `flow`, `key_hour`, `key_day`, `global`. Only those that exist.
    pub accounts: std::collections::BTreeMap<&'static str, AccountState>,
}

type Observer = Box<dyn Fn(&BudgetEvent) + Send + Sync>;

/// Budgets for runs, flows, keys and everything. Cheap to clone; clones share the accounts.
///
/// ```
/// use madrigal::resilience::{Budget, Cost, CostBudget, Key, Spender};
/// let budget = CostBudget::new(Budget { flow_usd: Some(1.0), ..Budget::default() })?;
/// let spender = Spender::new(Key::default()).flow("nightly");
/// let cap = Cost::from_usd(0.6);
/// // Pass `cap` to the program as its `max_budget_usd`.
/// let reservation = budget.reserve(&spender, cap, Cost::ZERO).expect("nothing is spent yet");
/// let refusal = budget.reserve(&spender, cap, Cost::ZERO).unwrap_err();
/// assert_eq!(refusal.to_string(), "Budget exceeded (flow)");
/// reservation.settle(Cost::from_usd(0.1));
/// assert!(budget.reserve(&spender, cap, Cost::ZERO).is_ok());
/// # Ok::<_, madrigal::Error>(())
/// ```
#[derive(Clone)]
pub struct CostBudget(Arc<Shared>);

struct Shared {
    book: Mutex<Book>,
    clock: Arc<dyn Clock>,
    observers: Mutex<Vec<Arc<Observer>>>,
}

impl CostBudget {
    /// A budget of which nothing is spent but what its ledger says, on the clock of the machine. Fails with `invalid_options`, naming the
    /// field.
    pub fn new(budget: Budget) -> Result<Self> {
        Self::with_clock(budget, SystemClock::new())
    }

    /// The same on a clock of your own, for tests.
    pub fn with_clock(budget: Budget, clock: impl Clock) -> Result<Self> {
        let ledger = budget.open_ledger()?;
        Self::build(budget, clock, ledger)
    }

    /// A budget that writes down what happens and goes on where the ledger ends: what was under way when its host died is charged
    /// with its cap until it is settled or its time is over. `budget.ledger` plays no part. Fails when the ledger cannot be read.
    pub fn with_ledger(budget: Budget, clock: impl Clock, ledger: Arc<impl Ledger>) -> Result<Self> {
        Self::build(budget, clock, Some(ledger))
    }

    fn build(budget: Budget, clock: impl Clock, ledger: Option<Arc<dyn Ledger>>) -> Result<Self> {
        budget.validate()?;
        let mut book = Book::new(budget);
        if let Some(ledger) = ledger {
            book.recover(ledger, clock.now(), clock.wall())?;
        }
        Ok(Self(Arc::new(Shared {
            book: Mutex::new(book),
            clock: Arc::new(clock),
            observers: Mutex::default(),
        })))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Book, Moment) -> T) -> T {
        let now = self.0.clock.now();
        let (out, events) = {
            let mut book = self.0.book.lock().unwrap_or_else(PoisonError::into_inner);
            let out = act(&mut book, now);
            (out, book.take_events())
        };
        if !events.is_empty() {
            let observers = self.0.observers.lock().unwrap_or_else(PoisonError::into_inner).clone();
            for event in &events {
                observers.iter().for_each(|observer| observer(event));
            }
        }
        out
    }

    /// Calls `observer` when 50, 80 or 95 percent of a limit are spent, each mark once until the account falls below it. Called
    /// after the change, by whoever made it.
    ///
    /// ```
    /// use madrigal::resilience::{Budget, Cost, CostBudget, Spender};
    /// use std::sync::{Arc, Mutex};
    /// let budget = CostBudget::new(Budget { total_usd: Some(1.0), ..Budget::default() })?;
    /// let seen = Arc::new(Mutex::new(Vec::new()));
    /// let sink = Arc::clone(&seen);
    /// budget.observe(move |event| sink.lock().unwrap().push(event.percent));
    /// budget.reserve(&Spender::default(), Cost::from_usd(0.9), Cost::ZERO).unwrap().settle(Cost::from_usd(0.85));
    /// assert_eq!(*seen.lock().unwrap(), [80]);
    /// # Ok::<_, madrigal::Error>(())
    /// ```
    pub fn observe(&self, observer: impl Fn(&BudgetEvent) + Send + Sync + 'static) {
        let observer: Observer = Box::new(observer);
        self.0.observers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::new(observer));
    }

    /// Holds `cap`, and `margin` on top of it, on every account of the spender, or refuses and holds nothing.
    ///
    /// `cap` is what the run may spend: pass it to the program. `margin` is what one request may cost more than that, because the
    /// program looks only after each answer. `retry_after` of a refusal is when enough has left the window; `None`: when others give
    /// back, or never.
    pub fn reserve(&self, spender: &Spender, cap: Cost, margin: Cost) -> Result<Reservation, Refusal> {
        let id = self.with(|book, now| match book.check(spender, cap.plus(margin), now) {
            Check::Ready => {
                let id = book.reserve(spender, cap, margin, now);
                if book.written() {
                    return Ok(id);
                }
                book.settle(id, Cost::ZERO, now, book.date(now));
                Err(Refusal::new(RefusalReason::BudgetExceeded, "ledger", None))
            }
            Check::Wait { why, .. } | Check::Refuse(why) => Err(why),
        })?;
        Ok(Reservation { budget: self.clone(), id, cap, over: false })
    }

    /// Limits one flow, whatever `flow_usd` says; `None`: not at all.
    pub fn limit_flow(&self, flow: &str, limit: Option<Cost>) {
        self.with(|book, _| book.limit_flow(flow, limit));
    }

    /// Limits one run, whatever `run_usd` says; `None`: not at all.
    pub fn limit_run(&self, run: &str, limit: Option<Cost>) {
        self.with(|book, _| book.limit_run(run, limit));
    }

    /// Forgets a flow that is over; its name may be used again.
    pub fn forget_flow(&self, flow: &str) {
        self.with(|book, _| book.forget_flow(flow));
    }

    /// Forgets a run that is over; its name may be used again.
    pub fn forget_run(&self, run: &str) {
        self.with(|book, _| book.forget_run(run));
    }

    /// Settles a reservation by its number: for one that stayed uncertain and whose cost became known, also in a later process.
    pub fn reconcile(&self, id: u64, actual: Cost) {
        let wall = self.0.clock.wall();
        self.with(|book, now| book.settle(id, actual, now, wall));
    }

    /// How the accounts of a spender stand.
    pub fn state(&self, spender: &Spender) -> BudgetState {
        self.with(|book, now| book.state(spender, now))
    }
}

impl Book {
    pub(crate) fn state(&mut self, spender: &Spender, now: Moment) -> BudgetState {
        BudgetState {
            accounts: self.states(spender, now).into_iter().collect(),
            total_spent: self.global.spent,
            uncertain: self.uncertain_amount(),
        }
    }
}

impl fmt::Debug for CostBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CostBudget").field(&self.state(&Spender::default())).finish()
    }
}

/// Money that is held for a run. Dropped without a word it stays charged and is marked as uncertain: nobody knows what the run
/// cost.
#[derive(Debug)]
pub struct Reservation {
    budget: CostBudget,
    id: u64,
    cap: Cost,
    over: bool,
}

impl Reservation {
    /// What the run may spend.
    pub fn cap(&self) -> Cost {
        self.cap
    }

    /// The number under which it can be settled later: see [`CostBudget::reconcile`].
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The run was seen to have spent so much by now. Refused when that is more than is held and no account has so much left: then the
    /// run should be interrupted.
    pub fn observe(&self, so_far: Cost) -> Result<(), Refusal> {
        self.budget.with(|book, now| book.top_up(self.id, so_far, now))
    }

    /// The run is over and cost this much. For a resumed session that is the difference of its totals: see
    /// [`CostMeter`](crate::message::CostMeter).
    pub fn settle(mut self, actual: Cost) {
        self.over = true;
        self.budget.reconcile(self.id, actual);
    }

    /// Nobody knows what the run cost, but it was seen to cost so much: the larger of that and the cap stays charged. Returns the
    /// number for [`CostBudget::reconcile`].
    pub fn uncertain(mut self, observed: Cost) -> u64 {
        self.over = true;
        self.budget.with(|book, now| book.uncertain(self.id, observed, now));
        self.id
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.over {
            self.budget.with(|book, now| book.uncertain(self.id, Cost::ZERO, now));
        }
    }
}
