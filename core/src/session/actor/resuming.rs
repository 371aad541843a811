//! A program that stays silent is stopped, and another one goes on with its session (`timeouts.stall_action: resume`).
//!
//! Its reader sees one stream: prompts keep their ids, so their results arrive as if nothing had happened. A prompt the program
//! had begun to work on is in the transcript, so the new program is asked to go on. The real program (2.1.330) may drop a prompt
//! whose id its transcript has, without a word (it decides by what it finds there and by what it is doing), so that is asked
//! under a new id, which its reader never sees. Prompts that had only waited are sent as they were.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::Instant,
};
use uuid::Uuid;

use super::{Actor, Command, liveness::Stall};
use crate::{
    Error, ErrorKind, Message, Options, Prompt, Result, Retry,
    message::Head,
    options::StallAction,
    protocol,
    session::{
        control::Limit,
        starter::{CONTINUE, resuming},
    },
    transport::frame::Lines,
};

/// What changes the session and not only the turn: asked of the new program, too.
const SETTINGS: [&str; 7] = [
    "set_model",
    "set_permission_mode",
    "set_mcp_permission_mode_override",
    "set_max_thinking_tokens",
    "apply_flag_settings",
    "mcp_set_servers",
    "mcp_toggle",
];

/// What another program must be told to go on.
pub(super) struct Resumption {
    session: Option<String>,
    /// Prompts without a result.
    prompts: Vec<Sent>,
    /// Whether the program says which prompts it begins.
    lifecycle: bool,
    /// Requests that changed the session, in order.
    settings: Vec<Value>,
    /// Those without an answer so far, by the id of the request.
    asked: HashMap<String, Value>,
    /// New ids of prompts that were asked again, each with the one that its reader knows.
    again: Vec<(String, String)>,
    /// The program is being stopped, or is gone: nothing it says counts any more.
    pub(super) stopping: bool,
}

struct Sent {
    prompt: Prompt,
    begun: bool,
    /// The transcript has its id.
    known: bool,
}

impl Resumption {
    pub(super) fn of(options: &Options) -> Option<Self> {
        (options.timeouts.stall_action == StallAction::Resume).then(|| Self {
            session: options.resume.clone().filter(|_| !options.fork_session),
            prompts: Vec::new(),
            lifecycle: false,
            settings: Vec::new(),
            asked: HashMap::new(),
            again: Vec::new(),
            stopping: false,
        })
    }

    pub(super) fn sent(&mut self, prompt: &Prompt) {
        self.prompts.push(Sent { prompt: prompt.clone(), begun: false, known: false });
    }

    /// A message as its reader knows it, when it names a prompt by the id under which that was asked again.
    pub(super) fn as_sent(&self, line: &str) -> Option<String> {
        let named = self.again.iter().filter(|(fresh, _)| line.contains(&**fresh));
        named.fold(None, |changed, (fresh, known)| {
            Some(changed.as_deref().unwrap_or(line).replace(&**fresh, known))
        })
    }

    /// A message of the program.
    pub(super) fn heard(&mut self, line: &str, head: &Head<'_>) {
        match (&*head.kind, head.subtype.as_deref()) {
            ("system", Some("init")) => {
                let frame: Value = serde_json::from_str(line).unwrap_or_default();
                if let Some(id) = frame["session_id"].as_str().filter(|id| !id.is_empty()) {
                    self.session = Some(id.to_owned());
                }
                if let Some(first) = self.prompts.first_mut().filter(|_| !self.lifecycle) {
                    first.begun = true;
                }
            }
            ("command_lifecycle", _) => {
                self.lifecycle = true;
                let frame: Value = serde_json::from_str(line).unwrap_or_default();
                let prompt =
                    self.prompts.iter_mut().find(|sent| frame["command_uuid"] == *sent.prompt.uuid());
                if let Some(prompt) = prompt.filter(|_| frame["state"] == "started") {
                    prompt.begun = true;
                }
            }
            _ => {}
        }
    }

    pub(super) fn answered(&mut self, is_open: impl Fn(&str) -> bool) {
        self.prompts.retain(|sent| is_open(sent.prompt.uuid()));
    }

    pub(super) fn asked(&mut self, id: &str, request: &Value) {
        if SETTINGS.iter().any(|name| request["subtype"] == *name) {
            self.asked.insert(id.to_owned(), request.clone());
        }
    }

    /// The answer to a request. What it changed replaces what the same kind of request changed before.
    pub(super) fn replied(&mut self, id: &str, done: bool) {
        let Some(request) = self.asked.remove(id).filter(|_| done) else { return };
        let names = |request: &Value| {
            ["subtype", "server_name", "serverName"].map(|field| request.get(field).cloned())
        };
        if request["subtype"] != "apply_flag_settings" {
            self.settings.retain(|earlier| names(earlier) != names(&request));
        }
        self.settings.push(request);
    }
}

