//! The host as the core sees it: a question becomes a signal, its answer a command.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use madrigal::{
    Error, ErrorKind, Result,
    session::{Ask, AskKind, Host, Progress},
    transport::BoxFuture,
};
use serde_json::{Value, json, value::RawValue};
use tokio::sync::oneshot;

use crate::signals::Signals;

/// A question the host works on.
struct Open {
    kind: &'static str,
    answer: oneshot::Sender<Result<Box<RawValue>>>,
    progress: Progress,
}

type Table = HashMap<String, Open>;

/// Open questions of one session.
pub(crate) struct Asks {
    kinds: Vec<AskKind>,
    signals: Arc<Signals>,
    next: AtomicU64,
    open: Arc<Mutex<Table>>,
    /// Nobody will answer any more.
    abandoned: AtomicBool,
}

fn lock(open: &Mutex<Table>) -> MutexGuard<'_, Table> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Asks {
    pub(crate) fn new(kinds: Vec<AskKind>, signals: Arc<Signals>) -> Self {
        Self {
            kinds,
            signals,
            next: AtomicU64::new(1),
            open: Arc::default(),
            abandoned: AtomicBool::new(false),
        }
    }

    /// Hands an answer to the question. An answer to a question that was withdrawn, or never put, is ignored.
    pub(crate) fn answer(&self, id: &str, answer: Result<Box<RawValue>, String>) {
        if let Some(open) = lock(&self.open).remove(id) {
            let answer = answer.map_err(|message| {
                Error::new(ErrorKind::Callback, message).operation(open.kind).with("ask", id)
            });
            let _ = open.answer.send(answer);
        }
    }

    /// The host has let go of its handle: what is open has failed, and so has what would come.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::SeqCst);
        lock(&self.open).clear();
    }

    /// Puts a question to the host. Dropping the answer withdraws it.
    pub(crate) fn ask(
        &self,
        kind: &'static str,
        request: &str,
        progress: Progress,
    ) -> BoxFuture<'static, Result<Box<RawValue>>> {
        self.ask_of(None, kind, request, progress)
    }

    /// The same, saying whose question it is.
    pub(crate) fn ask_of(
        &self,
        reference: Option<&Value>,
        kind: &'static str,
        request: &str,
        progress: Progress,
    ) -> BoxFuture<'static, Result<Box<RawValue>>> {
        let id = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let (answer, answered) = oneshot::channel();
        lock(&self.open).insert(id.clone(), Open { kind, answer, progress });
        if self.abandoned.load(Ordering::SeqCst) {
            lock(&self.open).clear();
        }
        // Written by hand so that the request passes through as it was written.
        let whose = reference.map(|reference| format!(r#""ref":{reference},"#)).unwrap_or_default();
        self.signals
            .push(format!(r#"{{"event":"ask","ask":"{id}","kind":"{kind}",{whose}"request":{request}}}"#));
        let waiting = Waiting { id, open: self.open.clone(), signals: self.signals.clone() };
        Box::pin(async move {
            let answer = answered.await;
            drop(waiting);
            answer.unwrap_or_else(|_| Err(Error::new(ErrorKind::Cancelled, "the question was withdrawn")))
        })
    }

    /// Passes on how far a tool call is. Of one that is over, or of another kind of question, nothing is told.
    pub(crate) fn progress(&self, id: &str, progress: f64, total: Option<f64>, message: Option<&str>) {
        let reporter = lock(&self.open).get(id).map(|open| open.progress.clone());
        if let Some(reporter) = reporter {
            reporter.report(progress, total, message);
        }
    }
}

impl Host for Asks {
    fn asks(&self) -> &[AskKind] {
        &self.kinds
    }

    fn answer(&self, ask: Ask) -> BoxFuture<'static, Result<Value>> {
        let answer = self.ask(ask.kind.name(), ask.request.get(), ask.progress);
        Box::pin(async move { Ok(serde_json::from_str(answer.await?.get()).unwrap_or_default()) })
    }
}

/// Tells the host when a question is withdrawn: dropped while it is still open.
struct Waiting {
    id: String,
    open: Arc<Mutex<Table>>,
    signals: Arc<Signals>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if lock(&self.open).remove(&self.id).is_some() {
            self.signals.push(json!({"event": "ask_cancelled", "ask": self.id}).to_string());
        }
    }
}
