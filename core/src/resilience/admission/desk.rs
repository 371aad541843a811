//! Everything an attempt needs, taken in one step or not at all: a place to run, the breakers' consent, money, a start.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{AdmissionConfig, Demand, adaptive::Places, memory::Memory, pace::Pace};
use crate::resilience::{
    BreakerEffect, Class, Cost, Failure, FailureKind, Forced, Key, LimiterEffect, Moment, Refusal,
    RefusalReason, Signal, Ticket, Verdict,
    budget::Book,
    chance::Chance,
    circuit::{Machine, refusal},
    line::{Ask, Check, Resources},
    rate_limit::{Chain, Taken},
};

/// Keys whose breakers wait to be looked through for idle ones, at least.
const SWEEP: usize = 256;

pub(crate) struct Desk {
    config: AdmissionConfig,
    pub(super) limit: u32,
    pub(super) running: u32,
    /// Those of them that are not ready yet.
    pub(super) starting: u32,
    /// How long places were kept, and starts.
    runs: Pace,
    starts: Pace,
    adaptive: Option<Places>,
    pub(super) memory: Option<Memory>,
    by_key: HashMap<Key, u32>,
    breakers: HashMap<Key, Machine>,
    pub(super) local: Option<Machine>,
    pub(super) book: Book,
    pub(super) chain: Option<Chain>,
    chance: Chance,
    sweep_at: usize,
}

/// What an attempt was given.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(super) key: Key,
    taken: Moment,
    breaker: Option<Ticket>,
    local: Option<Ticket>,
    reservation: Option<u64>,
    start: Option<Taken>,
    /// Whether it counts among those that start.
    starting: AtomicBool,
}

impl Desk {
    pub(super) fn new(config: AdmissionConfig, mut chance: Chance, now: Moment) -> Self {
        let chain = config.rate_limit.as_ref().map(|limit| Chain::new(limit, Chance::seeded(chance.next())));
        let local = config
            .circuit_breaker
            .as_ref()
            .map(|circuit| Machine::new(Arc::new(circuit.clone()), Chance::seeded(chance.next()), now));
        Self {
            limit: config.max_concurrent,
            running: 0,
            starting: 0,
            runs: Pace::default(),
            starts: Pace::default(),
            adaptive: config.adaptive.clone().map(|adaptive| Places::new(adaptive, config.max_concurrent)),
            memory: config.memory.clone().map(Memory::new),
            by_key: HashMap::new(),
            breakers: HashMap::new(),
            local,
            book: Book::new(config.budget.clone().unwrap_or_default()),
            chain,
            chance,
            sweep_at: SWEEP,
            config,
        }
    }

    /// The breaker of a key, made when it is needed.
    pub(super) fn breaker(&mut self, key: &Key, now: Moment) -> Option<&mut Machine> {
        let circuit = self.config.circuit_breaker.as_ref()?;
        if !self.breakers.contains_key(key) {
            if self.breakers.len() >= self.sweep_at {
                self.breakers.retain(|_, machine| !machine.idle(now));
                self.sweep_at = SWEEP.max(self.breakers.len() * 2);
            }
            let chance = Chance::seeded(self.chance.next());
            self.breakers.insert(key.clone(), Machine::new(Arc::new(circuit.clone()), chance, now));
        }
        self.breakers.get_mut(key)
    }

    /// How many may run now.
    pub(super) fn places(&self) -> u32 {
        self.adaptive.as_ref().map_or(self.limit, |adaptive| adaptive.get().min(self.limit))
    }

    /// It is ready, or will never be.
    fn ready(&mut self, grant: &Grant, now: Moment) {
        if grant.starting.swap(false, Ordering::Relaxed) {
            self.starting -= 1;
            self.starts.note(now.since(grant.taken));
        }
    }

    fn slot(&mut self, key: &Key, now: Moment) -> Check {
        let busy = |scope| Check::Wait {
            until: None,
            own: false,
            why: Refusal::new(RefusalReason::Shed, scope, None),
        };
        if self.running >= self.places() {
            return busy("slots");
        }
        if self.config.max_starting.is_some_and(|limit| self.starting >= limit) {
            return busy("starts");
        }
        if let Some(again) = self.memory.as_mut().and_then(|memory| memory.short(self.starting, now)) {
            let why = Refusal::new(RefusalReason::Shed, "memory", None);
            return Check::Wait { until: Some(again), own: false, why };
        }
        match self.config.max_concurrent_per_key {
            Some(limit) if self.by_key.get(key).is_some_and(|running| *running >= limit) => busy("key_slots"),
            _ => Check::Ready,
        }
    }

