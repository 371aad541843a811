//! Random demands, ends, losses, cancellations and changes of the limit against the rules of admission (K1 to K4, S1).

use std::{collections::BTreeMap, time::Duration};

use super::{desk::Grant, *};
use crate::resilience::{
    Budget, Circuit, CircuitPhase, Class, Cost, Failure, FailureKind, Moment, Quota, RateLimit,
    RefusalReason, Shedding, Signal, VirtualClock,
    line::{Check, Entered, Line, Place, Resources},
};

const SECOND: u64 = 1_000_000_000;
const CLASSES: [Class; 4] = [Class::CriticalPlus, Class::Critical, Class::Normal, Class::Sheddable];

fn free() -> AdmissionConfig {
    AdmissionConfig { rate_limit: None, circuit_breaker: None, ..AdmissionConfig::default() }
}

fn demand(key: u64) -> Demand {
    Demand::new(Key::new("api", key.to_string(), "m"))
}

fn pick<T>(chance: &mut Chance, from: &mut Vec<T>) -> Option<T> {
    if from.is_empty() {
        return None;
    }
    Some(from.swap_remove(usize::try_from(chance.up_to(from.len() as u64 - 1)).unwrap()))
}

#[test]
fn random_schedules_keep_the_rules() {
    for seed in 0..80 {
        let mut chance = Chance::seeded(seed);
        let config = AdmissionConfig {
            max_concurrent: 4,
            max_concurrent_per_key: chance.one_in(2).then_some(2),
            max_waiting: 12,
            max_starting: chance.one_in(2).then_some(2),
            adaptive: chance.one_in(2).then(Adaptive::default),
            rate_limit: chance.one_in(2).then(|| RateLimit {
                per_minute: Some(20),
                global: Some(Quota { per_minute: Some(40), ..Quota::default() }),
                ..RateLimit::default()
            }),
            circuit_breaker: chance.one_in(2).then(Circuit::default),
            budget: chance.one_in(2).then(|| Budget { key_hour_usd: Some(2.0), ..Budget::default() }),
            ..AdmissionConfig::default()
        };
        let mut desk = Desk::new(config.clone(), Chance::seeded(seed), Moment::ZERO);
        let mut line: Line<Desk> = Line::new(config.max_waiting as usize);
        let shedding = chance.one_in(2).then_some(Shedding { target_ms: 2_000, interval_ms: 10_000 });
        if let Some(shedding) = &shedding {
            line.shed(shedding, Moment::ZERO);
        }
        // When somebody last was let in who had waited less than the target, or nobody waited.
        let mut well = 0;
        let mut running: Vec<Grant> = Vec::new();
        let mut waiting: BTreeMap<Place, Demand> = BTreeMap::new();
        let mut now = 1;
        for step in 0..1_500 {
            let longest = if chance.one_in(20) { 100 * SECOND } else { SECOND };
            now += chance.up_to(longest);
            let moment = Moment::from_nanos(now);
            let place = format!("seed {seed} step {step}");
            line.pump(&mut desk, moment);
            collect(&mut line, &mut waiting, &mut running);
            match chance.up_to(9) {
                0..=4 => {
                    let wish = Demand {
                        cap: Cost::from_usd(0.1),
                        class: CLASSES[usize::try_from(chance.up_to(3)).unwrap()],
                        deadline: chance.one_in(2).then(|| moment + Duration::from_secs(chance.up_to(90))),
                        ..demand(chance.up_to(3))
                    };
                    let full = line.len() >= config.max_waiting as usize;
                    let lowest = waiting.values().map(|other| other.class).max();
                    match line.enter(&mut desk, wish.clone(), moment) {
                        Entered::Decided(Ok(grant)) => running.push(grant),
                        Entered::Decided(Err(refusal)) => {
                            // S2: only who can be dropped is, and only after everybody waited too long for an interval.
                            if refusal.scope == "overload" {
                                assert_eq!(wish.class, Class::Sheddable, "{place}");
                                assert!(shedding.is_some() && now - well >= 10 * SECOND, "{place}");
                            }
                            // S1: nobody is shed for want of room while one of a lower class waits.
                            if full && refusal.reason == RefusalReason::Shed && refusal.scope == "queue" {
                                assert!(lowest <= Some(wish.class), "{place}");
                            }
                        }
                        Entered::Waiting(at) => drop(waiting.insert(at, wish)),
                    }
                }
                5 | 6 => {
                    if let Some(grant) = pick(&mut chance, &mut running) {
                        let kind =
                            if chance.one_in(2) { FailureKind::ServerError } else { FailureKind::Overloaded };
                        let failed = Failure::new(kind);
                        let outcome = if chance.one_in(4) { Err(failed) } else { Ok(()) };
                        desk.outcome(&grant, &outcome, moment);
                        let cost = (!chance.one_in(5)).then(|| Cost::from_nanos(chance.up_to(100_000_000)));
                        desk.finish(&grant, cost, Cost::ZERO, moment, Duration::ZERO);
                    }
                }
                7 => {
                    if let Some(grant) = pick(&mut chance, &mut running) {
                        desk.give_back(grant, moment);
                    }
                }
                8 => {
                    let mut places: Vec<_> = waiting.keys().copied().collect();
                    if let Some(at) = pick(&mut chance, &mut places) {
                        line.leave(&mut desk, at, moment);
                        waiting.remove(&at);
                    }
                }
                _ if chance.one_in(2) => {
                    if let Some(grant) = running.first() {
                        desk.signal(grant, &Signal::Ready, moment, Duration::ZERO);
                    }
                }
                _ => desk.limit = u32::try_from(chance.up_to(6)).unwrap(),
            }
            if waiting.is_empty() {
                well = now;
            }
            let before = running.len();
            line.pump(&mut desk, moment);
            collect(&mut line, &mut waiting, &mut running);
            // K1: nobody is admitted above the limit; those who ran when it fell go on.
            assert!(running.len() <= before.max(desk.limit as usize), "{place}");
            assert_eq!(running.len(), desk.running as usize, "{place}");
            assert!(desk.starting <= config.max_starting.unwrap_or(desk.running), "{place}");
            // K3: whoever is first of its key and could run, runs.
            let mut heads: BTreeMap<Key, (Class, Place)> = BTreeMap::new();
            for (at, wish) in &waiting {
                let head = heads.entry(wish.spender.key.clone()).or_insert((wish.class, *at));
                *head = (*head).min((wish.class, *at));
            }
            for (_, at) in heads.values() {
                assert_ne!(desk.check(&waiting[at], 0, moment), Check::Ready, "{place}: could run");
            }
        }
        // K2: when all is over, everything is back.
        let end = Moment::from_nanos(now);
        for at in waiting.keys() {
            line.leave(&mut desk, *at, end);
        }
        running
            .drain(..)
            .for_each(|grant| desk.finish(&grant, Some(Cost::ZERO), Cost::ZERO, end, Duration::ZERO));
        assert_eq!((desk.running, desk.starting, line.len()), (0, 0, 0), "seed {seed}");
        let idle = end + Duration::from_secs(86_400);
        desk.limit = 1;
        assert_eq!(desk.check(&Demand { cap: Cost::from_usd(2.0), ..demand(0) }, 0, idle), Check::Ready);
    }
}

