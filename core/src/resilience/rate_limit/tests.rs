//! Random schedules of starts, refunds, settlements and waits against a reference that remembers everything and counts. The names
//! R1 to R6 are the properties a limiter must have; each is asserted at every step.

use std::time::Duration;

use super::*;
use crate::resilience::{
    RefusalReason, VirtualClock,
    line::{Check, Entered, Line, Place},
};

const SECOND: u64 = 1_000_000_000;

/// A start that the reference remembers.
#[derive(Clone, Copy)]
struct Seen {
    id: u64,
    at: u64,
    tokens: u64,
}

/// The limiter as one would write it without caring for speed.
#[derive(Default)]
struct Reference {
    seen: Vec<Seen>,
    quota: Quota,
}

impl Reference {
    fn admits(&self, tokens: u64, now: u64) -> bool {
        let within = |length: u64| self.seen.iter().filter(move |start| start.at + length > now);
        let exact = self.quota.burst.is_none();
        let count_ok = |limit: Option<u32>, length: u64| {
            limit.is_none_or(|limit| !exact || within(length).count() < limit as usize)
        };
        count_ok(self.quota.per_minute, 60 * SECOND)
            && count_ok(self.quota.per_hour, 3600 * SECOND)
            && within(self.quota.min_gap_ms * 1_000_000).count() == 0
            && self.quota.tokens_per_minute.is_none_or(|limit| {
                within(60 * SECOND).map(|start| start.tokens).sum::<u64>() + tokens <= limit
            })
            && self.buckets_admit(now)
    }

    /// A bucket from the beginning of time: how full it is follows from all starts.
    fn buckets_admit(&self, now: u64) -> bool {
        let Some(burst) = self.quota.burst else { return true };
        [(self.quota.per_minute, 60 * SECOND), (self.quota.per_hour, 3600 * SECOND)].iter().all(
            |(limit, length)| {
                let Some(limit) = limit else { return true };
                let interval = length.div_ceil(u64::from(*limit));
                let mut full_at = 0;
                for start in &self.seen {
                    full_at = start.at.max(full_at) + interval;
                }
                full_at.max(now) + interval <= now + interval * u64::from(burst.min(*limit))
            },
        )
    }

    /// Forgets what neither a window nor a bucket can feel.
    fn trim(&mut self, now: u64) {
        if self.quota.burst.is_none() {
            self.seen.retain(|start| start.at + 3600 * SECOND > now);
        }
    }
}

fn quota(chance: &mut Chance) -> Quota {
    let count = |chance: &mut Chance, most: u64| u32::try_from(1 + chance.up_to(most)).unwrap();
    let mut quota = Quota {
        per_minute: (!chance.one_in(5)).then(|| count(chance, 6)),
        per_hour: (!chance.one_in(3)).then(|| count(chance, 15)),
        tokens_per_minute: chance.one_in(3).then(|| 10 + chance.up_to(90)),
        burst: None,
        min_gap_ms: if chance.one_in(4) { chance.up_to(20_000) } else { 0 },
    };
    if chance.one_in(3) && (quota.per_minute.is_some() || quota.per_hour.is_some()) {
        quota.burst = Some(count(chance, 8));
    }
    quota
}

fn limit(key: Quota, tenant: Option<Quota>, global: Option<Quota>) -> RateLimit {
    let Quota { per_minute, per_hour, tokens_per_minute, burst, min_gap_ms } = key;
    RateLimit { per_minute, per_hour, tokens_per_minute, burst, min_gap_ms, tenant, global }
}