    /// An open breaker refuses at once, which is what it is for; one that tries or starts slowly is waited for.
    fn circuits(&mut self, key: &Key, now: Moment) -> Check {
        let mut answer = Check::Ready;
        for machine in self.breakers.get_mut(key).into_iter().chain(self.local.as_mut()) {
            match machine.check(now) {
                Ok(()) => {}
                Err(until) if machine.refuses() => return Check::Refuse(refusal(until, now)),
                Err(until) => {
                    answer = later(answer, Check::Wait { until, own: false, why: refusal(until, now) });
                }
            }
        }
        answer
    }

    /// Passes a word of the program on to those whom it concerns.
    pub(super) fn signal(&mut self, grant: &Grant, signal: &Signal, now: Moment, wall: Duration) {
        match signal {
            Signal::Ready => {
                self.ready(grant, now);
                self.record_local(grant, Verdict::Success, now);
            }
            Signal::Answered => {
                self.record(grant, Verdict::Success, now);
                if let Some(chain) = &mut self.chain {
                    chain.answered(&grant.key, now);
                }
            }
            Signal::AttemptFailed { kind, retry_after } => {
                self.failed(grant, *kind, Some(*retry_after), now);
            }
            Signal::Subscription { rejected: true, resets_at: Some(at) } => {
                if let Some(chain) = &mut self.chain {
                    chain.closed(&grant.key, at.saturating_sub(wall), now);
                }
            }
            Signal::Subscription { .. } => {}
        }
    }

    fn failed(&mut self, grant: &Grant, kind: FailureKind, retry_after: Option<Duration>, now: Moment) {
        if let Some(adaptive) = &mut self.adaptive {
            adaptive.failed(kind, now);
        }
        match kind.breaker() {
            BreakerEffect::Failure => self.record(grant, Verdict::Failure { kind, retry_after: None }, now),
            BreakerEffect::LocalFailure => {
                self.record_local(grant, Verdict::Failure { kind, retry_after }, now);
            }
            BreakerEffect::Quarantine => {
                if let Some(breaker) = self.breaker(&grant.key, now) {
                    breaker.force(Some(Forced::Open), Some(kind));
                }
            }
            BreakerEffect::Ignored => {}
        }
        if let Some(chain) = &mut self.chain {
            match kind.limiter() {
                LimiterEffect::None => {}
                LimiterEffect::Slower => chain.throttled(&grant.key, None, now),
                LimiterEffect::Gate => chain.throttled(&grant.key, retry_after, now),
            }
        }
    }

    fn record(&mut self, grant: &Grant, verdict: Verdict, now: Moment) {
        if let (Some(ticket), Some(breaker)) = (grant.breaker, self.breakers.get_mut(&grant.key)) {
            breaker.record(ticket, verdict, now);
        }
    }

    fn record_local(&mut self, grant: &Grant, verdict: Verdict, now: Moment) {
        if let (Some(ticket), Some(local)) = (grant.local, &mut self.local) {
            local.record(ticket, verdict, now);
        }
    }

    pub(super) fn outcome(&mut self, grant: &Grant, outcome: &Result<(), Failure>, now: Moment) {
        match outcome {
            Ok(()) => {
                if let Some(adaptive) = &mut self.adaptive {
                    adaptive.succeeded(self.running, self.limit);
                }
                self.record(grant, Verdict::Success, now);
                self.record_local(grant, Verdict::Success, now);
            }
            Err(failure) => self.failed(grant, failure.kind, failure.retry_after, now),
        }
    }

    pub(super) fn top_up(&mut self, grant: &Grant, so_far: Cost, now: Moment) -> Result<(), Refusal> {
        grant.reservation.map_or(Ok(()), |id| self.book.top_up(id, so_far, now))
    }

    /// The attempt is over: its place is free and its money is charged; `None`: nobody knows how much it was.
    pub(super) fn finish(
        &mut self,
        grant: &Grant,
        cost: Option<Cost>,
        seen: Cost,
        now: Moment,
        wall: Duration,
    ) {
        if let Some(id) = grant.reservation {
            match cost {
                Some(cost) => self.book.settle(id, cost, now, wall),
                None => self.book.uncertain(id, seen, now),
            }
        }
        self.ready(grant, now);
        self.runs.note(now.since(grant.taken));
        self.release(grant, now);
    }