fn collect(line: &mut Line<Desk>, waiting: &mut BTreeMap<Place, Demand>, running: &mut Vec<Grant>) {
    waiting.retain(|place, _| match line.decision(*place) {
        None => true,
        Some(decision) => {
            running.extend(decision.ok());
            false
        }
    });
}

/// K4: a key that waits is served after at most one turn of each other key, whatever they ask for.
#[test]
fn keys_have_turns_by_weight() {
    let clock = VirtualClock::new();
    let weights = [("big".to_owned(), 3)].into();
    let config = AdmissionConfig { max_concurrent: 1, tenant_weights: weights, ..free() };
    let admission = Admission::with_clock(config, clock).unwrap();
    let first = admission.try_admit(&demand(9)).admitted().unwrap();
    let mut waits: Vec<_> = (0..30)
        .flat_map(|n| ["big", "small"].map(|tenant| (n, tenant)))
        .map(|(_, tenant)| {
            let wish = Demand::new(Key::new("api", "x", "m").tenant(tenant));
            (tenant, Box::pin(admission.admit(wish)))
        })
        .collect();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for (_, wait) in &mut waits {
        assert!(wait.as_mut().poll(&mut context).is_pending());
    }
    drop(first);
    let mut order = Vec::new();
    for _ in 0..40 {
        let ready = waits.iter_mut().enumerate().find_map(|(at, (tenant, wait))| {
            match wait.as_mut().poll(&mut context) {
                std::task::Poll::Ready(permit) => Some((at, *tenant, permit.unwrap())),
                std::task::Poll::Pending => None,
            }
        });
        let (at, tenant, permit) = ready.unwrap();
        drop(waits.remove(at));
        order.push(tenant);
        drop(permit);
    }
    for turn in order.chunks(4) {
        assert_eq!(turn.iter().filter(|tenant| **tenant == "big").count(), 3, "{order:?}");
    }
}