/// R1, R2, R3 and R6: the limiter admits exactly when the reference does, on every level or on none, and the wait it names is the
/// shortest that is enough.
#[test]
fn it_admits_exactly_what_the_reference_admits() {
    for seed in 0..120 {
        let mut chance = Chance::seeded(seed);
        let quotas: Vec<_> = (0..3).map(|_| quota(&mut chance)).collect();
        let mut chain = Chain::new(&limit(quotas[0], Some(quotas[1]), Some(quotas[2])), Chance::seeded(seed));
        let keys: Vec<_> =
            (0..4).map(|n| Key::new("api", format!("{n}"), "m").tenant(format!("{}", n / 2))).collect();
        // Four keys, two tenants, one for all.
        let mut references: Vec<_> = [0, 0, 0, 0, 1, 1, 2]
            .map(|level: usize| Reference { quota: quotas[level], ..Reference::default() })
            .into();
        let levels = |key: usize| [key, 4 + key / 2, 6];
        let mut taken: Vec<(usize, Taken)> = Vec::new();
        let mut now = 1;
        for step in 0..2_500 {
            now += if chance.one_in(4) { chance.up_to(40 * SECOND) } else { chance.up_to(SECOND) };
            let moment = Moment::from_nanos(now);
            references.iter_mut().for_each(|reference| reference.trim(now));
            let key = usize::try_from(chance.up_to(3)).unwrap();
            let tokens = chance.up_to(30);
            let wanted = levels(key).iter().all(|level| references[*level].admits(tokens, now));
            let check = chain.check(&keys[key], tokens, 0, moment);
            assert_eq!(check == Check::Ready, wanted, "seed {seed} step {step}: {check:?}");
            match check {
                Check::Ready => {
                    let start = chain.take(&keys[key], tokens, moment);
                    for level in levels(key) {
                        references[level].seen.push(Seen { id: start.id, at: now, tokens });
                    }
                    taken.push((key, start));
                }
                Check::Wait { until: Some(until), why, .. } => {
                    assert_eq!(why.reason, RefusalReason::RateLimited);
                    let admits =
                        |at: u64| levels(key).iter().all(|level| references[*level].admits(tokens, at));
                    assert!(admits(until.nanos()), "seed {seed} step {step}: too short");
                    assert!(!admits(until.nanos() - 1), "seed {seed} step {step}: too long");
                }
                Check::Wait { until: None, .. } => panic!("time alone always helps"),
                Check::Refuse(refusal) => assert_eq!(refusal.retry_after, None),
            }
            if chance.one_in(5) && !taken.is_empty() {
                let at = usize::try_from(chance.up_to(taken.len() as u64 - 1)).unwrap();
                let (key, start) = taken.swap_remove(at);
                let buckets = references.iter().any(|reference| reference.quota.burst.is_some());
                // A bucket forgets how to take back a start once it is old: the bound comes first.
                if chance.one_in(2) && !buckets {
                    chain.refund(&start);
                    for level in levels(key) {
                        references[level].seen.retain(|seen| seen.id != start.id);
                    }
                } else {
                    let tokens = chance.up_to(40);
                    chain.settle(&start, tokens);
                    for level in levels(key) {
                        let seen = references[level].seen.iter_mut().find(|seen| seen.id == start.id);
                        if let Some(seen) = seen {
                            seen.tokens = tokens;
                        }
                    }
                }
            }
        }
    }
}

/// R2, stated directly: in any span T at most burst + rate x T starts.
#[test]
fn a_bucket_admits_its_burst_and_its_rate() {
    for seed in 0..40 {
        let mut chance = Chance::seeded(seed);
        let (rate, burst) = (1 + chance.up_to(20), 1 + chance.up_to(10));
        let quota = Quota {
            per_minute: Some(u32::try_from(rate).unwrap()),
            burst: Some(u32::try_from(burst).unwrap()),
            ..Quota::default()
        };
        let mut chain = Chain::new(&limit(quota, None, None), Chance::seeded(0));
        let (key, mut now, mut starts) = (Key::default(), 0, Vec::new());
        for _ in 0..2_000 {
            now += chance.up_to(120 * SECOND / rate / 3);
            if chain.check(&key, 0, 0, Moment::from_nanos(now)) == Check::Ready {
                let start = chain.take(&key, 0, Moment::from_nanos(now));
                if chance.one_in(6) { chain.refund(&start) } else { starts.push(now) }
            }
        }
        for (first, from) in starts.iter().enumerate() {
            for (count, to) in starts[first..].iter().enumerate() {
                let bound = burst.min(rate) + rate * (to - from) / (60 * SECOND);
                assert!(count as u64 <= bound, "seed {seed}: {} in {} ns", count + 1, to - from);
            }
        }
    }
}

/// R4: after a start and its refund, with others in between, everything is as if it had not been.
#[test]
fn a_refund_leaves_nothing() {
    for seed in 0..400 {
        let mut chance = Chance::seeded(seed);
        let (key_quota, global) = (quota(&mut chance), quota(&mut chance));
        let limit = limit(key_quota, None, Some(global));
        let (mut with, mut without) =
            (Chain::new(&limit, Chance::seeded(1)), Chain::new(&limit, Chance::seeded(1)));
        let key = Key::default();
        let mut now = SECOND;
        let extra = chance.up_to(8);
        let mut start = None;
        for step in 0..16 {
            // Within the time in which a bucket can take a start back.
            now += chance.up_to(SECOND / 4);
            let moment = Moment::from_nanos(now);
            if step == extra {
                start = Some(with.take(&key, 3, moment));
                without.next += 1;
            }
            if step % 3 == 0 {
                with.take(&key, 1, moment);
                without.take(&key, 1, moment);
            }
        }
        with.refund(&start.unwrap());
        let moment = Moment::from_nanos(now);
        assert_eq!(with.essence(moment), without.essence(moment), "seed {seed}");
    }
}

