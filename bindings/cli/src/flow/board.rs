//! What a person sees while tasks run: on a terminal one moving line with the counts and one for each task that runs; elsewhere a
//! line when a task ends.

use std::{
    collections::HashMap,
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use madrigal::orchestrate::{Outcome, Progress, Stage, Stats};

use crate::{
    output::{self, Style},
    render::one_line,
};

/// The most tasks that get a line of their own: more would not fit on a screen.
const MOST_LINES: usize = 12;

pub(super) struct Board {
    style: Style,
    started: Instant,
    live: Option<Live>,
}

struct Live {
    all: MultiProgress,
    summary: ProgressBar,
    tasks: HashMap<usize, Row>,
    running: usize,
}

struct Row {
    bar: Option<ProgressBar>,
    text: String,
}

impl Board {
    pub(super) fn new(quiet: bool) -> Self {
        let style = Style::stderr();
        let live = (!quiet && std::io::stderr().is_terminal()).then(Live::new);
        Self { style, started: Instant::now(), live }
    }

    /// Something happened to a task.
    pub(super) fn progress(&mut self, event: &Progress) {
        let Some(live) = &mut self.live else { return };
        match &event.stage {
            Stage::Queued => live.begin(event.index, event.name.as_deref().unwrap_or_default()),
            Stage::Waiting { reason, retry_after_ms } => {
                let wait =
                    retry_after_ms.map(|wait| format!(", {:.1} s", wait as f64 / 1e3)).unwrap_or_default();
                live.say(event.index, &self.style.yellow(&format!("waits: {reason}{wait}")));
            }
            Stage::Admitted { .. } => live.say(event.index, "starts"),
            Stage::Started { attempt: 1, .. } => live.say(event.index, "thinks"),
            Stage::Started { attempt, .. } => live.say(event.index, &format!("thinks (attempt {attempt})")),
            Stage::Hedge { after_ms, .. } => {
                let late = *after_ms as f64 / 1e3;
                live.say(
                    event.index,
                    &self.style.yellow(&format!("late ({late:.1} s), a second one is started")),
                );
            }
            Stage::Delta { text } => live.write(event.index, text),
            Stage::Tool { tool, .. } => live.say(event.index, &format!("uses {tool}")),
            Stage::ApiRetry { after_ms, status, .. } => {
                let status = status.map(|status| format!(" ({status})")).unwrap_or_default();
                let wait = *after_ms as f64 / 1e3;
                live.say(
                    event.index,
                    &self.style.yellow(&format!("the API refused{status}, again in {wait:.1} s")),
                );
            }
            Stage::Retry { after_ms, .. } => {
                let wait = *after_ms as f64 / 1e3;
                live.say(event.index, &self.style.yellow(&format!("failed, again in {wait:.1} s")));
            }
            Stage::Fallback { model, .. } => {
                let model = model.as_deref().unwrap_or("the next");
                live.say(event.index, &self.style.yellow(&format!("failed, goes on with {model}")));
            }
            Stage::Budget { scope, percent, limit_usd, .. } => {
                let limit = limit_usd.map(|limit| format!(" of {limit}")).unwrap_or_default();
                let line = format!("budget ({scope}): {percent} %{limit} are spent");
                drop(live.all.println(self.style.yellow(&line)));
            }
            Stage::Done { .. } => live.end(event.index),
            // Of no task: it is in the log and in `--json`.
            Stage::Dropped { .. } => {}
        }
    }

    /// A task has its outcome.
    pub(super) fn outcome(&mut self, outcome: &Outcome, stats: &Stats) {
        let run = outcome.run();
        let name = run.name.clone().unwrap_or_else(|| format!("task {}", run.index));
        let word = match outcome {
            Outcome::Succeeded(_) => self.style.green("done"),
            Outcome::Cancelled(..) | Outcome::Skipped(..) => self.style.dim(outcome.status()),
            _ => self.style.red(outcome.status()),
        };
        let what = match outcome.error() {
            None => one_line(&outcome.text(), 80),
            Some(error) => one_line(&error.to_string(), 120),
        };
        let line = format!("{word:<9} {} {what}", self.style.bold(&name));
        match &mut self.live {
            None => output::note(&line),
            Some(live) => {
                drop(live.all.println(line));
                let minutes = self.started.elapsed().as_secs_f64() / 60.0;
                live.summary.set_message(format!(
                    "{} done, {} failed, {} running, {:.0}/min, {:.4} USD",
                    stats.succeeded,
                    stats.failed + stats.rejected,
                    live.running,
                    stats.total as f64 / minutes.max(1.0 / 60.0),
                    stats.cost_usd
                ));
            }
        }
    }

    /// The last line: what became of everything.
    pub(super) fn end(&mut self, stats: &Stats, skipped: usize) {
        if let Some(live) = &self.live {
            drop(live.all.clear());
        }
        let before = if skipped > 0 { format!(", {skipped} were done before") } else { String::new() };
        let rest = stats.total - stats.succeeded;
        output::note(&self.style.dim(&format!(
            "{} answered, {rest} not{before}; {:.4} USD, {:.1} s",
            stats.succeeded,
            stats.cost_usd,
            self.started.elapsed().as_secs_f64()
        )));
    }
}

impl Live {
    fn new() -> Self {
        let all = MultiProgress::new();
        let summary = all.add(ProgressBar::new_spinner());
        summary.set_style(plain("{spinner} {msg}"));
        summary.enable_steady_tick(Duration::from_millis(120));
        Self { all, summary, tasks: HashMap::new(), running: 0 }
    }

    fn begin(&mut self, index: usize, name: &str) {
        self.running += 1;
        let shown = self.tasks.values().filter(|row| row.bar.is_some()).count();
        let bar = (shown < MOST_LINES).then(|| {
            let bar = self.all.add(ProgressBar::new_spinner());
            bar.set_style(plain("  {prefix}  {wide_msg}"));
            bar.set_prefix(one_line(name, 24));
            bar
        });
        self.tasks.insert(index, Row { bar, text: String::new() });
    }

    fn say(&mut self, index: usize, what: &str) {
        if let Some(row) = self.tasks.get_mut(&index) {
            row.text.clear();
            if let Some(bar) = &row.bar {
                bar.set_message(what.to_owned());
            }
        }
    }

    fn write(&mut self, index: usize, text: &str) {
        if let Some(row) = self.tasks.get_mut(&index) {
            row.text.push_str(text);
            // What is seen is its end.
            let from = row.text.char_indices().rev().nth(60).map_or(0, |(at, _)| at);
            row.text.drain(..from);
            if let Some(bar) = &row.bar {
                bar.set_message(one_line(&row.text, 61));
            }
        }
    }

    fn end(&mut self, index: usize) {
        if let Some(row) = self.tasks.remove(&index) {
            self.running -= 1;
            if let Some(bar) = row.bar {
                bar.finish_and_clear();
                self.all.remove(&bar);
            }
        }
    }
}

fn plain(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
