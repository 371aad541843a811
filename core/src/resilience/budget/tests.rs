//! Random reservations, settlements, losses and crashes against a reference that adds up everything each time (B1 to B6).

use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::{
    Message,
    message::{Body, CostMeter},
    resilience::{Key, RefusalReason, VirtualClock, chance::Chance},
};

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;

fn nanos(usd: f64) -> u64 {
    Cost::from_usd(usd).nanos()
}

#[derive(Clone)]
struct Open {
    key: usize,
    flow: usize,
    cap: u64,
    held: u64,
    uncertain: bool,
}

/// What an account should have, from everything that ever happened.
#[derive(Default)]
struct Reference {
    open: BTreeMap<u64, Open>,
    charges: Vec<(u64, usize, usize, u64)>,
}

impl Reference {
    fn held(&self, of: impl Fn(&Open) -> bool) -> u64 {
        self.open.values().filter(|open| of(open)).map(|open| open.held).sum()
    }

    fn spent(&self, since: u64, of: impl Fn(usize, usize) -> bool) -> u64 {
        let charges = self.charges.iter().filter(|(at, key, flow, _)| *at > since && of(*key, *flow));
        charges.map(|charge| charge.3).sum()
    }

    /// What counts against the limits of flow, key and all.
    fn used(&self, key: usize, flow: usize, now: u64) -> [u64; 3] {
        [
            self.held(|open| open.flow == flow) + self.spent(0, |_, other| other == flow),
            self.held(|open| open.key == key) + self.spent(now.saturating_sub(HOUR), |other, _| other == key),
            self.held(|_| true) + self.spent(0, |_, _| true),
        ]
    }
}

fn spender(key: usize, flow: usize) -> Spender {
    Spender::new(Key::new("api", key.to_string(), "m")).flow(flow.to_string())
}

#[test]
fn random_spending_stays_within_every_limit() {
    for seed in 0..30 {
        let mut chance = Chance::seeded(seed);
        let limits = Budget {
            flow_usd: Some(3.0),
            key_hour_usd: Some(2.0),
            total_usd: Some(9.0),
            uncertain_ttl_ms: u64::MAX,
            ..Budget::default()
        };
        let bounds = [nanos(3.0), nanos(2.0), nanos(9.0)];
        let mut book = Book::new(limits);
        let mut reference = Reference::default();
        let (mut now, mut last_spent) = (HOUR * 30, Cost::ZERO);
        for step in 0..1_500 {
            // Charges of the same few seconds are remembered as one: steps that are longer keep the reference exact.
            now += 4 * SECOND + chance.up_to(200 * SECOND);
            let moment = Moment::from_nanos(now);
            let place = format!("seed {seed} step {step}");
            let (key, flow) =
                (usize::try_from(chance.up_to(2)).unwrap(), usize::try_from(chance.up_to(3)).unwrap());
            let pick = |chance: &mut Chance, reference: &Reference| {
                let at = usize::try_from(chance.up_to(reference.open.len().max(1) as u64 - 1)).unwrap();
                reference.open.keys().nth(at).copied()
            };
            match chance.up_to(7) {
                0..=3 => {
                    let (cap, margin) = (chance.up_to(nanos(0.4)), chance.up_to(nanos(0.05)));
                    let used = reference.used(key, flow, now);
                    let fits = used.iter().zip(bounds).all(|(used, bound)| used + cap + margin <= bound);
                    let check = book.check(&spender(key, flow), Cost::from_nanos(cap + margin), moment);
                    assert_eq!(check == Check::Ready, fits, "{place}: {check:?} {used:?}");
                    if let Check::Wait { until: Some(until), .. } = check {
                        // Nothing but time passes: then it fits, and not a moment before.
                        for (at, enough) in [(until.nanos(), true), (until.nanos() - 1, false)] {
                            let used = reference.used(key, flow, at);
                            let fits =
                                used.iter().zip(bounds).all(|(used, bound)| used + cap + margin <= bound);
                            assert_eq!(fits, enough, "{place}");
                        }
                    }
                    if fits {
                        let (cost, more) = (Cost::from_nanos(cap), Cost::from_nanos(margin));
                        let id = book.reserve(&spender(key, flow), cost, more, moment);
                        reference
                            .open
                            .insert(id, Open { key, flow, cap, held: cap + margin, uncertain: false });
                    }
                }
                4 | 5 => {
                    if let Some(id) = pick(&mut chance, &reference) {
                        let open = reference.open.remove(&id).unwrap();
                        let actual = chance.up_to(open.held);
                        reference.charges.push((now, open.key, open.flow, actual));
                        book.settle(id, Cost::from_nanos(actual), moment, Duration::ZERO);
                        // B2: a second time changes nothing.
                        book.settle(id, Cost::from_nanos(nanos(5.0)), moment, Duration::ZERO);
                    }
                }
                6 => {
                    if let Some(id) = pick(&mut chance, &reference) {
                        let observed = chance.up_to(nanos(0.6));
                        let open = reference.open[&id].clone();
                        let more = observed.saturating_sub(open.held);
                        let used = reference.used(open.key, open.flow, now);
                        let fits = used.iter().zip(bounds).all(|(used, bound)| used + more <= bound);
                        let answer = book.top_up(id, Cost::from_nanos(observed), moment);
                        assert_eq!(answer.is_ok(), more == 0 || fits, "{place}");
                        if answer.is_ok() && more > 0 {
                            reference.open.get_mut(&id).unwrap().held = observed;
                        }
                    }
                }
                _ => {
                    if let Some(id) = pick(&mut chance, &reference) {
                        book.uncertain(id, Cost::ZERO, moment);
                        let open = reference.open.get_mut(&id).unwrap();
                        // Only the first word counts.
                        if !std::mem::replace(&mut open.uncertain, true) {
                            open.held = open.cap;
                        }
                    }
                }
            }
            // B1 and B6: what is spent and held together stays within every limit.
            for used in (0..3).flat_map(|key| (0..4).map(move |flow| (key, flow))).filter(|_| step % 25 == 0)
            {
                let amounts = reference.used(used.0, used.1, now);
                assert!(amounts.iter().zip(bounds).all(|(amount, bound)| *amount <= bound), "{place}");
            }
            // B3: what was spent never becomes less.
            assert!(book.global.spent >= last_spent, "{place}");
            last_spent = book.global.spent;
            assert_eq!(book.global.held.nanos(), reference.held(|_| true), "{place}");
            assert_eq!(book.open(), reference.open.len(), "{place}");
        }
    }
}

