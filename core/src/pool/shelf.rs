//! Which processes stand ready, which should, and which must go. Pure: time and processes come in as arguments.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::{PoolConfig, Start, kind::Kind, memory::TYPICAL_MB};

/// How many are started ahead at a time: a start is work for a whole core, and runs go first.
const STARTS: usize = 2;
/// A process that takes more than this is not used again.
const GROWN_MB: u64 = 400;
/// The longest wait after starts that failed, one after the other.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A process that stands ready.
#[derive(Debug)]
pub(super) struct Ready<P> {
    pub(super) kind: Kind,
    pub(super) process: P,
    pub(super) start: Start,
    /// How many runs it has served.
    pub(super) served: u32,
    pub(super) born: Instant,
    pub(super) megabytes: u64,
}

/// A kind of start that was asked for.
#[derive(Debug)]
struct Wanted<R> {
    recipe: R,
    asked: Instant,
    times: u32,
    starting: usize,
    failures: u32,
    not_before: Option<Instant>,
}

/// The processes that stand ready, oldest first, and what is known of those who take them.
#[derive(Debug)]
pub(super) struct Shelf<P, R> {
    ready: Vec<Ready<P>>,
    wanted: HashMap<Kind, Wanted<R>>,
    min: usize,
    max: usize,
    max_age: Duration,
    max_memory: u64,
    max_served: u32,
}

