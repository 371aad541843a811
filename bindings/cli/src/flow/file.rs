//! Tasks from a file, one JSON text a line, read only as far as they are asked for: the file may be a pipe that never ends.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
    pin::Pin,
    task::{Context, Poll},
};

use madrigal::{Error, ErrorKind, Result, orchestrate::Task};
use serde_json::Value;
use tokio::sync::mpsc;

/// A line of the file: where it is, what it says.
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) value: Result<Value>,
}

/// Opens the file, `-` for stdin.
pub(super) fn open(path: &Path) -> Result<Box<dyn BufRead + Send>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(BufReader::new(file))),
        Err(error) => {
            Err(Error::new(ErrorKind::InvalidArgument, format!("{} cannot be read: {error}", path.display()))
                .caused_by(&error))
        }
    }
}

/// The lines that say something.
pub(super) fn lines(file: Box<dyn BufRead + Send>) -> impl Iterator<Item = Line> + Send {
    file.lines().enumerate().filter_map(|(index, line)| {
        let number = index + 1;
        let wrong = |error: &(dyn std::error::Error + 'static), expected: &str| {
            Error::new(ErrorKind::InvalidArgument, format!("line {number}: {expected}: {error}"))
                .operation("read")
                .with("line", number)
        };
        let value = match line {
            Ok(line) if line.trim().is_empty() => return None,
            Ok(line) => serde_json::from_str(&line)
                .map_err(|error| wrong(&error, "expected a JSON string or object with `prompt`")),
            Err(error) => Err(wrong(&error, "expected UTF-8 text")),
        };
        Some(Line { number, value })
    })
}

/// The task a line describes.
pub(super) fn task(line: Line) -> Result<Task> {
    let number = line.number;
    let task = line.value.and_then(Task::from_json).map_err(|error| {
        if error.context().contains_key("line") {
            return error;
        }
        let mut named =
            Error::new(error.kind(), format!("line {number}: {}", error.message())).operation("read");
        for (key, value) in error.context() {
            named = named.with(key, value.clone());
        }
        named.with("line", number)
    })?;
    let unnamed = task.label().is_none();
    Ok(if unnamed { task.name(format!("line {number}")) } else { task })
}

/// Reads in a thread of its own, one line ahead, so that a slow pipe holds up nobody.
pub(super) struct Ahead(mpsc::Receiver<Line>);

impl Ahead {
    pub(super) fn new(lines: impl Iterator<Item = Line> + Send + 'static) -> Self {
        let (put, take) = mpsc::channel(1);
        std::thread::spawn(move || {
            for line in lines {
                if put.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self(take)
    }

    pub(super) fn poll_line(&mut self, context: &mut Context<'_>) -> Poll<Option<Line>> {
        self.0.poll_recv(context)
    }
}

/// The tasks of the lines, each noted as it is taken.
pub(super) struct Tasks<F> {
    ahead: Ahead,
    taken: F,
}

impl<F: FnMut(&Line)> Tasks<F> {
    pub(super) fn new(ahead: Ahead, taken: F) -> Self {
        Self { ahead, taken }
    }
}

impl<F: FnMut(&Line) + Unpin> futures_core::Stream for Tasks<F> {
    type Item = Result<Task>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let line = std::task::ready!(self.ahead.poll_line(context));
        Poll::Ready(line.map(|line| {
            (self.taken)(&line);
            task(line)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_task_or_says_what_is_wrong_with_it() {
        let text = "\"one\"\n\n{\"prompt\": \"two\", \"name\": \"second\"}\n{\"prompt\": 3}\nnonsense\n{\"promt\": \"x\"}\n";
        let tasks: Vec<_> = lines(Box::new(text.as_bytes())).map(task).collect();
        let shown: Vec<String> = tasks
            .iter()
            .map(|task| match task {
                Ok(task) => task.label().unwrap_or_default().to_owned(),
                Err(error) => error.message().chars().take(14).collect(),
            })
            .collect();
        assert_eq!(shown, ["line 1", "second", "line 4: prompt", "line 5: expect", "line 6: task: "]);
    }
}
