//! Plays the `cli` half of a scenario: one interpreter over "lines in, bytes out", used by the simulator (a process) and
//! by the in-memory script. What the two do differently is behind [`Stage`].

mod input;
mod turn;

use std::{
    collections::{HashSet, VecDeque},
    future::Future,
    pin::Pin,
    time::Duration,
};

use serde_json::{Map, Value, json};

use super::{
    frames::Facts,
    matches,
    recording::{Line, Recording},
    reply,
    scenario::{Initialize, Scenario, Sig, Step},
    template::Template,
};

/// Where a scenario is played.
pub(crate) trait Stage: Send {
    /// The next thing that happens, waiting as told. `End` comes once.
    fn next(&mut self, wait: Wait) -> impl Future<Output = Event> + Send;
    /// Writes to the host. A host that closed its end is no error: the real program lives on, too.
    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = ()> + Send;
    /// Writes to stderr.
    fn stderr(&mut self, text: &str);
    /// Stops listening for good and sleeps.
    fn hang(&mut self) -> impl Future<Output = ()> + Send;
    /// How long it has been played.
    fn elapsed(&self) -> Duration;
    /// Ignores a signal from now on.
    fn ignore(&mut self, signal: Sig);
    /// Starts a process that sleeps and returns its id.
    fn spawn(&mut self, new_session: bool, ignore: &[Sig]) -> Result<u32, String>;
    /// The arguments, without the program.
    fn args(&self) -> &[String];
    /// A variable of the environment.
    fn env(&self, name: &str) -> Option<String>;
}

/// How long to wait for an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wait {
    Not,
    For(Duration),
    Forever,
}

/// What can happen to a player.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    /// The host wrote a line; without its newline.
    Line(Vec<u8>),
    /// The host ended the input.
    End,
    /// SIGINT.
    Interrupted,
    /// Nothing in the time given.
    Nothing,
}

/// How a play ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Code(i32),
    Signal(i32),
}

/// Why a step did not finish.
#[derive(Debug)]
enum Stop {
    /// The host interrupted the turn.
    Aborted,
    /// A step waits for what can no longer come.
    InputOver,
    End(End),
}

type Played = Result<(), Stop>;

/// Output is collected up to this size before it is handed over in the middle of a step.
const CHUNK: usize = 64 * 1024;

pub(crate) struct Player<S> {
    stage: S,
    facts: Facts,
    initialize: Initialize,
    lifecycle: bool,
    out: Vec<u8>,
    inbox: VecDeque<Value>,
    input_over: bool,
    /// Frames that some later step waits for, and whether it may wait for them again and again.
    reserved: Vec<(Value, bool)>,
    seen: HashSet<String>,
    saved: Map<String, Value>,
    child: Option<u32>,
    uuids: Uuids,
    turn: turn::Turn,
    results: u64,
    last_was_error: bool,
}

impl<S: Stage> Player<S> {
    pub(crate) fn new(scenario: &Scenario, stage: S, mut facts: Facts) -> Self {
        let mut reserved = Vec::new();
        let mut replays_initialize = false;
        reserve(&scenario.steps, false, &mut reserved, &mut replays_initialize);
        let mut uuids = Uuids(uuid::Uuid::new_v4().as_u128());
        if facts.session_id.is_empty() {
            facts.session_id = scenario.session_id.clone().unwrap_or_else(|| uuids.next());
        }
        facts.version.clone_from(&scenario.version);
        Self {
            stage,
            facts,
            initialize: if replays_initialize { Initialize::Manual } else { scenario.initialize.clone() },
            lifecycle: scenario.lifecycle,
            out: Vec::with_capacity(CHUNK + CHUNK / 4),
            inbox: VecDeque::new(),
            input_over: false,
            reserved,
            seen: HashSet::new(),
            saved: Map::new(),
            child: None,
            uuids,
            turn: turn::Turn::default(),
            results: 0,
            last_was_error: false,
        }
    }

    /// Plays to the end.
    pub(crate) async fn run(&mut self, steps: &[Step]) -> End {
        let mut played = self.steps(steps).await;
        while played.is_ok() && !self.input_over {
            played = match self.wait(Wait::Forever).await {
                Err(Stop::Aborted) => Ok(()),
                other => other,
            };
        }
        self.flush().await;
        match played {
            Err(Stop::End(end)) => end,
            // Whatever subtype the last result had: the real program goes by this.
            _ => End::Code(i32::from(self.last_was_error)),
        }
    }

