//! What the program says, line by line: control frames are served, everything else becomes a message.

use std::sync::Arc;

use tokio::time::Instant;

use super::Actor;
use crate::{
    Error, ErrorKind, Message, Result,
    message::{Head, malformed, mended},
    protocol::{Asked, INITIALIZE, Reply, reply_id},
    transport::{
        check_version,
        frame::{Line, Lines},
    },
};

impl Actor {
    pub(super) fn read(&mut self) {
        self.last_output = Instant::now();
        self.stall.heard();
        // The lines are moved out so that reading them can borrow the rest of the actor.
        let mut lines = std::mem::replace(&mut self.lines, Lines::empty());
        while let Some(line) = lines.next() {
            self.line(line);
        }
        self.lines = lines;
        self.flush();
        if self.mailbox.bytes() > self.options.limits.hard_buffer_bytes && !self.discarding {
            let limit = self.options.limits.hard_buffer_bytes;
            let message = format!(
                "more than {limit} bytes of messages are unread (limits.hard_buffer_bytes); read them while control requests or questions are open"
            );
            self.fail(Error::new(ErrorKind::Overflow, message).operation("read").with("limit_bytes", limit));
        }
    }

    /// The last line of a stream that ended without a newline.
    pub(super) fn read_rest(&mut self) {
        let mut lines = std::mem::replace(&mut self.lines, Lines::empty());
        if let Some(line) = lines.rest() {
            self.line(line);
        }
        self.flush();
    }

    pub(super) fn flush(&mut self) {
        if self.discarding {
            self.batch.clear();
        }
        self.mailbox.push(&mut self.batch);
    }

    pub(super) fn line(&mut self, line: Result<Line<'_>>) {
        let routed = line.and_then(|line| {
            let head = Head::parse(line.text)?;
            if head.has_half {
                let block = Arc::from(mended(line.text));
                return self.route(Line { block: &block, start: 0, text: &block }, &Head::parse(&block)?);
            }
            self.route(line, &head)
        });
        if let Err(error) = routed {
            self.batch.push(Err(error.with("stderr", self.connection.process.stderr_tail())));
        }
    }

    pub(super) fn route(&mut self, line: Line<'_>, head: &Head<'_>) -> Result<()> {
        match &*head.kind {
            // It was given up; its transcript is wanted all the same.
            kind if self.stopping_to_resume() && kind != "transcript_mirror" => {}
            "control_response" => self.replied(line.text, head)?,
            "control_request" => self.asked(line.text, head)?,
            "control_cancel_request" => {
                let id = head.request_id.as_deref().ok_or_else(|| {
                    malformed(line.text, "a control_cancel_request without a `request_id` that is text")
                })?;
                self.withdrawn(id);
            }
            "keep_alive" => {}
            "transcript_mirror" if self.mirror.is_some() => self.mirrored(line.text)?,
            _ => match self.resumption.as_ref().and_then(|resumption| resumption.as_sent(line.text)) {
                None => self.message(line, head),
                Some(text) => {
                    let block = Arc::from(text);
                    self.message(Line { block: &block, start: 0, text: &block }, &Head::parse(&block)?);
                }
            },
        }
        Ok(())
    }

    /// An answer to a request of ours. Whoever waits for one that cannot be read is told at once.
    fn replied(&mut self, line: &str, head: &Head<'_>) -> Result<()> {
        match Reply::parse(head.response, line) {
            Ok(reply) => match self.pending.take(&reply.request_id) {
                Some(Asked { subtype, model, answer }) => {
                    let id = reply.request_id.clone();
                    let outcome =
                        reply.outcome(&subtype).map_err(|error| self.meant(error, model.as_deref()));
                    // Said where the answer stands, so that it always comes before what the program says next.
                    if let Ok(info) = &outcome
                        && subtype == INITIALIZE
                        && !self.opened.borrow().is_known()
                    {
                        self.warn(info);
                    }
                    if let Some(resumption) = &mut self.resumption {
                        resumption.replied(&id, outcome.is_ok());
                    }
                    if subtype == "reload_plugins"
                        && let Ok(reloaded) = &outcome
                    {
                        self.agents.listed(&reloaded["agents"]);
                    }
                    drop(answer.send(outcome));
                }
                None => tracing::debug!(
                    id = &*crate::redact::redact(&reply.request_id),
                    "an answer nobody waits for"
                ),
            },
            Err(error) => {
                let waiting = head.response.and_then(reply_id).and_then(|id| self.pending.take(&id));
                let Some(Asked { answer, .. }) = waiting else { return Err(error) };
                if let Err(unread) = answer.send(Err(error)) {
                    return unread.map(drop);
                }
            }
        }
        Ok(())
    }

    pub(super) fn message(&mut self, line: Line<'_>, head: &Head<'_>) {
        self.batch.push(Ok(Message::cut(line, head)));
        if let Some(version) = head.claude_code_version.as_deref()
            && let Err(error) = check_version(version)
        {
            self.fail(error);
            return;
        }
        if &*head.kind == "system" && head.subtype.as_deref() == Some("init") {
            self.agents.began(line.text);
        }
        if let Some(resumption) = &mut self.resumption {
            resumption.heard(line.text, head);
        }
        if let Some(ended) = self.turns.observe(head, Instant::now()) {
            self.turn_interrupted = None;
            self.stall.turn_ended();
            self.flush_mirror();
            if let Some(resumption) = &mut self.resumption {
                resumption.answered(|uuid| self.turns.is_open(uuid));
            }
            if ended.auth_failed {
                if let Some(given) = &self.given {
                    given.refused();
                }
                self.batch.push(Err(not_logged_in()));
            }
        }
    }
}

fn not_logged_in() -> Error {
    Error::new(
        ErrorKind::Auth,
        "the model's API did not accept the credentials, or there are none: run `claude` and log in, or set \
         ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN (made by `claude setup-token`)",
    )
    .operation("turn")
}
