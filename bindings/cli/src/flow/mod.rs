//! `madrigal parallel` and `madrigal pipeline`: many prompts from a file under shared limits.
//!
//! What is done is written down as it comes, so Ctrl-C, a crash or a full disk lose nothing that was paid for: the same command
//! with the same `--out` goes on where it stopped.

mod board;
mod file;
mod ledger;

use std::{
    collections::HashMap,
    future::IntoFuture as _,
    sync::{Arc, Mutex, PoisonError},
};

use madrigal::{
    Error, ErrorKind, Result,
    orchestrate::{OnError, Orchestrator, OrchestratorConfig, Outcome, Step, Task},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{
    args::{FlowArguments, ParallelArguments, PipelineArguments},
    exit, output, signals,
};
use board::Board;
use file::{Ahead, Line};
use ledger::Ledger;

pub(crate) fn parallel(arguments: &ParallelArguments) -> u8 {
    run(&arguments.flow, false, async |flow| flow.parallel(arguments).await)
}

pub(crate) fn pipeline(arguments: &PipelineArguments) -> u8 {
    run(&arguments.flow, !arguments.no_context, async |flow| flow.pipeline(arguments).await)
}

fn run(arguments: &FlowArguments, answers: bool, work: impl AsyncFnOnce(&mut Flow) -> Result<()>) -> u8 {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&format!("could not start a runtime: {error}"));
            return exit::FAILED;
        }
    };
    let code = runtime.block_on(async {
        let mut flow = Flow::new(arguments, answers)?;
        let ended = tokio::select! {
            biased;
            () = signals::end() => None,
            ended = work(&mut flow) => Some(ended),
        };
        flow.orchestrator.close().await;
        flow.end(ended)
    });
    // A thread may still wait for stdin.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    code.unwrap_or_else(|error: Error| {
        output::explain(&error);
        exit::code(&error)
    })
}

