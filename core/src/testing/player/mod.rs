//! Plays the `cli` half of a scenario: one interpreter over "lines in, bytes out", used by the simulator (a process) and
//! by the in-memory script. What the two do differently is behind [`Stage`].

mod handshake;
mod input;
mod references;
mod replay;
mod stage;
mod steps;
mod turn;

use std::collections::{HashSet, VecDeque};

use serde_json::{Map, Value};

use super::{
    frames::Facts,
    recording::Line,
    reply::Memory,
    scenario::{Initialize, Scenario, Step},
};
use references::Uuids;
pub(crate) use stage::{End, Event, Stage, Wait};

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
    memory: Memory,
    /// Answers of the scenario to control requests, by subtype.
    answers: Map<String, Value>,
    initialize: Initialize,
    lifecycle: bool,
    /// Whether to shake hands with the tool servers of the host.
    shakes_hands: bool,
    handshake: handshake::Handshake,
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
        let memory = Memory::new(stage.args());
        Self {
            stage,
            facts,
            memory,
            answers: scenario.control.clone(),
            initialize: if replays_initialize { Initialize::Manual } else { scenario.initialize.clone() },
            lifecycle: scenario.lifecycle,
            shakes_hands: scenario.handshake,
            handshake: handshake::Handshake::default(),
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

    /// Ends a play whose scenario is wrong, or whose host did not do what the scenario checks.
    fn refuse(&mut self, problem: &str) -> Stop {
        self.stage.stderr(&format!("madrigal simulate: {problem}\n"));
        Stop::End(End::Code(97))
    }
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
