//! Plays every scenario, one after the other, and lists all that failed.
//!
//! `SCENARIO=name cargo test -p madrigal-conformance --test scenarios` plays those whose name contains the word.

// The figures are for people, and for scripts that add them up.
#![allow(clippy::print_stdout)]

use madrigal_conformance::{known_failing, play, scenarios, simulator};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_plays() {
    let simulator = simulator();
    let known = known_failing("rust");
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let (mut passed, mut failures) = (0, Vec::new());
    for scenario in scenarios().iter().filter(|scenario| scenario.name.contains(&only)) {
        match (play(scenario, &simulator).await, known.get(&scenario.name)) {
            (Ok(()), None) => passed += 1,
            (Ok(()), Some(_)) => {
                failures.push(format!("{}: passes; take it out of the known failures", scenario.name));
            }
            (Err(problem), None) => failures.push(format!("{}: {problem}", scenario.name)),
            (Err(_), Some(_)) => {}
        }
    }
    println!("{passed} passed, {} failed", failures.len());
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    assert!(passed > 0, "no scenario was played");
}
