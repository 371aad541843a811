//! The one task that owns a connection: it reads, writes, keeps time and knows when the session is over.
//!
//! Everything that must not wait for something else is a branch of one loop: control frames are served while messages
//! pile up, input is written while output is read, and closing works in every state. Reading pauses while the reader of
//! the messages is behind, *except* while a control exchange is open in either direction; then it goes on to a hard cap.

mod agents;
mod asks;
mod clock;
mod commands;
mod ending;
mod liveness;
mod mcp;
mod mirroring;
mod reading;
mod resuming;
mod warnings;
mod writing;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};

use asks::OpenAsk;

use super::{
    Mailbox, Opened, Prompt, Provided, control::Limit, host::SharedHost, starter::Starter, turns::Turns,
};
use crate::{
    Error, Message, Options, Result,
    auth::Given,
    protocol::{Answer, Pending},
    store::{PrivateDir, mirror::Mirror},
    tools::ToolSpec,
    transport::{Connection, Exit, frame::Lines},
};

/// How long output may still come after the process is gone: something else can hold the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(250);
/// How long the process may take to exit after it closed its output.
const AFTER_EOF: Duration = Duration::from_secs(2);

/// What a handle asks the actor to do.
pub(crate) enum Command {
    Send {
        prompt: Prompt,
        done: oneshot::Sender<Result<()>>,
    },
    Control {
        request: Value,
        limit: Limit,
        answer: Answer,
    },
    /// Puts an agent in the lead.
    SetAgent {
        request: Value,
        limit: Limit,
        answer: Answer,
    },
    /// How far a tool call is; `ask` is the program's request for it.
    Progress {
        ask: String,
        params: Value,
    },
    SetTools {
        server: String,
        tools: Vec<ToolSpec>,
        answer: Answer,
    },
    /// Who answers questions from now on.
    Adopt(Option<SharedHost>),
    Finish,
    Close,
    Stop,
}

pub(super) struct Actor {
    options: Options,
    starter: Starter,
    connection: Connection,
    input_open: bool,
    outgoing: Vec<u8>,
    written: usize,
    lines: Lines,
    batch: Vec<Result<Message>>,
    mailbox: Arc<Mailbox>,
    host: Option<SharedHost>,
    provided: Provided,
    /// For those who report progress; weak, or the session would never be without handles.
    commands: mpsc::WeakUnboundedSender<Command>,
    asks: JoinSet<(String, Result<Value>)>,
    open_asks: HashMap<String, OpenAsk>,
    pending: Pending,
    agents: agents::Agents,
    turns: Turns,
    sent: HashSet<String>,
    first: Option<Prompt>,
    opened: watch::Sender<Opened>,
    start_deadline: Option<Instant>,
    last_output: Instant,
    /// The running turn was interrupted because it ran out of time: when, and with which words.
    turn_interrupted: Option<(Instant, Error)>,
    stall: liveness::Stall,
    /// What it takes to go on in another process, when a stall shall lead to that.
    resumption: Option<resuming::Resumption>,
    /// When the host last answered a question: until then the time was its own.
    answered_at: Instant,
    finishing: bool,
    closing: bool,
    /// Nobody reads any more: what still comes is thrown away.
    discarding: bool,
    failure: Option<Error>,
    /// Where the transcript goes, when the host keeps it.
    mirror: Option<Mirror>,
    /// The configuration of a program that goes on with a session from a store.
    config: Option<PrivateDir>,
    /// The credential it was given by a manager.
    given: Option<Given>,
}

impl Actor {
    pub(super) fn new(
        options: Options,
        starter: Starter,
        connection: Connection,
        mailbox: Arc<Mailbox>,
        (host, provided): (Option<SharedHost>, Provided),
        commands: mpsc::WeakUnboundedSender<Command>,
        opened: watch::Sender<Opened>,
    ) -> Self {
        let now = Instant::now();
        Self {
            lines: Lines::new(options.limits.line_bytes),
            pending: Pending::new(options.timeouts.control_ms.map(Duration::from_millis)),
            start_deadline: options.timeouts.start_ms.map(|limit| now + Duration::from_millis(limit)),
            resumption: resuming::Resumption::of(&options),
            agents: agents::Agents::of(&options),
            options,
            starter,
            connection,
            input_open: true,
            outgoing: Vec::new(),
            written: 0,
            batch: Vec::new(),
            mailbox,
            host,
            provided,
            commands,
            asks: JoinSet::new(),
            open_asks: HashMap::new(),
            turns: Turns::default(),
            sent: HashSet::new(),
            first: None,
            opened,
            last_output: now,
            turn_interrupted: None,
            stall: liveness::Stall::default(),
            answered_at: now,
            finishing: false,
            closing: false,
            discarding: false,
            failure: None,
            mirror: None,
            config: None,
            given: None,
        }
    }

