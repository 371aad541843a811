//! When a token is renewed: a day before it ends, but never at once, so that a store with an odd time in it cannot make a loop.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{Result, resilience::Clock};

/// The shortest wait for a renewal.
const SHORTEST: Duration = Duration::from_secs(60);

/// The wait after one that failed.
pub(super) const AGAIN: Duration = Duration::from_secs(3600);

/// The longest sleep: a machine that slept, or whose clock was set, is noticed by then.
const LONGEST: Duration = Duration::from_secs(3600);

/// Renews a token again and again.
pub(super) struct Refresh {
    clock: Arc<dyn Clock>,
    before: Duration,
}

impl Refresh {
    pub(super) fn new(clock: Arc<dyn Clock>, before: Duration) -> Self {
        Self { clock, before }
    }

    /// Renews in time, until a renewal says that there is nothing more to renew: nobody wants it, or it has no end.
    pub(super) async fn keep<F>(&self, mut expiry: SystemTime, mut renew: impl FnMut() -> F)
    where
        F: Future<Output = Option<Result<Option<SystemTime>>>>,
    {
        let mut shortest = SHORTEST;
        loop {
            let now = self.clock.wall();
            let end = expiry.duration_since(UNIX_EPOCH).unwrap_or_default();
            self.sleep(now + end.saturating_sub(self.before).saturating_sub(now).max(shortest)).await;
            match renew().await {
                None | Some(Ok(None)) => return,
                Some(Ok(Some(next))) => (expiry, shortest) = (next, SHORTEST),
                Some(Err(error)) => {
                    tracing::warn!(
                        "the token could not be renewed, which is tried again in an hour: {error}"
                    );
                    shortest = AGAIN;
                }
            }
        }
    }

    /// Until a time of day.
    async fn sleep(&self, until: Duration) {
        loop {
            let left = until.saturating_sub(self.clock.wall());
            if left.is_zero() {
                return;
            }
            self.clock.sleep_until(self.clock.now() + left.min(LONGEST)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use super::*;
    use crate::{Error, ErrorKind, resilience::VirtualClock};

    const HOUR: Duration = Duration::from_secs(3600);

    /// When renewals happen, in seconds from the start, for a token that ends after so many, each renewal answering in turn.
    fn renewals(expiry: u64, answers: &[Result<u64, ()>]) -> Vec<u64> {
        let clock = VirtualClock::new();
        clock.set_wall(Duration::from_secs(1_000_000));
        let at = |seconds: u64| UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds);
        let refresh = Refresh::new(Arc::new(clock.clone()), 24 * HOUR);
        let (times, count) = (Rc::new(RefCell::new(Vec::new())), answers.len());
        let seen = Rc::clone(&times);
        let inner = clock.clone();
        let run = refresh.keep(at(expiry), move || {
            let made = seen.borrow().len();
            seen.borrow_mut().push(inner.wall().as_secs() - 1_000_000);
            let answer = answers.get(made).map(|answer| match answer {
                Ok(expiry) => Ok(Some(at(*expiry))),
                Err(()) => Err(Error::new(ErrorKind::Auth, "no")),
            });
            std::future::ready(answer)
        });
        let mut run = std::pin::pin!(run);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        while run.as_mut().poll(&mut context).is_pending() {
            let next = clock.next_alarm().unwrap();
            clock.advance(next.since(clock.now()));
        }
        assert_eq!(times.borrow().len(), count + 1);
        times.borrow().clone()
    }

    #[test]
    fn a_day_before_the_end() {
        assert_eq!(renewals(30 * 86_400, &[]), [29 * 86_400]);
        assert_eq!(renewals(30 * 86_400, &[Ok(60 * 86_400)]), [29 * 86_400, 59 * 86_400]);
    }

    #[test]
    fn never_within_a_minute() {
        assert_eq!(renewals(0, &[]), [60]);
        assert_eq!(renewals(3600, &[Ok(0)]), [60, 120]);
    }

    #[test]
    fn again_in_an_hour_when_it_failed() {
        assert_eq!(
            renewals(2 * 86_400, &[Err(()), Err(()), Ok(10 * 86_400)]),
            [86_400, 90_000, 93_600, 9 * 86_400]
        );
    }
}