/// B4: a host that dies at any moment and starts again with its ledger has spent no less than it had, and holds what was under way.
#[test]
fn a_crash_forgets_nothing() {
    for seed in 0..40 {
        let mut chance = Chance::seeded(seed);
        let ledger = Arc::new(MemoryLedger::default());
        let limits = Budget { total_usd: Some(5.0), key_hour_usd: Some(4.0), ..Budget::default() };
        let clock = VirtualClock::new();
        clock.set_wall(Duration::from_secs(1_000_000));
        clock.advance(Duration::from_secs(100_000));
        let mut budget = CostBudget::with_ledger(limits.clone(), clock.clone(), Arc::clone(&ledger)).unwrap();
        let mut open = Vec::new();
        for _ in 0..200 {
            clock.advance(Duration::from_secs(chance.up_to(60)));
            match chance.up_to(5) {
                0..=2 => {
                    open.extend(
                        budget.reserve(&Spender::default(), Cost::from_usd(0.3), Cost::from_usd(0.05)).ok(),
                    );
                }
                3 if !open.is_empty() => {
                    let reservation = open.swap_remove(0);
                    reservation.settle(Cost::from_nanos(chance.up_to(nanos(0.35))));
                }
                4 if chance.one_in(6) => {
                    let before = budget.state(&Spender::default());
                    // The process is gone: nothing is told to the ledger any more.
                    open.drain(..).for_each(std::mem::forget);
                    budget =
                        CostBudget::with_ledger(limits.clone(), clock.clone(), Arc::clone(&ledger)).unwrap();
                    let after = budget.state(&Spender::default());
                    assert_eq!(after.total_spent, before.total_spent, "seed {seed}");
                    assert!(after.uncertain <= before.accounts["global"].held, "margins are let go");
                    assert_eq!(after.uncertain, after.accounts["global"].held, "seed {seed}");
                    let hour = |state: &BudgetState| {
                        state.accounts.get("key_hour").map_or(Cost::ZERO, |hour| hour.spent)
                    };
                    assert_eq!(hour(&after), hour(&before), "seed {seed}");
                }
                _ => {}
            }
            let state = budget.state(&Spender::default());
            for account in state.accounts.values() {
                if let Some(limit) = account.limit {
                    assert!(account.spent.plus(account.held) <= limit, "seed {seed}: {state:?}");
                }
            }
        }
    }
}

