//! What is seen while the agents work: a line for each thing that happens and, on a terminal, one moving line for each
//! agent below them.

use std::{
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::cast::Agent;
use crate::{
    output::{self, Style},
    render::one_line,
};

/// A kind of line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    Asks,
    Tool,
    Allowed,
    Denied,
    Result,
    Retry,
    Failed,
    Again,
    Done,
}

/// Everything that is shown.
pub(super) struct Stage {
    started: Instant,
    style: Style,
    names: Vec<&'static str>,
    live: Option<Live>,
}

struct Live {
    all: MultiProgress,
    agents: Vec<ProgressBar>,
}

impl Stage {
    pub(super) fn new(agents: &[Agent]) -> Self {
        let style = Style::stdout();
        output::print(&format!(
            "{}\n{}\n{}\n\n",
            style.bold(&format!(
                "{} agents at once, on a simulated claude: no account, no network.",
                agents.len()
            )),
            style.dim(
                "Each is a process of its own, driven as the real one is; what it says and costs is made up."
            ),
            style.dim("A rule answers their questions: tests may run, nothing is deleted.")
        ));
        let live = std::io::stdout().is_terminal().then(|| Live::new(agents));
        Self { started: Instant::now(), style, names: agents.iter().map(|agent| agent.name).collect(), live }
    }

    /// Something happened.
    pub(super) fn line(&self, agent: usize, line: Line, what: &str) {
        let (word, paint): (&str, fn(Style, &str) -> String) = match line {
            Line::Asks => ("asked", Style::dim),
            Line::Tool => ("wants", Style::bold),
            Line::Allowed => ("allowed", Style::green),
            Line::Denied => ("denied", Style::red),
            Line::Result => ("result", Style::dim),
            Line::Retry => ("waits", Style::yellow),
            Line::Failed => ("failed", Style::red),
            Line::Again => ("again", Style::yellow),
            Line::Done => ("done", Style::green),
        };
        let time = self.style.dim(&format!("{:5.1} s", self.started.elapsed().as_secs_f64()));
        let name = self.names.get(agent).copied().unwrap_or_default();
        // Within 80 columns where lines move: one that wraps would break the picture.
        let room = if self.live.is_some() { 50 } else { 110 };
        let what = one_line(what, room);
        let text = format!("{time}  {name:8} {}  {what}", paint(self.style, &format!("{word:8}")));
        match &self.live {
            None => drop(output::print(&format!("{text}\n"))),
            Some(live) => {
                drop(live.all.println(text));
                live.agents[agent].set_message(format!("{word} {what}"));
            }
        }
    }

    /// The agent writes: shown on a terminal only, where it can be shown moving.
    pub(super) fn writes(&self, agent: usize, text: &str) {
        if let Some(live) = &self.live {
            let end: Vec<char> = text.chars().rev().take(60).collect();
            live.agents[agent].set_message(one_line(&end.into_iter().rev().collect::<String>(), 60));
        }
    }

    /// The agent has nothing more to do.
    pub(super) fn rest(&self, agent: usize) {
        if let Some(live) = &self.live {
            live.agents[agent].finish_and_clear();
        }
    }

    /// The moving lines go; what happened stays.
    pub(super) fn end(&self) {
        if let Some(live) = &self.live {
            drop(live.all.clear());
        }
    }
}

impl Live {
    fn new(agents: &[Agent]) -> Self {
        let all = MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::stdout());
        let style = ProgressStyle::with_template("  {spinner} {prefix:8} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let agents = agents
            .iter()
            .map(|agent| {
                let bar =
                    all.add(ProgressBar::new_spinner().with_style(style.clone()).with_prefix(agent.name));
                bar.enable_steady_tick(Duration::from_millis(80));
                bar
            })
            .collect();
        Self { all, agents }
    }
}
