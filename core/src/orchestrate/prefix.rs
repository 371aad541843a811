//! Tasks of one call that are asked the same way share the beginning of their requests. The API keeps it for a while once it has
//! begun to answer a request, and charges a tenth for it then; siblings that ask at the same moment pay in full, each of them. So the first
//! goes ahead, and the others follow as soon as it is answered, or after a limit.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::Options;

/// Who goes first in one call. A cheap clone of the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefixes(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    limit: Duration,
    kinds: RandomState,
    leads: Mutex<HashMap<u64, Lead>>,
    changed: Notify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    /// Somebody is on the way.
    Taken,
    /// The model answers: everybody may go.
    Answered,
}

/// The one the others wait for. Dropped without an answer, it leaves the lead to the next.
#[derive(Debug)]
pub(super) struct First {
    inner: Arc<Inner>,
    kind: u64,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Lead>> {
        self.leads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Prefixes {
    pub(super) fn new(limit_ms: Option<u64>) -> Self {
        Self(limit_ms.map(|limit| {
            Arc::new(Inner {
                limit: Duration::from_millis(limit),
                kinds: RandomState::new(),
                leads: Mutex::default(),
                changed: Notify::new(),
            })
        }))
    }

    /// Waits until it may go; gives what makes it the first, if it is. `waits` is called before it waits.
    pub(super) async fn enter(&self, options: &Options, waits: impl FnOnce()) -> Option<First> {
        let inner = self.0.as_ref()?;
        // Where it differs the beginning of the request may differ: then nobody need wait.
        let kind = inner.kinds.hash_one(serde_json::to_string(options).unwrap_or_default());
        // A limit beyond what the clock can show never comes; a call that is given up ends the wait.
        let deadline = Instant::now().checked_add(inner.limit);
        let mut waits = Some(waits);
        loop {
            let changed = inner.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut leads = inner.lock();
                match leads.get(&kind) {
                    None => {
                        leads.insert(kind, Lead::Taken);
                        return Some(First { inner: Arc::clone(inner), kind });
                    }
                    Some(Lead::Answered) => return None,
                    Some(Lead::Taken) => {}
                }
            }
            if let Some(waits) = waits.take() {
                waits();
            }
            match deadline {
                Some(deadline) if timeout_at(deadline, changed.as_mut()).await.is_err() => return None,
                Some(_) => {}
                None => changed.await,
            }
        }
    }
}

impl First {
    /// The model begins to answer.
    pub(super) fn answered(self) {
        self.inner.lock().insert(self.kind, Lead::Answered);
    }
}

impl Drop for First {
    fn drop(&mut self) {
        let mut leads = self.inner.lock();
        if leads.get(&self.kind) == Some(&Lead::Taken) {
            leads.remove(&self.kind);
        }
        drop(leads);
        self.inner.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn haiku() -> Options {
        Options { model: Some("haiku".into()), ..Options::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn the_others_follow_when_the_first_is_answered() {
        let prefixes = Prefixes::new(Some(5_000));
        let first = prefixes.enter(&haiku(), || panic!("it need not wait")).await.unwrap();
        assert!(prefixes.enter(&Options::default(), || panic!("another beginning")).await.is_some());
        let begun = Instant::now();
        let (mut waited, options) = (false, haiku());
        let (second, ()) = tokio::join!(prefixes.enter(&options, || waited = true), async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            first.answered();
        });
        assert!(second.is_none() && waited);
        assert_eq!(begun.elapsed(), Duration::from_millis(30));
        assert!(prefixes.enter(&haiku(), || panic!("it is answered")).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_fails_leaves_the_lead_to_one_other() {
        let prefixes = Prefixes::new(Some(5_000));
        let first = prefixes.enter(&haiku(), || ()).await.unwrap();
        let options = haiku();
        let (second, third, ()) = tokio::join!(
            prefixes.enter(&options, || ()),
            async {
                let third = prefixes.enter(&options, || ()).await;
                (third, Instant::now())
            },
            async {
                tokio::time::sleep(Duration::from_millis(30)).await;
                drop(first);
            }
        );
        let _ = second.expect("it leads now");
        assert!(third.0.is_none(), "it waits on, to its limit");
        drop(third);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_the_limit_and_without_one_nobody_waits() {
        let prefixes = Prefixes::new(Some(100));
        let _first = prefixes.enter(&haiku(), || ()).await.unwrap();
        let begun = Instant::now();
        assert!(prefixes.enter(&haiku(), || ()).await.is_none());
        assert_eq!(begun.elapsed(), Duration::from_millis(100));
        let off = Prefixes::new(None);
        assert!(off.enter(&haiku(), || panic!("it waits")).await.is_none());
        assert!(off.enter(&haiku(), || panic!("it waits")).await.is_none());
    }
}
