//! One stream that tells what becomes of every task while it happens.
//!
//! A run never waits for whoever watches it. A watcher that is slow loses nothing but the borders between pieces of text: the
//! pieces of one task that wait are put together. So what waits is bounded by what was said, and numbers have no gaps.

use std::{
    collections::{HashMap, VecDeque},
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker},
};

use serde::Serialize;
use serde_json::Value;

use crate::{
    pool::Start,
    resilience::{AccountState, BudgetEvent, Cost},
};

/// Something happened to a task.
#[derive(Clone, Debug, Serialize)]
pub struct Progress {
    /// Counts from 0, without gaps, for each watcher.
    pub sequence: u64,
    /// The call it belongs to (one `parallel`, one `pipeline`), from 1.
    pub flow: u64,
    /// What that call is: `parallel`, `pipeline`, `race`...
    pub kind: &'static str,
    /// The position of the task in that call.
    pub index: usize,
    /// The name of the task.
    #[serde(serialize_with = "as_text")]
    pub name: Option<Arc<str>>,
    /// What happened.
    #[serde(flatten)]
    pub stage: Stage,
}

impl Progress {
    /// Something that happened to no task.
    pub(super) fn of_the_pool(stage: Stage) -> Self {
        Self { sequence: 0, flow: 0, kind: "pool", index: 0, name: None, stage }
    }
}

/// What can happen to a task, in this order but for what repeats.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    /// It was taken up.
    Queued,
    /// It has to wait until it is let in.
    Waiting {
        /// What for: `rate`, `budget`, `slot`, `start`, `memory`, `circuit`, `prefix`, or `turn` (others came first).
        reason: String,
        /// How long at least, where that is known.
        retry_after_ms: Option<u64>,
    },
    /// It was let in.
    Admitted {
        /// Who answers, as the limits count it: `anthropic`, `bedrock`, or the name a fallback gives.
        provider: String,
        /// Whose credential: its fingerprint, or the name a fallback gives; none where only the program knows it.
        credential: Option<String>,
    },
    /// Its program is running.
    Started {
        /// Which attempt, from 1.
        attempt: u32,
        /// How the program came to be there.
        start: Start,
    },
    /// The model is late: a second attempt is started beside it, and whichever is answered first goes on.
    Hedge {
        /// Which attempt comes, from 2.
        attempt: u32,
        /// After how long the first one was late.
        after_ms: u64,
    },
    /// It said something.
    Delta {
        /// The words.
        text: String,
    },
    /// It uses a tool.
    Tool {
        /// The tool.
        tool: String,
        /// The call.
        id: String,
    },
    /// The program waits to ask the model again.
    ApiRetry {
        /// Which time, from 1.
        attempt: u64,
        /// How long it waits.
        after_ms: u64,
        /// The status the API gave.
        status: Option<u64>,
    },
    /// It failed and will be started again.
    Retry {
        /// Which attempt comes, from 2.
        attempt: u32,
        /// After how long.
        after_ms: u64,
        /// Whether its session is resumed, not begun afresh.
        resume: bool,
        /// Why it failed.
        error: Value,
    },
    /// It failed and goes to the next of its fallbacks.
    Fallback {
        /// The model that comes.
        model: Option<String>,
        /// Why it failed before.
        error: Value,
    },
    /// A budget came near its limit, by this task or another one that ended about now.
    Budget {
        /// Which limit: `run`, `flow`, `key_hour`, `key_day` or `global`.
        scope: &'static str,
        /// Whose: the number of the flow, flow and index of the run, the key; empty for `global`.
        account: String,
        /// 50, 80 or 95: each is said once, and again after the account fell below it.
        percent: u8,
        /// The limit, in US dollars.
        limit_usd: Option<Cost>,
        /// Spent within the time of the limit, in US dollars.
        spent_usd: Cost,
        /// Held for tasks that run, or whose cost is not known, in US dollars.
        held_usd: Cost,
    },
    /// It has its outcome.
    Done {
        /// As [`Outcome::status`](super::Outcome::status) says.
        status: &'static str,
        /// US dollars.
        cost_usd: f64,
        /// Milliseconds from being taken up.
        duration_ms: u64,
    },
    /// Of no task (`flow` and `index` are 0, `kind` is `pool`): a process that stood ready, or was to, was taken out of the pool.
    Dropped {
        /// The process.
        pid: Option<u32>,
        /// Why.
        reason: String,
    },
}

impl From<BudgetEvent> for Stage {
    fn from(event: BudgetEvent) -> Self {
        let AccountState { limit, spent, held } = event.account;
        Self::Budget {
            scope: event.scope,
            account: event.name.trim_start_matches('#').to_owned(),
            percent: event.percent,
            limit_usd: limit,
            spent_usd: spent,
            held_usd: held,
        }
    }
}

#[allow(clippy::ref_option, reason = "the form that serde calls")]
fn as_text<S: serde::Serializer>(name: &Option<Arc<str>>, out: S) -> Result<S::Ok, S::Error> {
    name.as_deref().serialize(out)
}

