//! What the orchestrator costs: decisions alone, then whole runs of a scripted program. Called as `bench-orchestrator [ROW...]` with the
//! program's path in `BENCH_CLI`; `benches/run --orchestrator` builds both. Prints one table: what was measured, and the goal.
#![allow(clippy::print_stdout)] // The table goes to stdout.

mod credential;
mod decisions;
mod figures;
mod runs;

use figures::Row;

type Measure = fn() -> Vec<Row>;

const ROWS: [(&str, Measure); 7] = [
    ("admission", decisions::admission),
    ("together", decisions::together),
    ("credential", credential::credential),
    ("speedup", runs::speedup),
    ("latency", runs::latency),
    ("minute", runs::minute),
    ("crowd", runs::crowd),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for name in &wanted {
        assert!(
            ROWS.iter().any(|(row, _)| row == name),
            "no row {name}; there are {:?}",
            ROWS.map(|(row, _)| row)
        );
    }
    println!("load {:.1} before, {} cores\n", figures::load(), figures::cores());
    println!("| | measured | goal | |\n| --- | --- | --- | --- |");
    for (name, measure) in ROWS {
        if wanted.is_empty() || wanted.iter().any(|row| row == name) {
            measure().iter().for_each(|row| println!("{row}"));
        }
    }
    println!("\nload {:.1} after", figures::load());
}
