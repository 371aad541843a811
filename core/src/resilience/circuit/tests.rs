//! Random calls, verdicts, losses and waits against the rules a breaker must keep (C1 to C6), and against a second, smaller breaker.

use std::time::Duration;

use super::*;
use crate::resilience::{BreakerEffect, VirtualClock};

const SECOND: u64 = 1_000_000_000;

fn failure() -> Verdict {
    Verdict::Failure { kind: FailureKind::ServerError, retry_after: None }
}

fn settings(chance: &mut Chance) -> Circuit {
    let count = |chance: &mut Chance, most: u64| u32::try_from(1 + chance.up_to(most)).unwrap();
    Circuit {
        failure_threshold: count(chance, 6),
        success_threshold: count(chance, 3),
        timeout_ms: 1_000 + chance.up_to(20_000),
        max_timeout_ms: 40_000,
        failure_rate: chance.one_in(2).then_some(0.5),
        min_samples: count(chance, 9),
        slow_start: chance.one_in(2),
        probe_ms: 5_000 + chance.up_to(5_000),
        ..Circuit::default()
    }
}

#[test]
fn random_schedules_keep_the_rules() {
    for seed in 0..150 {
        let mut chance = Chance::seeded(seed);
        let circuit = settings(&mut chance);
        let mut machine = Machine::new(Arc::new(circuit.clone()), Chance::seeded(seed), Moment::ZERO);
        let mut tickets: Vec<Ticket> = Vec::new();
        let mut probe: Option<(Ticket, u64)> = None;
        let mut now = 0;
        for step in 0..2_000 {
            now += if chance.one_in(3) { chance.up_to(8 * SECOND) } else { chance.up_to(SECOND / 10) };
            let moment = Moment::from_nanos(now);
            let before = (machine.phase, machine.generation);
            let place = format!("seed {seed} step {step} {before:?}");
            match chance.up_to(5) {
                0..=2 => {
                    let allowed = machine.check(moment);
                    // C2: nothing passes while it is open.
                    if let Phase::Open { until } = before.0 {
                        assert!(allowed.is_err() || until <= moment, "{place}");
                    }
                    if allowed.is_ok() {
                        let ticket = machine.take(moment);
                        if let Phase::HalfOpen { .. } = machine.phase {
                            // C3: one probe at a time.
                            assert!(
                                probe.is_none_or(|(old, lease)| {
                                    old.generation != machine.generation || lease <= now
                                }),
                                "{place}"
                            );
                            probe = Some((ticket, now + circuit.probe_ms * 1_000_000));
                        }
                        tickets.push(ticket);
                    }
                }
                action if !tickets.is_empty() => {
                    let at = usize::try_from(chance.up_to(tickets.len() as u64 - 1)).unwrap();
                    let ticket = tickets.swap_remove(at);
                    machine.tick(moment);
                    let (phase, consecutive, generation) =
                        (machine.phase, machine.consecutive, machine.generation);
                    let verdict = match action {
                        3 => Some(Verdict::Success),
                        4 => Some(failure()),
                        _ => None,
                    };
                    if let Some(verdict) = verdict {
                        machine.record(ticket, verdict, moment);
                    }
                    machine.release(ticket, moment);
                    if ticket.generation != generation {
                        // C5: nothing of an older generation counts.
                        assert_eq!(
                            (phase, consecutive, generation),
                            (machine.phase, machine.consecutive, machine.generation),
                            "{place}"
                        );
                    }
                    if probe.is_some_and(|(old, _)| old == ticket) {
                        probe = None;
                    }
                }
                // Some are lost and never heard of.
                _ => drop(tickets.pop()),
            }
            // C1: only these changes. Two can happen in one step when time did the first.
            machine.tick(moment);
            let legal = match (before.0, machine.phase) {
                (Phase::Closed, Phase::Closed | Phase::Open { .. }) => true,
                (Phase::Open { until }, Phase::HalfOpen { .. }) => until <= moment,
                (Phase::Open { .. }, Phase::Open { .. }) => true,
                (Phase::HalfOpen { .. }, _) => true,
                (Phase::Closed, Phase::HalfOpen { .. }) | (Phase::Open { .. }, Phase::Closed) => false,
            };
            assert!(legal, "{place}: {:?}", machine.phase);
            if before.0 != machine.phase
                && std::mem::discriminant(&before.0) != std::mem::discriminant(&machine.phase)
            {
                assert!(machine.generation > before.1, "{place}: a change without a generation");
            }
        }
        // C4: whatever happened, with calls that succeed it closes.
        for round in 0.. {
            assert!(round < 1_000, "seed {seed}: stuck in {:?}", machine.phase);
            now += 10 * SECOND;
            let moment = Moment::from_nanos(now);
            if machine.check(moment).is_ok() {
                let ticket = machine.take(moment);
                machine.record(ticket, Verdict::Success, moment);
                machine.release(ticket, moment);
            }
            if machine.phase == Phase::Closed {
                break;
            }
        }
    }
}

/// The breaker as the textbook has it: one call at a time, failures in a row, no chance.
struct Textbook {
    failures: u32,
    successes: u32,
    open_until: Option<u64>,
    half_open: bool,
    openings: u32,
    closed_at: u64,
}

