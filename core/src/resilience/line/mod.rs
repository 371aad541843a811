//! Who waits, in which order, for what. One line serves every policy that waits, so order, fairness, deadlines and cancellation are
//! decided (and tested) in one place.
//!
//! Nothing is held while waiting: a waiter takes all it needs at once when its turn comes, or nothing.

mod queue;
mod shared;
mod shed;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    task::Waker,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Key, Moment, Refusal, RefusalReason};
use queue::Turns;
pub(crate) use shared::{Shared, State};
use shed::Shed;
pub use shed::Shedding;

/// How much a run matters. A higher class goes first, always: a steady stream of it can keep lower ones waiting until their
/// deadlines. The four classes are those of Google's *Site Reliability Engineering* (2016), chapter 21.
///
/// ```
/// use madrigal::resilience::Class;
/// assert!(Class::Critical < Class::Sheddable, "the most important comes first");
/// assert_eq!(serde_json::from_str::<Class>(r#""critical_plus""#).unwrap(), Class::CriticalPlus);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Somebody loses something when it is late.
    CriticalPlus,
    /// Somebody waits for it.
    Critical,
    /// The default.
    #[default]
    Normal,
    /// May be dropped when there is too much to do.
    Sheddable,
}

impl Class {
    const COUNT: usize = 4;

    const fn index(self) -> usize {
        self as usize
    }
}

/// The answer to a question that can be put without waiting.
#[derive(Debug)]
pub enum Decision<P> {
    /// Go: the permit says so.
    Admitted(P),
    /// Not now. Ask again at this moment, or, with `None`, when something that runs has ended.
    WaitUntil(Option<Moment>),
    /// Not before the deadline, or not at all.
    Rejected(Refusal),
}

impl<P> Decision<P> {
    /// Whether it may start.
    pub const fn is_admitted(&self) -> bool {
        matches!(self, Self::Admitted(_))
    }

    /// The permit, when it may start.
    pub fn admitted(self) -> Option<P> {
        if let Self::Admitted(permit) = self { Some(permit) } else { None }
    }

    /// Why not, when it was rejected.
    pub fn refusal(&self) -> Option<Refusal> {
        if let Self::Rejected(refusal) = self { Some(*refusal) } else { None }
    }

    pub(crate) fn map<Q>(self, to: impl FnOnce(P) -> Q) -> Decision<Q> {
        match self {
            Self::Admitted(permit) => Decision::Admitted(to(permit)),
            Self::WaitUntil(moment) => Decision::WaitUntil(moment),
            Self::Rejected(refusal) => Decision::Rejected(refusal),
        }
    }
}

/// What a line needs to know of one who asks.
pub(crate) trait Ask {
    fn key(&self) -> &Key;
    fn class(&self) -> Class;
    fn deadline(&self) -> Option<Moment>;
}

/// Whether something could be taken now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Check {
    Ready,
    /// Not before `until`; `None`: not before something ends. `own`: what is missing is missed by this one alone, so those behind it
    /// need not wait for it. `why` is what a refusal would say.
    Wait {
        until: Option<Moment>,
        own: bool,
        why: Refusal,
    },
    Refuse(Refusal),
}

/// What is waited for.
pub(crate) trait Resources {
    type Ask: Ask;
    type Grant;

    /// Whether all of it could be taken now. `ahead` others of the same key go first; the answer may be too hopeful about them,
    /// never too gloomy. With none ahead it is exact as long as nothing else changes.
    fn check(&mut self, ask: &Self::Ask, ahead: usize, now: Moment) -> Check;

    /// Takes all of it. Only called when `check` just said `Ready`.
    fn take(&mut self, ask: &Self::Ask, now: Moment) -> Self::Grant;

    /// Undoes `take`: nothing was started.
    fn give_back(&mut self, grant: Self::Grant, now: Moment);

    /// Whether nobody at all can take anything now.
    fn exhausted(&self) -> bool {
        false
    }

    /// When it would be the turn of one behind so many others, from how long things took of late; `None`: nothing is known of that.
    fn free_in(&self, _ahead: usize) -> Option<Duration> {
        None
    }

