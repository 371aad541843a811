//! Log lines of the core on their way to the host's logger: bounded, the oldest dropped and counted, and never a reason to
//! wait. A log line about logging is not written.
//!
//! Only threads of our own runtime report here; a library must not install a subscriber for its host.

use std::{
    cell::RefCell,
    collections::VecDeque,
    fmt::{self, Write as _},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use madrigal::{Error, ErrorKind, Result, redact::redact};
use serde_json::{Map, Value, json};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    subscriber::{DefaultGuard, Interest},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
};

use crate::Wake;

/// How many lines are kept for a host that does not take them.
const CAPACITY: usize = 2048;

/// 0 is off, 5 is trace: one load decides about a line nobody wants.
static LEVEL: AtomicUsize = AtomicUsize::new(0);
static QUEUE: Mutex<Queue> = Mutex::new(Queue { lines: VecDeque::new(), dropped: 0, wake: None });

thread_local! {
    static GUARD: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

struct Queue {
    lines: VecDeque<Value>,
    dropped: u64,
    wake: Option<Arc<dyn Wake>>,
}

fn queue() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets what is forwarded, and who is woken for it.
pub(crate) fn set_level(level: &str, wake: Option<Arc<dyn Wake>>) -> Result<()> {
    let number = match level {
        "off" => 0,
        "error" => 1,
        "warn" => 2,
        "info" => 3,
        "debug" => 4,
        "trace" => 5,
        _ => {
            let message = format!("level: expected off, error, warn, info, debug or trace, not `{level}`");
            return Err(Error::new(ErrorKind::InvalidArgument, message)
                .operation("set_log_level")
                .with("field", "level"));
        }
    };
    queue().wake = wake;
    LEVEL.store(number, Ordering::Relaxed);
    Ok(())
}

/// Takes the waiting lines.
pub(crate) fn take() -> Vec<String> {
    let mut queue = queue();
    let dropped = std::mem::take(&mut queue.dropped);
    let mut lines = std::mem::take(&mut queue.lines);
    drop(queue);
    if let Some(first) = lines.front_mut().filter(|_| dropped > 0) {
        first["dropped"] = dropped.into();
    }
    lines.into_iter().map(|line| line.to_string()).collect()
}

/// Makes this thread report here.
pub(crate) fn attach_thread() {
    let subscriber = tracing_subscriber::registry().with(Forward);
    GUARD.with(|guard| *guard.borrow_mut() = Some(tracing::subscriber::set_default(subscriber)));
}

struct Forward;

fn rank(level: Level) -> usize {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

impl<S: Subscriber> Layer<S> for Forward {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target().starts_with("madrigal") && rank(*metadata.level()) <= LEVEL.load(Ordering::Relaxed)
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // The level changes while the program runs; the default would ask once and keep the answer.
        if metadata.target().starts_with("madrigal") { Interest::sometimes() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        // The level may rise later, and hints are cached.
        Some(LevelFilter::TRACE)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let line = json!({
            "level": event.metadata().level().as_str().to_ascii_lowercase(),
            "target": event.metadata().target(),
            "message": redact(&fields.message),
            "fields": fields.others,
        });
        let mut queue = queue();
        let edge = queue.lines.is_empty();
        if queue.lines.len() == CAPACITY {
            queue.lines.pop_front();
            queue.dropped += 1;
        }
        queue.lines.push_back(line);
        let wake = queue.wake.clone().filter(|_| edge);
        drop(queue);
        if let Some(wake) = wake {
            wake.wake(0);
        }
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else {
            self.others.insert(field.name().to_owned(), redact(&format!("{value:?}")).into());
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.others.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.others.insert(field.name().to_owned(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.others.insert(field.name().to_owned(), redact(value).into());
    }
}
