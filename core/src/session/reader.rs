//! Takes messages from the mailbox a batch at a time and hands them out one by one.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use super::{End, Mailbox, turns};
use crate::{Error, Message, Result, message::Head};

/// One lock of the mailbox for this many messages.
const BATCH: usize = 256;

#[derive(Debug)]
pub(super) struct Reader {
    mailbox: Arc<Mailbox>,
    taken: VecDeque<Result<Message>>,
    over: bool,
    abandoned: Arc<Abandoned>,
}

/// Prompts whose turns were given up: everything up to their result is passed over.
#[derive(Debug, Default)]
pub(super) struct Abandoned {
    // Looked at for each message; the list hardly ever.
    any: AtomicBool,
    prompts: Mutex<Vec<String>>,
}

impl Abandoned {
    fn change(&self, change: impl FnOnce(&mut Vec<String>)) {
        let mut prompts = self.prompts.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut prompts);
        self.any.store(!prompts.is_empty(), Ordering::Release);
    }

    pub(super) fn add(&self, uuid: String) {
        self.change(|prompts| prompts.push(uuid));
    }

    /// Whether an item belongs to a turn that was given up.
    fn covers(&self, item: &Result<Message>) -> bool {
        if !self.any.load(Ordering::Acquire) {
            return false;
        }
        if let Ok(message) = item
            && message.is_result()
        {
            let answered = answers(message);
            self.change(|prompts| {
                if answered.is_empty() {
                    prompts.clear();
                } else {
                    prompts.retain(|uuid| !answered.contains(uuid));
                }
            });
        }
        true
    }
}

impl Reader {
    pub(super) fn new(mailbox: Arc<Mailbox>) -> Self {
        Self { mailbox, taken: VecDeque::new(), over: false, abandoned: Arc::default() }
    }

    pub(super) fn abandoned(&self) -> &Arc<Abandoned> {
        &self.abandoned
    }

    pub(super) async fn next(&mut self) -> Option<Result<Message>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Message>>> {
        loop {
            while let Some(item) = self.taken.pop_front() {
                if !self.abandoned.covers(&item) {
                    return Poll::Ready(Some(item));
                }
            }
            if self.over {
                return Poll::Ready(None);
            }
            ready!(self.mailbox.poll_ready(context));
            let (items, end) = self.mailbox.drain(BATCH);
            self.taken = items.into();
            if let Some(end) = end {
                self.over = true;
                if let Some(error) = end.error {
                    self.taken.push_back(Err(error));
                    self.abandoned.change(Vec::clear);
                }
            }
        }
    }

    /// All that is there, without waiting.
    pub(super) fn drain(&mut self) -> (Vec<Result<Message>>, Option<End>) {
        let (more, end) = self.mailbox.drain(usize::MAX);
        let mut items: Vec<_> = self.taken.drain(..).collect();
        items.extend(more);
        self.over |= end.is_some();
        (items, end)
    }

    /// The next item, when it is there already and an error.
    pub(super) fn take_error(&mut self) -> Option<Error> {
        match self.taken.front() {
            Some(Err(_)) => self.taken.pop_front()?.err(),
            _ => None,
        }
    }
}

/// The prompts a result answers; none when the program did not say.
pub(super) fn answers(result: &Message) -> Vec<String> {
    Head::parse(result.raw()).map(|head| turns::uuids(&head)).unwrap_or_default()
}
