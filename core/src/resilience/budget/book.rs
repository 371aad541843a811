//! All accounts together, without a lock or a clock: money is held on every account of a spender or on none.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use serde::Serialize;

use super::{
    Budget, Cost, Ledger, LedgerEntry, Spender,
    account::{Account, AccountState, Fit},
};
use crate::{
    Result,
    resilience::{Key, Moment, Refusal, RefusalReason, line::Check},
};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Keys that wait to be looked through for idle ones, at least.
const SWEEP: usize = 256;

/// Events that are kept for somebody to take.
const KEPT_EVENTS: usize = 256;

/// A limit came near.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BudgetEvent {
    /// `run`, `flow`, `key_hour`, `key_day` or `global`.
    pub scope: &'static str,
    /// Which run, flow or key; empty for `global`.
    pub name: String,
    /// The mark that was reached: 50, 80 or 95 percent.
    pub percent: u8,
    /// The account.
    #[serde(flatten)]
    pub account: AccountState,
}

pub(crate) struct Book {
    limits: Budget,
    runs: HashMap<String, Account>,
    flows: HashMap<String, Account>,
    keys: HashMap<Key, [Account; 2]>,
    pub(super) global: Account,
    open: HashMap<u64, Held>,
    uncertain: VecDeque<(Moment, u64)>,
    next: u64,
    sweep_at: usize,
    ledger: Option<Arc<dyn Ledger>>,
    /// What the ledger did not take yet, in order. As long as there is any, nothing new is held.
    unwritten: Vec<LedgerEntry>,
    /// The date of the clock's beginning, for what is written when only time passed.
    began: Duration,
    events: Vec<BudgetEvent>,
}

#[derive(Clone, Debug)]
struct Held {
    spender: Spender,
    cap: Cost,
    held: Cost,
    uncertain: bool,
}

impl Book {
    pub(crate) fn new(limits: Budget) -> Self {
        let global = Account::new(Budget::limit(limits.total_usd), None);
        Self {
            limits,
            runs: HashMap::new(),
            flows: HashMap::new(),
            keys: HashMap::new(),
            global,
            open: HashMap::new(),
            uncertain: VecDeque::new(),
            next: 0,
            sweep_at: SWEEP,
            ledger: None,
            unwritten: Vec::new(),
            began: Duration::ZERO,
            events: Vec::new(),
        }
    }

    /// Goes on where a ledger ends. What was under way when its host died is charged in full until somebody knows better. A charge
    /// from before this clock began counts as of its beginning: it leaves a window late rather than early.
    pub(crate) fn recover(&mut self, ledger: Arc<dyn Ledger>, now: Moment, wall: Duration) -> Result<()> {
        let moment = |at_ms: u64| {
            let age = wall.saturating_sub(Duration::from_millis(at_ms));
            Moment::from_nanos(now.nanos().saturating_sub(crate::resilience::clock::nanos(age)))
        };
        for entry in ledger.load()? {
            match entry {
                LedgerEntry::Reserved { id, spender, cap, held, .. } => {
                    self.next = self.next.max(id + 1);
                    self.insert(id, spender, cap, held);
                }
                LedgerEntry::Held { id, held } => self.rehold(id, held),
                LedgerEntry::Settled { id, actual, at_ms } => self.charge(id, actual, moment(at_ms), now),
            }
        }
        let mut lost: Vec<_> = self.open.keys().copied().collect();
        lost.sort_unstable();
        for id in lost {
            self.uncertain(id, Cost::ZERO, now);
        }
        self.events.clear();
        self.began = wall.saturating_sub(now.since(Moment::ZERO));
        self.ledger = Some(ledger);
        Ok(())
    }

    fn accounts(&mut self, spender: &Spender) -> impl Iterator<Item = (&'static str, &mut Account)> {
        let run = spender.run.as_ref().and_then(|run| self.runs.get_mut(run)).map(|account| ("run", account));
        let flow =
            spender.flow.as_ref().and_then(|flow| self.flows.get_mut(flow)).map(|account| ("flow", account));
        let [hour, day] = match self.keys.get_mut(&spender.key) {
            Some([hour, day]) => [Some(("key_hour", hour)), Some(("key_day", day))],
            None => [None, None],
        };
        run.into_iter().chain(flow).chain(hour).chain(day).chain([("global", &mut self.global)])
    }

