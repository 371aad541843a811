//! A run on a process, wherever that came from: what it hears, and what becomes of the process behind the answer.

use super::{
    Start,
    processes::Place,
    witness::{Facts, Seen, Witness},
};
use crate::{Error, Message, Result, Session, transport::BoxFuture};

/// A run under way.
pub(crate) struct Running {
    pub(crate) session: Session,
    pub(crate) start: Start,
    /// Where the process may go behind the answer, and what watches that.
    again: Option<(Place, Witness)>,
    /// It may go there, and was this.
    kept: Option<(Place, Facts)>,
    heard: bool,
    sent: Option<BoxFuture<'static, Result<()>>>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("session", &self.session)
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}

/// What a run heard.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A message of its own.
    Message(Message),
    /// The last one: now [hand back](Running::hand_back) the process.
    Last(Message),
    /// Something went wrong; there may be more.
    Error(Error),
    /// All is said, the process is gone.
    End,
    /// The process is of no use and has said nothing about the prompt: another can do it.
    Useless(String),
}

impl Running {
    /// `sent`: whether the session took the prompt.
    pub(super) fn new(
        session: Session,
        start: Start,
        again: Option<(Place, Witness)>,
        sent: BoxFuture<'static, Result<()>>,
    ) -> Self {
        Self { session, start, again, kept: None, heard: false, sent: Some(sent) }
    }

    /// A run on a process of its own.
    pub(crate) fn alone(session: Session) -> Self {
        Self { session, start: Start::Cold, again: None, kept: None, heard: false, sent: None }
    }

    /// What comes next. Giving up the wait loses nothing.
    pub(crate) async fn next(&mut self) -> Heard {
        if let Some(sent) = &mut self.sent {
            let sent = sent.await;
            self.sent = None;
            if let Err(error) = sent.as_ref()
                && self.start != Start::Cold
            {
                return Heard::Useless(format!("it did not take its prompt: {error}"));
            }
        }
        loop {
            let next = self.session.next().await;
            let ready = self.start != Start::Cold && !self.heard;
            let message = match next {
                Some(Ok(message)) => message,
                Some(Err(error)) if ready => {
                    return Heard::Useless(format!("it did not take its prompt: {error}"));
                }
                None if ready => return Heard::Useless("it did not take its prompt".to_owned()),
                Some(Err(error)) => {
                    if let Some((_, witness)) = &mut self.again {
                        witness.object("an error came in");
                    }
                    return Heard::Error(error);
                }
                None => return Heard::End,
            };
            match self.again.as_mut().map_or(Seen::Part, |(_, witness)| witness.see(&message)) {
                Seen::Before => continue,
                Seen::Stranger(reason) => return Heard::Useless(reason),
                Seen::Part => {
                    // Our own word about the options says nothing of the prompt.
                    self.heard |= message.subtype() != Some("option_warning");
                    return Heard::Message(message);
                }
                Seen::Result => {
                    self.heard = true;
                    return self.answered(message);
                }
            }
        }
    }

    /// The result of the run is there.
    fn answered(&mut self, result: Message) -> Heard {
        let Some((place, witness)) = self.again.take() else { return Heard::Message(result) };
        match witness.verdict() {
            Ok(facts) => {
                self.kept = Some((place, facts));
                Heard::Last(result)
            }
            Err(reason) => {
                place.give_up(self.session.pid(), &reason);
                // There may be more to hear, as behind any other answer.
                let _: Result<()> = self.session.finish();
                Heard::Message(result)
            }
        }
    }

    /// Gives the process to the next run.
    pub(crate) fn hand_back(self) {
        if let Some((place, facts)) = self.kept {
            place.keep(self.session, facts);
        }
    }
}
