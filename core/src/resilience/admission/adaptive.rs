//! How many may run, learned from the other side: a little more as long as it answers, much less when it says that it is too much.
//!
//! Additive increase, multiplicative decrease (Chiu and Jain, 1989), the rule by which TCP shares a line. It looks at refusals of the API only (429,
//! 529), never at how long answers take: a model may think as long as it likes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    Result,
    resilience::{FailureKind, Moment, reading::invalid},
};

/// How the number of places follows what the API says. It starts at `max_concurrent` and never goes above.
///
/// ```
/// use madrigal::resilience::AdmissionConfig;
/// let config = AdmissionConfig::from_json(r#"{"max_concurrent": 40, "adaptive": {"min": 4}}"#).unwrap();
/// assert_eq!(config.adaptive.unwrap().decrease, 0.7);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adaptive {
    /// The fewest places it goes down to; at least 1. Default 1.
    pub min: u32,
    /// What is left of the places after a refusal of the API: more than 0 and less than 1. Default 0.7, as CUBIC (RFC 9438) has it.
    pub decrease: f64,
    /// How long refusals count as one, in milliseconds: calls that were under way cannot know of the new number. Default 5 000.
    pub cooldown_ms: u64,
}

impl Default for Adaptive {
    fn default() -> Self {
        Self { min: 1, decrease: 0.7, cooldown_ms: 5_000 }
    }
}

impl Adaptive {
    pub(super) fn validate(&self, max: u32) -> Result<()> {
        if self.min == 0 || self.min > max {
            return Err(invalid("admission.adaptive.min", "expected at least 1 and at most max_concurrent"));
        }
        if !(self.decrease > 0.0 && self.decrease < 1.0) {
            return Err(invalid("admission.adaptive.decrease", "expected more than 0 and less than 1"));
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct Places {
    config: Adaptive,
    now: u32,
    /// Good ends since the number last changed.
    good: u32,
    decreased: Option<Moment>,
}

impl Places {
    pub(super) fn new(config: Adaptive, max: u32) -> Self {
        Self { config, now: max, good: 0, decreased: None }
    }

    pub(super) fn get(&self) -> u32 {
        self.now
    }

    /// A call of the API failed.
    pub(super) fn failed(&mut self, kind: FailureKind, now: Moment) {
        let refused = matches!(kind, FailureKind::RateLimited | FailureKind::Overloaded);
        let cooldown = Duration::from_millis(self.config.cooldown_ms);
        if !refused || self.decreased.is_some_and(|last| now < last + cooldown) {
            return;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a u32")]
        let less = (f64::from(self.now) * self.config.decrease) as u32;
        self.now = less.max(self.config.min);
        self.good = 0;
        self.decreased = Some(now);
    }

    /// An attempt ended well while so many ran. One more place when as many did as there are places, and half of them are in use: what
    /// is not used says nothing.
    pub(super) fn succeeded(&mut self, running: u32, max: u32) {
        if self.now >= max || running.saturating_mul(2) < self.now {
            return;
        }
        self.good += 1;
        if self.good >= self.now {
            self.now += 1;
            self.good = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resilience::chance::Chance;

    /// A1: between `min` and `max`, whatever happens. A2: one decrease in a cooldown.
    #[test]
    fn the_number_stays_in_its_bounds_and_falls_once_in_a_while() {
        for seed in 0..200 {
            let mut chance = Chance::seeded(seed);
            let (min, max) = (2, 50);
            let config = Adaptive { min, ..Adaptive::default() };
            let mut places = Places::new(config, max);
            let (mut now, mut fell) = (0, None::<u64>);
            for _ in 0..2_000 {
                now += chance.up_to(2_000_000_000);
                let before = places.get();
                if chance.one_in(3) {
                    places.failed(FailureKind::Overloaded, Moment::from_nanos(now));
                } else {
                    places.succeeded(u32::try_from(chance.up_to(50)).unwrap(), max);
                }
                assert!((min..=max).contains(&places.get()) && places.get() <= before + 1);
                if places.get() < before {
                    assert!(fell.is_none_or(|last| now - last >= 5_000_000_000), "seed {seed}");
                    fell = Some(now);
                }
            }
        }
    }

    /// A3: beside a server with room for so many it stays near that, and most of the room is used.
    #[test]
    fn it_finds_how_much_the_other_side_can_do() {
        for room in [4_u32, 10, 40] {
            let mut places = Places::new(Adaptive::default(), 100);
            let (mut used, mut refused, mut turns) = (0, 0, 0);
            // Each turn all places are used for six seconds, longer than a cooldown.
            for turn in 1..=2_000_u64 {
                let running = places.get();
                if running > room {
                    places.failed(FailureKind::RateLimited, Moment::from_nanos(turn * 6_000_000_000));
                }
                (0..running.min(room)).for_each(|_| places.succeeded(running, 100));
                if turn > 100 {
                    assert!(running <= room + 1, "room {room}: {running}");
                    used += running.min(room);
                    refused += running.saturating_sub(room);
                    turns += 1;
                }
            }
            let (used, refused) = (f64::from(used) / f64::from(turns), f64::from(refused) / f64::from(turns));
            assert!(
                used > 0.75 * f64::from(room) && refused <= 0.5,
                "room {room}: {used} used, {refused} refused"
            );
        }
    }

    #[test]
    fn other_failures_and_idle_places_change_nothing() {
        let mut places = Places::new(Adaptive::default(), 10);
        places.failed(FailureKind::ServerError, Moment::ZERO);
        assert_eq!(places.get(), 10);
        places.failed(FailureKind::Overloaded, Moment::ZERO);
        assert_eq!(places.get(), 7);
        (0..100).for_each(|_| places.succeeded(3, 10));
        assert_eq!(places.get(), 7, "less than half are in use");
        (0..7).for_each(|_| places.succeeded(7, 10));
        assert_eq!(places.get(), 8);
    }
}