impl<P, R: Clone> Shelf<P, R> {
    /// `at_once`: how many runs there may be at a time.
    pub(super) fn new(config: &PoolConfig, at_once: usize) -> Self {
        let min = config.min_idle as usize;
        Self {
            ready: Vec::new(),
            wanted: HashMap::new(),
            min,
            max: config.max_idle.map_or(at_once.max(min).max(1), |most| most as usize),
            max_age: config.max_age(),
            max_memory: config.max_memory_mb,
            max_served: config.max_reuses.saturating_add(1),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ready.len()
    }

    /// Somebody asks for a process of this kind. One is started ahead for a kind that repeats: `times` counts how often it is meant.
    pub(super) fn asked(&mut self, kind: Kind, recipe: impl FnOnce() -> R, times: u32, now: Instant) {
        let wanted = self.wanted.entry(kind).or_insert_with(|| Wanted {
            recipe: recipe(),
            asked: now,
            times: 0,
            starting: 0,
            failures: 0,
            not_before: None,
        });
        wanted.asked = now;
        wanted.times = wanted.times.saturating_add(times);
    }

    /// One of this kind: the one that was used last, whose memory is warm, else the oldest.
    pub(super) fn take(&mut self, kind: Kind) -> Option<Ready<P>> {
        let recycled =
            self.ready.iter().rposition(|ready| ready.kind == kind && ready.start == Start::Recycled);
        let place = recycled.or_else(|| self.ready.iter().position(|ready| ready.kind == kind))?;
        Some(self.ready.remove(place))
    }

    /// How many of a kind are on their way.
    pub(super) fn starting(&self, kind: Kind) -> usize {
        self.wanted.get(&kind).map_or(0, |wanted| wanted.starting)
    }

    /// A start ended, with a process or without.
    pub(super) fn started(&mut self, kind: Kind, well: bool, now: Instant) {
        let Some(wanted) = self.wanted.get_mut(&kind) else { return };
        wanted.starting = wanted.starting.saturating_sub(1);
        if well {
            wanted.failures = 0;
            wanted.not_before = None;
        } else {
            self.failed(kind, now);
        }
    }

    /// A process of this kind was of no use: the next one is waited with, longer each time.
    pub(super) fn failed(&mut self, kind: Kind, now: Instant) {
        let Some(wanted) = self.wanted.get_mut(&kind) else { return };
        wanted.failures = wanted.failures.saturating_add(1);
        let wait = Duration::from_secs(1 << wanted.failures.min(7).saturating_sub(1));
        wanted.not_before = now.checked_add(wait.min(LONGEST_WAIT));
    }

    /// Puts a process on the shelf, unless it has served long enough or there is no room; then it comes back with the reason.
    /// `awaited`: a run waits for it, so it will not stay.
    pub(super) fn put(&mut self, ready: Ready<P>, awaited: bool, now: Instant) -> Result<(), (P, String)> {
        let recycled = ready.start == Start::Recycled;
        let reason = if now.saturating_duration_since(ready.born) >= self.max_age {
            "it is older than `pool.max_age_ms`".to_owned()
        } else if ready.served >= self.max_served {
            format!("it served {} runs (`pool.max_reuses`)", ready.served)
        } else if recycled && ready.megabytes > GROWN_MB {
            format!("it has grown to {} MB", ready.megabytes)
        } else if !awaited && self.ready.len() >= self.max {
            "more would be ready than `pool.max_idle`".to_owned()
        } else if !awaited && self.memory() + ready.megabytes > self.max_memory {
            "those that are ready would take more memory than `pool.max_memory_mb`".to_owned()
        } else {
            self.ready.push(ready);
            return Ok(());
        };
        Err((ready.process, reason))
    }

    /// Takes off what must go: what is too old, and what `unfit` has something against.
    pub(super) fn sort_out(
        &mut self,
        now: Instant,
        mut unfit: impl FnMut(&mut P) -> Option<String>,
    ) -> Vec<(Ready<P>, String)> {
        let mut gone = Vec::new();
        let mut place = 0;
        while let Some(ready) = self.ready.get_mut(place) {
            let old = now.saturating_duration_since(ready.born) >= self.max_age;
            let reason = match unfit(&mut ready.process) {
                Some(reason) => {
                    let kind = ready.kind;
                    self.failed(kind, now);
                    Some(reason)
                }
                None => old.then(|| "it is older than `pool.max_age_ms`".to_owned()),
            };
            match reason {
                Some(reason) => gone.push((self.ready.remove(place), reason)),
                None => place += 1,
            }
        }
        let max_age = self.max_age;
        self.wanted
            .retain(|_, wanted| wanted.starting > 0 || now.saturating_duration_since(wanted.asked) < max_age);
        gone
    }

    /// What is to be started now, and what has to go to make room for it. `returning`: how many of a kind forget their run just now, and
    /// will be here sooner than anything that is started.
    pub(super) fn due_starts(
        &mut self,
        now: Instant,
        returning: &HashMap<Kind, usize>,
    ) -> (Vec<(Kind, R)>, Vec<Ready<P>>) {
        let (mut starts, mut gone) = (Vec::new(), Vec::new());
        let mut kinds: Vec<(Instant, Kind)> = self
            .wanted
            .iter()
            // What was asked for once may never be again.
            .filter(|(_, wanted)| wanted.times > 1 && wanted.not_before.is_none_or(|when| when <= now))
            .map(|(kind, wanted)| (wanted.asked, *kind))
            .collect();
        kinds.sort_by_key(|(asked, _)| std::cmp::Reverse(*asked));
        for (asked, kind) in kinds {
            loop {
                let there = self.ready.iter().filter(|ready| ready.kind == kind).count();
                let starting: usize = self.wanted.values().map(|wanted| wanted.starting).sum();
                let back = returning.get(&kind).copied().unwrap_or(0);
                if there + self.starting(kind) + back >= self.min || starting >= STARTS {
                    break;
                }
                let memory = self.memory() + TYPICAL_MB * (starting as u64 + 1);
                if self.ready.len() + starting >= self.max || memory > self.max_memory {
                    match self.least_wanted(asked) {
                        Some(place) => gone.push(self.ready.remove(place)),
                        None => break,
                    }
                    continue;
                }
                let Some(wanted) = self.wanted.get_mut(&kind) else { break };
                wanted.starting += 1;
                starts.push((kind, wanted.recipe.clone()));
            }
        }
        (starts, gone)
    }

    /// The place of a process whose kind was asked for longest ago, and before that time.
    fn least_wanted(&self, before: Instant) -> Option<usize> {
        let asked = |ready: &Ready<P>| self.wanted.get(&ready.kind).map(|wanted| wanted.asked);
        let (place, when) = self.ready.iter().map(asked).enumerate().min_by_key(|(_, when)| *when)?;
        when.is_none_or(|when| when < before).then_some(place)
    }

    fn memory(&self) -> u64 {
        self.ready.iter().map(|ready| ready.megabytes).sum()
    }

    /// When something is due although nothing happens.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        let old = self.ready.iter().filter_map(|ready| ready.born.checked_add(self.max_age));
        let again = self.wanted.values().filter_map(|wanted| wanted.not_before).filter(|when| *when > now);
        old.chain(again).min()
    }