type Waiting = (Place, usize, Class, Option<Moment>);

/// Takes those out of `waiting` who were decided, and checks that it was their turn and not too late.
fn collect(line: &mut Line<Chain>, chain: &mut Chain, waiting: &mut Vec<Waiting>, now: Moment) {
    line.pump(chain, now);
    let (mut still, mut admitted) = (Vec::new(), Vec::new());
    for entry in waiting.drain(..) {
        match line.decision(entry.0) {
            None => still.push(entry),
            Some(Ok(_)) => admitted.push(entry),
            Some(Err(refusal)) => assert!(entry.3.is_some(), "{refusal}"),
        }
    }
    *waiting = still;
    for (place, key, class, deadline) in admitted {
        assert!(deadline.is_none_or(|deadline| now <= deadline), "too late");
        let passed = |other: &Waiting| other.1 == key && (other.2, other.0) < (class, place);
        assert!(!waiting.iter().any(passed), "out of order");
    }
}

/// R5 and R6 in the line: within a key and class first come, first served; nobody is admitted after the deadline; who is refused
/// for its deadline could not have made it; a place that is given up changes nothing for the others.
#[test]
fn a_line_keeps_order_and_deadlines() {
    for seed in 0..25 {
        let mut chance = Chance::seeded(seed);
        let quota = Quota { per_minute: Some(3), per_hour: Some(60), ..Quota::default() };
        let global = Quota { per_minute: Some(5), ..Quota::default() };
        let mut chain = Chain::new(&limit(quota, None, Some(global)), Chance::seeded(0));
        let mut line: Line<Chain> = Line::new(usize::MAX);
        let keys: Vec<_> = (0..3).map(|n| Key::new("api", format!("{n}"), "m")).collect();
        let classes = [Class::CriticalPlus, Class::Critical, Class::Normal, Class::Sheddable];
        let mut waiting: Vec<Waiting> = Vec::new();
        let mut now = 1;
        for _ in 0..2_000 {
            now += chance.up_to(8 * SECOND);
            let moment = Moment::from_nanos(now);
            // Who is due by now goes before anybody comes.
            collect(&mut line, &mut chain, &mut waiting, moment);
            if chance.one_in(2) {
                let key = usize::try_from(chance.up_to(2)).unwrap();
                let class = classes[usize::try_from(chance.up_to(3)).unwrap()];
                let deadline = chance.one_in(2).then(|| Moment::from_nanos(now + chance.up_to(200 * SECOND)));
                let wish = Wish { key: keys[key].clone(), ask: Acquire { tokens: 0, class, deadline } };
                match line.enter(&mut chain, wish, moment) {
                    Entered::Waiting(place) => waiting.push((place, key, class, deadline)),
                    Entered::Decided(Ok(_)) => {
                        assert!(
                            !waiting.iter().any(|(_, other, theirs, _)| *other == key && *theirs <= class),
                            "seed {seed}: passed somebody"
                        );
                    }
                    Entered::Decided(Err(refusal)) => {
                        let deadline = deadline.unwrap();
                        let wait = refusal.retry_after.unwrap();
                        assert!(moment + wait > deadline, "seed {seed}: could have made it");
                    }
                }
            }
            if chance.one_in(7) && !waiting.is_empty() {
                let at = usize::try_from(chance.up_to(waiting.len() as u64 - 1)).unwrap();
                let (place, ..) = waiting.remove(at);
                line.leave(&mut chain, place, moment);
            }
            collect(&mut line, &mut chain, &mut waiting, moment);
        }
        for (place, ..) in waiting.drain(..) {
            line.leave(&mut chain, place, Moment::from_nanos(now));
        }
        assert_eq!(line.len(), 0);
    }
}

