//! The file the outcomes go to: a line each, written as it comes, so that what is done stays done. Started again with the same
//! file, what was answered there is not asked again.

use std::{
    collections::{HashMap, VecDeque},
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
};

use madrigal::{Error, ErrorKind, Result, orchestrate::Outcome, redact::redact_own};
use serde_json::{Value, json};

/// Where outcomes are kept.
pub(super) struct Ledger {
    file: Option<File>,
    /// What each task was answered before, each time; empty texts unless they are wanted.
    answered: HashMap<String, VecDeque<String>>,
}

impl Ledger {
    /// Opens the file, and reads what it holds: the answers, too, or only which tasks have one.
    pub(super) fn open(path: Option<&Path>, answers: bool) -> Result<Self> {
        let Some(path) = path else { return Ok(Self { file: None, answered: HashMap::new() }) };
        let refused = |error: std::io::Error| {
            let message = format!("{} cannot be used for the outcomes: {error}", path.display());
            Error::new(ErrorKind::InvalidArgument, message).operation("open").caused_by(&error)
        };
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(refused)?;
        let mut answered: HashMap<String, VecDeque<String>> = HashMap::new();
        let mut cut = false;
        for line in BufReader::new(&file).split(b'\n') {
            let line = line.map_err(refused)?;
            if line.is_empty() {
                continue;
            }
            // A line that was cut off when the machine went down counts as not answered.
            let entry: Option<Value> = serde_json::from_slice(&line).ok();
            cut = entry.is_none();
            if let Some(entry) =
                entry.filter(|entry| entry["status"] == "succeeded" && entry.get("task").is_some())
            {
                let text = entry["text"].as_str().filter(|_| answers).unwrap_or_default();
                answered.entry(shown(&entry["task"]).to_string()).or_default().push_back(text.to_owned());
            }
        }
        if cut {
            file.write_all(b"\n").map_err(refused)?;
        }
        Ok(Self { file: Some(file), answered })
    }

    /// What this task was answered in an earlier run; each answer counts for one task.
    pub(super) fn done(&mut self, task: &Value) -> Option<String> {
        self.answered.get_mut(&shown(task).to_string())?.pop_front()
    }

    /// Writes an outcome down, with the task as it was given but for its secrets.
    pub(super) fn write(&mut self, task: &Value, outcome: &Outcome) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut entry = outcome.to_json();
        entry["task"] = shown(task);
        file.write_all(format!("{entry}\n").as_bytes()).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, format!("an outcome cannot be written: {error}"))
                .operation("write")
                .caused_by(&error)
        })
    }
}

/// A task without the secrets among its options: variables, headers and the like. The prompt stays: it says which task it is.
fn shown(task: &Value) -> Value {
    let mut task = task.clone();
    if let Some(options) = task.get_mut("options") {
        redact_own(options);
    }
    task
}

/// An outcome as a line for a program that reads.
pub(super) fn line(task: &Value, outcome: &Outcome) -> Value {
    let mut entry = outcome.to_json();
    entry["task"] = shown(task);
    json!({"type": "outcome", "outcome": entry})
}
