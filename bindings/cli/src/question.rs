//! Asks the person at the terminal whether a tool may run.
//!
//! Without a terminal nobody can be asked, and a tool that nobody allowed does not run.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, IsTerminal as _, Write as _},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use madrigal::{Permission, PermissionRequest, Result};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::{
    output::{self, Style},
    render,
};

/// A question on its way to the person.
pub(crate) struct Question {
    request: PermissionRequest,
    answer: oneshot::Sender<Permission>,
}

/// Puts a question behind the messages that came before it, and waits for its answer.
pub(crate) async fn ask(
    questions: mpsc::UnboundedSender<Question>,
    request: PermissionRequest,
) -> Result<Permission> {
    let (answer, answered) = oneshot::channel();
    let _ = questions.send(Question { request, answer });
    Ok(answered.await.unwrap_or_else(|_| Permission::deny("The question was not answered.")))
}

/// Answers permission questions.
#[derive(Clone, Debug)]
pub(crate) struct Questions {
    /// Questions are put one after the other; the tools allowed for the rest of this run are kept here.
    always: Arc<Mutex<Vec<String>>>,
    style: Style,
}

impl Questions {
    pub(crate) fn new(style: Style) -> Self {
        Self { always: Arc::default(), style }
    }

    /// Asks, or denies when there is no terminal.
    pub(crate) fn put_soon(&self, question: Question) {
        if !std::io::stderr().is_terminal() {
            let _ = question.answer.send(self.nobody(&question.request));
            return;
        }
        let questions = self.clone();
        // A thread of its own: reading a terminal cannot be cancelled, and must not keep the command from ending.
        thread::spawn(move || question.answer.send(questions.put(&question.request)));
    }

    fn nobody(&self, request: &PermissionRequest) -> Permission {
        let name = &request.tool_name;
        output::note(&self.style.yellow(&format!(
            "> denied: {} (no terminal to ask on; allow it with --allowed-tools {name} or --permission-mode)",
            render::tool(name, &request.input)
        )));
        Permission::deny(format!("{name} was not allowed: nobody is there to be asked."))
    }

    fn put(&self, request: &PermissionRequest) -> Permission {
        let mut always = self.always.lock().unwrap_or_else(PoisonError::into_inner);
        if always.contains(&request.tool_name) {
            return Permission::allow();
        }
        let Ok(terminal) = File::open("/dev/tty") else { return self.nobody(request) };
        let mut lines = BufReader::new(terminal).lines();
        output::note("");
        output::note(&self.style.bold(&format!("{} wants to run:", request.tool_name)));
        for line in shown_input(&request.input) {
            output::note(&format!("  {line}"));
        }
        loop {
            let mut stderr = std::io::stderr();
            drop(write!(stderr, "Allow? [y]es, [n]o, [a]lways this tool: ").and_then(|()| stderr.flush()));
            let Some(Ok(line)) = lines.next() else {
                return Permission::deny("The question was not answered.");
            };
            match line.trim().to_lowercase().as_str() {
                "y" | "yes" => return Permission::allow(),
                "a" | "always" => {
                    always.push(request.tool_name.clone());
                    return Permission::allow();
                }
                "n" | "no" => return Permission::deny("The user does not want this tool to run."),
                _ => {}
            }
        }
    }
}

/// The whole input, a line a field: what is allowed must be seen.
fn shown_input(input: &Value) -> Vec<String> {
    let Some(fields) = input.as_object() else { return vec![input.to_string()] };
    fields
        .iter()
        .flat_map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let mut lines = text.lines().map(visible).collect::<Vec<_>>();
            if lines.len() <= 1 {
                return vec![format!("{name}: {}", lines.pop().unwrap_or_default())];
            }
            let mut block = vec![format!("{name}:")];
            block.extend(lines.into_iter().map(|line| format!("  {line}")));
            block
        })
        .collect()
}

/// Text whose control characters are shown instead of obeyed.
fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_whole_input_is_shown_and_obeys_nobody() {
        let input = json!({"command": "a\nb\u{1b}[2J", "timeout": 5});
        assert_eq!(shown_input(&input), ["command:", "  a", "  b\\u{1b}[2J", "timeout: 5"]);
    }
}
