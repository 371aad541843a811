//! A stand-in for the `claude` program in memory: the steps of a scenario over a pair of pipes inside this process. It
//! starts nothing, so tests with it are quick, work with a paused clock and need no file.

mod process;
mod stage;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};
use tokio::io::duplex;

use super::{
    Scenario,
    arguments::Arguments,
    player::{End, Player},
    scenario::{Step, Text},
    template::Template,
};
use crate::{
    Error, ErrorKind, Result,
    transport::{BoxFuture, Connection, Exit, Launch, Transport},
};
use process::{Life, MemoryProcess};
use stage::MemoryStage;

/// The size of each pipe: that of a real one.
const PIPE: usize = 64 * 1024;

/// What a program in memory says and waits for, step by step; a [`Transport`] for
/// [`SessionBuilder::transport`](crate::session::SessionBuilder::transport).
///
/// `initialize` is answered by itself, and so are control requests that no step waits for. After the last step the program
/// waits for the end of its input and exits. Each session that is opened with it plays it from the start.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use madrigal::{Options, Session, testing::Script};
///
/// let script = Script::new().await_user().text("Hello").result();
/// let mut session = Session::builder(Options::default()).transport(script.clone()).open().await?;
/// let result = session.send("Hi").await?.result().await?;
/// assert_eq!(result.unwrap().text(), "Hello");
/// session.close().await;
/// assert_eq!(script.received().last().unwrap()["message"]["content"], "Hi");
/// # Ok::<_, madrigal::Error>(()) }).unwrap();
/// ```
///
/// A question, and what the program makes of the answer:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use madrigal::{Options, Permission, Session, testing::Script};
/// use serde_json::json;
///
/// let script = Script::new().await_user().ask("Bash", json!({"command": "rm"})).text("I may not.").result();
/// let session = Session::builder(Options::default())
///     .can_use_tool(|request| async move { Ok(Permission::deny(format!("no {}", request.tool_name))) })
///     .transport(script.clone());
/// let mut session = session.open().await?;
/// session.send("Clean up").await?.result().await?;
/// assert_eq!(script.received().last().unwrap()["response"]["response"]["message"], "no Bash");
/// # Ok::<_, madrigal::Error>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Script {
    scenario: Scenario,
    asks: usize,
    received: Received,
}

