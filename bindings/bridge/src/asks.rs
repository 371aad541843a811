//! The host as the core sees it: a question becomes a signal, its answer a command.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use madrigal::{
    Error, ErrorKind, Result,
    session::{Ask, AskKind, Host},
    transport::BoxFuture,
};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::signals::Signals;

type Answer = oneshot::Sender<Result<Value>>;

/// Open questions of one session.
pub(crate) struct Asks {
    kinds: Vec<AskKind>,
    signals: Arc<Signals>,
    next: AtomicU64,
    open: Arc<Mutex<HashMap<String, Answer>>>,
}

fn lock(open: &Mutex<HashMap<String, Answer>>) -> MutexGuard<'_, HashMap<String, Answer>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Asks {
    pub(crate) fn new(kinds: Vec<AskKind>, signals: Arc<Signals>) -> Self {
        Self { kinds, signals, next: AtomicU64::new(1), open: Arc::default() }
    }

    /// Hands an answer to the question. An answer to a question that was withdrawn, or never put, is ignored.
    pub(crate) fn answer(&self, id: &str, answer: Result<Value, String>) {
        if let Some(open) = lock(&self.open).remove(id) {
            let answer = answer.map_err(|message| {
                Error::new(ErrorKind::Callback, message).operation("can_use_tool").with("ask", id)
            });
            let _ = open.send(answer);
        }
    }
}

impl Host for Asks {
    fn asks(&self) -> &[AskKind] {
        &self.kinds
    }

    fn answer(&self, ask: Ask) -> BoxFuture<'static, Result<Value>> {
        let id = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let (answer, answered) = oneshot::channel();
        lock(&self.open).insert(id.clone(), answer);
        // Written by hand so that the request passes through as the program wrote it.
        self.signals.push(format!(
            r#"{{"event":"ask","ask":"{id}","kind":"{}","request":{}}}"#,
            ask.kind.name(),
            ask.request.get()
        ));
        let waiting = Waiting { id, open: self.open.clone(), signals: self.signals.clone() };
        Box::pin(async move {
            let answer = answered.await;
            drop(waiting);
            answer.unwrap_or_else(|_| Err(Error::new(ErrorKind::Cancelled, "the question was withdrawn")))
        })
    }
}

/// Tells the host when a question is withdrawn: dropped while it is still open.
struct Waiting {
    id: String,
    open: Arc<Mutex<HashMap<String, Answer>>>,
    signals: Arc<Signals>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if lock(&self.open).remove(&self.id).is_some() {
            self.signals.push(json!({"event": "ask_cancelled", "ask": self.id}).to_string());
        }
    }
}