    /// How many turns in a row a key gets.
    fn weight(&self, _key: &Key) -> u32 {
        1
    }
}

/// The number of one who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place(u64);

pub(crate) enum Entered<G> {
    Decided(Result<G, Refusal>),
    Waiting(Place),
}

struct Waiter<R: Resources> {
    ask: R::Ask,
    came: Moment,
    decided: Option<Result<R::Grant, Refusal>>,
    /// When it should look again, as far as is known.
    look_at: Option<Moment>,
    waker: Option<Waker>,
}

/// Those who wait for `R`.
pub(crate) struct Line<R: Resources> {
    classes: [Turns; Class::COUNT],
    waiters: HashMap<Place, Waiter<R>>,
    deadlines: BTreeSet<(Moment, Place)>,
    waiting: usize,
    longest: usize,
    next: u64,
    shed: Option<Shed>,
    /// Who must be told, outside of the lock.
    woken: Vec<Waker>,
}

impl<R: Resources> Line<R> {
    /// A line in which at most `longest` can wait.
    pub(crate) fn new(longest: usize) -> Self {
        Self {
            classes: Default::default(),
            waiters: HashMap::new(),
            deadlines: BTreeSet::new(),
            waiting: 0,
            longest,
            next: 0,
            shed: None,
            woken: Vec::new(),
        }
    }

    /// Drops those of the lowest class when the line stands for too long.
    pub(crate) fn shed(&mut self, config: &Shedding, now: Moment) {
        self.shed = Some(Shed::new(config, now));
    }

    /// How many wait.
    pub(crate) const fn len(&self) -> usize {
        self.waiting
    }

