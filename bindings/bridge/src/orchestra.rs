//! An orchestrator by number: calls as commands, their results as replies, what happens meanwhile as messages.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use madrigal::{
    Error, ErrorKind, Message, Result,
    orchestrate::{Orchestrator, OrchestratorConfig, ProgressStream},
    session::End,
};
use serde_json::{Value, json, value::RawValue};
use tokio::task::JoinHandle;

use crate::{
    SessionId, Wake,
    asks::Asks,
    flow::{Caller, Flow},
    handles::{self, Entry, Running},
    runtime,
    signals::{Reply, Signals},
};

/// An open orchestrator.
pub(crate) struct Orchestra {
    orchestrator: Orchestrator,
    signals: Arc<Signals>,
    asks: Arc<Asks>,
    calls: Mutex<HashMap<i64, JoinHandle<()>>>,
    progress: Option<Mutex<ProgressStream>>,
    bell: Arc<Bell>,
    over: AtomicBool,
}

/// Wakes the host when something happened.
struct Bell {
    wake: Arc<dyn Wake>,
    session: SessionId,
}

impl std::task::Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake.wake(self.session);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Checks the configuration and opens an orchestrator.
pub(crate) fn open(config: &RawValue, progress: bool, wake: Arc<dyn Wake>) -> Result<SessionId> {
    let config = OrchestratorConfig::from_json(config.get()).map_err(|error| error.operation("open"))?;
    let runtime = runtime::handle()?;
    let _inside = runtime.enter();
    let orchestrator = Orchestrator::new(config)?;
    let session = handles::number();
    let signals = Arc::new(Signals::new(session, wake.clone()));
    let asks = Arc::new(Asks::new(Vec::new(), signals.clone()));
    let orchestra = Arc::new(Orchestra {
        progress: progress.then(|| Mutex::new(orchestrator.subscribe())),
        orchestrator,
        signals: signals.clone(),
        asks: asks.clone(),
        calls: Mutex::default(),
        bell: Arc::new(Bell { wake, session }),
        over: AtomicBool::new(false),
    });
    // From now on the first thing that happens wakes the host.
    drop(orchestra.drain(0));
    handles::insert(session, Entry::new(Running::Orchestra(orchestra), signals, asks));
    Ok(session)
}

impl Orchestra {
    /// Begins a call. Its result is the reply.
    pub(crate) fn run(self: &Arc<Self>, id: i64, flow: Flow) -> Result<()> {
        if self.over.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Closed, "the orchestrator was closed"));
        }
        let this = self.clone();
        let mut calls = lock(&self.calls);
        if calls.get(&id).is_some_and(|call| !call.is_finished()) {
            let message = format!("id: a call with the id {id} runs already; choose another");
            return Err(Error::new(ErrorKind::InvalidArgument, message)
                .operation("submit")
                .with("field", "id"));
        }
        let runtime = runtime::handle()?;
        // Made here: a call that is given up before it began replies, too.
        let reply = Reply::new(&self.signals, id, "run");
        let call = runtime.spawn(async move {
            let signals = this.signals.clone();
            let each = |outcome: Value| {
                signals.push(json!({"event": "outcome", "run": id, "outcome": outcome}).to_string());
            };
            let caller = Caller { asks: this.asks.clone(), run: id };
            let result = flow.perform(&this.orchestrator, caller, each).await;
            reply.tell(result);
            lock(&this.calls).remove(&id);
        });
        calls.insert(id, call);
        Ok(())
    }

    /// Gives up a call; its reply says `cancelled`.
    pub(crate) fn cancel(&self, run: i64) {
        if let Some(call) = lock(&self.calls).remove(&run) {
            call.abort();
        }
    }

    pub(crate) fn stats(&self) -> Value {
        json!(self.orchestrator.stats())
    }

    pub(crate) fn reset_stats(&self) {
        self.orchestrator.reset_stats();
    }

    /// Takes up to `max` of what happened.
    pub(crate) fn drain(&self, max: usize) -> (Vec<Result<Message>>, Option<End>) {
        let mut items = Vec::new();
        if let Some(progress) = &self.progress {
            let mut progress = lock(progress);
            let waker = Waker::from(self.bell.clone());
            let mut context = Context::from_waker(&waker);
            while items.len() < max.max(1) {
                let Poll::Ready(Some(event)) = progress.poll(&mut context) else { break };
                let mut line = json!(event);
                line["type"] = "progress".into();
                items.push(Message::parse(&line.to_string()));
            }
        }
        let over = self.over.load(Ordering::SeqCst) && items.is_empty();
        (items, over.then(End::default))
    }

    /// Gives up all calls.
    pub(crate) fn stop(&self) {
        self.over.store(true, Ordering::SeqCst);
        for (_, call) in lock(&self.calls).drain() {
            call.abort();
        }
        self.bell.wake.wake(self.bell.session);
    }
}