/// Whom to tell.
#[derive(Debug, Default)]
pub(super) struct Watchers(Mutex<Vec<Weak<Mutex<Waiting>>>>);

impl Watchers {
    pub(super) fn subscribe(&self) -> ProgressStream {
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        lock(&self.0).push(Arc::downgrade(&waiting));
        ProgressStream(waiting)
    }

    pub(super) fn tell(&self, event: &Progress) {
        lock(&self.0).retain(|watcher| {
            let Some(watcher) = watcher.upgrade() else { return false };
            let waker = lock(&watcher).put(event);
            if let Some(waker) = waker {
                waker.wake();
            }
            true
        });
    }

    /// Whether anybody watches: text need not be looked at for nobody.
    pub(super) fn any(&self) -> bool {
        !lock(&self.0).is_empty()
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        for watcher in std::mem::take(&mut *lock(&self.0)).iter().filter_map(Weak::upgrade) {
            let mut waiting = lock(&watcher);
            waiting.over = true;
            if let Some(waker) = waiting.waker.take() {
                waker.wake();
            }
        }
    }
}

/// What one watcher has not seen yet.
#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Progress>,
    /// How many were taken: the number of the first in `events`.
    taken: u64,
    /// The number of the text that waits for each task, when nothing came behind it.
    text: HashMap<(u64, usize), u64>,
    waker: Option<Waker>,
    over: bool,
}

impl Waiting {
    fn put(&mut self, event: &Progress) -> Option<Waker> {
        let task = (event.flow, event.index);
        if let Stage::Delta { text: more } = &event.stage {
            let waits = self.text.get(&task).and_then(|number| number.checked_sub(self.taken));
            if let Some(place) = waits.and_then(|place| usize::try_from(place).ok())
                && let Some(Progress { stage: Stage::Delta { text }, .. }) = self.events.get_mut(place)
            {
                text.push_str(more);
                return None;
            }
            self.text.insert(task, self.taken + self.events.len() as u64);
        } else {
            self.text.remove(&task);
        }
        let sequence = self.taken + self.events.len() as u64;
        self.events.push_back(Progress { sequence, ..event.clone() });
        self.waker.take()
    }
}

/// What happens, in order, from the moment of subscribing. Made by [`Orchestrator::subscribe`](super::Orchestrator::subscribe).
#[derive(Debug)]
pub struct ProgressStream(Arc<Mutex<Waiting>>);

impl ProgressStream {
    /// What happened next; `None` when the orchestrator is gone. Giving up the wait loses nothing.
    pub async fn next(&mut self) -> Option<Progress> {
        poll_fn(|context| self.poll(context)).await
    }

    /// What has happened and was not taken yet, without waiting.
    pub fn take(&mut self) -> Vec<Progress> {
        let mut waiting = lock(&self.0);
        waiting.taken += waiting.events.len() as u64;
        waiting.text.clear();
        waiting.events.drain(..).collect()
    }

    /// What happened next, for those who poll.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Progress>> {
        let mut waiting = lock(&self.0);
        if let Some(event) = waiting.events.pop_front() {
            waiting.taken += 1;
            return Poll::Ready(Some(event));
        }
        if waiting.over {
            return Poll::Ready(None);
        }
        waiting.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(index: usize, stage: Stage) -> Progress {
        Progress { sequence: 0, flow: 1, kind: "parallel", index, name: None, stage }
    }

    fn delta(index: usize, text: &str) -> Progress {
        event(index, Stage::Delta { text: text.to_owned() })
    }

    #[test]
    fn text_that_waits_is_put_together_and_states_are_kept() {
        let watchers = Watchers::default();
        let mut stream = watchers.subscribe();
        for happened in [
            event(0, Stage::Queued),
            delta(0, "a"),
            delta(1, "x"),
            delta(0, "b"),
            event(0, Stage::Admitted { provider: "anthropic".into(), credential: None }),
            delta(0, "c"),
            delta(1, "y"),
        ] {
            watchers.tell(&happened);
        }
        let seen: Vec<String> = stream
            .take()
            .into_iter()
            .map(|event| {
                format!("{} {} {}", event.sequence, event.index, serde_json::to_value(&event.stage).unwrap())
            })
            .collect();
        assert_eq!(
            seen,
            [
                r#"0 0 {"stage":"queued"}"#,
                r#"1 0 {"stage":"delta","text":"ab"}"#,
                r#"2 1 {"stage":"delta","text":"xy"}"#,
                r#"3 0 {"credential":null,"provider":"anthropic","stage":"admitted"}"#,
                r#"4 0 {"stage":"delta","text":"c"}"#,
            ]
        );
        watchers.tell(&delta(0, "d"));
        assert_eq!(stream.take()[0].sequence, 5);
    }

    #[test]
    fn nobody_who_left_is_told() {
        let watchers = Watchers::default();
        drop(watchers.subscribe());
        watchers.tell(&event(0, Stage::Queued));
        assert!(!watchers.any());
    }
}
