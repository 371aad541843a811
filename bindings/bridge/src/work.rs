//! Work on a session store that needs no program: a number as sessions have it, with questions, one reply and an end.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use madrigal::{
    Error, ErrorKind, Result,
    session::End,
    store::{SharedStore, StoreMethod, StoreOperation},
};
use serde_json::{json, value::RawValue};
use tokio::{sync::Notify, task::AbortHandle};

use crate::{
    SessionId, Wake,
    asks::Asks,
    handles::{self, Entry, Running},
    runtime,
    signals::Signals,
    store::HostStore,
};

/// An operation that runs.
#[derive(Default)]
pub(crate) struct Work {
    over: AtomicBool,
    ended: Notify,
    task: Mutex<Option<AbortHandle>>,
}

impl Work {
    /// The end of its stream, once it is over.
    pub(crate) fn end(&self) -> Option<End> {
        self.over.load(Ordering::SeqCst).then(End::default)
    }

    /// Gives it up. Its questions are withdrawn.
    pub(crate) fn stop(&self) {
        if let Some(task) = &*self.task.lock().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }

    pub(crate) async fn gone(&self) {
        let ended = self.ended.notified();
        if !self.over.load(Ordering::SeqCst) {
            ended.await;
        }
    }
}

/// Tells the end however it comes: also when the work is given up, or panics.
struct Ending {
    work: Arc<Work>,
    signals: Arc<Signals>,
    wake: Arc<dyn Wake>,
    session: SessionId,
    replied: bool,
}

impl Ending {
    fn reply(&mut self, result: Result<String>) {
        self.replied = true;
        self.signals.push(match result {
            Ok(result) => format!(r#"{{"event":"reply","id":0,"result":{result}}}"#),
            Err(error) => json!({"event": "reply", "id": 0, "error": error.to_json()}).to_string(),
        });
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.replied {
            self.reply(Err(Error::new(ErrorKind::Closed, "the work on the session store was given up")));
        }
        self.work.over.store(true, Ordering::SeqCst);
        self.work.ended.notify_waiters();
        self.wake.wake(self.session);
    }
}

/// Checks the operation and starts it in the background.
pub(crate) fn open(
    operation: &RawValue,
    methods: Option<Vec<StoreMethod>>,
    wake: Arc<dyn Wake>,
) -> Result<SessionId> {
    let operation = StoreOperation::from_json(operation.get()).map_err(|error| error.operation("open"))?;
    let methods = methods.ok_or_else(|| {
        Error::new(ErrorKind::InvalidArgument, "session_store: an operation needs one")
            .operation("open")
            .with("field", "session_store")
    })?;
    let session = handles::number();
    let signals = Arc::new(Signals::new(session, wake.clone()));
    let asks = Arc::new(Asks::new(Vec::new(), signals.clone()));
    let work = Arc::new(Work::default());
    handles::insert(session, Entry::new(Running::Work(work.clone()), signals.clone(), asks.clone()));
    let mut ending = Ending { work: work.clone(), signals, wake, session, replied: false };
    let task = runtime::handle()?.spawn(async move {
        let store = |number: u64| -> SharedStore {
            let number = Some(number).filter(|number| *number > 0);
            Arc::new(HostStore::new(&asks, methods.clone(), number))
        };
        let result = operation.perform(store).await;
        ending.reply(result);
    });
    *work.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.abort_handle());
    Ok(session)
}
