//! What goes to the program: the opening request, prompts, answers, and the end of the input.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{sync::oneshot, time::Instant};

use super::Actor;
use crate::{
    Result,
    protocol::{self, INITIALIZE},
    session::{Opened, control::Limit},
    transport::check_version,
};

impl Actor {
    pub(super) fn initialize(&mut self) -> oneshot::Receiver<Result<Value>> {
        let (answer, initialized) = oneshot::channel();
        // Its limit is that of the start, not that of ordinary requests.
        let mut request = self.options.initialize();
        self.provided.announce(&mut request);
        let id = self.pending.add(INITIALIZE, None, Limit::None, answer);
        self.write(&protocol::request(&id, &request));
        initialized
    }

    pub(super) fn initialized(
        &mut self,
        answer: Result<Result<Value>, oneshot::error::RecvError>,
    ) -> Result<()> {
        let info = match answer {
            Ok(answer) => answer.map_err(|error| error.operation("open"))?,
            // The session ended before the answer; `finish` says why.
            Err(_) => return Ok(()),
        };
        self.start_deadline = None;
        if let Some(version) = info["claude_code_version"].as_str() {
            check_version(version)?;
        }
        self.agents_are_known(&info);
        self.opened.send_replace(Opened::Yes(Arc::new(info)));
        Ok(())
    }

    pub(super) fn write(&mut self, line: &str) {
        if self.input_open {
            self.outgoing.extend_from_slice(line.as_bytes());
        }
    }

    pub(super) fn wrote(&mut self, written: std::io::Result<usize>) {
        match written {
            Ok(count) if count > 0 => {
                self.written += count;
                if self.written == self.outgoing.len() {
                    self.outgoing.clear();
                    self.written = 0;
                }
            }
            // The program does not read any more. How it ended will say why.
            _ => self.end_input(),
        }
    }

    pub(super) fn end_input(&mut self) {
        self.input_open = false;
        self.outgoing.clear();
        self.written = 0;
        self.connection.input = Box::new(tokio::io::sink());
    }

    pub(super) fn end_input_when_done(&mut self) {
        let flushed = self.outgoing.is_empty();
        let done =
            self.closing || (self.finishing && self.turns.done(Instant::now()) && self.open_asks.is_empty());
        if self.input_open && flushed && done {
            self.end_input();
            if !self.closing {
                let limit = self.options.timeouts.close_ms.map(Duration::from_millis);
                if let Some(limit) = limit {
                    self.connection.process.stop(self.ladder(limit));
                }
            }
        }
    }
}
