//! Figures as people read them, and what they depend on.

use std::fmt;

/// One line of the table.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) measured: String,
    /// The goal, and whether it is met; `None`: for comparison only.
    pub(crate) goal: Option<(String, bool)>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (goal, met) = match &self.goal {
            Some((goal, met)) => (goal.as_str(), if *met { "met" } else { "missed" }),
            None => ("", ""),
        };
        write!(f, "| {} | {} | {goal} | {met} |", self.what, self.measured)
    }
}

/// The value below which this share of all lies.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * share) as usize;
    values[at.min(values.len() - 1)]
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How many processes wanted to run in the last minute, on the average.
pub(crate) fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}

/// A line of `/proc/self/status` in MB.
pub(crate) fn memory_mb(line: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes =
        text.lines().find_map(|known| known.strip_prefix(line)?.split_whitespace().next()?.parse().ok());
    kilobytes.unwrap_or(f64::NAN) / 1024.0
}