#[test]
fn it_behaves_like_the_textbook() {
    for seed in 0..100 {
        let mut chance = Chance::seeded(seed);
        let circuit = Circuit { jitter: 0.0, failure_rate: None, slow_start: false, ..settings(&mut chance) };
        let mut machine = Machine::new(Arc::new(circuit.clone()), Chance::seeded(0), Moment::ZERO);
        let mut book = Textbook {
            failures: 0,
            successes: 0,
            open_until: None,
            half_open: false,
            openings: 0,
            closed_at: 0,
        };
        let mut now = 0;
        for step in 0..2_000 {
            now += chance.up_to(3 * SECOND);
            let moment = Moment::from_nanos(now);
            if book.open_until.is_some_and(|until| until <= now) {
                (book.open_until, book.half_open, book.successes) = (None, true, 0);
            }
            if book.open_until.is_none() && !book.half_open && now - book.closed_at >= 60 * SECOND {
                book.openings = 0;
            }
            assert_eq!(machine.check(moment).is_ok(), book.open_until.is_none(), "seed {seed} step {step}");
            if book.open_until.is_some() {
                continue;
            }
            let ticket = machine.take(moment);
            let good = chance.one_in(2);
            machine.record(ticket, if good { Verdict::Success } else { failure() }, moment);
            machine.release(ticket, moment);
            book.failures = if good { 0 } else { book.failures + 1 };
            book.successes += u32::from(good);
            if book.half_open && good && book.successes >= circuit.success_threshold {
                (book.half_open, book.failures, book.closed_at) = (false, 0, now);
            } else if !good && (book.half_open || book.failures >= circuit.failure_threshold) {
                let open = (circuit.timeout_ms << book.openings.min(20)).min(circuit.max_timeout_ms);
                book.open_until = Some(now + open * 1_000_000);
                (book.half_open, book.failures) = (false, 0);
                book.openings += 1;
            }
        }
    }
}

/// C6: what says nothing about the other side never opens it.
#[test]
fn what_does_not_count_never_opens_it() {
    let clock = VirtualClock::new();
    let breaker = CircuitBreaker::with_clock(Circuit::default(), clock).unwrap();
    for kind in FailureKind::ALL.into_iter().filter(|kind| kind.breaker() == BreakerEffect::Ignored) {
        for _ in 0..20 {
            let ticket = breaker.try_request().unwrap();
            breaker.record(ticket, kind.verdict(None));
            breaker.release(ticket);
        }
    }
    assert_eq!(breaker.state().state, CircuitPhase::Closed);
}

#[test]
fn a_share_of_failures_opens_it_too() {
    let clock = VirtualClock::new();
    let breaker = CircuitBreaker::with_clock(Circuit::default(), clock.clone()).unwrap();
    for n in 0..9 {
        if n % 2 == 0 { breaker.record_failure() } else { breaker.record_success() }
    }
    assert_eq!(breaker.state().state, CircuitPhase::Closed, "nine samples are too few");
    breaker.record_failure();
    assert_eq!(breaker.state().state, CircuitPhase::Open);
}

#[test]
fn it_stays_open_as_long_as_a_server_asks_and_longer_each_time() {
    let clock = VirtualClock::new();
    let circuit = Circuit { failure_threshold: 1, jitter: 0.0, ..Circuit::default() };
    let breaker = CircuitBreaker::with_clock(circuit, clock.clone()).unwrap();
    let asked = Duration::from_secs(500);
    let ticket = breaker.try_request().unwrap();
    breaker.record(ticket, Verdict::Failure { kind: FailureKind::Overloaded, retry_after: Some(asked) });
    assert_eq!(breaker.state().retry_after_ms, Some(500_000));
    for expected in [120_000, 240_000, 300_000, 300_000] {
        clock.advance(Duration::from_millis(breaker.state().retry_after_ms.unwrap()));
        assert!(breaker.allow_request());
        breaker.record_failure();
        assert_eq!(breaker.state().retry_after_ms, Some(expected));
    }
    assert_eq!(breaker.state().cause, Some(FailureKind::Unknown));
}

#[test]
fn after_it_closed_permits_grow_from_one() {
    let clock = VirtualClock::new();
    let circuit = Circuit { failure_threshold: 1, success_threshold: 1, ..Circuit::default() };
    let breaker = CircuitBreaker::with_clock(circuit, clock.clone()).unwrap();
    breaker.record_failure();
    clock.advance(Duration::from_secs(60));
    let probe = breaker.try_request().unwrap();
    breaker.record(probe, Verdict::Success);
    let first = breaker.try_request().unwrap();
    breaker.try_request().unwrap_err();
    breaker.record(first, Verdict::Success);
    breaker.try_request().unwrap();
    breaker.try_request().unwrap_err();
    breaker.release(first);
    breaker.try_request().unwrap();
    clock.advance(Duration::from_secs(60));
    for _ in 0..100 {
        breaker.try_request().unwrap();
    }
}

#[test]
fn forced_states() {
    let breaker = CircuitBreaker::with_clock(Circuit::default(), VirtualClock::new()).unwrap();
    breaker.force(Some(Forced::Open));
    assert_eq!(breaker.try_request().unwrap_err().retry_after, None);
    for forced in [Forced::Disabled, Forced::MetricsOnly] {
        breaker.force(Some(forced));
        for _ in 0..20 {
            assert!(breaker.allow_request());
            breaker.record_failure();
        }
        assert_eq!(breaker.state().failures, if forced == Forced::Disabled { 0 } else { 20 });
    }
    breaker.reset();
    assert_eq!((breaker.state().forced, breaker.state().failures), (None, 0));
    assert_eq!(
        serde_json::to_value(breaker.state()).unwrap(),
        serde_json::json!({"state": "closed", "forced": null, "retry_after_ms": 0, "consecutive_failures": 0,
            "successes": 0, "failures": 0, "openings": 0, "cause": null, "generation": breaker.state().generation})
    );
}