    /// Takes everything off.
    pub(super) fn clear(&mut self) -> Vec<Ready<P>> {
        self.wanted.clear();
        std::mem::take(&mut self.ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Options,
        auth::AuthSource,
        pool::kind::Kinds,
        session::{Ahead, Provided},
    };

    fn kind(kinds: &Kinds, model: &str) -> Kind {
        let options = Options { model: Some(model.to_owned()), ..Options::default() };
        kinds.of(&Ahead { options, provided: Provided::default(), asks: Vec::new(), auth: AuthSource::Off })
    }

    fn shelf(config: &str) -> Shelf<u32, ()> {
        Shelf::new(&serde_json::from_str(config).unwrap(), 4)
    }

    fn ready(kind: Kind, process: u32, born: Instant) -> Ready<u32> {
        Ready { kind, process, start: Start::Prewarmed, served: 0, born, megabytes: 100 }
    }

    fn after(now: Instant, seconds: u64) -> Instant {
        now + Duration::from_secs(seconds)
    }

    #[test]
    fn what_was_asked_for_once_is_not_started_ahead() {
        let (mut shelf, now) = (shelf("{}"), Instant::now());
        let a = kind(&Kinds::default(), "a");
        shelf.asked(a, || (), 1, now);
        assert!(shelf.due_starts(now, &HashMap::new()).0.is_empty());
        shelf.asked(a, || (), 1, now);
        assert_eq!(shelf.due_starts(now, &HashMap::new()).0, [(a, ())]);
        assert!(shelf.due_starts(now, &HashMap::new()).0.is_empty(), "one is on its way");
        assert_eq!(shelf.starting(a), 1);
        shelf.started(a, true, now);
        assert!(shelf.put(ready(a, 1, now), false, now).is_ok());
        assert!(shelf.due_starts(now, &HashMap::new()).0.is_empty(), "one is there");
        assert_eq!(shelf.take(a).map(|ready| ready.process), Some(1));
        assert_eq!(shelf.due_starts(now, &HashMap::new()).0.len(), 1);
    }

    #[test]
    fn starts_that_fail_are_waited_with_longer_each_time() {
        let (mut shelf, mut now) = (shelf("{}"), Instant::now());
        let a = kind(&Kinds::default(), "a");
        shelf.asked(a, || (), 2, now);
        for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(shelf.due_starts(now, &HashMap::new()).0.len(), 1);
            shelf.started(a, false, now);
            assert!(shelf.due_starts(now, &HashMap::new()).0.is_empty());
            assert_eq!(shelf.due(now), Some(after(now, wait)));
            now = after(now, wait);
        }
        assert_eq!(shelf.due_starts(now, &HashMap::new()).0.len(), 1);
        shelf.started(a, true, now);
        assert_eq!(shelf.due_starts(now, &HashMap::new()).0.len(), 1, "it is well again");
    }

