//! Random runs of random failures against the rules of retrying (T1 to T7).

use super::*;
use crate::resilience::{FailureKind, VirtualClock};

const SECOND: u64 = 1_000_000_000;

#[test]
fn random_failures_keep_the_rules() {
    for seed in 0..40 {
        let mut chance = Chance::seeded(seed);
        let policy = RetryPolicy {
            max_attempts: u32::try_from(1 + chance.up_to(5)).unwrap(),
            program_retries: u32::from(chance.one_in(4)),
            ..RetryPolicy::default()
        };
        let clock = VirtualClock::new();
        let retrier = Retrier::with_clock(policy.clone(), clock.clone()).unwrap();
        let key = Key::default();
        let (mut firsts, mut retries): (Vec<u64>, Vec<u64>) = (Vec::new(), Vec::new());
        for _ in 0..500 {
            clock.advance(Duration::from_nanos(chance.up_to(3 * SECOND)));
            let deadline =
                chance.one_in(2).then(|| clock.now() + Duration::from_nanos(chance.up_to(20 * SECOND)));
            let mut attempts = retrier.begin(&key, deadline);
            firsts.push(clock.now().nanos());
            let (id, mut changed, mut cancelled) = (attempts.id().to_owned(), false, false);
            for made in 1.. {
                // T1
                assert!(made <= policy.max_attempts && attempts.made() == made, "seed {seed}");
                let kinds = FailureKind::ALL;
                let kind = kinds[usize::try_from(chance.up_to(kinds.len() as u64 - 1)).unwrap()];
                let mut failure = Failure::new(kind);
                if chance.one_in(4) {
                    failure = failure.retry_after(Duration::from_nanos(chance.up_to(10 * SECOND)));
                }
                if chance.one_in(5) {
                    failure = failure.resume_only();
                    changed = true;
                }
                if chance.one_in(15) {
                    attempts.cancel();
                    cancelled = true;
                }
                let now = clock.now();
                let RetryDecision::Again { after, how } = attempts.failed(&failure) else { break };
                // T4 and T5
                assert!(kind.retry_class() != RetryClass::Never && !cancelled, "seed {seed}: {kind:?}");
                assert!(!kind.retried_by_program() || policy.program_retries == 0, "one owner");
                // T3
                assert!(deadline.is_none_or(|deadline| now + after <= deadline), "seed {seed}");
                assert!(after >= failure.retry_after.unwrap_or_default());
                // T6 and T7
                assert_eq!(how, if changed { Replay::ResumeOnly } else { Replay::Fresh }, "seed {seed}");
                assert_eq!(attempts.id(), id);
                retries.push(now.nanos());
                clock.advance(after);
            }
        }
        // T2, in every minute that ends with a retry.
        for end in &retries {
            let within =
                |all: &[u64]| all.iter().filter(|at| **at <= *end && *at + 60 * SECOND > *end).count();
            let (first, again) = (within(&firsts), within(&retries));
            assert!(again as f64 <= 0.2 * first as f64 + 12.0, "seed {seed}: {again} after {first}");
        }
    }
}

#[test]
fn waits_grow_and_a_server_that_asks_for_more_gets_it() {
    let policy = RetryPolicy { max_attempts: 50, program_retries: 0, ..RetryPolicy::default() };
    let retrier =
        Retrier::with_clock(RetryPolicy { budget_free: 100, ..policy }, VirtualClock::new()).unwrap();
    let mut attempts = retrier.begin(&Key::default(), None);
    let mut ceiling = Duration::from_secs(1);
    for _ in 0..40 {
        let RetryDecision::Again { after, .. } = attempts.failed(&Failure::new(FailureKind::Overloaded))
        else {
            panic!("gave up")
        };
        assert!(after <= ceiling);
        ceiling = (ceiling * 2).min(Duration::from_secs(20));
    }
    let asked = Failure::new(FailureKind::Overloaded).retry_after(Duration::from_secs(90));
    assert!(matches!(attempts.failed(&asked), RetryDecision::Again { after, .. } if after.as_secs() == 90));
}

#[test]
fn what_cannot_be_made_in_time_fails_at_once() {
    let clock = VirtualClock::new();
    let policy = RetryPolicy { program_retries: 0, ..RetryPolicy::default() };
    let retrier = Retrier::with_clock(policy, clock).unwrap();
    let mut attempts = retrier.begin(&Key::default(), Some(Moment::from_nanos(SECOND)));
    let asked = Failure::new(FailureKind::RateLimited).retry_after(Duration::from_secs(5));
    let decision = attempts.failed(&asked);
    assert_eq!(
        serde_json::to_value(decision).unwrap(),
        serde_json::json!({"type": "give_up", "why": "deadline", "retry_after_ms": 5000})
    );
}

#[test]
fn work_that_may_be_done_twice_starts_anew() {
    let retrier = Retrier::with_clock(RetryPolicy::default(), VirtualClock::new()).unwrap();
    let mut attempts = retrier.begin(&Key::default(), None).idempotent();
    let crash = Failure::new(FailureKind::CrashedMidRun).resume_only();
    assert!(matches!(attempts.failed(&crash), RetryDecision::Again { how: Replay::Fresh, .. }));
}