    fn steps<'a>(&'a mut self, steps: &'a [Step]) -> Pin<Box<dyn Future<Output = Played> + Send + 'a>> {
        Box::pin(async move {
            let mut at = 0;
            while let Some(step) = steps.get(at) {
                at = match self.step(step).await {
                    Ok(()) => at + 1,
                    Err(Stop::Aborted) => behind_the_turn(steps, at),
                    Err(stop) => return Err(stop),
                };
            }
            Ok(())
        })
    }

    async fn step(&mut self, step: &Step) -> Played {
        self.listen().await?;
        match step {
            Step::Await { pattern, save } => self.await_frame(pattern, save.as_deref()).await?,
            Step::AwaitEof => {
                while !self.input_over {
                    self.wait(Wait::Forever).await?;
                }
            }
            Step::Emit(frame) => {
                let start = self.out.len();
                self.bound(frame)?.write(&mut self.out, 0);
                let frame = serde_json::from_slice(&self.out[start..]).unwrap_or_default();
                self.noted(&frame);
            }
            Step::Init(fields) => self.init(fields)?,
            Step::Text(text) => self.text(text)?,
            Step::Result(fields) => self.result(fields)?,
            Step::Bytes(bytes) => self.out.extend_from_slice(bytes),
            Step::Split { frame, at } => self.split(frame, at).await?,
            Step::Flood { count, frame } => self.flood(*count, frame).await?,
            Step::Big { bytes } => self.big(*bytes),
            Step::Stderr(text) => {
                self.flush().await;
                self.stage.stderr(text);
            }
            Step::Replay(recording) => self.replay(recording).await?,
            Step::Spawn { new_session, ignore } => {
                self.child = Some(self.stage.spawn(*new_session, ignore).map_err(|e| self.refuse(&e))?);
            }
            Step::Ignore(signals) => signals.iter().for_each(|signal| self.stage.ignore(*signal)),
            Step::Hang => {
                self.flush().await;
                self.stage.hang().await;
            }
            Step::Pause(ms) => self.pause(Duration::from_millis(*ms)).await?,
            Step::Loop(steps) => loop {
                match self.steps(steps).await {
                    Ok(()) if !self.input_over || !self.inbox.is_empty() => {}
                    Ok(()) | Err(Stop::InputOver) => break,
                    Err(stop) => return Err(stop),
                }
            },
            Step::ExpectArgs { contains, lacks } => self.expect_args(contains, lacks)?,
            Step::Exit(code) => return Err(Stop::End(End::Code(*code))),
            Step::KillSelf(signal) => return Err(Stop::End(End::Signal(*signal))),
        }
        if self.out.len() >= CHUNK {
            self.flush().await;
        }
        Ok(())
    }

    async fn await_frame(&mut self, pattern: &Value, save: Option<&str>) -> Played {
        let wanted = self.resolve(pattern);
        let frame = loop {
            if let Some(at) = self.inbox.iter().position(|frame| matches(&wanted, frame)) {
                break self.inbox.remove(at).unwrap_or_default();
            }
            if self.input_over {
                return Err(Stop::InputOver);
            }
            self.wait(Wait::Forever).await?;
        };
        if let Some(at) = self.reserved.iter().position(|(held, again)| held == pattern && !again) {
            self.reserved.remove(at);
        }
        self.taken(&frame, self.lifecycle);
        if let Some(name) = save {
            self.saved.insert(name.to_owned(), frame);
        }
        Ok(())
    }

