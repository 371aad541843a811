//! One test for each scenario.
//!
//! `cargo test -p madrigal-conformance --test scenarios permission` plays those whose name contains the word.

use std::{collections::BTreeMap, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};
use madrigal_conformance::{Scenario, known_failing, play, scenarios, simulator};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One at a time: some of them measure the memory of this process.
    arguments.test_threads.get_or_insert(1);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => panic!("no runtime: {error}"),
    };
    let known = Arc::new(known_failing("rust"));
    let trials = scenarios().into_iter().map(|scenario| {
        let (runtime, known) = (runtime.clone(), known.clone());
        Trial::test(scenario.name.clone(), move || run(&runtime, &scenario, &known))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn run(runtime: &Runtime, scenario: &Scenario, known: &BTreeMap<String, String>) -> Result<(), Failed> {
    match (runtime.block_on(play(scenario, &simulator())), known.get(&scenario.name)) {
        (Ok(()), None) | (Err(_), Some(_)) => Ok(()),
        (Ok(()), Some(_)) => Err("it passes; take it out of the known failures".into()),
        (Err(problem), None) => Err(problem.into()),
    }
}
