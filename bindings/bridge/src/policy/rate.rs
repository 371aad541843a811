//! A rate limiter for a host. It may wait: then the permit comes as a reply.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use madrigal::{
    Result,
    resilience::{Acquire, Class, Decision, Key, Moment, RateFeedback, RateLimit, RateLimiter, RatePermit},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::AbortHandle;

use super::{Held, refused};
use crate::{
    runtime,
    signals::{Reply, Signals},
};

/// A start that is wanted.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Acquiring {
    key: Key,
    tokens: u64,
    class: Class,
    timeout_ms: Option<u64>,
}

/// What a host may ask.
#[derive(Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Question {
    TryAcquire {
        #[serde(default)]
        wish: Acquiring,
    },
    Refund {
        permit: u64,
    },
    SettleTokens {
        permit: u64,
        tokens: u64,
    },
    Feedback {
        #[serde(default)]
        key: Key,
        said: RateFeedback,
    },
    State {
        #[serde(default)]
        key: Key,
    },
}

/// As long as the longest window: what started before has left all of them, and cannot be taken back.
const KEPT: Duration = Duration::from_secs(3600);
/// How many permits may wait for their hour before it is looked whose is over.
const SWEEP: usize = 1024;

#[derive(Default)]
struct Permits {
    held: Held<(RatePermit, Moment)>,
    sweep_at: usize,
}

pub(crate) struct Limiter {
    limiter: RateLimiter,
    signals: Arc<Signals>,
    permits: Arc<Mutex<Permits>>,
    waits: Arc<Mutex<HashMap<i64, AbortHandle>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Limiter {
    pub(super) fn new(limit: RateLimit, signals: Arc<Signals>) -> Result<Self> {
        Ok(Self {
            limiter: RateLimiter::new(limit)?,
            signals,
            permits: Arc::default(),
            waits: Arc::default(),
        })
    }

    fn ask(&self, wish: &Acquiring) -> Acquire {
        let deadline = wish.timeout_ms.map(|limit| self.limiter.clock().now() + Duration::from_millis(limit));
        Acquire { tokens: wish.tokens, class: wish.class, deadline }
    }

    pub(super) fn decide(&self, question: Question) -> Result<Value> {
        match question {
            Question::TryAcquire { wish } => {
                return match self.limiter.try_acquire_with(&wish.key, &self.ask(&wish)) {
                    Decision::Admitted(permit) => {
                        Ok(json!({"permit": keep(&self.permits, &self.limiter, permit)}))
                    }
                    Decision::WaitUntil(until) => {
                        let now = self.limiter.clock().now();
                        let wait = until.map(|until| until.since(now).as_nanos().div_ceil(1_000_000));
                        Ok(
                            json!({"permit": null, "retry_after_ms": wait.map(|wait| u64::try_from(wait).unwrap_or(u64::MAX))}),
                        )
                    }
                    Decision::Rejected(refusal) => Err(refused(refusal, "try_acquire")),
                };
            }
            Question::Refund { permit } => {
                if let Some((permit, _)) = lock(&self.permits).held.held.remove(&permit) {
                    permit.refund();
                }
            }
            Question::SettleTokens { permit, tokens } => {
                if let Some((permit, _)) = lock(&self.permits).held.held.get(&permit) {
                    permit.settle_tokens(tokens);
                }
            }
            Question::Feedback { key, said } => self.limiter.feedback(&key, said),
            Question::State { key } => return Ok(json!(self.limiter.state(&key))),
        }
        Ok(Value::Null)
    }

    pub(super) fn acquire(&self, id: i64, wish: Acquiring) -> Result<()> {
        let ask = self.ask(&wish);
        let (limiter, permits, waits) = (self.limiter.clone(), self.permits.clone(), self.waits.clone());
        let runtime = runtime::handle()?;
        let reply = Reply::new(&self.signals, id, "check_and_wait");
        let mut turn = Box::pin(async move {
            let answer = limiter.check_and_wait_with(&wish.key, &ask).await;
            match answer {
                Ok(permit) => Ok(json!({"permit": keep(&permits, &limiter, permit)})),
                Err(refusal) => Err(refused(refusal, "check_and_wait")),
            }
        });
        // It takes its place before this returns: whoever asks first goes first, and is seen to wait.
        let first = {
            let _inside = runtime.enter();
            turn.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        };
        if let Poll::Ready(answer) = first {
            // Told from there as every other reply; there is nothing left to give up.
            runtime.spawn(async move { reply.tell(answer) });
            return Ok(());
        }
        let mut all = lock(&self.waits);
        let wait = runtime.spawn(async move {
            let answer = turn.await;
            // Waits until the entry of this wait is there.
            lock(&waits).remove(&id);
            reply.tell(answer);
        });
        all.insert(id, wait.abort_handle());
        Ok(())
    }

    pub(super) fn cancel(&self, run: i64) {
        if let Some(wait) = lock(&self.waits).remove(&run) {
            wait.abort();
        }
    }

    pub(super) fn stop(&self) {
        for (_, wait) in lock(&self.waits).drain() {
            wait.abort();
        }
    }
}

fn keep(permits: &Mutex<Permits>, limiter: &RateLimiter, permit: RatePermit) -> u64 {
    let now = limiter.clock().now();
    let mut permits = lock(permits);
    if permits.held.held.len() >= permits.sweep_at.max(SWEEP) {
        permits.held.held.retain(|_, (_, since)| now.since(*since) < KEPT);
        permits.sweep_at = permits.held.held.len() * 2;
    }
    permits.held.put((permit, now))
}
