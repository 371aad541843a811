//! The host's side of questions: answers them as the scenario says, or holds them open.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use madrigal::{
    Error, ErrorKind, Result,
    session::{Ask, AskKind, Host},
    testing::matches,
    transport::BoxFuture,
};
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};

/// Answers the questions of one session.
pub(crate) struct Asks {
    state: Mutex<State>,
    changed: Arc<Notify>,
}

struct State {
    /// `on_ask` of the scenario.
    rule: Value,
    requests: Vec<Value>,
    held: VecDeque<Held>,
}

struct Held {
    answer: oneshot::Sender<Value>,
}

impl Asks {
    pub(crate) fn new() -> Arc<Self> {
        let state = State {
            rule: json!({"answer": {"behavior": "allow"}}),
            requests: Vec::new(),
            held: VecDeque::new(),
        };
        Arc::new(Self { state: Mutex::new(state), changed: Arc::new(Notify::new()) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_rule(&self, rule: Value) {
        self.state().rule = rule;
    }

    pub(crate) fn requests(&self) -> Vec<Value> {
        self.state().requests.clone()
    }

    /// Waits for a question that matches.
    pub(crate) async fn asked(&self, pattern: &Value) {
        self.until(|state| state.requests.iter().any(|request| matches(pattern, request)).then_some(()))
            .await;
    }

    /// Answers the oldest question that is held open.
    pub(crate) async fn answer(&self, answer: Value) {
        let held = self.until(|state| state.held.pop_front()).await;
        // A question that was cancelled meanwhile needs no answer.
        let _ = held.answer.send(answer);
    }

    /// Waits until the oldest question held open was withdrawn.
    pub(crate) async fn cancelled(&self) {
        self.until(|state| {
            let withdrawn = state.held.front().is_some_and(|held| held.answer.is_closed());
            withdrawn.then(|| drop(state.held.pop_front()))
        })
        .await;
    }

    async fn until<T>(&self, mut found: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            if let Some(found) = found(&mut self.state()) {
                return found;
            }
            changed.await;
        }
    }
}

/// Waits for the answer to a question held open, and tells when it is dropped, answered or not.
struct Waiting {
    answered: oneshot::Receiver<Value>,
    changed: Arc<Notify>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // First closed, then told: whoever is told looks whether it is closed.
        self.answered.close();
        self.changed.notify_waiters();
    }
}

impl Host for Asks {
    fn asks(&self) -> &[AskKind] {
        &[AskKind::CanUseTool]
    }

    fn answer(&self, ask: Ask) -> BoxFuture<'static, Result<Value>> {
        let mut state = self.state();
        let request = serde_json::from_str(ask.request.get()).unwrap_or_default();
        state.requests.push(request);
        let rule = state.rule.clone();
        let answer: BoxFuture<'static, Result<Value>> = if let Some(text) = rule["raise"].as_str() {
            Box::pin(std::future::ready(Err(Error::new(ErrorKind::Callback, text))))
        } else if rule["hold"] == true {
            let (answer, answered) = oneshot::channel();
            state.held.push_back(Held { answer });
            let mut waiting = Waiting { answered, changed: self.changed.clone() };
            Box::pin(async move {
                (&mut waiting.answered)
                    .await
                    .map_err(|_| Error::new(ErrorKind::Callback, "the scenario is over"))
            })
        } else {
            Box::pin(std::future::ready(Ok(rule["answer"].clone())))
        };
        drop(state);
        self.changed.notify_waiters();
        answer
    }
}
