//! What a host sees, written down and searched.

use std::{
    fmt::{Debug, Write as _},
    sync::{Arc, Mutex, OnceLock},
};

use madrigal::{Error, orchestrate::Outcome, session::End};
use tracing::{Event, Subscriber, field::Visit};
use tracing_subscriber::{Layer, layer::Context, prelude::*};

/// What all canaries have in common.
pub(crate) const CANARY: &str = "test-canary";

/// All log lines of this process, at every level and of every crate, as they are made.
pub(crate) fn log() -> &'static Mutex<String> {
    struct Everything;
    struct Written<'a>(&'a mut String);

    impl Visit for Written<'_> {
        fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
            let _ = write!(self.0, " {}={value:?}", field.name());
        }
    }

    impl<S: Subscriber> Layer<S> for Everything {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut line = format!("{} {}", event.metadata().level(), event.metadata().target());
            event.record(&mut Written(&mut line));
            *LOG.get_or_init(Mutex::default).lock().unwrap() += &(line + "\n");
        }

        fn on_new_span(
            &self,
            span: &tracing::span::Attributes<'_>,
            _: &tracing::span::Id,
            _: Context<'_, S>,
        ) {
            let mut line = span.metadata().name().to_owned();
            span.record(&mut Written(&mut line));
            *LOG.get_or_init(Mutex::default).lock().unwrap() += &(line + "\n");
        }
    }

    static LOG: OnceLock<Mutex<String>> = OnceLock::new();
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| tracing_subscriber::registry().with(Everything).init());
    LOG.get_or_init(Mutex::default)
}

/// All that a host sees of a run.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<(&'static str, String)>>>);

impl Seen {
    pub(crate) fn text(&self, what: &'static str, text: impl Into<String>) {
        self.0.lock().unwrap().push((what, text.into()));
    }

    pub(crate) fn error(&self, error: &Error) {
        self.text("an error for people", error.to_string());
        self.text("an error with all it has", format!("{error:?}"));
        self.text("an error on its way to another language", error.to_json().to_string());
    }

    /// Each part has no canary, and at least so many were looked at: a test that sees nothing shows nothing.
    pub(crate) fn is_clean(&self, at_least: usize) {
        let mut seen = self.0.lock().unwrap().clone();
        assert!(seen.len() >= at_least, "only {} texts were seen: {seen:?}", seen.len());
        seen.push(("the log", log().lock().unwrap().clone()));
        for (what, text) in seen {
            assert!(!text.contains(CANARY), "{what}: {text}");
        }
    }

    pub(crate) fn end(&self, end: &End) {
        self.text("the end", format!("{end:?} {}", end.to_json()));
    }

    pub(crate) fn outcome(&self, outcome: &Outcome) {
        outcome.error().into_iter().for_each(|error| self.error(error));
        self.text("an outcome", format!("{outcome:?}"));
        self.text("an outcome on its way to another language", outcome.to_json().to_string());
    }

    /// Whether one of the texts holds this.
    pub(crate) fn has(&self, what: &str) -> bool {
        self.0.lock().unwrap().iter().any(|(_, text)| text.contains(what))
    }

    /// All of it, for a test that misses something.
    pub(crate) fn all(&self) -> String {
        format!("{:?}", self.0.lock().unwrap())
    }
}
