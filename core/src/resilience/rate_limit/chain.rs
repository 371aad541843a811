//! The limits of a key, of its tenant and of all: a start is taken from each of them or from none.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{
    Acquire, RateLimit,
    starts::{Plan, Starts},
};
use crate::resilience::{
    Class, Key, Moment, Refusal, RefusalReason,
    chance::Chance,
    line::{Ask, Check, Resources},
};

/// Keys that wait to be looked through for idle ones, at least.
const SWEEP: usize = 256;

pub(crate) struct Chain {
    plan: Arc<Plan>,
    keys: HashMap<Key, Starts>,
    tenants: Option<(Arc<Plan>, HashMap<String, Starts>)>,
    global: Option<Starts>,
    pub(super) next: u64,
    chance: Chance,
    sweep_at: usize,
}

/// A start that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    key: Key,
    pub(super) id: u64,
}

impl Chain {
    pub(crate) fn new(limit: &RateLimit, chance: Chance) -> Self {
        Self {
            plan: Plan::new(&limit.quota()),
            keys: HashMap::new(),
            tenants: limit.tenant.map(|quota| (Plan::new(&quota), HashMap::new())),
            global: limit.global.map(|quota| Starts::new(&Plan::new(&quota))),
            next: 0,
            chance,
            sweep_at: SWEEP,
        }
    }

    /// When the next can start on each level, and which level is the last to have room.
    pub(crate) fn check(&self, key: &Key, tokens: u64, ahead: usize, now: Moment) -> Check {
        let (mut latest, mut scope) = (now, "key");
        let levels = [
            ("key", self.keys.get(key)),
            ("tenant", self.tenants.as_ref().and_then(|(_, all)| all.get(&key.parts().tenant))),
            ("global", self.global.as_ref()),
        ];
        if self.plan_refuses(tokens) {
            return Check::Refuse(Refusal::new(RefusalReason::RateLimited, "key", None));
        }
        for (level, starts) in levels {
            let Some(starts) = starts else { continue };
            match starts.earliest(tokens, ahead, now) {
                None => return Check::Refuse(Refusal::new(RefusalReason::RateLimited, level, None)),
                Some(earliest) if earliest > latest => (latest, scope) = (earliest, level),
                Some(_) => {}
            }
        }
        if latest <= now {
            return Check::Ready;
        }
        let why = Refusal::new(RefusalReason::RateLimited, scope, Some(latest.since(now)));
        Check::Wait { until: Some(latest), own: false, why }
    }

    /// More tokens than a minute has never start, also on a level that nobody used yet.
    fn plan_refuses(&self, tokens: u64) -> bool {
        let plans = [Some(&self.plan), self.tenants.as_ref().map(|(plan, _)| plan)];
        plans.into_iter().flatten().any(|plan| plan.tokens().is_some_and(|limit| tokens > limit))
    }

    pub(crate) fn take(&mut self, key: &Key, tokens: u64, now: Moment) -> Taken {
        let id = self.next;
        self.next += 1;
        if !self.keys.contains_key(key) {
            self.sweep(now);
            self.keys.insert(key.clone(), Starts::new(&self.plan));
        }
        if let Some((plan, tenants)) = &mut self.tenants
            && !tenants.contains_key(&key.parts().tenant)
        {
            tenants.insert(key.parts().tenant.clone(), Starts::new(plan));
        }
        for starts in self.levels(key) {
            starts.take(id, tokens, now);
        }
        Taken { key: key.clone(), id }
    }

    fn levels(&mut self, key: &Key) -> impl Iterator<Item = &mut Starts> {
        let tenant = self.tenants.as_mut().and_then(|(_, all)| all.get_mut(&key.parts().tenant));
        self.keys.get_mut(key).into_iter().chain(tenant).chain(self.global.as_mut())
    }

    pub(crate) fn refund(&mut self, taken: &Taken) {
        for starts in self.levels(&taken.key) {
            starts.refund(taken.id);
        }
    }

    pub(crate) fn settle(&mut self, taken: &Taken, tokens: u64) {
        for starts in self.levels(&taken.key) {
            starts.settle(taken.id, tokens);
        }
    }

    fn of(&mut self, key: &Key) -> &mut Starts {
        let plan = &self.plan;
        self.keys.entry(key.clone()).or_insert_with(|| Starts::new(plan))
    }

    pub(crate) fn answered(&mut self, key: &Key, now: Moment) {
        if let Some(starts) = self.keys.get_mut(key) {
            starts.answered(now);
        }
    }

    pub(crate) fn throttled(&mut self, key: &Key, wait: Option<Duration>, now: Moment) {
        self.of(key).throttle(now);
        if let Some(wait) = wait {
            self.closed(key, wait, now);
        }
    }

    pub(crate) fn closed(&mut self, key: &Key, wait: Duration, now: Moment) {
        let mut chance = self.chance.clone();
        self.of(key).close(now + wait, now, &mut chance);
        self.chance = chance;
    }

    pub(super) fn look(&self, key: &Key) -> Option<&Starts> {
        self.keys.get(key)
    }

    /// Forgets keys whose limits are as new, now and then, so that the map does not grow with every key ever seen.
    fn sweep(&mut self, now: Moment) {
        if self.keys.len() < self.sweep_at {
            return;
        }
        self.keys.retain(|_, starts| !starts.idle(now));
        if let Some((_, tenants)) = &mut self.tenants {
            tenants.retain(|_, starts| !starts.idle(now));
        }
        self.sweep_at = SWEEP.max(self.keys.len() * 2);
    }

    #[cfg(test)]
    pub(super) fn essence(&mut self, now: Moment) -> String {
        let mut levels: Vec<_> = self
            .keys
            .iter_mut()
            .filter_map(|(key, starts)| {
                (!starts.idle(now)).then(|| (key.to_string(), format!("{:?}", starts.essence(now))))
            })
            .collect();
        levels.extend(self.tenants.iter_mut().flat_map(|(_, all)| all.iter_mut()).filter_map(
            |(name, starts)| {
                (!starts.idle(now)).then(|| (name.clone(), format!("{:?}", starts.essence(now))))
            },
        ));
        levels.extend(
            self.global.iter_mut().map(|starts| (String::new(), format!("{:?}", starts.essence(now)))),
        );
        levels.sort();
        format!("{levels:?}")
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.keys.len()
    }
}

/// One who asks for a start.
pub(crate) struct Wish {
    pub(super) key: Key,
    pub(super) ask: Acquire,
}

impl Ask for Wish {
    fn key(&self) -> &Key {
        &self.key
    }

    fn class(&self) -> Class {
        self.ask.class
    }

    fn deadline(&self) -> Option<Moment> {
        self.ask.deadline
    }
}

impl Resources for Chain {
    type Ask = Wish;
    type Grant = Taken;

    fn check(&mut self, wish: &Wish, ahead: usize, now: Moment) -> Check {
        Self::check(self, &wish.key, wish.ask.tokens, ahead, now)
    }

    fn take(&mut self, wish: &Wish, now: Moment) -> Taken {
        Self::take(self, &wish.key, wish.ask.tokens, now)
    }

    fn give_back(&mut self, taken: Taken, _now: Moment) {
        self.refund(&taken);
    }
}