/// What hosts wrote, in order; shared by the clones of a script.
pub(super) type Received = Arc<Mutex<Vec<Value>>>;

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Script {
    /// A program that says nothing but what the protocol demands.
    pub fn new() -> Self {
        Self { scenario: Scenario::new(), asks: 0, received: Received::default() }
    }

    /// Plays the `cli` half of a scenario. Fails with `invalid_argument`, naming the step, when it is malformed or needs a
    /// process (`spawn`).
    ///
    /// ```
    /// use madrigal::testing::Script;
    /// assert!(Script::from_json(r#"{"cli": [{"await": {"type": "user"}}, {"result": {"result": "4"}}]}"#).is_ok());
    /// assert!(Script::from_json(r#"{"cli": [{"spawn": {}}]}"#).is_err());
    /// ```
    pub fn from_json(text: &str) -> Result<Self> {
        Self::from_scenario(Scenario::from_json(text)?)
    }

    /// Plays a scenario that was read before; fails as [`from_json`](Self::from_json).
    pub fn from_scenario(scenario: Scenario) -> Result<Self> {
        if spawns(&scenario.steps) || scenario.resumed.as_deref().is_some_and(spawns) {
            let message = "the step `spawn` needs a process: play this scenario with the simulator";
            return Err(Error::new(ErrorKind::InvalidArgument, message).operation("script"));
        }
        Ok(Self { scenario, ..Self::new() })
    }

    fn step(mut self, step: Step) -> Self {
        self.scenario.steps.push(step);
        self
    }

    /// Waits for a prompt.
    #[must_use]
    pub fn await_user(self) -> Self {
        self.await_frame(json!({"type": "user"}))
    }

    /// Waits for a frame that matches a pattern (see [`matches`](super::matches)).
    #[must_use]
    pub fn await_frame(self, pattern: Value) -> Self {
        self.step(Step::Await { pattern, save: None })
    }

    /// Says `system/init`.
    #[must_use]
    pub fn init(self) -> Self {
        self.step(Step::Init(Map::new()))
    }

    /// Says a text, as one `assistant` message.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.step(Step::Text(Text { text: text.into(), ..Text::default() }))
    }

    /// Says a text as this many deltas, and then as one `assistant` message.
    #[must_use]
    pub fn deltas(self, text: impl Into<String>, count: usize) -> Self {
        self.step(Step::Text(Text { text: text.into(), deltas: count, ..Text::default() }))
    }

    /// Asks whether a tool may run, and waits for the answer.
    #[must_use]
    pub fn ask(mut self, tool: &str, input: Value) -> Self {
        self.asks += 1;
        let id = format!("ask-{}", self.asks);
        let request = json!({
            "subtype": "can_use_tool", "tool_name": tool, "input": input, "tool_use_id": format!("toolu_{}", self.asks),
        });
        let pattern = json!({"type": "control_response", "response": {"request_id": id}});
        self.emit(json!({"type": "control_request", "request_id": id, "request": request}))
            .await_frame(pattern)
    }

    /// Ends the turn with a `result` that repeats the last text.
    #[must_use]
    pub fn result(self) -> Self {
        self.step(Step::Result(Map::new()))
    }

    /// Ends the turn with a `result` of which these fields are given; anything but an object gives none.
    #[must_use]
    pub fn result_with(self, fields: Value) -> Self {
        let fields = if let Value::Object(fields) = fields { fields } else { Map::new() };
        self.step(Step::Result(fields))
    }

    /// Says any frame.
    #[must_use]
    pub fn emit(self, frame: Value) -> Self {
        self.step(Step::Emit(Template::literal(&frame)))
    }

    /// Says these characters, which need not be a frame nor end in a newline.
    #[must_use]
    pub fn raw(self, text: impl Into<String>) -> Self {
        self.step(Step::Bytes(text.into().into_bytes()))
    }

    /// Writes to stderr.
    #[must_use]
    pub fn stderr(self, text: impl Into<String>) -> Self {
        self.step(Step::Stderr(text.into()))
    }

    /// Thinks for a while; an interrupt ends the turn.
    #[must_use]
    pub fn pause(self, time: std::time::Duration) -> Self {
        self.step(Step::Pause(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
    }

    /// Stops listening. Only a signal ends the program now.
    #[must_use]
    pub fn hang(self) -> Self {
        self.step(Step::Hang)
    }

    /// Ends the program with this code.
    #[must_use]
    pub fn exit(self, code: i32) -> Self {
        self.step(Step::Exit(code))
    }

    /// Everything hosts wrote to this program, in order: `initialize` first, then prompts, answers and requests.
    pub fn received(&self) -> Vec<Value> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn start(&self, launch: &Launch) -> Connection {
        let (input, heard) = duplex(PIPE);
        let (said, output) = duplex(PIPE);
        let (life, events) = Life::new(launch.on_stderr.clone());
        let life = Arc::new(life);
        let process = Arc::new(MemoryProcess::new(life.clone()));
        tokio::spawn(stage::listen(heard, life.clone(), self.received.clone()));
        let args: Vec<String> = launch.args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
        match Arguments::read(&args) {
            Ok(known) => {
                let cwd = launch.cwd.as_ref().map(|path| path.to_string_lossy().into_owned());
                let scenario = self.scenario.clone().of_process(known.resumes);
                let facts = known.facts(cwd.unwrap_or_default(), 0);
                let stage = MemoryStage::new(events, said, life.clone(), args, launch);
                tokio::spawn(async move {
                    let mut player = Player::new(&scenario, stage, facts);
                    let end = tokio::select! {
                        end = player.run(&scenario.steps) => end,
                        () = life.over() => return,
                    };
                    drop(player);
                    life.end(match end {
                        End::Code(code) => Exit::Code(code),
                        End::Signal(signal) => Exit::Signal(signal),
                    });
                });
            }
            Err(problem) => {
                life.complain(&format!("{problem}\n"));
                life.end(Exit::Code(1));
            }
        }
        Connection { input: Box::new(input), output: Box::new(output), process }
    }
}

fn spawns(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Spawn { .. } => true,
        Step::Loop(steps) => spawns(steps),
        _ => false,
    })
}

impl Transport for Script {
    fn connect(&self, launch: Launch) -> BoxFuture<'_, Result<Connection>> {
        Box::pin(std::future::ready(Ok(self.start(&launch))))
    }
}