    async fn pause(&mut self, time: Duration) -> Played {
        let until = self.stage.elapsed() + time;
        loop {
            let left = until.saturating_sub(self.stage.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            self.wait(Wait::For(left)).await?;
        }
    }

    async fn split(&mut self, frame: &Template, at: &[usize]) -> Played {
        self.flush().await;
        let mut line = Vec::new();
        self.bound(frame)?.write(&mut line, 0);
        let mut start = 0;
        for end in at.iter().copied().chain([line.len()]) {
            let end = end.clamp(start, line.len());
            self.stage.write(&line[start..end]).await;
            start = end;
        }
        Ok(())
    }

    async fn flood(&mut self, count: u64, frame: &Template) -> Played {
        let bound = self.bound(frame)?;
        if let Some(line) = bound.constant() {
            let mut block = Vec::with_capacity(CHUNK + line.len() + 1);
            let per_block = (CHUNK / (line.len() + 1)).max(1) as u64;
            for _ in 0..per_block.min(count) {
                bound.write(&mut block, 0);
            }
            self.flush().await;
            for _ in 0..count / per_block {
                self.stage.write(&block).await;
                self.listen().await?;
            }
            let rest = usize::try_from(count % per_block).unwrap_or_default() * (line.len() + 1);
            self.out.extend_from_slice(&block[..rest]);
            return Ok(());
        }
        for index in 0..count {
            bound.write(&mut self.out, index);
            if self.out.len() >= CHUNK {
                self.flush().await;
                self.listen().await?;
            }
        }
        Ok(())
    }

    async fn replay(&mut self, recording: &Recording) -> Played {
        let mut renames: Vec<(String, String)> = Vec::new();
        for line in &recording.lines {
            self.listen().await?;
            match line {
                Line::In { pattern, frame } => {
                    // An answer belongs to the recorded id, which the host was given; everything else is the host's.
                    self.await_frame_for_replay(pattern, frame, &mut renames).await?;
                }
                Line::Out { text, frame } => {
                    let mut text = text.clone();
                    for (from, to) in &renames {
                        text = text.replace(from.as_str(), to);
                    }
                    if frame["type"] == "result" && frame["user_message_uuids"].is_null() {
                        text = self.with_prompts(text);
                    }
                    self.out.extend_from_slice(text.as_bytes());
                    self.out.push(b'\n');
                    self.noted(frame);
                }
            }
        }
        Ok(())
    }

    async fn await_frame_for_replay(
        &mut self,
        pattern: &Value,
        recorded: &Value,
        renames: &mut Vec<(String, String)>,
    ) -> Played {
        const NAME: &str = "replayed";
        let lifecycle = std::mem::replace(&mut self.lifecycle, false);
        let waited = self.await_frame(pattern, Some(NAME)).await;
        self.lifecycle = lifecycle;
        waited?;
        let actual = self.saved.remove(NAME).unwrap_or_default();
        for key in ["uuid", "request_id"] {
            if let (Some(from), Some(to)) = (recorded[key].as_str(), actual[key].as_str()) {
                renames.push((from.to_owned(), to.to_owned()));
            }
        }
        Ok(())
    }

    /// Handles whatever arrived, without waiting.
    async fn listen(&mut self) -> Played {
        loop {
            match self.stage.next(Wait::Not).await {
                Event::Nothing => return Ok(()),
                event => self.happened(event)?,
            }
        }
    }

    /// Waits for one event and handles it.
    async fn wait(&mut self, wait: Wait) -> Played {
        self.flush().await;
        let event = self.stage.next(wait).await;
        self.happened(event)
    }

    async fn flush(&mut self) {
        if !self.out.is_empty() {
            self.stage.write(&self.out).await;
            self.out.clear();
        }
    }

    fn expect_args(&mut self, contains: &[Vec<String>], lacks: &[String]) -> Played {
        // `--flag=value` and `--flag value` say the same, so a scenario need not know which the host prefers.
        let args: Vec<&str> = self.stage.args().iter().flat_map(|arg| flag_and_value(arg)).collect();
        let missing = contains
            .iter()
            .find(|run| !run.is_empty() && !args.windows(run.len()).any(|window| window == *run));
        let present = lacks.iter().find(|text| args.iter().any(|arg| arg.contains(text.as_str())));
        match (missing, present) {
            (None, None) => Ok(()),
            (Some(run), _) => {
                Err(self.refuse(&format!("the arguments lack {run:?}: {:?}", self.stage.args())))
            }
            (_, Some(text)) => {
                Err(self.refuse(&format!("the arguments hold {text:?}: {:?}", self.stage.args())))
            }
        }
    }

    /// Ends a play whose scenario is wrong, or whose host did not do what the scenario checks.
    fn refuse(&mut self, problem: &str) -> Stop {
        self.stage.stderr(&format!("madrigal simulate: {problem}\n"));
        Stop::End(End::Code(97))
    }

    fn bound(&mut self, template: &Template) -> Result<Template, Stop> {
        template.bind(|name| self.lookup(name)).map_err(|problem| self.refuse(&problem))
    }

    /// What `$name` stands for.
    fn lookup(&mut self, name: &str) -> Option<Value> {
        let (first, path) = name.split_once('.').unwrap_or((name, ""));
        if first == "env" {
            return Some(self.stage.env(path).map_or(Value::Null, Value::String));
        }
        let value = match first {
            "argv" => json!(self.stage.args()),
            "pid" => json!(self.facts.pid),
            "session_id" => json!(self.facts.session_id),
            "uuid" => json!(self.uuids.next()),
            "child" => json!(self.child?),
            _ => self.saved.get(first)?.clone(),
        };
        path.split('.').filter(|key| !key.is_empty()).try_fold(value, |value, key| match value {
            Value::Array(list) => list.get(key.parse::<usize>().ok()?).cloned(),
            other => other.get(key).cloned(),
        })
    }

    /// A value with its references filled in; what is no known reference stays as it is.
    fn resolve(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => match text.strip_prefix('$') {
                Some(escaped) if escaped.starts_with('$') => Value::String(escaped.to_owned()),
                Some(name) => self.lookup(name).unwrap_or_else(|| value.clone()),
                None => value.clone(),
            },
            Value::Array(list) => list.iter().map(|value| self.resolve(value)).collect(),
            Value::Object(fields) => Value::Object(self.resolved(fields)),
            other => other.clone(),
        }
    }