impl Actor {
    pub(super) fn stopping_to_resume(&self) -> bool {
        self.resumption.as_ref().is_some_and(|resumption| resumption.stopping)
    }

    /// Stops the program so that another one can go on; the loop does the rest when it is gone. Fails when that cannot help.
    pub(super) fn stop_to_resume(&mut self, resumed: u32) -> std::result::Result<(), &'static str> {
        let Some(resumption) = &mut self.resumption else { return Err("") };
        if resumption.session.is_none() {
            return Err(" (it had not named its session, so it cannot be resumed)");
        }
        if resumed >= self.options.timeouts.stall_resumes {
            return Err(" (it was resumed as often as `timeouts.stall_resumes` allows)");
        }
        resumption.stopping = true;
        resumption.asked.clear();
        let lost = Error::new(
            ErrorKind::ProcessExited,
            "the claude program was silent and was stopped before it answered; its session is resumed, so ask again",
        );
        self.pending.fail(&lost.operation("control").retry(Retry::Now));
        self.asks.abort_all();
        self.open_asks.clear();
        self.outgoing.clear();
        self.written = 0;
        self.input_open = true;
        self.start_deadline = None;
        self.connection.process.stop(self.ladder(std::time::Duration::ZERO));
        Ok(())
    }

    /// Starts the next program of this session. `None` when the session was closed in the meantime.
    pub(super) async fn start_again(
        &mut self,
        commands: &mut mpsc::UnboundedReceiver<Command>,
    ) -> Result<Option<oneshot::Receiver<Result<Value>>>> {
        let Some(session) = self.resumption.as_ref().and_then(|resumption| resumption.session.clone()) else {
            return Ok(None);
        };
        self.options = resuming(&self.options, &session);
        let mut connecting = self.starter.connect(&self.options);
        let connection = loop {
            if self.closing {
                return Ok(None);
            }
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => self.stop_now(),
                },
                connection = &mut connecting => break connection?,
            }
        };
        Ok(Some(self.go_on(connection, &session)))
    }

    fn go_on(
        &mut self,
        connection: crate::transport::Connection,
        session: &str,
    ) -> oneshot::Receiver<Result<Value>> {
        let frame = json!({
            "type": "system", "subtype": "resumed", "source": "madrigal", "session_id": session,
            "resumes": self.stall.resumed() + 1, "pid": connection.process.id(), "uuid": Uuid::new_v4().to_string(),
        });
        self.batch.push(Message::parse(&frame.to_string()));
        self.flush();
        let now = Instant::now();
        self.connection = connection;
        self.lines = Lines::new(self.options.limits.line_bytes);
        self.asks = JoinSet::new();
        self.input_open = true;
        self.last_output = now;
        self.answered_at = now;
        self.stall = Stall::after_resuming(&self.stall);
        self.turns.started_again();
        self.start_deadline =
            self.options.timeouts.start_ms.map(|limit| now + std::time::Duration::from_millis(limit));
        // What the host asked for while there was no program comes last.
        let late = std::mem::take(&mut self.outgoing);
        let initialized = self.initialize();
        self.say_again(now);
        self.outgoing.extend(late);
        initialized
    }

    /// What was changed in the session, then the prompts.
    fn say_again(&mut self, now: Instant) {
        let Some(mut resumption) = self.resumption.take() else { return };
        resumption.stopping = false;
        resumption.lifecycle = false;
        for request in &resumption.settings {
            let (answer, _) = oneshot::channel();
            let subtype = request["subtype"].as_str().unwrap_or_default();
            let id = self.pending.add(subtype, None, Limit::Option, answer);
            self.write(&protocol::request(&id, request));
        }
        if resumption.prompts.is_empty() {
            // The turn was the program's own: the end of a background task had begun it.
            let prompt = Prompt::from(CONTINUE);
            self.turns.prompt(prompt.uuid(), now);
            resumption.sent(&prompt);
        }
        for sent in &mut resumption.prompts {
            if std::mem::take(&mut sent.begun) {
                sent.prompt = sent.prompt.saying(CONTINUE);
                sent.known = true;
            }
            if sent.known {
                let fresh = Uuid::new_v4().to_string();
                self.write_prompt(&sent.prompt.named(&fresh));
                resumption.again.push((fresh, sent.prompt.uuid().to_owned()));
            } else {
                self.write_prompt(&sent.prompt);
            }
        }
        self.resumption = Some(resumption);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::CONTINUE;
    use crate::{ErrorKind, Options, Prompt, Session, testing::Script};

    async fn opened(script: &Script, options: Value) -> Session {
        let options = Options::from_json(&options.to_string()).unwrap();
        Session::builder(options).transport(script.clone()).open().await.unwrap()
    }

    fn options() -> Value {
        json!({"timeouts": {"stall_ms": 1000, "stall_action": "resume"}})
    }

    /// What prompts say, with their ids.
    fn prompts(heard: &[Value]) -> Vec<(&str, &str)> {
        heard
            .iter()
            .filter(|frame| frame["type"] == "user")
            .map(|frame| (frame["uuid"].as_str().unwrap(), frame["message"]["content"].as_str().unwrap()))
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_begun_goes_on_and_what_waited_is_asked_again() {
        let script = Script::from_json(
            r#"{"session_id": "s-1", "cli": [{"await": {"type": "user"}}, {"init": {}}, {"hang": true}],
                "resumed": [{"await": {"type": "user"}}, {"init": {}}, {"result": {"result": "one"}},
                            {"await": {"type": "user"}}, {"init": {}}, {"result": {"result": "two"}}]}"#,
        )
        .unwrap();
        let mut session = opened(&script, options()).await;
        session.set_model(Some("opus")).await.unwrap();
        let (one, two) = (Prompt::from("first"), Prompt::from("second"));
        session.handle().send(one.clone()).await.unwrap();
        session.handle().send(two.clone()).await.unwrap();
        let mut resumed = Value::Null;
        let (mut results, mut read) = (Vec::new(), Vec::new());
        while results.len() < 2 {
            let message = session.next().await.unwrap().unwrap();
            read.push(message.value());
            if message.subtype() == Some("resumed") {
                resumed = message.value();
            }
            if message.is_result() {
                results.push((message.value()["user_message_uuids"][0].clone(), message.text().into_owned()));
            }
        }
        assert_eq!((&resumed["session_id"], &resumed["resumes"]), (&json!("s-1"), &json!(1)));
        assert_eq!(results, [(json!(one.uuid()), "one".into()), (json!(two.uuid()), "two".into())]);
        let heard = script.received();
        let second = heard.iter().rposition(|frame| frame["request"]["subtype"] == "initialize").unwrap();
        assert_eq!(heard[second + 1]["request"]["model"], "opus", "what was changed is changed again");
        let [(again, CONTINUE), (waited, "second")] = prompts(&heard[second..])[..] else {
            panic!("{heard:?}")
        };
        assert_eq!(waited, two.uuid());
        assert_ne!(again, one.uuid(), "the program may drop an id that it knows");
        assert!(!json!(read).to_string().contains(again), "its reader knows the first id only: {read:?}");
        session.close().await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_resumed_only_so_often() {
        let script =
            Script::from_json(r#"{"cli": [{"await": {"type": "user"}}, {"init": {}}, {"hang": true}]}"#)
                .unwrap();
        let mut session = opened(&script, options()).await;
        session.handle().send("hi").await.unwrap();
        let mut kinds = Vec::new();
        let error = loop {
            match session.next().await.unwrap() {
                Ok(message) if message.kind_name() == "system" => {
                    kinds.push(message.subtype().unwrap().to_owned())
                }
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(kinds, ["init", "stalled", "resumed", "init", "stalled"]);
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.message().contains("timeouts.stall_resumes"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_without_a_name_cannot_be_resumed() {
        let script = Script::new().await_user().hang();
        let mut session = opened(&script, options()).await;
        session.handle().send("hi").await.unwrap();
        let error = loop {
            if let Err(error) = session.next().await.unwrap() {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.message().contains("not named its session"), "{error}");
        assert!(session.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn closing_while_the_program_is_stopped_starts_no_other() {
        let script =
            Script::from_json(r#"{"cli": [{"await": {"type": "user"}}, {"init": {}}, {"ignore": ["SIGTERM"]}, {"hang": true}]}"#)
                .unwrap();
        let mut session = opened(&script, options()).await;
        session.handle().send("hi").await.unwrap();
        while session.next().await.unwrap().unwrap().subtype() != Some("stalled") {}
        // Told to terminate a second after the first silence, killed two seconds later.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let asked = session.set_model(Some("opus"));
        let end = session.handle().close().await;
        assert!(end.error.is_none(), "{end:?}");
        assert_eq!(asked.await.unwrap_err().kind(), ErrorKind::Closed);
        let starts =
            script.received().iter().filter(|frame| frame["request"]["subtype"] == "initialize").count();
        assert_eq!(starts, 1);
    }
}
