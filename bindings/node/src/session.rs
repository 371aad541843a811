//! The functions of `docs/boundary.md`, as one class whose instance belongs to an environment.
//!
//! `catch_unwind` on every one of them: a panic that left a plain exported function would end the Node.js process.

use std::{sync::Arc, time::Duration};

use madrigal_bridge::{self as bridge, Close, Item, SessionId};
use napi::{Env, Result, bindgen_prelude::Function};
use napi_derive::napi;
use serde_json::Value;

use crate::{environment::Environment, error::thrown, text::Text, wake::Bell};

/// A batch ends when it has this many bytes, so that neither parsing it nor its string takes long or much.
const BATCH_BYTES: usize = 64 * 1024;
/// How many items are taken at a time until a batch has its size.
const STEP: usize = 64;

/// What `drain` took.
#[napi(object, object_from_js = false)]
pub struct Drained {
    /// A JSON array, in order: the messages as the program wrote them, `null` where an error stands.
    pub items: Text,
    /// A JSON array: the errors, in order.
    pub errors: Option<String>,
    /// `{"exit", "error"}` when the stream is over.
    pub end: Option<String>,
    /// There may be more; when not, a wake will tell.
    pub more: bool,
}

/// The engine, as one environment sees it.
#[napi]
pub struct Engine(Arc<Environment>);

#[napi]
impl Engine {
    /// `wake` is called without arguments when sessions became ready; `ready` says which.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: &Env, wake: Function<'_, (), ()>) -> Result<Self> {
        Ok(Self(Environment::new(env, &wake)?))
    }

    /// Starts a session, returns its number.
    #[napi(catch_unwind)]
    pub fn open(&self, request: String) -> Result<i64> {
        self.0.open(&request).map(|session| session as i64).map_err(|error| thrown(&error))
    }

    /// The sessions that became ready since the last call.
    #[napi(catch_unwind)]
    pub fn ready(&self) -> Vec<i64> {
        self.0.bell.take().into_iter().map(|session| session as i64).collect()
    }

    /// Hands over a command.
    #[napi(catch_unwind)]
    pub fn submit(&self, session: i64, command: String) -> Result<()> {
        bridge::submit(session as SessionId, &command).map_err(|error| thrown(&error))
    }

    /// Puts a question to a policy; answers at once.
    #[napi(catch_unwind)]
    pub fn decide(&self, policy: i64, question: String) -> Result<String> {
        bridge::decide(policy as SessionId, &question).map_err(|error| thrown(&error))
    }

    /// Takes all signals, as a JSON array.
    #[napi(catch_unwind)]
    pub fn signals(&self, session: i64) -> Result<Option<Text>> {
        bridge::signals(session as SessionId).map(|signals| array(&signals)).map_err(|error| thrown(&error))
    }

    /// Takes the next messages and errors, up to `max`.
    #[napi(catch_unwind)]
    pub fn drain(&self, session: i64, max: u32) -> Result<Drained> {
        let (mut items, mut errors) = (Text::new(), Vec::new());
        let (mut left, mut end, mut more) = (max as usize, None, true);
        while more && left > 0 && items.len() < BATCH_BYTES {
            let batch =
                bridge::drain(session as SessionId, STEP.min(left)).map_err(|error| thrown(&error))?;
            end = batch.end;
            more = end.is_none() && !batch.items.is_empty();
            left -= batch.items.len();
            for item in batch.items {
                match item {
                    Item::Message(message) => items.push(message.raw()),
                    Item::Error(error) => {
                        items.push("null");
                        errors.push(error.to_json());
                    }
                }
            }
        }
        let errors = (!errors.is_empty()).then(|| Value::from(errors).to_string());
        Ok(Drained { items, errors, end: end.map(|end| end.to_string()), more })
    }

    /// Closes a session, at once when `now`, otherwise after its program has ended by itself.
    #[napi(catch_unwind)]
    pub fn close(&self, session: i64, now: bool) {
        bridge::close(session as SessionId, if now { Close::Now } else { Close::Graceful });
    }

    /// Forgets a session.
    #[napi(catch_unwind)]
    pub fn release(&self, session: i64) {
        self.0.release(session as SessionId);
    }

    /// Which log lines of the core are kept for this environment, which is woken for them as session 0.
    #[napi(catch_unwind)]
    pub fn set_log_level(&self, level: String) -> Result<()> {
        let bell = Arc::<Bell>::clone(&self.0.bell);
        bridge::set_log_level(&level, Some(bell)).map_err(|error| thrown(&error))
    }

    /// Takes the log lines, as a JSON array.
    #[napi(catch_unwind)]
    pub fn logs(&self) -> Option<Text> {
        array(&bridge::logs())
    }

    /// Ends everything in this process, waiting at most `timeout_ms` until all programs are gone.
    #[napi(catch_unwind)]
    pub fn shutdown(&self, timeout_ms: u32) {
        bridge::shutdown(Duration::from_millis(timeout_ms.into()));
    }
}

/// `None` saves JavaScript a parse.
fn array(texts: &[String]) -> Option<Text> {
    if texts.is_empty() {
        return None;
    }
    let mut array = Text::new();
    texts.iter().for_each(|text| array.push(text));
    Some(array)
}