#[test]
fn keys_that_rest_are_forgotten() {
    let mut chain = Chain::new(&RateLimit::default(), Chance::seeded(0));
    for n in 0..100_000_u64 {
        let key = Key::new("api", format!("{n}"), "m");
        chain.take(&key, 0, Moment::from_nanos(n * SECOND));
    }
    assert!(chain.known() < 20_000, "{}", chain.known());
}

#[test]
fn a_burst_of_sixty_and_the_next_one_waits_a_minute() {
    let clock = VirtualClock::new();
    let limiter = RateLimiter::with_clock(RateLimit::default(), clock.clone()).unwrap();
    let key = Key::default();
    for _ in 0..60 {
        assert!(limiter.try_acquire(&key).is_admitted());
    }
    assert!(matches!(limiter.try_acquire(&key), Decision::WaitUntil(Some(at)) if at.nanos() == 60 * SECOND));
    assert_eq!(limiter.state(&key).next_start_ms, 60_000);
    clock.advance(Duration::from_nanos(60 * SECOND - 1));
    assert!(!limiter.try_acquire(&key).is_admitted());
    clock.advance(Duration::from_nanos(1));
    assert!(limiter.try_acquire(&key).is_admitted());
}

#[test]
fn a_server_that_wants_fewer_gets_fewer_and_then_all_again() {
    let clock = VirtualClock::new();
    let limit = RateLimit { per_minute: Some(10), per_hour: None, ..RateLimit::default() };
    let limiter = RateLimiter::with_clock(limit, clock.clone()).unwrap();
    let key = Key::default();
    limiter.feedback(&key, RateFeedback::Throttled { retry_after_ms: None });
    let admitted = (0..10).filter(|_| limiter.try_acquire(&key).is_admitted()).count();
    assert_eq!(admitted, 7);
    let Decision::WaitUntil(Some(at)) = limiter.try_acquire(&key) else { panic!("room for an eighth") };
    clock.set(Moment::from_nanos(at.nanos() - 1));
    assert!(!limiter.try_acquire(&key).is_admitted());
    clock.set(at);
    assert!(limiter.try_acquire(&key).is_admitted(), "the limit grows again while nothing starts");
    clock.advance(Duration::from_secs(120));
    assert_eq!((0..20).filter(|_| limiter.try_acquire(&key).is_admitted()).count(), 10);
}

#[tokio::test]
async fn waiters_are_served_in_order_and_a_dropped_one_leaves_no_trace() {
    let clock = VirtualClock::new();
    let limit = RateLimit { per_minute: Some(1), per_hour: None, ..RateLimit::default() };
    let limiter = RateLimiter::with_clock(limit, clock.clone()).unwrap();
    let key = Key::default();
    limiter.check_and_wait(&key).await.unwrap();
    let done = Arc::new(std::sync::Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..4)
        .map(|n| {
            let (limiter, key, done) = (limiter.clone(), key.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                limiter.check_and_wait(&key).await.unwrap();
                done.lock().unwrap().push(n);
            })
        })
        .collect();
    while limiter.state(&key).waiting < 4 {
        tokio::task::yield_now().await;
    }
    tasks[1].abort();
    while limiter.state(&key).waiting > 3 {
        tokio::task::yield_now().await;
    }
    let late = Acquire { deadline: Some(Moment::from_nanos(230 * SECOND)), ..Acquire::default() };
    let refusal = limiter.check_and_wait_with(&key, &late).await.unwrap_err();
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(240)), "three go before it");
    for (n, task) in tasks.into_iter().enumerate() {
        if n != 1 {
            clock.advance(Duration::from_secs(60));
            task.await.unwrap();
        }
    }
    assert_eq!(*done.lock().unwrap(), [0, 2, 3]);
    assert_eq!(limiter.state(&key).waiting, 0);
}

#[test]
fn what_is_granted_to_a_future_that_is_dropped_is_given_back() {
    let clock = VirtualClock::new();
    let limit = RateLimit { per_minute: Some(1), per_hour: None, ..RateLimit::default() };
    let limiter = RateLimiter::with_clock(limit, clock.clone()).unwrap();
    let key = Key::default();
    assert!(limiter.try_acquire(&key).is_admitted());
    let mut wait = Box::pin(limiter.check_and_wait(&key));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(wait.as_mut().poll(&mut context).is_pending());
    clock.advance(Duration::from_secs(60));
    // Anything that happens to the limiter admits who can be; here the waiter, which is not polled again.
    assert_eq!(limiter.state(&key).waiting, 0);
    drop(wait);
    assert!(limiter.try_acquire(&key).is_admitted());
}