/// A ledger whose disk is full now and then.
#[derive(Default)]
struct Full {
    entries: MemoryLedger,
    full: std::sync::atomic::AtomicBool,
}

impl Ledger for Full {
    fn append(&self, entry: &LedgerEntry) -> crate::Result<()> {
        if self.full.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(crate::Error::new(crate::ErrorKind::Internal, "the disk is full"));
        }
        self.entries.append(entry)
    }

    fn load(&self) -> crate::Result<Vec<LedgerEntry>> {
        self.entries.load()
    }
}

#[test]
fn nothing_is_held_that_cannot_be_written_and_nothing_is_left_out_afterwards() {
    let ledger = Arc::new(Full::default());
    let limits = Budget { total_usd: Some(1.0), ..Budget::default() };
    let budget = CostBudget::with_ledger(limits, VirtualClock::new(), Arc::clone(&ledger)).unwrap();
    let flow = Spender::default().flow("#1").run("lasting");
    let reserve = || budget.reserve(&flow, Cost::from_usd(0.4), Cost::ZERO);
    let full = |full| ledger.full.store(full, std::sync::atomic::Ordering::Relaxed);
    let first = reserve().unwrap();
    full(true);
    first.settle(Cost::from_usd(0.2));
    assert_eq!(reserve().unwrap_err().scope, "ledger");
    full(false);
    let second = reserve().unwrap();
    full(true);
    assert_eq!(reserve().unwrap_err().scope, "ledger");
    full(false);
    second.settle(Cost::from_usd(0.3));
    let written = ledger.load().unwrap();
    let settled: Vec<_> = written
        .iter()
        .filter_map(
            |entry| if let LedgerEntry::Settled { actual, .. } = entry { Some(actual.usd()) } else { None },
        )
        .collect();
    assert_eq!(settled, [0.2, 0.0, 0.3], "who was refused because of the disk costs nothing");
    let LedgerEntry::Reserved { spender, .. } = &written[0] else { panic!("{written:?}") };
    assert_eq!(*spender, Spender::default().run("lasting"), "what ends with the process is not written");
}

/// B5: a chain of resumes costs what its last cumulative total says.
#[test]
fn a_chain_of_resumes_costs_its_last_total() {
    let budget = CostBudget::new(Budget { total_usd: Some(100.0), ..Budget::default() }).unwrap();
    let (mut chance, mut meter, mut total) = (Chance::seeded(7), CostMeter::default(), 0_u64);
    for _ in 0..200 {
        total += 1 + chance.up_to(nanos(0.3));
        let frame = serde_json::json!({"type": "result", "subtype": "success", "is_error": false,
            "total_cost_usd": Cost::from_nanos(total).usd()});
        let message = Message::parse(&frame.to_string()).unwrap();
        let Ok(Body::Result(result)) = message.body() else { unreachable!() };
        let reservation = budget.reserve(&Spender::default(), Cost::from_usd(0.4), Cost::ZERO).unwrap();
        reservation.settle(Cost::from_usd(meter.charge(result)));
    }
    assert_eq!(budget.state(&Spender::default()).total_spent.nanos(), total);
}

#[test]
fn threads_cannot_spend_the_same_dollar() {
    let budget = CostBudget::new(Budget { total_usd: Some(1.0), ..Budget::default() }).unwrap();
    let admitted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let reserve = |_: &usize| {
                        budget.reserve(&Spender::default(), Cost::from_usd(0.01), Cost::ZERO).ok()
                    };
                    let held: Vec<_> = (0..100).filter_map(|n| reserve(&n)).collect();
                    let count = held.len();
                    held.into_iter().for_each(|reservation| reservation.settle(Cost::from_usd(0.01)));
                    count
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(admitted, 100);
    assert_eq!(budget.state(&Spender::default()).total_spent, Cost::from_usd(1.0));
}

