//! What handles ask for. Each is done without waiting; only its outcome may take time.

use std::{borrow::Cow, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Actor, Command};
use crate::{
    Error, ErrorKind, Prompt, Result,
    protocol::{self, Answer},
    redact::Known,
    session::control::Limit,
    tools::ServerSpec,
    transport::StopLadder,
};

impl Actor {
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Send { prompt, done } => {
                let sent = self.send(&prompt);
                let _ = done.send(sent);
            }
            Command::Control { request, limit, answer } => self.control(&request, limit, answer),
            Command::SetAgent { request, limit, answer } => self.set_agent(request, limit, answer),
            Command::Progress { ask, params } => self.progress(&ask, params),
            Command::SetTools { server, tools, answer } => self.set_tools(&server, tools, answer),
            Command::Adopt(host) => self.host = host,
            Command::Finish => self.finishing = true,
            Command::Close => self.close(),
            Command::Stop => self.stop_now(),
        }
    }

    pub(super) fn send(&mut self, prompt: &Prompt) -> Result<()> {
        self.check_open("send")?;
        if self.finishing {
            return Err(Error::new(ErrorKind::Closed, "no prompt can follow `finish`").operation("send"));
        }
        if !self.sent.insert(prompt.uuid().to_owned()) {
            let message = "prompt: uuid: was sent before in this session; the claude program would drop it without a result";
            return Err(Error::new(ErrorKind::InvalidArgument, message)
                .operation("send")
                .with("field", "uuid"));
        }
        let now = Instant::now();
        if !self.turns.busy() {
            self.last_output = now;
            self.stall.turn_ended();
        }
        self.turns.prompt(prompt.uuid(), now);
        if let Some(resumption) = &mut self.resumption {
            resumption.sent(prompt);
            if resumption.stopping {
                // The next program gets it with the others.
                return Ok(());
            }
        }
        self.write_prompt(prompt);
        Ok(())
    }

    pub(super) fn write_prompt(&mut self, prompt: &Prompt) {
        let verbatim = self.options.verbatim_prompts;
        self.write(&if verbatim { prompt.verbatim_line() } else { prompt.line() });
    }

    pub(super) fn control(&mut self, request: &Value, limit: Limit, answer: Answer) {
        if let Err(error) = self.check_open("control") {
            let _ = answer.send(Err(error));
            return;
        }
        let subtype = request["subtype"].as_str().unwrap_or_default();
        if matches!(subtype, "mcp_set_servers" | "apply_flag_settings") {
            self.mailbox.hide(Known::of_json(request));
        }
        let model = request["model"].as_str().map(str::to_owned);
        let id = self.pending.add(subtype, model, limit, answer);
        let servers = &self.provided.tool_servers;
        let request =
            if subtype == "mcp_set_servers" { with_own(request, servers) } else { Cow::Borrowed(request) };
        if let Some(resumption) = &mut self.resumption {
            resumption.asked(&id, &request);
        }
        self.write(&protocol::request(&id, &request));
    }

    pub(super) fn check_open(&self, operation: &'static str) -> Result<()> {
        if self.input_open && !self.closing {
            return Ok(());
        }
        let why = match &self.failure {
            Some(error) => format!("the session ended: {error}"),
            None => "the session is closed".to_owned(),
        };
        Err(Error::new(ErrorKind::Closed, why).operation(operation))
    }

    pub(super) fn ladder(&self, terminate_after: Duration) -> StopLadder {
        StopLadder {
            interrupt_after: None,
            terminate_after: Some(terminate_after),
            kill_after: terminate_after + Duration::from_millis(self.options.timeouts.kill_ms),
        }
    }

    pub(super) fn close(&mut self) {
        if !self.closing {
            self.closing = true;
            let limit =
                self.options.timeouts.close_ms.map_or(Duration::from_secs(3600), Duration::from_millis);
            self.connection.process.stop(self.ladder(limit));
        }
    }

    pub(super) fn stop_now(&mut self) {
        self.closing = true;
        self.discarding = true;
        self.end_input();
        self.asks.abort_all();
        self.connection.process.stop(self.ladder(Duration::ZERO));
    }

    /// Ends the session because of an error; what was read before stays readable.
    pub(super) fn fail(&mut self, error: Error) {
        tracing::warn!(code = error.kind().code(), "ending the session: {error}");
        self.flush();
        self.failure.get_or_insert(error);
        self.stop_now();
    }
}

/// The program drops every server that is not in the new set; those of this process stay unless one takes their name.
fn with_own<'a>(request: &'a Value, servers: &[ServerSpec]) -> Cow<'a, Value> {
    let Some(given) = request["servers"].as_object() else { return Cow::Borrowed(request) };
    let mut all = given.clone();
    for ServerSpec { name, .. } in servers {
        all.entry(name.as_str()).or_insert_with(|| json!({"type": "sdk", "name": name}));
    }
    let mut request = request.clone();
    request["servers"] = all.into();
    Cow::Owned(request)
}
