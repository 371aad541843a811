//! `madrigal ask`: one prompt, the answer as it comes, and an exit code that says how it went.

use std::{
    io::{IsTerminal as _, Read as _},
    time::Duration,
};

use madrigal::{
    Error, ErrorKind, Message, Options, Query, Result, Session, SessionHandle,
    message::{Body, ResultMessage},
};

use tokio::sync::mpsc;

use crate::{
    args::AskArguments,
    exit,
    output::{self, Style},
    question::{self, Question, Questions},
    render::{self, Render},
    signals::Interrupts,
};

/// How long the program may take to go when it was told to.
const LEAVING: Duration = Duration::from_secs(4);

pub(crate) fn run(arguments: AskArguments) -> u8 {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&format!("could not start a runtime: {error}"));
            return exit::FAILED;
        }
    };
    let code = runtime.block_on(ask(arguments)).unwrap_or_else(|error| {
        output::explain(&error);
        exit::code(&error)
    });
    // A thread may still wait for the terminal.
    runtime.shutdown_background();
    code
}

async fn ask(arguments: AskArguments) -> Result<u8> {
    let prompt = prompt(&arguments.prompt)?;
    let (put, questions) = mpsc::unbounded_channel();
    let query = Session::builder(options(&arguments))
        .can_use_tool(move |request| question::ask(put.clone(), request))
        .query(prompt)
        .await?;
    let mut asked = Asked {
        json: arguments.json,
        render: Render::new(Style::stderr()),
        style: Style::stderr(),
        terminal: std::io::stdout().is_terminal(),
        code: None,
    };
    asked.read(query, questions).await
}

/// The prompt of the command line, or stdin for `-`.
fn prompt(given: &str) -> Result<String> {
    let mut text = given.to_owned();
    if given == "-" {
        text.clear();
        std::io::stdin().read_to_string(&mut text).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, "the prompt could not be read from stdin as UTF-8 text")
                .caused_by(&error)
        })?;
    }
    if text.trim().is_empty() {
        return Err(Error::new(ErrorKind::InvalidArgument, "the prompt is empty: expected some text"));
    }
    Ok(text)
}

fn options(arguments: &AskArguments) -> Options {
    let mut options = Options {
        model: arguments.model.clone(),
        system_prompt: arguments.system_prompt.clone().map(Into::into),
        append_system_prompt: arguments.append_system_prompt.clone(),
        cwd: arguments.cwd.clone(),
        add_dirs: arguments.add_dir.clone(),
        resume: arguments.resume.clone(),
        continue_session: arguments.continue_session,
        allowed_tools: arguments.allowed_tools.clone(),
        disallowed_tools: arguments.disallowed_tools.clone(),
        permission_mode: arguments.permission_mode.map(Into::into),
        max_turns: arguments.max_turns,
        max_budget_usd: arguments.max_budget_usd,
        cli_path: arguments.cli_path.clone(),
        include_partial_messages: arguments.partial || !arguments.json,
        ..Options::default()
    };
    // Casting cuts negative and huge numbers off; 0 is refused with the options.
    options.timeouts.turn_ms = arguments.timeout.map(|seconds| (seconds * 1000.0) as u64);
    options
}

/// An answer on its way to the reader.
struct Asked {
    json: bool,
    render: Render,
    style: Style,
    terminal: bool,
    /// How it went, once that is known.
    code: Option<u8>,
}

impl Asked {
    async fn read(
        &mut self,
        mut query: Query,
        mut questions: mpsc::UnboundedReceiver<Question>,
    ) -> Result<u8> {
        let terminal = Questions::new(self.style);
        let mut signals = Interrupts::listen();
        let mut interrupts = 0;
        loop {
            tokio::select! {
                // A flood of messages must not hide the interrupt.
                biased;
                () = signals.next() => {
                    interrupts += 1;
                    output::print(self.render.end_line());
                    if std::io::stderr().is_terminal() {
                        // Behind the ^C that the terminal shows.
                        output::note("");
                    }
                    self.code = Some(exit::INTERRUPTED);
                    if interrupts == 1 {
                        output::note(&self.style.yellow("> interrupting; Ctrl-C again stops the program"));
                        // Not waited for: the answer and its result come with the messages.
                        tokio::spawn(query.interrupt().into_future());
                    } else {
                        leave(&query.handle()).await;
                        return Ok(exit::INTERRUPTED);
                    }
                }
                item = query.next() => match item {
                    None => break,
                    Some(Ok(message)) => {
                        if !self.message(&message) {
                            // Nobody reads any more, as with `| head`.
                            leave(&query.handle()).await;
                            return Ok(self.code.unwrap_or(0));
                        }
                    }
                    Some(Err(error)) => {
                        output::print(self.render.end_line());
                        // Ended by us: not worth an explanation.
                        if interrupts == 0 {
                            output::explain(&error);
                            self.code = Some(exit::code(&error));
                        }
                    }
                },
                // Behind the messages: what was said before a question is seen before it.
                Some(question) = questions.recv() => {
                    output::print(self.render.end_line());
                    terminal.put_soon(question);
                }
            }
        }
        output::print(self.render.end_line());
        if interrupts > 0 {
            return Ok(exit::INTERRUPTED);
        }
        Ok(self.code.unwrap_or(exit::PROGRAM))
    }

    /// Shows a message; says whether somebody still reads.
    fn message(&mut self, message: &Message) -> bool {
        if let Ok(Body::Result(result)) = message.body() {
            let failed = if result.is_error { exit::FAILED } else { 0 };
            let known = self.code.is_some_and(|code| code > exit::FAILED);
            // What an error said already is said better than by the result that follows it.
            if !known {
                self.code = Some(failed);
            }
            if !self.json {
                output::print(self.render.end_line());
                self.result(result, known);
            }
        }
        if self.json {
            return output::print(&format!("{}\n", message.raw()));
        }
        let mut shown = self.render.message(message);
        if self.terminal {
            shown.text.retain(|c| !c.is_control() || c == '\n' || c == '\t');
        }
        let read = shown.text.is_empty() || output::print(&shown.text);
        shown.notes.iter().for_each(|note| output::note(note));
        read
    }

    fn result(&self, result: &ResultMessage, known: bool) {
        if result.is_error && !known {
            let why = match &result.result {
                Some(text) if !text.is_empty() => text.clone(),
                _ if result.errors.is_empty() => result.subtype.clone(),
                _ => result.errors.join("; "),
            };
            output::note(
                &self.style.red(&format!("madrigal: the turn failed: {}", render::one_line(&why, 500))),
            );
        }
        if std::io::stderr().is_terminal() {
            let cost = result.total_cost_usd.map_or_else(String::new, |usd| format!(", ${usd:.4}"));
            let seconds = result.duration_ms as f64 / 1000.0;
            output::note(&self.style.dim(&format!("{seconds:.1} s{cost}, session {}", result.session_id)));
        }
    }
}

/// Ends the program now, and waits for it a little so that nothing is left behind.
async fn leave(handle: &SessionHandle) {
    handle.stop();
    drop(tokio::time::timeout(LEAVING, handle.gone()).await);
}
