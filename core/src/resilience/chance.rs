//! The few random numbers that policies need (jitter), from a generator that can be seeded, so that a test is the same each time.

use std::hash::{BuildHasher, RandomState};

/// SplitMix64 (Steele, Lea, Flood 2014): eight bytes of state, good enough to spread waiters, not for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Different in each process.
    pub(crate) fn new() -> Self {
        Self(RandomState::new().hash_one(0_u8))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 up to and with `limit`.
    pub(crate) fn up_to(&mut self, limit: u64) -> u64 {
        // The high half of a product instead of a remainder: no division, next to no bias.
        let wide = u128::from(self.next()) * (u128::from(limit) + 1);
        u64::try_from(wide >> 64).unwrap_or(limit)
    }

    /// One of `1 in n`, for tests.
    #[cfg(test)]
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.up_to(n - 1) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_reached_and_kept() {
        let mut chance = Chance::seeded(1);
        let mut seen = [false; 4];
        for _ in 0..1_000 {
            seen[usize::try_from(chance.up_to(3)).unwrap()] = true;
        }
        assert_eq!(seen, [true; 4]);
        assert_eq!(chance.up_to(0), 0);
        assert_ne!(Chance::new().next(), Chance::new().next());
    }
}
