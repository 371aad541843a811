//! The one place that applies the policies together. An attempt takes all it needs in one step: a stack of waiters (first a
//! start, then a place) would hold one while it waits for the other, and start in bursts what it had admitted long ago.

mod adaptive;
mod config;
mod desk;
mod memory;
mod pace;
mod permit;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use serde::Serialize;

pub use adaptive::Adaptive;
pub use config::{AdmissionConfig, Demand};
use desk::Desk;
pub use memory::MemoryLimit;
pub use permit::Permit;

use super::{
    Budget, BudgetEvent, BudgetState, CircuitState, Clock, Decision, Key, RateState, Refusal, Spender,
    SystemClock,
    chance::Chance,
    line::{Shared, State},
};
use crate::Result;

/// How an admission stands towards a spender.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AdmissionState {
    /// How many run.
    pub running: u32,
    /// How many of them are not ready yet.
    pub starting: u32,
    /// How many may run now: what was set, or less where that follows what the API says.
    pub max_concurrent: u32,
    /// How many wait.
    pub waiting: usize,
    /// The limiter, for the key.
    pub rate: Option<RateState>,
    /// The breaker of the key.
    pub circuit: Option<CircuitState>,
    /// The breaker of this machine: of programs that cannot be started or crash.
    pub local_circuit: Option<CircuitState>,
    /// The budgets of the spender.
    pub budget: BudgetState,
}

/// Admits attempts: breaker, budget, rate and place in one step. Cheap to clone; clones share everything.
///
/// Ask once for each attempt, also for a retry, and hold nothing while you wait for one. Those who wait are admitted by class, then in
/// turns between keys, then first come, first served. Who cannot make its deadline is refused at once, with the wait after which a retry can
/// succeed. Giving up (dropping the future) leaves no trace.
///
/// ```
/// use madrigal::resilience::{Admission, AdmissionConfig, Cost, Demand, Key};
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let admission = Admission::new(AdmissionConfig::default())?;
/// let demand = Demand::new(Key::new("api", "3fa9", "sonnet"));
/// let mut permit = admission.admit(demand.clone()).await.expect("there is room");
/// permit.started();
/// // Run the attempt; pass each signal of an `OutcomeWatch` to `permit.signal`. Then:
/// permit.settle(&Ok(()), Some(Cost::from_usd(0.01)));
/// assert_eq!(admission.state(&demand.spender).running, 0);
/// # Ok::<_, madrigal::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct Admission(Arc<Shared<Desk>>);

impl Admission {
    /// An admission on the clock of the machine. Fails with `invalid_options`, naming the field.
    pub fn new(config: AdmissionConfig) -> Result<Self> {
        Self::build(config, SystemClock::shared(), Chance::new())
    }

    /// An admission on a clock of your own, for tests; what is random in it is the same each time.
    pub fn with_clock(config: AdmissionConfig, clock: impl Clock) -> Result<Self> {
        Self::build(config, Arc::new(clock), Chance::seeded(0))
    }

    fn build(config: AdmissionConfig, clock: Arc<dyn Clock>, chance: Chance) -> Result<Self> {
        config.validate()?;
        let (longest, shedding) = (config.max_waiting as usize, config.shedding.clone());
        let ledger = config.budget.as_ref().map_or(Ok(None), Budget::open_ledger)?;
        let mut desk = Desk::new(config, chance, clock.now());
        if let Some(ledger) = ledger {
            desk.book.recover(ledger, clock.now(), clock.wall())?;
        }
        let shared = Shared::new(desk, longest, clock);
        if let Some(shedding) = shedding {
            shared.with(|state, now| state.line.shed(&shedding, now));
        }
        Ok(Self(shared))
    }

    /// Answers at once. Does not pass those who wait already.
    pub fn try_admit(&self, demand: &Demand) -> Decision<Permit> {
        self.0.ask(demand).map(|grant| Permit::new(&self.0, grant))
    }

    /// The same, with what a wait would be for.
    pub(crate) fn try_admit_why(&self, demand: &Demand) -> (Decision<Permit>, Option<Refusal>) {
        let (decision, why) = self.0.with(|state, now| state.line.ask_why(&mut state.resources, demand, now));
        (decision.map(|grant| Permit::new(&self.0, grant)), why)
    }

    /// Waits until the attempt may start.
    ///
    /// Refused at once when it cannot: a breaker is open, the deadline cannot be made, a budget is used up, too many wait. Refused
    /// later when that becomes so.
    pub async fn admit(&self, demand: Demand) -> Result<Permit, Refusal> {
        let grant = self.0.wait(demand).await?;
        Ok(Permit::new(&self.0, grant))
    }

    /// Changes how many may run at the same time; those who run go on. 0 lets nobody start.
    ///
    /// ```
    /// use madrigal::resilience::{Admission, AdmissionConfig, Demand};
    /// let admission = Admission::new(AdmissionConfig::default())?;
    /// admission.set_max_concurrent(0);
    /// assert!(!admission.try_admit(&Demand::default()).is_admitted());
    /// # Ok::<_, madrigal::Error>(())
    /// ```
    pub fn set_max_concurrent(&self, limit: u32) {
        self.0.with(|state, _| state.resources.limit = limit);
    }

    /// Lets the breaker of a key decide again, and closes it: for a credential that was refused and is mended.
    pub fn reset_circuit(&self, key: &Key) {
        self.0.with(|state, now| {
            if let Some(breaker) = state.resources.breaker(key, now) {
                breaker.reset(now);
            }
        });
    }

    /// Forgets what a flow and a run spent: they are over and their names may be used again.
    pub fn forget(&self, spender: &Spender) {
        self.0.with(|state, _| {
            let book = &mut state.resources.book;
            spender.run.iter().for_each(|run| book.forget_run(run));
            spender.flow.iter().for_each(|flow| book.forget_flow(flow));
        });
    }

    /// The marks of 50, 80 and 95 percent that budgets reached since the last call, oldest first; the latest 256 are kept.
    ///
    /// ```
    /// use madrigal::resilience::{Admission, AdmissionConfig, Budget, Cost, Demand};
    /// let budget = Budget { total_usd: Some(1.0), ..Budget::default() };
    /// let admission = Admission::new(AdmissionConfig { budget: Some(budget), ..AdmissionConfig::default() })?;
    /// let permit = admission.try_admit(&Demand::default()).admitted().expect("there is room");
    /// permit.settle(&Ok(()), Some(Cost::from_usd(0.6)));
    /// assert_eq!(admission.take_budget_events()[0].percent, 50);
    /// # Ok::<_, madrigal::Error>(())
    /// ```
    pub fn take_budget_events(&self) -> Vec<BudgetEvent> {
        self.0.with(|state, _| state.resources.book.take_events())
    }

    /// How it stands towards a spender.
    pub fn state(&self, spender: &Spender) -> AdmissionState {
        self.0.with(|State { resources, line }, now| {
            line.pump(resources, now);
            let waiting = line.len();
            AdmissionState {
                running: resources.running,
                starting: resources.starting,
                max_concurrent: resources.places(),
                waiting,
                rate: resources.chain.as_ref().map(|chain| chain.state(&spender.key, waiting, now)),
                circuit: resources.breaker(&spender.key, now).map(|breaker| breaker.state(now)),
                local_circuit: resources.local.as_mut().map(|local| local.state(now)),
                budget: resources.book.state(spender, now),
            }
        })
    }

    /// The clock that deadlines refer to.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Admission").field(&self.state(&Spender::default())).finish()
    }
}
