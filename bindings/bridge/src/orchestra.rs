//! An orchestrator by number: calls as commands, their results as replies, what happens meanwhile as messages.

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use madrigal::{
    Error, ErrorKind, Message, Result,
    auth::AuthManager,
    orchestrate::{Orchestrator, OrchestratorConfig, ProgressStream},
    session::End,
};
use serde_json::{Value, json, value::RawValue};
use tokio::task::JoinHandle;

use crate::{
    SessionId, Wake,
    asks::Asks,
    auth::Choice,
    flow::{Caller, Flow},
    handles::{self, Entry, Running},
    runtime,
    signals::{Reply, Signals},
};

/// An open orchestrator.
pub(crate) struct Orchestra {
    /// Until it is closed; then the last call that runs takes it along.
    orchestrator: Mutex<Option<Orchestrator>>,
    signals: Arc<Signals>,
    asks: Arc<Asks>,
    calls: Mutex<HashMap<i64, JoinHandle<()>>>,
    /// Ends when nothing of the orchestrator is left. Without a host that wants to know what happens, it is there for that alone.
    progress: Mutex<Option<ProgressStream>>,
    bell: Arc<Bell>,
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
pub(crate) fn open(
    config: &RawValue,
    auth: Option<Choice>,
    progress: bool,
    wake: Arc<dyn Wake>,
) -> Result<SessionId> {
    let (text, managers) = with_managers(config.get())?;
    let mut config = OrchestratorConfig::from_json(&text).map_err(|error| error.operation("open"))?;
    if let Some(auth) = auth {
        config.auth = auth.source()?;
    }
    for (place, manager) in managers {
        config.fallbacks[place].auth = Some(manager);
    }
    let runtime = runtime::handle()?;
    let _inside = runtime.enter();
    let orchestrator = Orchestrator::new(config)?;
    let session = handles::number();
    let signals = Arc::new(Signals::new(session, wake.clone()));
    let asks = Arc::new(Asks::new(Vec::new(), signals.clone()));
    let orchestra = Arc::new(Orchestra {
        progress: Mutex::new(progress.then(|| orchestrator.subscribe())),
        orchestrator: Mutex::new(Some(orchestrator)),
        signals: signals.clone(),
        asks: asks.clone(),
        calls: Mutex::default(),
        bell: Arc::new(Bell { wake, session }),
    });
    // From now on the first thing that happens wakes the host.
    drop(orchestra.drain(0));
    handles::insert(session, Entry::new(Running::Orchestra(orchestra), signals, asks));
    Ok(session)
}

/// The managers of fallbacks, by place.
type Managers = Vec<(usize, AuthManager)>;

/// The configuration without the managers that its fallbacks name, and these by place.
fn with_managers(config: &str) -> Result<(Cow<'_, str>, Managers)> {
    let Ok(mut value) = serde_json::from_str::<Value>(config) else { return Ok((config.into(), Vec::new())) };
    let mut managers = Vec::new();
    let fallbacks = value.get_mut("fallbacks").and_then(Value::as_array_mut);
    for (place, fallback) in fallbacks.into_iter().flatten().enumerate() {
        let Some(number) = fallback.as_object_mut().and_then(|fields| fields.remove("auth")) else {
            continue;
        };
        let number = number.as_u64().ok_or_else(|| {
            let text = format!("fallbacks[{place}].auth: expected the number of an auth manager");
            Error::new(ErrorKind::InvalidOptions, text).operation("open").with("field", "fallbacks")
        })?;
        managers.push((place, handles::get(number)?.keeper()?.manager()));
    }
    Ok(if managers.is_empty() { (config.into(), managers) } else { (value.to_string().into(), managers) })
}

impl Orchestra {
    /// Begins a call. Its result is the reply.
    pub(crate) fn run(self: &Arc<Self>, id: i64, flow: Flow) -> Result<()> {
        let mut calls = lock(&self.calls);
        let orchestrator = self.orchestrator()?;
        if calls.get(&id).is_some_and(|call| !call.is_finished()) {
            let message = format!("id: a call with the id {id} runs already; choose another");
            return Err(Error::new(ErrorKind::InvalidArgument, message)
                .operation("submit")
                .with("field", "id"));
        }
        let runtime = runtime::handle()?;
        // Made here: a call that is given up before it began replies, too.
        let call = Call { reply: Reply::new(&self.signals, id, "run"), orchestrator };
        let call = runtime.spawn(conduct(self.clone(), call, id, flow));
        calls.insert(id, call);
        Ok(())
    }

    /// Gives up a call; its reply says `cancelled`.
    pub(crate) fn cancel(&self, run: i64) {
        if let Some(call) = lock(&self.calls).remove(&run) {
            call.abort();
        }
    }

    pub(crate) fn stats(&self) -> Result<Value> {
        Ok(json!(self.orchestrator()?.stats()))
    }

    pub(crate) fn reset_stats(&self) -> Result<()> {
        self.orchestrator()?.reset_stats();
        Ok(())
    }

    fn orchestrator(&self) -> Result<Orchestrator> {
        let open = lock(&self.orchestrator).clone();
        open.ok_or_else(|| Error::new(ErrorKind::Closed, "the orchestrator was closed"))
    }

    /// Takes up to `max` of what happened. The end is there when nothing of the orchestrator is left.
    pub(crate) fn drain(&self, max: usize) -> (Vec<Result<Message>>, Option<End>) {
        let mut items = Vec::new();
        let mut end = None;
        if let Some(progress) = &mut *lock(&self.progress) {
            let waker = Waker::from(self.bell.clone());
            let mut context = Context::from_waker(&waker);
            while items.len() < max.max(1) {
                match progress.poll(&mut context) {
                    Poll::Ready(Some(event)) => {
                        let mut line = json!(event);
                        line["type"] = "progress".into();
                        items.push(Message::parse(&line.to_string()));
                    }
                    Poll::Ready(None) => {
                        end = Some(End::default());
                        break;
                    }
                    Poll::Pending => break,
                }
            }
        }
        // With the last items, as that of a session: nothing wakes the host for it once more.
        (items, end)
    }

    /// Gives up all calls.
    pub(crate) fn stop(&self) {
        let orchestrator = lock(&self.orchestrator).take();
        if let Some(orchestrator) = &orchestrator {
            lock(&self.progress).get_or_insert_with(|| orchestrator.subscribe());
        }
        // Inside, so that it can wait for what stands ready to be gone before it tells the end.
        let runtime = runtime::handle().ok();
        let _inside = runtime.as_ref().map(|runtime| runtime.enter());
        drop(orchestrator);
        for (_, call) in lock(&self.calls).drain() {
            call.abort();
        }
        self.bell.wake.wake(self.bell.session);
    }
}

/// A call that runs. Its reply comes first however it ends, and only then does it let go of the orchestrator: so the end is not told
/// before the reply.
struct Call {
    reply: Reply,
    orchestrator: Orchestrator,
}

/// Carries a call out.
async fn conduct(orchestra: Arc<Orchestra>, call: Call, id: i64, flow: Flow) {
    let signals = orchestra.signals.clone();
    let each = |outcome: Value| {
        signals.push(json!({"event": "outcome", "run": id, "outcome": outcome}).to_string());
    };
    let caller = Caller { asks: orchestra.asks.clone(), run: id };
    let result = flow.perform(&call.orchestrator, caller, each).await;
    lock(&orchestra.calls).remove(&id);
    call.reply.tell(result);
}
