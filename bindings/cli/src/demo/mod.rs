//! `madrigal demo`: the library at work without an account or a network.
//!
//! Every query starts a process, over real pipes: this very program, which plays a simulated `claude`. The rest is what an
//! application does: it runs agents side by side, answers their questions, tries again what may be tried again, and
//! adds up what it cost.

mod cast;
mod stage;
mod story;
mod table;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use madrigal::{
    Error, ErrorKind, Message, Options, Permission, PermissionRequest, Result, Session,
    message::{Body, Content, ContentBlock, ResultMessage, SystemMessage, ToolResultBlock},
    testing::simulator,
};
use tokio::task::JoinSet;

use crate::{exit, output, render};
use cast::Agent;
use stage::{Line, Stage};
use table::Row;

/// How often a query is tried.
const ATTEMPTS: usize = 3;
/// How long to wait before a query is tried again.
const PAUSE: Duration = Duration::from_millis(300);

pub(crate) fn run() -> u8 {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&format!("could not start a runtime: {error}"));
            return exit::FAILED;
        }
    };
    match runtime.block_on(perform()) {
        Ok(true) => 0,
        Ok(false) => exit::FAILED,
        Err(error) => {
            output::explain(&error);
            exit::code(&error)
        }
    }
}

async fn perform() -> Result<bool> {
    let program = std::env::current_exe().map_err(|error| {
        Error::new(ErrorKind::SpawnFailed, "this program does not know where it is").caused_by(&error)
    })?;
    let agents = cast::agents();
    let stage = Arc::new(Stage::new(&agents));
    let started = Instant::now();
    let mut running = JoinSet::new();
    for (number, agent) in agents.into_iter().enumerate() {
        running.spawn(act(number, agent, program.clone(), stage.clone()));
    }
    let mut rows = Vec::new();
    while let Some(row) = running.join_next().await {
        let row =
            row.map_err(|error| Error::new(ErrorKind::Internal, format!("an agent stopped: {error}")))?;
        rows.push(row?);
    }
    rows.sort_by_key(|row| row.number);
    stage.end();
    output::print(&table::table(&rows, started.elapsed()));
    Ok(rows.iter().all(|row| row.done))
}

/// One agent: its query, again when it failed in a way that may pass.
async fn act(number: usize, agent: Agent, program: PathBuf, stage: Arc<Stage>) -> Result<Row> {
    let mut row = Row { number, name: agent.name, ..Row::default() };
    let started = Instant::now();
    stage.line(number, Line::Asks, agent.prompt);
    for attempt in 1..=ATTEMPTS {
        row.attempts = attempt;
        let result = attempt_once(number, &agent, attempt, &program, &stage).await?;
        row.add(&result);
        if !result.is_error {
            row.done = true;
            stage.line(number, Line::Done, result.result.as_deref().unwrap_or_default());
            break;
        }
        stage.line(number, Line::Failed, result.result.as_deref().unwrap_or(&result.subtype));
        // Too many requests and overload pass; a bad request does not.
        if attempt == ATTEMPTS || !matches!(result.api_error_status, Some(429 | 500..)) {
            break;
        }
        stage.line(
            number,
            Line::Again,
            &format!("attempt {} of {ATTEMPTS}, after {} ms", attempt + 1, PAUSE.as_millis()),
        );
        tokio::time::sleep(PAUSE).await;
    }
    row.time = started.elapsed();
    stage.rest(number);
    Ok(row)
}

/// One query to the end of its messages.
async fn attempt_once(
    number: usize,
    agent: &Agent,
    attempt: usize,
    program: &Path,
    stage: &Arc<Stage>,
) -> Result<ResultMessage> {
    let mut options = Options {
        cli_path: Some(program.to_owned()),
        model: Some(agent.model.to_owned()),
        include_partial_messages: true,
        ..Options::default()
    };
    // What makes this program play `claude`. Everything else is as with the real one.
    options.env.insert(simulator::VARIABLE.to_owned(), agent.scenario(attempt));
    let asked = stage.clone();
    let mut messages = Session::builder(options)
        .can_use_tool(move |request| {
            let answer = decide(&request, &asked, number);
            async move { Ok(answer) }
        })
        .query(agent.prompt)
        .await?;
    let mut result = None;
    let mut text = String::new();
    while let Some(message) = messages.next().await {
        let message = message?;
        if let Body::Result(ended) = message.body()? {
            result = Some(ended.clone());
        }
        show(number, &message, &mut text, stage)?;
    }
    result.ok_or_else(|| Error::new(ErrorKind::ProcessExited, "the simulated claude ended without a result"))
}

/// The rule of this demo: tests may run, nothing is deleted.
fn decide(request: &PermissionRequest, stage: &Stage, number: usize) -> Permission {
    let command = request.input["command"].as_str().unwrap_or_default();
    stage.line(number, Line::Tool, &render::tool(&request.tool_name, &request.input));
    if command.starts_with("cargo test") {
        stage.line(number, Line::Allowed, "by the rule: tests may run");
        Permission::allow()
    } else {
        stage.line(number, Line::Denied, "by the rule: nothing is deleted");
        Permission::deny("Nothing is deleted in this demo.")
    }
}

fn show(number: usize, message: &Message, text: &mut String, stage: &Stage) -> Result<()> {
    match message.body()? {
        Body::StreamEvent(_) => {
            text.push_str(&message.text());
            stage.writes(number, text);
        }
        Body::Assistant(_) => text.clear(),
        Body::User(user) => {
            for block in user.message.content.blocks() {
                if let ContentBlock::ToolResult(ToolResultBlock { content, is_error: false, .. }) = block {
                    let text = content.as_ref().map(Content::text).unwrap_or_default();
                    stage.line(number, Line::Result, &text);
                }
            }
        }
        Body::System(SystemMessage::ApiRetry(failed)) => {
            stage.line(number, Line::Retry, &render::retry(failed));
        }
        _ => {}
    }
    Ok(())
}
