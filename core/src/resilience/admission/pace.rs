//! How fast places come free, measured. Nobody knows when a run of a model ends; who is refused because all places were taken is told when it
//! is worth another try, from how long runs took of late.

use std::time::Duration;

/// The share of the newest measurement in the mean, one in so many: that of the round trip times of TCP (RFC 6298).
const SHARE: u32 = 8;

/// How long something of which so many may be at a time was kept, of late.
#[derive(Debug, Default)]
pub(super) struct Pace(Option<Duration>);

impl Pace {
    /// One was kept for so long.
    pub(super) fn note(&mut self, kept: Duration) {
        self.0 = Some(match self.0 {
            None => kept,
            Some(mean) => mean - mean / SHARE + kept / SHARE,
        });
    }

    /// When one comes free for who stands behind `ahead` others, when `free` of `places` are free now; `None`: none has come free so far, or there
    /// is none. Places that are kept for a time S come free at the rate of places / S.
    pub(super) fn free_in(&self, ahead: usize, free: u32, places: u32) -> Option<Duration> {
        let missing = (ahead + 1).saturating_sub(free as usize);
        if missing == 0 {
            return Some(Duration::ZERO);
        }
        let turns = u32::try_from(missing).unwrap_or(u32::MAX);
        self.0?.checked_mul(turns)?.checked_div(places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_stand_ahead_the_longer_it_takes() {
        let mut pace = Pace::default();
        let second = Duration::from_secs(1);
        assert_eq!((pace.free_in(0, 1, 2), pace.free_in(0, 0, 2)), (Some(Duration::ZERO), None));
        pace.note(4 * second);
        assert_eq!(pace.free_in(0, 0, 2), Some(2 * second));
        assert_eq!(pace.free_in(3, 0, 2), Some(8 * second));
        assert_eq!(pace.free_in(3, 1, 2), Some(6 * second));
        assert_eq!(pace.free_in(0, 0, 0), None);
        for _ in 0..100 {
            pace.note(8 * second);
        }
        let now = pace.free_in(0, 0, 2).unwrap();
        assert!(now > Duration::from_millis(3_990) && now <= 4 * second, "{now:?}");
    }
}