#[test]
fn an_outage_opens_the_breaker_and_waiters_are_told_at_once() {
    let clock = VirtualClock::new();
    let config = AdmissionConfig {
        max_concurrent: 1,
        circuit_breaker: Some(Circuit { jitter: 0.0, ..Circuit::default() }),
        ..free()
    };
    let admission = Admission::with_clock(config, clock.clone()).unwrap();
    let mut permit = admission.try_admit(&demand(0)).admitted().unwrap();
    permit.started();
    let mut wait = Box::pin(admission.admit(demand(0)));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(wait.as_mut().poll(&mut context).is_pending());
    let retried =
        Signal::AttemptFailed { kind: FailureKind::Overloaded, retry_after: Duration::from_secs(1) };
    for _ in 0..4 {
        permit.signal(&retried);
    }
    permit.settle(&Err(Failure::new(FailureKind::Overloaded)), Some(Cost::ZERO));
    let std::task::Poll::Ready(Err(refusal)) = wait.as_mut().poll(&mut context) else {
        panic!("still waits")
    };
    assert_eq!(
        (refusal.reason, refusal.retry_after),
        (RefusalReason::CircuitOpen, Some(Duration::from_secs(60)))
    );
    // Another key is not concerned.
    assert!(admission.try_admit(&demand(1)).is_admitted());
    clock.advance(Duration::from_secs(60));
    for _ in 0..2 {
        let probe = admission.try_admit(&demand(0)).admitted().unwrap();
        probe.settle(&Ok(()), Some(Cost::ZERO));
    }
    assert_eq!(admission.state(&demand(0).spender).circuit.unwrap().state, CircuitPhase::Closed);
}

#[test]
fn a_refused_credential_is_not_used_again() {
    let admission = Admission::with_clock(AdmissionConfig::default(), VirtualClock::new()).unwrap();
    let permit = admission.try_admit(&demand(0)).admitted().unwrap();
    permit.settle(&Err(Failure::new(FailureKind::Auth)), Some(Cost::ZERO));
    let refusal = admission.try_admit(&demand(0)).refusal().unwrap();
    assert_eq!((refusal.reason, refusal.retry_after), (RefusalReason::CircuitOpen, None));
    assert!(admission.try_admit(&demand(1)).is_admitted(), "another credential");
    admission.reset_circuit(&demand(0).spender.key);
    assert!(admission.try_admit(&demand(0)).is_admitted());
}

#[test]
fn crashes_here_concern_every_key() {
    let admission = Admission::with_clock(AdmissionConfig::default(), VirtualClock::new()).unwrap();
    for key in 0..5 {
        let permit = admission.try_admit(&demand(key)).admitted().unwrap();
        permit.settle(&Err(Failure::new(FailureKind::SpawnFailed)), Some(Cost::ZERO));
    }
    assert_eq!(admission.try_admit(&demand(9)).refusal().unwrap().reason, RefusalReason::CircuitOpen);
}

#[test]
fn what_was_never_started_costs_nothing_and_what_was_lost_stays_charged() {
    let config = AdmissionConfig {
        rate_limit: Some(RateLimit { per_minute: Some(2), ..RateLimit::default() }),
        budget: Some(Budget { total_usd: Some(1.0), ..Budget::default() }),
        ..AdmissionConfig::default()
    };
    let admission = Admission::with_clock(config, VirtualClock::new()).unwrap();
    let wish = Demand { cap: Cost::from_usd(0.4), margin: Cost::from_usd(0.1), ..demand(0) };
    drop(admission.try_admit(&wish).admitted().unwrap());
    let state = admission.state(&wish.spender);
    assert_eq!((state.rate.unwrap().last_minute, state.budget.accounts["global"].held), (0, Cost::ZERO));
    let mut lost = admission.try_admit(&wish).admitted().unwrap();
    lost.started();
    lost.observe_cost(Cost::from_usd(0.45)).unwrap();
    drop(lost);
    let state = admission.state(&wish.spender);
    assert_eq!((state.running, state.budget.uncertain), (0, Cost::from_usd(0.45)));
    let mut dear = admission.try_admit(&wish).admitted().unwrap();
    dear.started();
    let refusal = dear.observe_cost(Cost::from_usd(0.8)).unwrap_err();
    assert_eq!(refusal.reason, RefusalReason::BudgetExceeded);
    dear.settle(&Ok(()), Some(Cost::from_usd(0.5)));
    assert_eq!(admission.state(&wish.spender).budget.total_spent, Cost::from_usd(0.5));
    assert!(!admission.try_admit(&wish).is_admitted(), "0.95 of 1 are spent or uncertain");
}