    pub(crate) fn take_woken(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.woken)
    }

    /// How many of the key go before one of this class.
    fn ahead(&self, key: &Key, class: Class) -> usize {
        if self.waiting == 0 {
            return 0;
        }
        self.classes[..=class.index()].iter().map(|turns| turns.waiting(key)).sum()
    }

    /// Answers at once and leaves nothing behind.
    pub(crate) fn ask(&mut self, resources: &mut R, ask: &R::Ask, now: Moment) -> Decision<R::Grant> {
        self.ask_why(resources, ask, now).0
    }

    /// The same, with what a wait would be for, in the words of the refusal it could end in.
    pub(crate) fn ask_why(
        &mut self,
        resources: &mut R,
        ask: &R::Ask,
        now: Moment,
    ) -> (Decision<R::Grant>, Option<Refusal>) {
        match self.answer(resources, ask, now) {
            Check::Ready => (Decision::Admitted(resources.take(ask, now)), None),
            Check::Wait { until, why, .. } => (Decision::WaitUntil(until), Some(why)),
            Check::Refuse(refusal) => (Decision::Rejected(refusal), Some(refusal)),
        }
    }

    /// What one who comes now is told.
    fn answer(&mut self, resources: &mut R, ask: &R::Ask, now: Moment) -> Check {
        self.pump(resources, now);
        let late = |deadline: Moment| deadline < now;
        if ask.deadline().is_some_and(late) {
            return Check::Refuse(Refusal::new(RefusalReason::DeadlineExceeded, "", None));
        }
        let ahead = self.ahead(ask.key(), ask.class());
        match resources.check(ask, ahead, now) {
            Check::Wait { until: Some(until), why, .. }
                if ask.deadline().is_some_and(|deadline| until > deadline) =>
            {
                Check::Refuse(Refusal { retry_after: Some(until.since(now)), ..why })
            }
            Check::Ready if ahead > 0 => {
                Check::Wait { until: None, own: false, why: Refusal::new(RefusalReason::Shed, "queue", None) }
            }
            check => check,
        }
    }

    /// Answers at once when that is possible, and takes a place otherwise.
    pub(crate) fn enter(&mut self, resources: &mut R, ask: R::Ask, now: Moment) -> Entered<R::Grant> {
        let look_at = match self.answer(resources, &ask, now) {
            Check::Ready => {
                self.served(now, now);
                return Entered::Decided(Ok(resources.take(&ask, now)));
            }
            Check::Refuse(refusal) => return Entered::Decided(Err(refusal)),
            Check::Wait { until, .. } => until,
        };
        if self.waiting == 0 {
            self.served(now, now);
        }
        if ask.class() == Class::Sheddable && self.shed.as_ref().is_some_and(|shed| shed.overloaded(now)) {
            return Entered::Decided(Err(Refusal::new(
                RefusalReason::Shed,
                "overload",
                self.free_in(resources, ask.class()),
            )));
        }
        if self.waiting >= self.longest && !self.make_room(resources, ask.class()) {
            return Entered::Decided(Err(Refusal::new(
                RefusalReason::Shed,
                "queue",
                self.free_in(resources, ask.class()),
            )));
        }
        let place = Place(self.next);
        self.next += 1;
        self.waiting += 1;
        if let Some(deadline) = ask.deadline() {
            self.deadlines.insert((deadline, place));
        }
        self.classes[ask.class().index()].push(ask.key(), place);
        if let (Class::Sheddable, Some(shed)) = (ask.class(), &mut self.shed) {
            shed.came(place, now);
        }
        self.waiters.insert(place, Waiter { ask, came: now, decided: None, look_at, waker: None });
        Entered::Waiting(place)
    }

    /// Sheds the one who came last of the lowest class, when that is lower than `class`.
    fn make_room(&mut self, resources: &R, class: Class) -> bool {
        let lower = self.classes[class.index() + 1..].iter().rev();
        let Some(place) = lower.filter_map(Turns::newest).next() else { return false };
        self.refuse_busy(resources, place, "queue");
        true
    }

    /// Says no to one who waits, because too much is to be done.
    fn refuse_busy(&mut self, resources: &R, place: Place, scope: &'static str) {
        let wait = self.waiters.get(&place).and_then(|waiter| self.others_first(resources, waiter));
        self.decide(place, Err(Refusal::new(RefusalReason::Shed, scope, wait)));
    }

    /// The wait after which it is the turn of one who comes now, as far as can be told.
    fn free_in(&self, resources: &R, class: Class) -> Option<Duration> {
        resources.free_in(self.before(class))
    }

    /// The same for one who waits and would come back behind the others of its class.
    fn others_first(&self, resources: &R, waiter: &Waiter<R>) -> Option<Duration> {
        resources.free_in(self.before(waiter.ask.class()).saturating_sub(1))
    }

    /// How many go before one who comes now.
    fn before(&self, class: Class) -> usize {
        self.classes[..=class.index()].iter().map(Turns::len).sum()
    }

    /// What was decided, once.
    pub(crate) fn decision(&mut self, place: Place) -> Option<Result<R::Grant, Refusal>> {
        self.waiters.get(&place)?.decided.as_ref()?;
        self.waiters.remove(&place)?.decided
    }

    /// When one who waits should look again, after leaving word whom to wake before that.
    pub(crate) fn listen(&mut self, place: Place, waker: &Waker, now: Moment) -> Option<Moment> {
        let waiter = self.waiters.get_mut(&place)?;
        match &mut waiter.waker {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
        let deadline = waiter.ask.deadline().map(|deadline| deadline + std::time::Duration::from_nanos(1));
        let dropped = (self.shed.as_ref())
            .filter(|_| waiter.ask.class() == Class::Sheddable)
            .map(|shed| shed.drops_at(waiter.came));
        // A moment that is over was a guess about those ahead: who comes to the front is told the next one.
        waiter.look_at.filter(|at| *at > now).into_iter().chain(deadline).chain(dropped).min()
    }

    /// Gives up a place. What was granted meanwhile is given back.
    pub(crate) fn leave(&mut self, resources: &mut R, place: Place, now: Moment) {
        if !self.waiters.contains_key(&place) {
            return;
        }
        self.unlist(place);
        if let Some(Waiter { decided: Some(Ok(grant)), .. }) = self.waiters.remove(&place) {
            resources.give_back(grant, now);
        }
        self.pump(resources, now);
    }

    /// Takes one out of the queues; who was decided already is in none.
    fn unlist(&mut self, place: Place) {
        let Some(waiter) = self.waiters.get(&place).filter(|waiter| waiter.decided.is_none()) else { return };
        self.classes[waiter.ask.class().index()].remove(waiter.ask.key(), place);
        if let Some(deadline) = waiter.ask.deadline() {
            self.deadlines.remove(&(deadline, place));
        }
        if let Some(shed) = &mut self.shed {
            shed.left(waiter.came, place);
        }
        self.waiting -= 1;
    }

    fn decide(&mut self, place: Place, decision: Result<R::Grant, Refusal>) {
        self.unlist(place);
        if let Some(waiter) = self.waiters.get_mut(&place) {
            waiter.decided = Some(decision);
            self.woken.extend(waiter.waker.take());
        }
    }

    /// Admits all who can be admitted now, in their order, and refuses those who are too late. To be called after every change.
    pub(crate) fn pump(&mut self, resources: &mut R, now: Moment) {
        if self.waiting == 0 {
            return;
        }
        self.expire(resources, now);
        self.drop_some(resources, now);
        // Keys whose first in line lacks something that all of the key need: nobody of a lower class may pass it.
        let mut blocked = HashSet::new();
        for class in 0..Class::COUNT {
            let mut fruitless = 0;
            while fruitless < self.classes[class].keys() {
                if resources.exhausted() {
                    return;
                }
                let Some(key) = self.classes[class].turn().cloned() else { break };
                if !blocked.contains(&key) && self.serve(resources, class, &key, &mut blocked, now) {
                    fruitless = 0;
                    let weight = resources.weight(&key);
                    self.classes[class].served(&key, weight);
                } else if self.classes[class].turn() == Some(&key) {
                    fruitless += 1;
                    self.classes[class].pass();
                }
            }
        }
    }

    /// Admits the first of a key who can be. Refuses those it meets who never can.
    fn serve(
        &mut self,
        resources: &mut R,
        class: usize,
        key: &Key,
        blocked: &mut HashSet<Key>,
        now: Moment,
    ) -> bool {
        let mut at = 0;
        while let Some(place) = self.classes[class].nth(key, at) {
            let Some(waiter) = self.waiters.get_mut(&place) else { return false };
            match resources.check(&waiter.ask, 0, now) {
                Check::Ready => {
                    let grant = resources.take(&waiter.ask, now);
                    let came = waiter.came;
                    self.served(came, now);
                    self.decide(place, Ok(grant));
                    return true;
                }
                Check::Refuse(refusal) => self.decide(place, Err(refusal)),
                Check::Wait { until: Some(until), why, .. }
                    if waiter.ask.deadline().is_some_and(|deadline| until > deadline) =>
                {
                    self.decide(place, Err(Refusal { retry_after: Some(until.since(now)), ..why }));
                }
                Check::Wait { until, own, .. } => {
                    if waiter.look_at != until {
                        waiter.look_at = until;
                        self.woken.extend(waiter.waker.take());
                    }
                    if !own {
                        blocked.insert(key.clone());
                        return false;
                    }
                    at += 1;
                }
            }
        }
        false
    }

    fn served(&mut self, came: Moment, now: Moment) {
        if let Some(shed) = &mut self.shed {
            shed.served(came, now);
        }
    }

    /// Drops who can be dropped when the line has stood for too long.
    fn drop_some(&mut self, resources: &R, now: Moment) {
        while let Some(place) = self.shed.as_ref().and_then(|shed| shed.next(now)) {
            self.refuse_busy(resources, place, "overload");
        }
    }

    fn expire(&mut self, resources: &mut R, now: Moment) {
        while let Some(&(deadline, place)) = self.deadlines.first()
            && deadline < now
        {
            let late = self.waiters.get(&place).map(|waiter| match resources.check(&waiter.ask, 0, now) {
                Check::Ready => ("", Some(Duration::ZERO)),
                Check::Wait { until: Some(until), why, .. } => (why.scope, Some(until.since(now))),
                Check::Wait { until: None, why, .. } => (why.scope, self.others_first(resources, waiter)),
                Check::Refuse(refusal) => (refusal.scope, refusal.retry_after),
            });
            let (scope, retry_after) = late.unwrap_or_default();
            self.decide(place, Err(Refusal::new(RefusalReason::DeadlineExceeded, scope, retry_after)));
        }
    }
}