    fn release(&mut self, grant: &Grant, now: Moment) {
        self.running = self.running.saturating_sub(1);
        if let Some(running) = self.by_key.get_mut(&grant.key) {
            *running -= 1;
            if *running == 0 {
                self.by_key.remove(&grant.key);
            }
        }
        if let (Some(ticket), Some(breaker)) = (grant.breaker, self.breakers.get_mut(&grant.key)) {
            breaker.release(ticket, now);
        }
        if let (Some(ticket), Some(local)) = (grant.local, &mut self.local) {
            local.release(ticket, now);
        }
    }
}

/// The later of two answers; one of which nobody knows when is the last.
fn later(one: Check, other: Check) -> Check {
    match (one, other) {
        (Check::Refuse(_), _) | (Check::Wait { .. }, Check::Ready) => one,
        (_, Check::Refuse(_)) | (Check::Ready, _) => other,
        (Check::Wait { until: a, own: x, why: p }, Check::Wait { until: b, own: y, why: q }) => {
            let first = a.is_none() || b.is_some_and(|b| a >= Some(b));
            Check::Wait {
                until: if first { a } else { b },
                // Those behind can pass only when nothing is missing that they need too.
                own: x && y,
                why: if first { p } else { q },
            }
        }
    }
}

impl Ask for Demand {
    fn key(&self) -> &Key {
        &self.spender.key
    }

    fn class(&self) -> Class {
        self.class
    }

    fn deadline(&self) -> Option<Moment> {
        self.deadline
    }
}

impl Resources for Desk {
    type Ask = Demand;
    type Grant = Grant;

    fn check(&mut self, demand: &Demand, ahead: usize, now: Moment) -> Check {
        let key = &demand.spender.key;
        let mut answer = self.circuits(key, now);
        if let Check::Refuse(_) = answer {
            return answer;
        }
        if self.config.budget.is_some() {
            answer = later(answer, self.book.check(&demand.spender, demand.cap.plus(demand.margin), now));
        }
        if let Some(chain) = &self.chain {
            answer = later(answer, chain.check(key, demand.tokens, ahead, now));
        }
        // A place comes free at a time that nobody knows; what is known to take longer says more to one with a deadline.
        match (answer, self.slot(key, now)) {
            (Check::Wait { until: Some(until), .. }, Check::Wait { .. })
                if demand.deadline.is_some_and(|deadline| until > deadline) =>
            {
                answer
            }
            (answer, slot) => later(answer, slot),
        }
    }

    fn take(&mut self, demand: &Demand, now: Moment) -> Grant {
        let key = demand.spender.key.clone();
        self.running += 1;
        self.starting += 1;
        if let Some(memory) = &mut self.memory {
            memory.taken();
        }
        if self.config.max_concurrent_per_key.is_some() {
            *self.by_key.entry(key.clone()).or_default() += 1;
        }
        let breaker = self.breaker(&key, now).map(|breaker| breaker.take(now));
        let local = self.local.as_mut().map(|local| local.take(now));
        let reservation = (self.config.budget.is_some())
            .then(|| self.book.reserve(&demand.spender, demand.cap, demand.margin, now));
        let start = self.chain.as_mut().map(|chain| chain.take(&key, demand.tokens, now));
        Grant { key, taken: now, breaker, local, reservation, start, starting: AtomicBool::new(true) }
    }

    fn give_back(&mut self, grant: Grant, now: Moment) {
        if let (Some(start), Some(chain)) = (&grant.start, &mut self.chain) {
            chain.refund(start);
        }
        let date = self.book.date(now);
        if let Some(id) = grant.reservation {
            self.book.settle(id, Cost::ZERO, now, date);
        }
        // Nothing ran, so nothing was measured.
        if grant.starting.swap(false, Ordering::Relaxed) {
            self.starting -= 1;
        }
        self.release(&grant, now);
    }

    fn exhausted(&self) -> bool {
        self.running >= self.places() || self.config.max_starting.is_some_and(|limit| self.starting >= limit)
    }

    fn free_in(&self, ahead: usize) -> Option<Duration> {
        let places = self.places();
        let run = self.runs.free_in(ahead, places.saturating_sub(self.running), places)?;
        let start = match self.config.max_starting {
            None => Duration::ZERO,
            Some(limit) => self.starts.free_in(ahead, limit.saturating_sub(self.starting), limit)?,
        };
        Some(run.max(start))
    }

    fn weight(&self, key: &Key) -> u32 {
        self.config.tenant_weights.get(&key.parts().tenant).copied().unwrap_or(1)
    }
}