#[test]
fn a_deadline_that_cannot_be_made_is_refused_at_once() {
    let config = AdmissionConfig {
        rate_limit: Some(RateLimit { per_minute: Some(1), ..RateLimit::default() }),
        ..AdmissionConfig::default()
    };
    let clock = VirtualClock::new();
    let admission = Admission::with_clock(config, clock.clone()).unwrap();
    let mut permit = admission.try_admit(&demand(0)).admitted().unwrap();
    permit.started();
    let soon = Demand { deadline: Some(Moment::from_nanos(30 * SECOND)), ..demand(0) };
    let refusal = admission.try_admit(&soon).refusal().unwrap();
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(60)));
    clock.advance(Duration::from_secs(31));
    assert_eq!(admission.try_admit(&soon).refusal().unwrap().reason, RefusalReason::DeadlineExceeded);
}

#[test]
fn permits_come_back_also_from_threads_that_panic() {
    let admission = Admission::with_clock(free(), VirtualClock::new()).unwrap();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let admission = admission.clone();
            scope.spawn(move || {
                for round in 0..200 {
                    let permit = admission.try_admit(&demand(n)).admitted();
                    if round % 50 == 7 {
                        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
                            let _held = permit;
                            std::panic::resume_unwind(Box::new(()));
                        }));
                        caught.unwrap_err();
                    }
                }
            });
        }
    });
    assert_eq!(admission.state(&Spender::default()).running, 0);
}

#[tokio::test]
async fn a_start_is_over_when_the_program_is_ready_or_gone() {
    let config = AdmissionConfig { max_concurrent: 10, max_starting: Some(2), ..free() };
    let admission = Admission::with_clock(config, VirtualClock::new()).unwrap();
    let ask = || admission.try_admit(&demand(0)).admitted();
    let (first, second) = (ask().unwrap(), ask().unwrap());
    assert!(ask().is_none(), "two are starting");
    first.signal(&Signal::Ready);
    first.signal(&Signal::Ready);
    let third = ask().unwrap();
    assert!(ask().is_none(), "said twice it is ready once");
    drop(second);
    drop(third);
    let state = admission.state(&demand(0).spender);
    assert_eq!((state.running, state.starting), (1, 0));
}

