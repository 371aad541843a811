//! One prompt, one stream of messages, then the process ends.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;

use super::{Control, Prompt, Session, SessionHandle, control::Interrupted};
use crate::{Message, Options, Result};

/// Asks one thing and gives the messages as they come, until everything is said and the process is gone.
///
/// ```no_run
/// # async fn example() -> madrigal::Result<()> {
/// let mut messages = madrigal::query("What is 2 + 2?", madrigal::Options::default()).await?;
/// while let Some(message) = messages.next().await {
///     print!("{}", message?.text());
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
/// `invalid_options`, `cli_not_found`, `spawn_failed`; what goes wrong later arrives in the stream.
pub async fn query(prompt: impl Into<Prompt>, options: Options) -> Result<Query> {
    Session::builder(options).query(prompt).await
}

/// The messages of one question; also a [`Stream`]. Dropping it before its end terminates the process.
#[derive(Debug)]
pub struct Query {
    session: Session,
}

impl Query {
    pub(super) fn new(session: Session) -> Self {
        Self { session }
    }

    /// The next message, or `None` when the process is gone. Giving up the wait loses nothing.
    pub async fn next(&mut self) -> Option<Result<Message>> {
        poll_fn(|context| self.session.reader.poll_next(context)).await
    }

    /// Ends the answer early; its result follows.
    ///
    /// # Errors
    /// `closed`, `timeout`, `control`.
    pub fn interrupt(&self) -> Control<Interrupted> {
        self.session.interrupt()
    }

    pub(crate) fn into_session(self) -> Session {
        self.session
    }

    /// A handle for other tasks.
    pub fn handle(&self) -> SessionHandle {
        self.session.handle()
    }

    /// Reads to the end and returns the text of the answer: that of the result.
    ///
    /// # Errors
    /// The first error in the stream. A failed turn is not an error here; see [`Message::is_error`].
    pub async fn text(mut self) -> Result<String> {
        let mut text = String::new();
        while let Some(message) = self.next().await {
            let message = message?;
            if message.is_result() {
                text = message.text().into_owned();
            }
        }
        Ok(text)
    }
}

impl Stream for Query {
    type Item = Result<Message>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.session.reader.poll_next(context)
    }
}