    /// Opens the accounts that a spender needs and has not: only those with a limit.
    fn prepare(&mut self, spender: &Spender, now: Moment) {
        let limit = Budget::limit;
        if let (Some(run), Some(usd)) = (&spender.run, self.limits.run_usd)
            && !self.runs.contains_key(run)
        {
            self.runs.insert(run.clone(), Account::new(limit(Some(usd)), None));
        }
        if let (Some(flow), Some(usd)) = (&spender.flow, self.limits.flow_usd)
            && !self.flows.contains_key(flow)
        {
            self.flows.insert(flow.clone(), Account::new(limit(Some(usd)), None));
        }
        let (hour, day) = (self.limits.key_hour_usd, self.limits.key_day_usd);
        if (hour.is_some() || day.is_some()) && !self.keys.contains_key(&spender.key) {
            if self.keys.len() >= self.sweep_at {
                self.keys.retain(|_, accounts| !accounts.iter_mut().all(|account| account.idle(now)));
                self.sweep_at = SWEEP.max(self.keys.len() * 2);
            }
            let accounts = [Account::new(limit(hour), Some(HOUR)), Account::new(limit(day), Some(DAY))];
            self.keys.insert(spender.key.clone(), accounts);
        }
    }

    /// Whether so much could be held now.
    pub(crate) fn check(&mut self, spender: &Spender, amount: Cost, now: Moment) -> Check {
        self.tick(now);
        if !self.written() {
            return Check::Refuse(Refusal::new(RefusalReason::BudgetExceeded, "ledger", None));
        }
        self.prepare(spender, now);
        let mut answer = Check::Ready;
        for (scope, account) in self.accounts(spender) {
            let until = match account.fit(amount, now) {
                Fit::Yes => continue,
                Fit::Never => {
                    return Check::Refuse(Refusal::new(RefusalReason::BudgetExceeded, scope, None));
                }
                Fit::Later(until) => until,
            };
            // The last account to have room decides; one of which nobody knows when is the last.
            let later = match answer {
                Check::Wait { until: known, .. } => known.is_some() && (until.is_none() || until > known),
                _ => true,
            };
            if later {
                let retry_after = until.map(|until| until.since(now));
                let why = Refusal::new(RefusalReason::BudgetExceeded, scope, retry_after);
                answer = Check::Wait { until, own: matches!(scope, "run" | "flow"), why };
            }
        }
        answer
    }

    /// Holds it. Only after `check` just said `Ready`. When the ledger cannot be written, this one is held all the same, and none after it.
    pub(crate) fn reserve(&mut self, spender: &Spender, cap: Cost, margin: Cost, now: Moment) -> u64 {
        let id = self.next;
        let held = cap.plus(margin);
        if self.ledger.is_some() {
            let at_ms = millis(self.date(now));
            self.write(LedgerEntry::Reserved { id, spender: spender.lasting(), cap, held, at_ms });
        }
        self.next += 1;
        self.insert(id, spender.clone(), cap, held);
        id
    }

    /// The date of a moment.
    pub(crate) fn date(&self, now: Moment) -> Duration {
        self.began + now.since(Moment::ZERO)
    }

    fn insert(&mut self, id: u64, spender: Spender, cap: Cost, held: Cost) {
        self.prepare(&spender, Moment::ZERO);
        for (_, account) in self.accounts(&spender) {
            account.hold(held);
        }
        self.open.insert(id, Held { spender, cap, held, uncertain: false });
    }

    fn rehold(&mut self, id: u64, held: Cost) {
        let Some(entry) = self.open.get_mut(&id) else { return };
        let before = std::mem::replace(&mut entry.held, held);
        let (spender, uncertain) = (entry.spender.clone(), entry.uncertain);
        for (_, account) in self.accounts(&spender) {
            account.let_go(before);
            account.hold(held);
            if uncertain {
                account.clear_up(before);
                account.doubt(held);
            }
        }
    }

    fn write(&mut self, entry: LedgerEntry) {
        if self.ledger.is_some() {
            self.unwritten.push(entry);
            self.written();
        }
    }

    /// Whether the ledger has everything.
    pub(super) fn written(&mut self) -> bool {
        let Some(ledger) = &self.ledger else { return true };
        while let Some(entry) = self.unwritten.first() {
            if let Err(error) = ledger.append(entry) {
                tracing::warn!(%error, "the ledger of a budget cannot be written");
                return false;
            }
            self.unwritten.remove(0);
        }
        true
    }

