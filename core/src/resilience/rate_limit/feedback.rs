//! What a server says about our rate, and how long it is heeded.

use std::time::Duration;

use crate::resilience::{Moment, chance::Chance};

/// After a 429 the rate falls to this share of what it was, and comes back along a cubic curve: CUBIC (RFC 9438) with the constants
/// of the AWS SDKs' adaptive retry mode, 0.7 and 0.4. Time is counted in minutes here, because the limits are per minute: the
/// old rate is back after some 55 seconds.
const DECREASE: f64 = 0.7;
const SCALE: f64 = 0.4;

/// Refusals within this time count as one: they were all under way when the first came back (RFC 9438 reacts once a round trip).
const ONE_EVENT: Duration = Duration::from_secs(1);

/// How long one probe may keep a gate that has just opened; after that, nobody having objected, it is open.
const PROBE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Throttle {
    /// The share of the limit at the last decrease, and when that was.
    last: Option<(f64, Moment)>,
}

impl Throttle {
    /// The share of the limit that holds now: 1 is all of it. Grows until the next decrease.
    pub(super) fn share(&self, now: Moment) -> f64 {
        let Some((before, at)) = self.last else { return 1.0 };
        let minutes = now.since(at).as_secs_f64() / 60.0;
        let turn = (before * (1.0 - DECREASE) / SCALE).cbrt();
        (SCALE * (minutes - turn).powi(3) + before).clamp(0.0, 1.0)
    }

    pub(super) fn decrease(&mut self, now: Moment) {
        if self.last.is_some_and(|(_, at)| now.since(at) < ONE_EVENT) {
            return;
        }
        self.last = Some((self.share(now), now));
    }

    /// Forgets a decrease that is over.
    pub(super) fn settle(&mut self, now: Moment) {
        if self.last.is_some() && self.share(now) >= 1.0 {
            self.last = None;
        }
    }

    pub(super) const fn active(&self) -> bool {
        self.last.is_some()
    }
}

/// Closed until a moment; then one start is let through to see whether the server answers again.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Gate {
    closed_until: Option<Moment>,
    probe: Option<(u64, Moment)>,
}

impl Gate {
    /// Closes it, for 0 to 5 % longer than asked so that not everybody comes back in the same instant.
    pub(super) fn close(&mut self, until: Moment, now: Moment, chance: &mut Chance) {
        let spread = u64::try_from(until.since(now).as_nanos() / 20).unwrap_or(u64::MAX);
        let until = until + Duration::from_nanos(chance.up_to(spread));
        self.closed_until = Some(self.closed_until.map_or(until, |known| known.max(until)));
        self.probe = None;
    }

    pub(super) fn opens(&self, now: Moment) -> Moment {
        match (self.closed_until, self.probe) {
            (None, _) => now,
            (Some(until), _) if now < until => until,
            (Some(_), Some((_, lease))) => lease.max(now),
            (Some(_), None) => now,
        }
    }

    pub(super) fn take(&mut self, id: u64, now: Moment) {
        match self.probe {
            // Its time is over and nobody objected.
            Some(_) => *self = Self::default(),
            None if self.closed_until.is_some() => self.probe = Some((id, now + PROBE)),
            None => {}
        }
    }

    pub(super) fn refund(&mut self, id: u64) {
        if self.probe.is_some_and(|(probe, _)| probe == id) {
            self.probe = None;
        }
    }

    /// The server answered.
    pub(super) fn answered(&mut self, now: Moment) {
        if self.closed_until.is_some_and(|until| until <= now) {
            *self = Self::default();
        }
    }

    pub(super) fn closed_until(&self, now: Moment) -> Option<Moment> {
        self.closed_until.filter(|until| *until > now)
    }

    pub(super) const fn idle(&self) -> bool {
        self.closed_until.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn the_rate_falls_and_comes_back_within_a_minute() {
        let mut throttle = Throttle::default();
        throttle.decrease(at(100));
        throttle.decrease(at(100));
        assert!((throttle.share(at(100)) - 0.7).abs() < 1e-9, "one event, however many saw it");
        let mut last = 0.0;
        for second in 100..160 {
            let share = throttle.share(at(second));
            assert!(share >= last, "{second}");
            last = share;
        }
        throttle.settle(at(160));
        assert!(!throttle.active());
        for second in 200..300 {
            throttle.decrease(at(second * 2));
        }
        assert!(throttle.share(at(598)) >= 0.0);
    }

    #[test]
    fn a_gate_lets_one_through_and_opens_when_it_is_answered() {
        let (mut gate, mut chance) = (Gate::default(), Chance::seeded(1));
        gate.close(at(100), at(0), &mut chance);
        let opens = gate.opens(at(0));
        assert!((at(100)..=at(105)).contains(&opens));
        gate.answered(at(50));
        assert_eq!(gate.opens(at(50)), opens, "an answer to an older start");
        gate.take(1, opens);
        assert_eq!(gate.opens(opens), opens + PROBE);
        gate.refund(1);
        assert_eq!(gate.opens(opens), opens);
        gate.take(2, opens);
        gate.answered(opens);
        assert_eq!(gate, Gate::default());
    }

    #[test]
    fn a_probe_that_is_never_heard_of_again_does_not_keep_the_gate() {
        let (mut gate, mut chance) = (Gate::default(), Chance::seeded(1));
        gate.close(at(10), at(0), &mut chance);
        let opens = gate.opens(at(0));
        gate.take(1, opens);
        let later = gate.opens(opens);
        gate.take(2, later);
        assert!(gate.idle());
    }
}
