//! What it all cost.

use std::time::Duration;

use madrigal::message::ResultMessage;

use crate::output::Style;

/// One agent in the table.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) number: usize,
    pub(super) name: &'static str,
    pub(super) done: bool,
    pub(super) attempts: usize,
    pub(super) input: u64,
    pub(super) output: u64,
    pub(super) usd: f64,
    pub(super) time: Duration,
}

impl Row {
    /// Adds what a query used. Each is a process of its own, so its total is its cost.
    pub(super) fn add(&mut self, result: &ResultMessage) {
        self.input += result.usage.input_tokens;
        self.output += result.usage.output_tokens;
        self.usd += result.total_cost_usd.unwrap_or(0.0);
    }
}

/// The table, and a line that says what working side by side was good for.
pub(super) fn table(rows: &[Row], wall: Duration) -> String {
    let style = Style::stdout();
    let head = format!(
        "{:8} {:8} {:>8} {:>9} {:>7} {:>9} {:>7}",
        "agent", "outcome", "attempts", "input", "output", "cost", "time"
    );
    let mut text = format!("\n{}\n", style.bold(&head));
    let mut total = Row { name: "total", ..Row::default() };
    let mut alone = Duration::ZERO;
    for row in rows {
        let outcome = format!("{:8}", if row.done { "done" } else { "failed" });
        let outcome = if row.done { style.green(&outcome) } else { style.red(&outcome) };
        text += &format!("{:8} {outcome} {}\n", row.name, figures(row));
        total.attempts += row.attempts;
        total.input += row.input;
        total.output += row.output;
        total.usd += row.usd;
        alone += row.time;
    }
    total.time = wall;
    text += &style.bold(&format!("{:8} {:8} {}", total.name, "", figures(&total)));
    let done = rows.iter().filter(|row| row.done).count();
    text + &format!(
        "\n\n{done} of {} agents done with {} queries in {:.1} s; one after the other they would have taken {:.1} s.\n",
        rows.len(),
        total.attempts,
        wall.as_secs_f64(),
        alone.as_secs_f64()
    )
}

fn figures(row: &Row) -> String {
    let usd = format!("${:.4}", row.usd);
    format!("{:8} {:9} {:7} {usd:>9} {:5.1} s", row.attempts, row.input, row.output, row.time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_the_sum() {
        let row = |number, usd| Row {
            number,
            name: "x",
            done: true,
            attempts: 1,
            input: 10,
            output: 2,
            usd,
            time: Duration::from_secs(2),
        };
        let text = table(&[row(0, 0.25), row(1, 0.5)], Duration::from_secs(3));
        let total = text.lines().find(|line| line.contains("total")).unwrap();
        let words: Vec<&str> = total.split_whitespace().collect();
        assert_eq!(words, ["total", "2", "20", "4", "$0.7500", "3.0", "s"]);
        assert!(text.contains("would have taken 4.0 s"), "{text}");
    }
}
