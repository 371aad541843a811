//! Money as a whole number, so that sums are exact whatever their order.

use std::{fmt, iter::Sum};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in whole nano-dollars (10^-9 US dollars). A short call of a model costs some 100 000 of them. In JSON it is a
/// number of US dollars, exact up to nine million.
///
/// ```
/// use madrigal::resilience::Cost;
/// assert_eq!(Cost::from_usd(0.00028).nanos(), 280_000);
/// assert_eq!(Cost::from_usd(-1.0), Cost::ZERO);
/// assert_eq!(Cost::from_usd(1.5).to_string(), "1.5 USD");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost(u64);

impl Cost {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many nano-dollars.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The nearest whole number of nano-dollars. What is negative or no number is nothing.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, which is meant"
    )]
    pub fn from_usd(usd: f64) -> Self {
        Self((usd * 1e9).round() as u64)
    }

    /// In nano-dollars.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// In US dollars.
    #[allow(clippy::cast_precision_loss, reason = "exact up to nine million dollars")]
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e9
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub(crate) const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} USD", self.usd())
    }
}

impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_f64(self.usd())
    }
}

impl<'de> Deserialize<'de> for Cost {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::from_usd(f64::deserialize(from)?))
    }
}