    /// A manager that is told when its credential is refused.
    pub(super) fn with_credential(mut self, given: Option<Given>) -> Self {
        self.given = given;
        self
    }

    /// With the one prompt of a query, which is written together with `initialize`.
    pub(super) fn with_query(mut self, prompt: &Prompt) -> Self {
        self.first = Some(prompt.clone());
        self
    }

    pub(super) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut initialized = self.initialize();
        if let Some(prompt) = self.first.take() {
            if let Err(error) = self.send(&prompt) {
                self.fail(error);
            }
            self.finishing = true;
        }
        let exit = loop {
            let exit = self.attend(&mut commands, initialized).await;
            if self.closing || !self.stopping_to_resume() {
                break exit;
            }
            match self.start_again(&mut commands).await {
                Ok(Some(answer)) => initialized = answer,
                Ok(None) => break exit,
                Err(error) => {
                    self.fail(error);
                    break exit;
                }
            }
        };
        commands.close();
        self.finish(exit, &mut commands).await;
    }

    /// Looks after one process, until it is gone.
    async fn attend(
        &mut self,
        commands: &mut mpsc::UnboundedReceiver<Command>,
        initialized: oneshot::Receiver<Result<Value>>,
    ) -> Exit {
        let mut initialized = Some(initialized);
        let mut commands_open = true;
        let mut output_open = true;
        let mut exit = None;
        let mut last_words = None;
        let process = self.connection.process.clone();
        let exited = process.wait();
        tokio::pin!(exited);

        while output_open || exit.is_none() {
            let reading = output_open && self.may_read();
            let alarm = [self.alarm(), last_words].into_iter().flatten().min();
            let stopping = self.stopping_to_resume();
            let writing = self.input_open && !stopping && self.written < self.outgoing.len();
            let space = self.lines.space();
            tokio::select! {
                biased;
                command = commands.recv(), if commands_open => match command {
                    Some(command) => self.command(command),
                    // Every handle is gone: nobody can read or ask any more.
                    None => { commands_open = false; self.stop_now(); }
                },
                written = self.connection.input.write(&self.outgoing[self.written..]), if writing => self.wrote(written),
                read = self.connection.output.read_buf(space), if reading => match read {
                    Ok(0) | Err(_) => {
                        output_open = false;
                        self.read_rest();
                        if exit.is_none() && !stopping {
                            self.end_input();
                            process.stop(self.ladder(AFTER_EOF));
                        }
                    }
                    Ok(_) => self.read(),
                },
                Some(answered) = self.asks.join_next(), if !self.asks.is_empty() => self.answered(answered),
                answer = async { match &mut initialized { Some(answer) => answer.await, None => std::future::pending().await } },
                    if initialized.is_some() =>
                {
                    initialized = None;
                    if let Err(error) = self.initialized(answer)
                        && !stopping
                    {
                        self.fail(error);
                    }
                },
                Some(lost) = async { match &mut self.mirror { Some(mirror) => mirror.lost().await, None => None } },
                    if self.mirror.is_some() => self.not_stored(&lost),
                how = &mut exited, if exit.is_none() => {
                    exit = Some(how);
                    last_words = Some(Instant::now() + LAST_WORDS);
                    self.input_open = stopping;
                },
                // The silence until now was ours, not the program's.
                () = self.mailbox.room(), if output_open && !reading => self.last_output = Instant::now(),
                () = sleep_until(alarm.unwrap_or_else(Instant::now)), if alarm.is_some() => {
                    let now = Instant::now();
                    if last_words.is_some_and(|until| until <= now) {
                        output_open = false;
                        self.flush();
                    }
                    self.on_alarm(now);
                },
            }
            self.end_input_when_done();
        }
        exit.unwrap_or(Exit::Unknown)
    }

    /// Reading pauses when the mailbox is full, unless a control exchange could be behind the unread messages.
    fn may_read(&self) -> bool {
        self.discarding
            || self.closing
            || !self.pending.is_empty()
            || !self.open_asks.is_empty()
            || self.mailbox.has_room()
    }
}