#[test]
fn an_unknown_cost_stays_charged_until_it_is_known_or_old() {
    let clock = VirtualClock::new();
    let limits = Budget { total_usd: Some(1.0), ..Budget::default() };
    let budget = CostBudget::with_clock(limits, clock.clone()).unwrap();
    let some = |usd| budget.reserve(&Spender::default(), Cost::from_usd(usd), Cost::from_usd(0.1));
    drop(some(0.5).unwrap());
    let state = budget.state(&Spender::default());
    assert_eq!((state.uncertain, state.total_spent), (Cost::from_usd(0.5), Cost::ZERO));
    assert_eq!(some(0.5).unwrap_err().reason, RefusalReason::BudgetExceeded);
    budget.reconcile(0, Cost::from_usd(0.2));
    assert_eq!(budget.state(&Spender::default()).total_spent, Cost::from_usd(0.2));
    let id = some(0.3).unwrap().uncertain(Cost::from_usd(0.35));
    assert_eq!(id, 1);
    clock.advance(Duration::from_secs(3_600));
    let state = budget.state(&Spender::default());
    assert_eq!((state.uncertain, state.total_spent), (Cost::ZERO, Cost::from_usd(0.55)));
    budget.reconcile(id, Cost::ZERO);
    assert_eq!(budget.state(&Spender::default()).total_spent, Cost::from_usd(0.55), "never given back");
}

#[test]
fn nobody_waits_for_money_that_nobody_gives_back() {
    for limits in [
        Budget { total_usd: Some(1.0), ..Budget::default() },
        Budget { flow_usd: Some(1.0), ..Budget::default() },
        Budget { key_hour_usd: Some(1.0), ..Budget::default() },
    ] {
        let mut book = Book::new(limits.clone());
        let (who, now, half) = (spender(0, 0), Moment::ZERO, Cost::from_usd(0.5));
        let [first, second] = [0, 1].map(|_| book.reserve(&who, half, Cost::ZERO, now));
        let waits = |book: &mut Book| matches!(book.check(&who, half, now), Check::Wait { until: None, .. });
        assert!(waits(&mut book), "both may give back what they hold: {limits:?}");
        book.uncertain(first, Cost::ZERO, now);
        assert!(waits(&mut book), "the other one may: {limits:?}");
        book.uncertain(second, Cost::ZERO, now);
        assert!(matches!(book.check(&who, half, now), Check::Refuse(_)), "nobody will: {limits:?}");
        book.settle(second, Cost::from_usd(0.1), now, Duration::ZERO);
        let small = Cost::from_usd(0.4);
        assert_eq!(book.check(&who, small, now), Check::Ready, "it became known after all: {limits:?}");
    }
}

#[test]
fn a_busy_hour_is_remembered_in_little_and_forgotten_in_time() {
    let mut account = account::Account::new(Some(Cost::from_usd(10.0)), Some(Duration::from_secs(3_600)));
    for n in 0..100_000 {
        let at = Moment::from_nanos(n * SECOND / 20);
        account.spend(Cost::from_nanos(10), at, at);
    }
    assert!(account.remembered() <= 1_025, "{}", account.remembered());
    let end = Moment::from_nanos(5_000 * SECOND);
    assert!(account.counted(end) >= Cost::from_nanos(3_600 * 20 * 10 - 10));
    assert_eq!(account.counted(end + Duration::from_secs(3_600)), Cost::ZERO);
}

#[test]
fn the_state_of_a_run_in_json() {
    let budget = CostBudget::new(Budget { run_usd: Some(0.5), ..Budget::standard() }).unwrap();
    let spender = Spender::new(Key::default()).run("a");
    let _held = budget.reserve(&spender, Cost::from_usd(0.25), Cost::ZERO).unwrap();
    let wire = serde_json::to_value(budget.state(&spender)).unwrap();
    assert_eq!(
        wire["accounts"]["run"],
        serde_json::json!({"limit_usd": 0.5, "spent_usd": 0.0, "held_usd": 0.25})
    );
    assert_eq!(wire["accounts"]["key_hour"]["limit_usd"], 10.0);
}
