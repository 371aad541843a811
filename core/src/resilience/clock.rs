//! Time as an argument. Every policy asks a [`Clock`], so a test can let an hour pass in no time and a schedule can be played
//! again; nothing in this module tree reads the system's time on its own.

use std::{
    fmt,
    future::Future,
    ops::Add,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// A point of a clock's monotonic time, in whole nanoseconds since that clock began. 2^64 of them are 584 years.
///
/// ```
/// use madrigal::resilience::Moment;
/// use std::time::Duration;
/// let start = Moment::ZERO + Duration::from_secs(1);
/// assert_eq!((start + Duration::from_millis(5)).since(start), Duration::from_millis(5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment(u64);

impl Moment {
    /// When the clock began.
    pub const ZERO: Self = Self(0);
    /// Never.
    pub const MAX: Self = Self(u64::MAX);

    /// The moment so many nanoseconds after the clock began.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock began.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The time from an earlier moment to this one; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    /// Ends at [`Moment::MAX`].
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }
}

/// The whole nanoseconds of a duration, at most `u64::MAX`.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A sleep that ends when its clock says so.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What time it is, and a way to wait for another.
pub trait Clock: Send + Sync + 'static {
    /// Monotonic time: never goes back, knows no date.
    fn now(&self) -> Moment;

    /// The date, as time since 1970: only to read what a server says, such as "the limit resets at ...".
    fn wall(&self) -> Duration;

    /// Ends when `now()` is at least this moment.
    fn sleep_until(&self, moment: Moment) -> Sleep;
}

/// The clock of the machine. Its sleeps need a tokio runtime with a timer; its time does not.
///
/// ```
/// use madrigal::resilience::{Clock, SystemClock};
/// let clock = SystemClock::new();
/// let before = clock.now();
/// assert!(clock.now() >= before);
/// ```
#[derive(Clone, Debug)]
pub struct SystemClock {
    origin: tokio::time::Instant,
}

impl SystemClock {
    /// A clock that begins now.
    pub fn new() -> Self {
        Self { origin: tokio::time::Instant::now() }
    }

    /// The same, in the form policies take.
    pub fn shared() -> Arc<dyn Clock> {
        Arc::new(Self::new())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment::ZERO + self.origin.elapsed()
    }

    fn wall(&self) -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    fn sleep_until(&self, moment: Moment) -> Sleep {
        // The furthest a timer of tokio goes is some years; a waiter for longer looks again then.
        let ahead = Duration::from_nanos(moment.0).min(Duration::from_secs(86_400 * 365 * 30));
        Box::pin(tokio::time::sleep_until(self.origin + ahead))
    }
}

/// A clock that stands still until it is told to move: for tests of what uses the policies.
///
/// ```
/// use madrigal::resilience::{Clock, RateLimit, RateLimiter, VirtualClock, Key};
/// use std::time::Duration;
/// let clock = VirtualClock::new();
/// let limit = RateLimit { per_minute: Some(1), ..RateLimit::default() };
/// let limiter = RateLimiter::with_clock(limit, clock.clone()).unwrap();
/// let key = Key::default();
/// assert!(limiter.try_acquire(&key).is_admitted());
/// assert!(!limiter.try_acquire(&key).is_admitted());
/// clock.advance(Duration::from_secs(60));
/// assert!(limiter.try_acquire(&key).is_admitted());
/// ```
#[derive(Clone, Default)]
pub struct VirtualClock(Arc<Mutex<Virtual>>);

#[derive(Default)]
struct Virtual {
    now: Moment,
    wall_offset: Duration,
    sleepers: Vec<(Moment, Waker)>,
}

impl VirtualClock {
    /// A clock that stands at [`Moment::ZERO`], on 1 January 1970.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves on and wakes who slept until then.
    pub fn advance(&self, by: Duration) {
        let to = self.now() + by;
        self.set(to);
    }

    /// Moves on to a moment; an earlier one than now changes nothing.
    pub fn set(&self, to: Moment) {
        let due = {
            let mut state = self.lock();
            state.now = state.now.max(to);
            let now = state.now;
            let (due, later): (Vec<_>, Vec<_>) = state.sleepers.drain(..).partition(|(at, _)| *at <= now);
            state.sleepers = later;
            due
        };
        for (_, waker) in due {
            waker.wake();
        }
    }

    /// When the next sleeper wants to wake.
    pub fn next_alarm(&self) -> Option<Moment> {
        self.lock().sleepers.iter().map(|(at, _)| *at).min()
    }

    /// Sets the date, as time since 1970, without moving monotonic time.
    pub fn set_wall(&self, wall: Duration) {
        let mut state = self.lock();
        state.wall_offset = wall.saturating_sub(Duration::from_nanos(state.now.0));
    }

    fn lock(&self) -> MutexGuard<'_, Virtual> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VirtualClock").field(&self.now()).finish()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Moment {
        self.lock().now
    }

    fn wall(&self) -> Duration {
        let state = self.lock();
        state.wall_offset + Duration::from_nanos(state.now.0)
    }

    fn sleep_until(&self, moment: Moment) -> Sleep {
        Box::pin(VirtualSleep { clock: self.clone(), until: moment })
    }
}

struct VirtualSleep {
    clock: VirtualClock,
    until: Moment,
}

impl Future for VirtualSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.lock();
        if state.now >= self.until {
            return Poll::Ready(());
        }
        // One entry a task and moment is enough, however often it is polled.
        let known = |(at, waker): &(Moment, Waker)| *at == self.until && waker.will_wake(context.waker());
        if !state.sleepers.iter().any(known) {
            let entry = (self.until, context.waker().clone());
            state.sleepers.push(entry);
        }
        Poll::Pending
    }
}

/// Lets an `Arc` of any clock be a clock.
impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Moment {
        (**self).now()
    }

    fn wall(&self) -> Duration {
        (**self).wall()
    }

    fn sleep_until(&self, moment: Moment) -> Sleep {
        (**self).sleep_until(moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_moved_and_not_before() {
        let clock = VirtualClock::new();
        let mut sleep = clock.sleep_until(Moment::from_nanos(10));
        assert!(std::future::poll_fn(|context| Poll::Ready(sleep.as_mut().poll(context).is_pending())).await);
        assert_eq!(clock.next_alarm(), Some(Moment::from_nanos(10)));
        clock.set(Moment::from_nanos(10));
        sleep.await;
        assert_eq!(clock.next_alarm(), None);
    }

    #[test]
    fn the_date_moves_with_time() {
        let clock = VirtualClock::new();
        clock.set_wall(Duration::from_secs(1_000));
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.wall(), Duration::from_secs(1_005));
        clock.set(Moment::ZERO);
        assert_eq!(clock.now(), Moment::ZERO + Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_of_the_machine_follows_the_runtime() {
        let clock = SystemClock::new();
        clock.sleep_until(Moment::ZERO + Duration::from_secs(3)).await;
        assert!(clock.now() >= Moment::ZERO + Duration::from_secs(3));
    }
}