    #[test]
    fn there_is_room_for_so_many_and_the_least_wanted_goes() {
        let (mut shelf, kinds, now) = (shelf(r#"{"max_idle": 2}"#), Kinds::default(), Instant::now());
        let (a, b, c) = (kind(&kinds, "a"), kind(&kinds, "b"), kind(&kinds, "c"));
        for (number, kind) in [a, b].into_iter().enumerate() {
            shelf.asked(kind, || (), 2, after(now, number as u64));
            assert!(shelf.put(ready(kind, number as u32, now), false, now).is_ok());
        }
        let (_, reason) = shelf.put(ready(a, 2, now), false, now).unwrap_err();
        assert!(reason.contains("max_idle"), "{reason}");
        assert!(shelf.put(ready(a, 3, now), true, now).is_ok(), "a run waits for it");
        assert_eq!(shelf.take(a).unwrap().process, 0);
        shelf.asked(c, || (), 2, after(now, 2));
        let (starts, gone) = shelf.due_starts(after(now, 2), &HashMap::new());
        assert_eq!(starts, [(c, ())]);
        assert_eq!(
            gone.iter().map(|ready| ready.process).collect::<Vec<_>>(),
            [3],
            "`a` was asked for before `b`"
        );
    }

    #[test]
    fn what_comes_back_soon_is_not_started_anew() {
        let (mut shelf, now) = (shelf("{}"), Instant::now());
        let a = kind(&Kinds::default(), "a");
        shelf.asked(a, || (), 2, now);
        assert!(shelf.due_starts(now, &HashMap::from([(a, 1)])).0.is_empty());
        assert_eq!(shelf.due_starts(now, &HashMap::new()).0.len(), 1);
    }

    #[test]
    fn memory_is_bounded() {
        let (mut shelf, now) = (shelf(r#"{"max_memory_mb": 350, "min_idle": 4}"#), Instant::now());
        let a = kind(&Kinds::default(), "a");
        shelf.asked(a, || (), 2, now);
        assert!(shelf.put(ready(a, 0, now), false, now).is_ok());
        assert_eq!(shelf.due_starts(now, &HashMap::new()).0.len(), 1, "one more is taken to need 200 MB");
        let grown = Ready { start: Start::Recycled, megabytes: 401, ..ready(a, 1, now) };
        assert_eq!(shelf.put(grown, true, now).unwrap_err().1, "it has grown to 401 MB");
        let heavy = Ready { megabytes: 300, ..ready(a, 1, now) };
        assert!(shelf.put(heavy, false, now).unwrap_err().1.contains("max_memory_mb"));
    }

    #[test]
    fn what_is_old_or_unfit_goes_and_what_nobody_asks_for_is_forgotten() {
        let (mut shelf, now) = (shelf(r#"{"max_age_ms": 10000, "min_idle": 2}"#), Instant::now());
        let a = kind(&Kinds::default(), "a");
        shelf.asked(a, || (), 2, now);
        assert!(shelf.put(ready(a, 0, now), false, now).is_ok());
        assert!(shelf.put(ready(a, 1, after(now, 5)), false, now).is_ok());
        assert!(shelf.put(ready(a, 2, after(now, 5)), false, now).is_ok());
        assert_eq!(shelf.due(now), Some(after(now, 10)));
        let gone = shelf.sort_out(after(now, 10), |process| (*process == 2).then(|| "noisy".to_owned()));
        let gone: Vec<_> = gone.iter().map(|(ready, reason)| (ready.process, reason.as_str())).collect();
        assert_eq!(gone, [(0, "it is older than `pool.max_age_ms`"), (2, "noisy")]);
        assert_eq!(shelf.len(), 1);
        assert!(
            shelf.due_starts(after(now, 20), &HashMap::new()).0.is_empty(),
            "nobody asked for ten seconds"
        );
    }

    #[test]
    fn the_one_used_last_is_taken_first_and_among_new_ones_the_oldest() {
        let (mut shelf, now) = (shelf("{}"), Instant::now());
        let a = kind(&Kinds::default(), "a");
        shelf.asked(a, || (), 1, now);
        for process in 0..2 {
            assert!(shelf.put(ready(a, process, now), false, now).is_ok());
            let used = Ready { start: Start::Recycled, ..ready(a, process + 10, now) };
            assert!(shelf.put(used, false, now).is_ok());
        }
        let order: Vec<_> = std::iter::from_fn(|| shelf.take(a)).map(|ready| ready.process).collect();
        assert_eq!(order, [11, 10, 0, 1]);
    }
}