#[tokio::test]
async fn who_waits_for_memory_starts_when_there_is_some_and_is_refused_when_that_is_too_late() {
    use std::sync::atomic::{AtomicU64, Ordering};
    let clock = VirtualClock::new();
    let admission = Admission::with_clock(free(), clock.clone()).unwrap();
    let megabytes = Arc::new(AtomicU64::new(1_100));
    let seen = Arc::clone(&megabytes);
    let gauge = Box::new(move || Some(seen.load(Ordering::Relaxed)));
    admission.0.with(|state, _| {
        state.resources.memory = Some(super::memory::Memory::with(MemoryLimit::default(), gauge));
    });
    let soon = Demand { deadline: Some(Moment::from_nanos(1)), ..demand(0) };
    let refusal = admission.try_admit(&soon).refusal().unwrap();
    assert_eq!((refusal.reason, refusal.scope), (RefusalReason::Shed, "memory"));
    let waiting = tokio::spawn({
        let admission = admission.clone();
        async move { admission.admit(demand(0)).await.map(drop) }
    });
    for _ in 0..5 {
        tokio::task::yield_now().await;
        clock.advance(Duration::from_millis(250));
    }
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    megabytes.store(1_200, Ordering::Relaxed);
    clock.advance(Duration::from_millis(250));
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn places_follow_what_the_api_says() {
    let config = AdmissionConfig { max_concurrent: 10, adaptive: Some(Adaptive::default()), ..free() };
    let admission = Admission::with_clock(config, VirtualClock::new()).unwrap();
    let permit = admission.try_admit(&demand(0)).admitted().unwrap();
    permit.signal(&Signal::AttemptFailed { kind: FailureKind::Overloaded, retry_after: Duration::ZERO });
    assert_eq!(admission.state(&demand(0).spender).max_concurrent, 7);
    let refused = AdmissionConfig::from_json(r#"{"max_concurrent": 3, "adaptive": {"min": 4}}"#).unwrap_err();
    assert_eq!(refused.context()["field"], "admission.adaptive.min");
}

#[tokio::test]
async fn a_line_that_stands_drops_who_can_be_dropped_and_nobody_else() {
    let clock = VirtualClock::new();
    let config = AdmissionConfig { max_concurrent: 1, shedding: Some(Shedding::default()), ..free() };
    let admission = Admission::with_clock(config, clock.clone()).unwrap();
    let permit = admission.try_admit(&demand(0)).admitted().unwrap();
    let wait = |class: Class| {
        let (admission, demand) = (admission.clone(), Demand { class, ..demand(0) });
        tokio::spawn(async move { admission.admit(demand).await })
    };
    let settle = async || {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    };
    let (normal, early) = (wait(Class::Normal), wait(Class::Sheddable));
    settle().await;
    clock.advance(Duration::from_secs(27));
    let late = wait(Class::Sheddable);
    settle().await;
    assert!(!early.is_finished(), "a line that is long for a moment does its work");
    clock.advance(Duration::from_secs(3));
    settle().await;
    let refusal = early.await.unwrap().unwrap_err();
    assert_eq!((refusal.reason, refusal.scope), (RefusalReason::Shed, "overload"));
    assert!(!late.is_finished(), "it has waited for three seconds only");
    let refused = wait(Class::Sheddable).await.unwrap().unwrap_err();
    assert_eq!(refused.scope, "overload", "who comes now need not begin to wait");
    clock.advance(Duration::from_secs(2));
    assert_eq!(late.await.unwrap().unwrap_err().scope, "overload");
    // The place is free: whoever waits is let in, and with nobody waiting all is well again.
    drop(permit);
    let permit = normal.await.unwrap().unwrap();
    let again = wait(Class::Sheddable);
    settle().await;
    assert!(!again.is_finished());
    drop(permit);
    assert!(again.await.unwrap().is_ok());
}

async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

/// The rate at which places come free is measured, so a refusal for want of one says when the next try is worth it.
#[tokio::test]
async fn who_is_refused_because_all_is_busy_is_told_when_to_come_back() {
    let ten = Duration::from_secs(10);
    let shedding = Shedding { target_ms: 1_000, interval_ms: 2_000 };
    for (max_starting, scope) in [(None, "slots"), (Some(2), "starts")] {
        let max_concurrent = if max_starting.is_some() { 8 } else { 2 };
        let config = AdmissionConfig {
            max_concurrent,
            max_starting,
            max_waiting: 3,
            shedding: Some(shedding.clone()),
            ..free()
        };
        let clock = VirtualClock::new();
        let admission = Admission::with_clock(config, clock.clone()).unwrap();
        let ask = |class, deadline: Option<Duration>| {
            let demand = Demand { class, deadline: deadline.map(|wait| clock.now() + wait), ..demand(0) };
            let admission = admission.clone();
            tokio::spawn(async move { admission.admit(demand).await })
        };
        let refusal = async |task: tokio::task::JoinHandle<Result<Permit, Refusal>>| {
            settle().await;
            task.await.unwrap().unwrap_err()
        };
        let mut first = admission.try_admit(&demand(0)).admitted().unwrap();
        first.started();
        let mut second = admission.try_admit(&demand(0)).admitted().unwrap();
        second.started();

        // Nobody knows yet how long they take.
        let late = ask(Class::Normal, Some(Duration::from_millis(1)));
        settle().await;
        clock.advance(Duration::from_millis(2));
        let late = refusal(late).await;
        assert_eq!(
            (late.reason, late.scope, late.retry_after),
            (RefusalReason::DeadlineExceeded, scope, None)
        );

        clock.advance(ten - Duration::from_millis(2));
        first.signal(&Signal::Ready);
        first.settle(&Ok(()), None);
        // Given back unused: that says nothing of how long one takes.
        drop(admission.try_admit(&demand(0)).admitted().unwrap());
        let _third = admission.try_admit(&demand(0)).admitted().unwrap();

        let late = ask(Class::Normal, Some(Duration::from_millis(1)));
        settle().await;
        clock.advance(Duration::from_millis(2));
        let late = refusal(late).await;
        assert_eq!((late.scope, late.retry_after), (scope, Some(ten / 2)));

        // Three that wait are before one who comes now; it goes before those of a lower class.
        let waiting = [Class::Normal, Class::Normal, Class::Sheddable].map(|class| ask(class, None));
        settle().await;
        let full = refusal(ask(Class::Sheddable, None)).await;
        assert_eq!((full.scope, full.retry_after), ("queue", Some(ten * 2)));
        let [normal, _, sheddable] = waiting;
        clock.advance(Duration::from_secs(3));
        let shed = refusal(sheddable).await;
        assert_eq!((shed.scope, shed.retry_after), ("overload", Some(ten * 3 / 2)));
        let shed = refusal(ask(Class::Sheddable, None)).await;
        assert_eq!((shed.scope, shed.retry_after), ("overload", Some(ten * 3 / 2)));
        assert!(!normal.is_finished());
        drop(second);
        settle().await;
        assert!(normal.is_finished());
    }
}