/// One run of the command.
struct Flow {
    orchestrator: Orchestrator,
    file: std::path::PathBuf,
    json: bool,
    ledger: Ledger,
    board: Arc<Mutex<Board>>,
    /// The tasks that are not done yet, by their place in the call.
    given: Arc<Mutex<HashMap<usize, Value>>>,
    done_before: usize,
    not_written: Option<Error>,
    first_error: Option<Error>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Flow {
    /// With `answers` it knows what was said in an earlier run.
    fn new(arguments: &FlowArguments, answers: bool) -> Result<Self> {
        let orchestrator = Orchestrator::new(config(arguments)?)?;
        let board = Arc::new(Mutex::new(Board::new(arguments.json)));
        watch(&orchestrator, arguments.json, &board);
        Ok(Self {
            orchestrator,
            file: arguments.file.clone(),
            json: arguments.json,
            ledger: Ledger::open(arguments.out.as_deref(), answers)?,
            board,
            given: Arc::default(),
            done_before: 0,
            not_written: None,
            first_error: None,
        })
    }

    async fn parallel(&mut self, arguments: &ParallelArguments) -> Result<()> {
        let mut done = 0;
        let mut left = Vec::new();
        // What was done before is known before anything starts.
        let lines: Box<dyn Iterator<Item = Line> + Send> = if arguments.flow.out.is_some() {
            for line in file::lines(file::open(&self.file)?) {
                match &line.value {
                    Ok(value) if self.ledger.done(value).is_some() => done += 1,
                    _ => left.push(line),
                }
            }
            Box::new(left.into_iter())
        } else {
            Box::new(file::lines(file::open(&self.file)?))
        };
        self.done_before = done;
        let given = self.given.clone();
        let mut place = 0;
        let tasks = file::Tasks::new(Ahead::new(lines), move |line: &Line| {
            lock(&given).insert(place, line.value.as_ref().cloned().unwrap_or(Value::Null));
            place += 1;
        });
        let mut call = self.orchestrator.parallel_stream(tasks);
        if arguments.fail_fast {
            call = call.on_error(OnError::FailFast);
        } else if let Some(most) = arguments.tolerate {
            call = call.on_error(OnError::Tolerate(most));
        }
        call.for_each(|outcome| self.note(&outcome)).await;
        Ok(())
    }

    async fn pipeline(&mut self, arguments: &PipelineArguments) -> Result<()> {
        let lines: Vec<Line> = file::lines(file::open(&self.file)?).collect();
        let given: Vec<Value> =
            lines.iter().map(|line| line.value.as_ref().cloned().unwrap_or(Value::Null)).collect();
        // A pipeline that cannot be read to its end is not begun.
        let tasks: Vec<Task> = lines.into_iter().map(file::task).collect::<Result<_>>()?;
        if tasks.is_empty() {
            let message = format!("{} holds no task: expected one JSON text a line", self.file.display());
            return Err(Error::new(ErrorKind::InvalidArgument, message).operation("read"));
        }
        // It goes on with the first step that was not answered before, which is told the last answer that was.
        let mut said = None;
        for task in &given {
            let Some(answer) = self.ledger.done(task) else { break };
            said = Some(answer);
            self.done_before += 1;
        }
        lock(&self.given).extend(given.into_iter().skip(self.done_before).enumerate());
        let said = Arc::new(Mutex::new(said.filter(|_| !arguments.no_context)));
        let (came, mut coming) = mpsc::unbounded_channel();
        let steps: Vec<Step> = tasks
            .into_iter()
            .skip(self.done_before)
            .map(|task| step(task, !arguments.no_context, &said, &came))
            .collect();
        let mut call = self.orchestrator.pipeline(steps).stop_on_error(!arguments.go_on).into_future();
        let mut noted = 0;
        let outcomes = loop {
            tokio::select! {
                // The call first: an outcome it gives on the way is noted before anything else can happen.
                biased;
                outcomes = &mut call => break outcomes,
                Some(outcome) = coming.recv() => {
                    self.note(&outcome);
                    noted += 1;
                }
            }
        };
        for outcome in &outcomes[noted..] {
            self.note(outcome);
        }
        Ok(())
    }

    /// An outcome is there: write it down, show it.
    fn note(&mut self, outcome: &Outcome) {
        let task = lock(&self.given).remove(&outcome.run().index).unwrap_or(Value::Null);
        if let Err(error) = self.ledger.write(&task, outcome) {
            self.not_written.get_or_insert(error);
        }
        if let Some(error) = outcome.error() {
            self.first_error.get_or_insert_with(|| error.clone());
        }
        if self.json {
            output::print(&format!("{}\n", ledger::line(&task, outcome)));
        }
        lock(&self.board).outcome(outcome, &self.orchestrator.stats());
    }

    /// Says how it went.
    fn end(self, ended: Option<Result<()>>) -> Result<u8> {
        let interrupted = ended.is_none();
        if let Some(ended) = ended {
            ended?;
        }
        let stats = self.orchestrator.stats();
        if self.json {
            output::print(&format!(
                "{}\n",
                json!({"type": "stats", "stats": stats, "done_before": self.done_before})
            ));
        }
        lock(&self.board).end(&stats, self.done_before);
        if let Some(error) = self.not_written {
            return Err(error);
        }
        Ok(match self.first_error {
            _ if interrupted => exit::INTERRUPTED,
            None => 0,
            // One task: its own code. Of several, some may have gone well.
            Some(error) if stats.total == 1 => exit::code(&error),
            Some(_) => exit::FAILED,
        })
    }
}

/// A step that says how the one before it ended as soon as its own turn comes, and is told the last answer.
fn step(
    task: Task,
    use_context: bool,
    said: &Arc<Mutex<Option<String>>>,
    came: &mpsc::UnboundedSender<Outcome>,
) -> Step {
    let (said, came) = (said.clone(), came.clone());
    Step::from_fn(move |before: Option<Outcome>| {
        let mut said = lock(&said);
        if let Some(outcome) = before {
            if use_context && outcome.is_success() {
                *said = Some(outcome.text().to_string());
            }
            // Nobody listens any more when the pipeline was given up.
            drop(came.send(outcome));
        }
        let task = match &*said {
            Some(text) => task.after(text),
            None => task,
        };
        std::future::ready(Ok(task))
    })
}

/// Shows what happens, or prints it for a program.
fn watch(orchestrator: &Orchestrator, json: bool, board: &Arc<Mutex<Board>>) {
    let mut progress = orchestrator.subscribe();
    let board = board.clone();
    tokio::spawn(async move {
        while let Some(event) = progress.next().await {
            if json {
                output::print(&format!("{}\n", json!({"type": "progress", "progress": event})));
            } else {
                lock(&board).progress(&event);
            }
        }
    });
}

/// The configuration: that of the file, with what the command line says over it.
fn config(arguments: &FlowArguments) -> Result<OrchestratorConfig> {
    let mut config = match &arguments.config {
        None => OrchestratorConfig::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                let message = format!("{} cannot be read: {error}", path.display());
                Error::new(ErrorKind::InvalidArgument, message).operation("config").caused_by(&error)
            })?;
            OrchestratorConfig::from_json(&text)?
        }
    };
    if let Some(most) = arguments.max_concurrent {
        config.max_concurrent = most;
    }
    if let Some(seconds) = arguments.timeout {
        // Casting cuts negative and huge numbers off; 0 is refused with the rest.
        config.timeout_ms = (seconds * 1000.0) as u64;
    }
    let options = &mut config.options;
    let given = |value: &Option<String>, into: &mut Option<String>| {
        if value.is_some() {
            into.clone_from(value);
        }
    };
    given(&arguments.model, &mut options.model);
    if arguments.cwd.is_some() {
        options.cwd.clone_from(&arguments.cwd);
    }
    if arguments.cli_path.is_some() {
        options.cli_path.clone_from(&arguments.cli_path);
    }
    if let Some(mode) = arguments.permission_mode {
        options.permission_mode = Some(mode.into());
    }
    options.allowed_tools.extend(arguments.allowed_tools.iter().cloned());
    options.disallowed_tools.extend(arguments.disallowed_tools.iter().cloned());
    // Text is shown while it is written.
    options.include_partial_messages = true;
    Ok(config)
}