    /// A run was seen to have cost so much: holds more for it, or refuses.
    pub(crate) fn top_up(&mut self, id: u64, observed: Cost, now: Moment) -> Result<(), Refusal> {
        let Some(Held { spender, held, .. }) = self.open.get(&id).cloned() else { return Ok(()) };
        let more = observed.minus(held);
        if more == Cost::ZERO {
            return Ok(());
        }
        match self.check(&spender, more, now) {
            Check::Ready => {
                self.write(LedgerEntry::Held { id, held: observed });
                self.rehold(id, observed);
                Ok(())
            }
            Check::Wait { why, .. } | Check::Refuse(why) => Err(why),
        }
    }

    /// The run is over. A second time changes nothing.
    pub(crate) fn settle(&mut self, id: u64, actual: Cost, now: Moment, wall: Duration) {
        if self.open.contains_key(&id) {
            self.write(LedgerEntry::Settled { id, actual, at_ms: millis(wall) });
            self.charge(id, actual, now, now);
        }
    }

    fn charge(&mut self, id: u64, actual: Cost, at: Moment, now: Moment) {
        let Some(Held { spender, held, uncertain, .. }) = self.open.remove(&id) else { return };
        let mut events = Vec::new();
        for (scope, account) in self.accounts(&spender) {
            account.let_go(held);
            if uncertain {
                account.clear_up(held);
            }
            if let Some(percent) = account.spend(actual, at, now) {
                events.push(BudgetEvent {
                    scope,
                    name: name(scope, &spender),
                    percent,
                    account: account.state(now),
                });
            }
        }
        self.events.extend(events);
        // Nobody may be listening: the latest are enough.
        let surplus = self.events.len().saturating_sub(KEPT_EVENTS);
        self.events.drain(..surplus);
    }

    /// Nobody knows what the run cost: the larger of what was seen and what it was allowed stays charged, until it is settled after
    /// all or its time is over.
    pub(crate) fn uncertain(&mut self, id: u64, observed: Cost, now: Moment) {
        let Some(entry) = self.open.get_mut(&id) else { return };
        if std::mem::replace(&mut entry.uncertain, true) {
            return;
        }
        // From here on what is held for it is doubtful; what it is changes with that.
        let (charged, before, spender) = (observed.max(entry.cap), entry.held, entry.spender.clone());
        for (_, account) in self.accounts(&spender) {
            account.doubt(before);
        }
        self.write(LedgerEntry::Held { id, held: charged });
        self.rehold(id, charged);
        self.uncertain.push_back((now, id));
    }

    /// Charges for good what stayed uncertain for too long.
    fn tick(&mut self, now: Moment) {
        let ttl = Duration::from_millis(self.limits.uncertain_ttl_ms);
        while let Some(&(since, id)) = self.uncertain.front()
            && since + ttl <= now
        {
            self.uncertain.pop_front();
            if let Some(entry) = self.open.get(&id) {
                // As of when its time was over, however late that is noticed.
                let (held, due) = (entry.held, since + ttl);
                let at_ms = millis(self.date(due));
                self.write(LedgerEntry::Settled { id, actual: held, at_ms });
                self.charge(id, held, due, now);
            }
        }
    }

    pub(super) fn uncertain_amount(&self) -> Cost {
        self.open.values().filter(|entry| entry.uncertain).map(|entry| entry.held).sum()
    }

    pub(super) fn limit_flow(&mut self, flow: &str, limit: Option<Cost>) {
        self.flows.entry(flow.to_owned()).or_insert_with(|| Account::new(None, None)).limit = limit;
    }

    pub(super) fn limit_run(&mut self, run: &str, limit: Option<Cost>) {
        self.runs.entry(run.to_owned()).or_insert_with(|| Account::new(None, None)).limit = limit;
    }

    pub(crate) fn forget_flow(&mut self, flow: &str) {
        self.flows.remove(flow);
    }

    pub(crate) fn forget_run(&mut self, run: &str) {
        self.runs.remove(run);
    }

    pub(super) fn states(&mut self, spender: &Spender, now: Moment) -> Vec<(&'static str, AccountState)> {
        self.tick(now);
        self.accounts(spender).map(|(scope, account)| (scope, account.state(now))).collect()
    }

    pub(crate) fn take_events(&mut self) -> Vec<BudgetEvent> {
        std::mem::take(&mut self.events)
    }

    #[cfg(test)]
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }
}

fn name(scope: &str, spender: &Spender) -> String {
    match scope {
        "run" => spender.run.clone().unwrap_or_default(),
        "flow" => spender.flow.clone().unwrap_or_default(),
        "global" => String::new(),
        _ => spender.key.to_string(),
    }
}

fn millis(wall: Duration) -> u64 {
    u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)
}
