//! The messages that answer one prompt.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;

use super::{
    Session, SessionHandle,
    reader::{Abandoned, answers},
};
use crate::{Message, Result};

/// A view of a session's messages that ends behind the result of its prompt.
///
/// Also a [`Stream`]. Dropping it before its end interrupts the turn.
#[derive(Debug)]
pub struct Turn<'a> {
    session: &'a mut Session,
    state: State,
    guard: Guard,
}

/// Interrupts the turn when it is dropped before its result. Apart from [`Turn`], so that a turn that is over, though still in
/// scope, does not keep the session borrowed.
#[derive(Debug)]
struct Guard {
    handle: SessionHandle,
    abandoned: Arc<Abandoned>,
    uuid: String,
    running: bool,
}

#[derive(Debug, PartialEq)]
enum State {
    Running,
    /// The result was handed out; an error may belong to it.
    Result,
    Over,
}

impl<'a> Turn<'a> {
    pub(super) fn new(session: &'a mut Session, uuid: String) -> Self {
        let guard = Guard {
            handle: session.handle.clone(),
            abandoned: session.reader.abandoned().clone(),
            uuid,
            running: true,
        };
        Self { session, state: State::Running, guard }
    }

    /// The id of the prompt.
    pub fn uuid(&self) -> &str {
        &self.guard.uuid
    }

    /// The next message, or `None` behind the result. Giving up the wait loses nothing.
    pub async fn next(&mut self) -> Option<Result<Message>> {
        poll_fn(|context| self.poll(context)).await
    }

    /// Reads to the end and returns the result message.
    ///
    /// # Errors
    /// The first error in the stream.
    pub async fn result(mut self) -> Result<Option<Message>> {
        let mut result = None;
        while let Some(message) = self.next().await {
            let message = message?;
            if message.is_result() {
                result = Some(message);
            }
        }
        Ok(result)
    }

    fn move_on(&mut self, state: State) {
        self.state = state;
        self.guard.running = false;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Message>>> {
        if self.state == State::Over {
            return Poll::Ready(None);
        }
        if self.state == State::Result {
            // An authentication failure is reported right behind its result, in the same batch.
            self.state = State::Over;
            return Poll::Ready(self.session.reader.take_error().map(Err));
        }
        let item = std::task::ready!(self.session.reader.poll_next(context));
        match &item {
            None => self.move_on(State::Over),
            Some(Ok(message)) if message.is_result() => {
                let answered = answers(message);
                if answered.is_empty() || answered.contains(&self.guard.uuid) {
                    self.move_on(State::Result);
                }
            }
            Some(_) => {}
        }
        Poll::Ready(item)
    }
}

impl Stream for Turn<'_> {
    type Item = Result<Message>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.running {
            self.abandoned.add(std::mem::take(&mut self.uuid));
            self.handle.interrupt_soon();
        }
    }
}
