//! The host's side of questions: answers them as the scenario says, or holds them open.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use madrigal::{
    Error, ErrorKind, Result,
    session::{Ask, AskKind, Host, Progress},
    testing::matches,
    transport::BoxFuture,
};
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};

/// Answers the questions of one session.
pub(crate) struct Asks {
    /// The kinds the scenario lists; hooks and tools are announced otherwise.
    kinds: Vec<AskKind>,
    state: Mutex<State>,
    changed: Arc<Notify>,
}

struct State {
    /// Each `on_ask` of the scenario; a later one for the same kind and name replaces an earlier one.
    rules: Vec<Value>,
    requests: Vec<Value>,
    held: VecDeque<Held>,
}

struct Held {
    answer: oneshot::Sender<Value>,
    kind: AskKind,
    progress: Progress,
}

/// Whether a rule is for this kind and name, and how closely: one for a name goes before one for a kind, and that before
/// one for all.
fn fits(rule: &Value, kind: AskKind, name: Option<&str>) -> Option<u8> {
    let of_kind = rule["kind"].as_str();
    let of_name = rule["name"].as_str();
    let fits = of_kind.is_none_or(|wanted| wanted == kind.name())
        && of_name.is_none_or(|wanted| Some(wanted) == name);
    fits.then_some(2 * u8::from(of_name.is_some()) + u8::from(of_kind.is_some()))
}

/// The callback or tool a question is for.
fn name_of(kind: AskKind, request: &Value) -> Option<&str> {
    match kind {
        AskKind::HookCallback => request["callback_id"].as_str(),
        AskKind::ToolCall => request["tool"].as_str(),
        _ => None,
    }
}

impl Asks {
    /// For a scenario with these `asks`.
    pub(crate) fn new(asks: &Value) -> Arc<Self> {
        let names = asks.as_array().into_iter().flatten().filter_map(Value::as_str);
        let kinds = names.filter_map(AskKind::from_name).collect();
        let state = State {
            rules: vec![json!({"answer": {"behavior": "allow"}})],
            requests: Vec::new(),
            held: VecDeque::new(),
        };
        Arc::new(Self { kinds, state: Mutex::new(state), changed: Arc::new(Notify::new()) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_rule(&self, rule: Value) {
        let mut state = self.state();
        state.rules.retain(|other| other["kind"] != rule["kind"] || other["name"] != rule["name"]);
        state.rules.push(rule);
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

    /// Reports progress of the oldest tool call that is held open.
    pub(crate) async fn progress(&self, given: &Value) {
        let progress = self
            .until(|state| {
                let call = state.held.iter().find(|held| held.kind == AskKind::ToolCall);
                call.map(|held| held.progress.clone())
            })
            .await;
        progress.report(
            given["progress"].as_f64().unwrap_or_default(),
            given["total"].as_f64(),
            given["message"].as_str(),
        );
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
        &self.kinds
    }

    fn answer(&self, ask: Ask) -> BoxFuture<'static, Result<Value>> {
        let mut state = self.state();
        let request: Value = serde_json::from_str(ask.request.get()).unwrap_or_default();
        let name = name_of(ask.kind, &request);
        let rule = state.rules.iter().filter_map(|rule| Some((fits(rule, ask.kind, name)?, rule)));
        let rule = rule.max_by_key(|(weight, _)| *weight).map(|(_, rule)| rule.clone()).unwrap_or_default();
        state.requests.push(request);
        let answer: BoxFuture<'static, Result<Value>> = if let Some(text) = rule["raise"].as_str() {
            Box::pin(std::future::ready(Err(Error::new(ErrorKind::Callback, text))))
        } else if rule["hold"] == true {
            let (answer, answered) = oneshot::channel();
            state.held.push_back(Held { answer, kind: ask.kind, progress: ask.progress });
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