    fn resolved(&mut self, fields: &Map<String, Value>) -> Map<String, Value> {
        fields.iter().map(|(key, value)| (key.clone(), self.resolve(value))).collect()
    }
}

/// The step that follows an interrupted turn: the one behind its result, or the next prompt.
fn behind_the_turn(steps: &[Step], at: usize) -> usize {
    let ends = |step: &Step| match step {
        Step::Result(_) => true,
        Step::Emit(frame) => frame.starts_like_a_result(),
        _ => false,
    };
    let prompts = |step: &Step| matches!(step, Step::Await { pattern, .. } if pattern["type"] == "user");
    let rest = &steps[at..];
    rest.iter()
        .position(ends)
        .map(|found| at + found + 1)
        .or_else(|| rest.iter().skip(1).position(prompts).map(|found| at + 1 + found))
        .unwrap_or(steps.len())
}

/// Finds the frames that steps wait for, so that nothing else answers them.
fn reserve(steps: &[Step], again: bool, found: &mut Vec<(Value, bool)>, initialize: &mut bool) {
    for step in steps {
        match step {
            Step::Await { pattern, .. } => found.push((pattern.clone(), again)),
            Step::Replay(recording) => {
                for line in &recording.lines {
                    if let Line::In { pattern, .. } = line {
                        *initialize |= pattern["request"]["subtype"] == "initialize";
                        found.push((pattern.clone(), again));
                    }
                }
            }
            Step::Loop(steps) => reserve(steps, true, found, initialize),
            _ => {}
        }
    }
}

fn flag_and_value(arg: &str) -> impl Iterator<Item = &str> {
    let (flag, value) = match arg.split_once('=') {
        Some((flag, value)) if flag.starts_with("--") => (flag, Some(value)),
        _ => (arg, None),
    };
    std::iter::once(flag).chain(value)
}

/// Fresh uuids, cheaper than asking the system for randomness each time.
struct Uuids(u128);

impl Uuids {
    fn next(&mut self) -> String {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        uuid::Builder::from_random_bytes(self.0.to_be_bytes()).into_uuid().to_string()
    }
}

/// The answer to `initialize` with what stands beside it.
fn initialize_reply(id: &Value, payload: Value) -> Value {
    let mut frame = reply::success(id, Some(payload));
    frame["response"]["pending_permission_requests"] = json!([]);
    frame["response"]["pending_user_dialog_requests"] = json!([]);
    frame
}
