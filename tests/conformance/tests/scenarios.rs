//! One test for each scenario over the simulator, and one over the same program in memory where that makes sense.
//!
//! `cargo test -p madrigal-conformance --test scenarios permission` plays those whose name contains the word.

use std::{collections::BTreeMap, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};
use madrigal_conformance::{Program, Scenario, known_failing, play, scenarios, simulator};
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
    let trials = scenarios().into_iter().flat_map(|scenario| {
        let process = (scenario.name.clone(), Program::Process(simulator()));
        let memory =
            Program::in_memory(&scenario).map(|program| (format!("in_memory::{}", scenario.name), program));
        [Some(process), memory].into_iter().flatten().map({
            let (runtime, known) = (runtime.clone(), known.clone());
            move |(name, program)| {
                let (runtime, known, scenario) = (runtime.clone(), known.clone(), scenario.clone());
                Trial::test(name, move || run(&runtime, &scenario, &program, &known))
            }
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn run(
    runtime: &Runtime,
    scenario: &Scenario,
    program: &Program,
    known: &BTreeMap<String, String>,
) -> Result<(), Failed> {
    match (runtime.block_on(play(scenario, program)), known.get(&scenario.name)) {
        (Ok(()), None) | (Err(_), Some(_)) => Ok(()),
        (Ok(()), Some(_)) => Err("it passes; take it out of the known failures".into()),
        (Err(problem), None) => Err(problem.into()),
    }
}
