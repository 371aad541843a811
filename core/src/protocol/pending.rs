//! Requests of ours that wait for their answer.

use std::{collections::HashMap, time::Duration};

use serde_json::{Value, json};
use tokio::{sync::oneshot, time::Instant};

use crate::{Error, ErrorKind, Result, session::control::Limit};

/// Where the outcome of a request goes.
pub(crate) type Answer = oneshot::Sender<Result<Value>>;

/// The request that every session begins with.
pub(crate) const INITIALIZE: &str = "initialize";

/// A request that waits.
pub(crate) struct Asked {
    pub(crate) subtype: String,
    /// The model that it names, for suggestions when there is none of that name.
    pub(crate) model: Option<String>,
    pub(crate) answer: Answer,
}

struct Waiting {
    asked: Asked,
    limit: Option<Duration>,
    deadline: Option<Instant>,
}

/// Hands out request ids and finds who waits for an answer.
pub(crate) struct Pending {
    waiting: HashMap<String, Waiting>,
    next: u64,
    limit: Option<Duration>,
}

impl Pending {
    /// `limit` is how long an answer may take.
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self { waiting: HashMap::new(), next: 1, limit }
    }

    /// Notes a request and gives it an id.
    pub(crate) fn add(
        &mut self,
        subtype: &str,
        model: Option<String>,
        limit: Limit,
        answer: Answer,
    ) -> String {
        let limit = match limit {
            Limit::Option => self.limit,
            Limit::Own(limit) => Some(limit),
            Limit::None => None,
        };
        // A limit beyond what the clock can hold is none.
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let id = format!("madrigal-{}", self.next);
        self.next += 1;
        let asked = Asked { subtype: subtype.to_owned(), model, answer };
        self.waiting.insert(id.clone(), Waiting { asked, limit, deadline });
        id
    }

    /// Takes the one that waits for this answer; `None` for an answer nobody waits for.
    pub(crate) fn take(&mut self, id: &str) -> Option<Asked> {
        self.waiting.remove(id).map(|waiting| waiting.asked)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// When the first of them runs out of time.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.waiting.values().filter_map(|waiting| waiting.deadline).min()
    }

    /// Fails those that ran out of time and returns their ids, so that they can be withdrawn.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<String> {
        let late: Vec<String> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.deadline.is_some_and(|deadline| deadline <= now))
            .map(|(id, _)| id.clone())
            .collect();
        for id in &late {
            if let Some(Waiting { asked: Asked { subtype, answer, .. }, limit, .. }) = self.waiting.remove(id)
            {
                let which = if limit == self.limit { " (timeouts.control_ms)" } else { "" };
                let limit = limit.map_or(0, |limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
                let error = Error::new(
                    ErrorKind::Timeout,
                    format!("the claude program did not answer `{subtype}` within {limit} ms{which}"),
                )
                .operation("control")
                .with("subtype", subtype)
                .with("limit_ms", json!(limit));
                // Nobody may be waiting any more; that is fine.
                let _ = answer.send(Err(error));
            }
        }
        late
    }

    /// Fails all of them.
    pub(crate) fn fail(&mut self, error: &Error) {
        for (_, waiting) in self.waiting.drain() {
            let _ = waiting.asked.answer.send(Err(error.clone()));
        }
    }
}
