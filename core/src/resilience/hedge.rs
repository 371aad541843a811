//! When an answer is so late that a second attempt beside the first is worth its price: "The Tail at Scale" (Dean and Barroso, 2013) sends
//! it once the first is slower than 95 in 100, so that about 5 in 100 are asked twice. A service that is slow for everybody would be
//! asked twice for everything by that rule alone; so the share of second attempts has a bound, too.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Key, reading::invalid};
use crate::Result;

/// How many first tokens are remembered for a key.
const REMEMBERED: usize = 200;

/// How many keys are remembered; then all are forgotten.
const MOST_KEYS: usize = 1_000;

/// How many second attempts may be saved up while none is needed.
const SAVED: f64 = 10.0;

/// When an attempt whose first token is late gets a second one beside it. The one that is answered first goes on, the other is stopped.
///
/// ```
/// use madrigal::resilience::Hedge;
/// let hedge: Hedge = serde_json::from_str(r#"{"min_delay_ms": 5000}"#).unwrap();
/// assert_eq!((hedge.percentile, hedge.max_share), (95, 0.05));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hedge {
    /// Later than so many in a hundred of the last 200 first tokens for the same provider, credential and model; 50 to 99. Default 95, as in
    /// "The Tail at Scale".
    pub percentile: u8,
    /// Never earlier than this, in milliseconds. Default 10 000.
    pub min_delay_ms: u64,
    /// How many first tokens must be known before it is judged what is late; 1 to 200. Default 20, of which one is later than the percentile.
    pub min_samples: u32,
    /// The most second attempts, as a share of the tasks that could have one; above 0, at most 1. Default 0.05.
    pub max_share: f64,
}

impl Default for Hedge {
    fn default() -> Self {
        Self { percentile: 95, min_delay_ms: 10_000, min_samples: 20, max_share: 0.05 }
    }
}

impl Hedge {
    /// Checks every field.
    pub(crate) fn validate(&self) -> Result<()> {
        if !(50..=99).contains(&self.percentile) {
            return Err(invalid("hedge.percentile", "expected 50 to 99"));
        }
        if !(1..=REMEMBERED).contains(&(self.min_samples as usize)) {
            return Err(invalid("hedge.min_samples", "expected 1 to 200"));
        }
        if !(self.max_share > 0.0 && self.max_share <= 1.0) {
            return Err(invalid("hedge.max_share", "expected a number above 0 and at most 1"));
        }
        Ok(())
    }
}

/// What is known of first tokens, and how many second attempts there may be.
#[derive(Debug)]
pub(crate) struct Hedges {
    rule: Hedge,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    first_tokens: HashMap<Key, VecDeque<Duration>>,
    saved: f64,
}

impl Hedges {
    pub(crate) fn new(rule: Hedge) -> Self {
        Self { rule, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An attempt begins that may have a second one: after how long; `None` while too little is known.
    pub(crate) fn begin(&self, key: &Key) -> Option<Duration> {
        let mut known = self.known();
        known.saved = (known.saved + self.rule.max_share).min(SAVED);
        let seen = known.first_tokens.get(key)?;
        if seen.len() < self.rule.min_samples as usize {
            return None;
        }
        let mut sorted: Vec<Duration> = seen.iter().copied().collect();
        sorted.sort_unstable();
        // The nearest rank: the smallest value that so many in a hundred do not exceed.
        let rank = (sorted.len() * usize::from(self.rule.percentile)).div_ceil(100);
        let late = sorted[rank.saturating_sub(1)];
        Some(late.max(Duration::from_millis(self.rule.min_delay_ms)))
    }

    /// Takes one second attempt, when there is one left.
    pub(crate) fn take(&self) -> bool {
        let mut known = self.known();
        // What was added up in small parts may lack a little of a whole.
        let some = known.saved >= 1.0 - 1e-9;
        if some {
            known.saved -= 1.0;
        }
        some
    }

    /// Gives one back that was not used.
    pub(crate) fn give_back(&self) {
        let mut known = self.known();
        known.saved = (known.saved + 1.0).min(SAVED);
    }

    /// A first token came after so long; or had not come by then, when nobody waited for it any more.
    pub(crate) fn heard(&self, key: &Key, after: Duration) {
        let mut known = self.known();
        if known.first_tokens.len() >= MOST_KEYS && !known.first_tokens.contains_key(key) {
            known.first_tokens.clear();
        }
        let seen = known.first_tokens.entry(key.clone()).or_default();
        if seen.len() == REMEMBERED {
            seen.pop_front();
        }
        seen.push_back(after);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> Key {
        Key::new("api", "3fa9", "sonnet")
    }

    fn hedges(rule: &str) -> Hedges {
        Hedges::new(serde_json::from_str(rule).unwrap())
    }

    #[test]
    fn late_is_what_is_later_than_most_and_never_sooner_than_the_least() {
        let hedges = hedges(r#"{"min_delay_ms": 50, "min_samples": 20}"#);
        for ms in 1..=19 {
            hedges.heard(&key(), Duration::from_millis(ms * 10));
            assert_eq!(hedges.begin(&key()), None, "{ms} are too few");
        }
        hedges.heard(&key(), Duration::from_secs(9));
        assert_eq!(hedges.begin(&key()), Some(Duration::from_millis(190)), "the 19th of 20");
        assert_eq!(hedges.begin(&Key::new("api", "3fa9", "haiku")), None, "another model");
        for _ in 0..200 {
            hedges.heard(&key(), Duration::from_millis(3));
        }
        assert_eq!(hedges.begin(&key()), Some(Duration::from_millis(50)));
    }

    #[test]
    fn what_cannot_work_is_named() {
        for (rule, field) in [
            (r#"{"percentile": 0}"#, "hedge.percentile"),
            (r#"{"percentile": 100}"#, "hedge.percentile"),
            (r#"{"min_samples": 0}"#, "hedge.min_samples"),
            (r#"{"min_samples": 201}"#, "hedge.min_samples"),
            (r#"{"max_share": 0}"#, "hedge.max_share"),
            (r#"{"max_share": 1.5}"#, "hedge.max_share"),
        ] {
            let error = serde_json::from_str::<Hedge>(rule).unwrap().validate().unwrap_err();
            assert_eq!(error.context()["field"], field);
        }
    }

    proptest! {
        /// H1: never more than that share of those that could have one.
        #[test]
        fn second_attempts_stay_within_their_share(
            share in prop_oneof![Just(0.05), Just(0.01), Just(1.0), 0.001..1.0_f64],
            steps in prop::collection::vec(0..4_u8, 0..2_000),
        ) {
            let hedges = Hedges::new(Hedge { max_share: share, ..Hedge::default() });
            let (mut eligible, mut taken) = (0_u32, 0_u32);
            for step in steps {
                match step {
                    0 | 1 => { hedges.begin(&key()); eligible += 1; }
                    2 => taken += u32::from(hedges.take()),
                    _ if taken > 0 => { hedges.give_back(); taken -= 1; }
                    _ => {}
                }
                prop_assert!(f64::from(taken) <= share * f64::from(eligible) + 1e-6, "{taken} of {eligible}");
            }
        }
    }
}
