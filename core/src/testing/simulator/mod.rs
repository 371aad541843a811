//! A stand-in for the `claude` program: an executable that plays a scenario over real pipes.
//!
//! It is reached in two ways, both through an executable whose `main` calls [`main_from_env`] first:
//!
//! * `madrigal simulate SCENARIO [arguments as for claude]`;
//! * started as `claude` would be, with `MADRIGAL_SIMULATE` in its environment: the path of a scenario, or the scenario
//!   itself when it starts with `{`. So it can be given as `cli_path` from every language.
//!
//! It starts in about a millisecond and writes floods as fast as a pipe takes them, so it is also the scripted program
//! of the benchmarks.

#[cfg(unix)]
mod process;
#[cfg(unix)]
mod setup;
mod turn;

use std::io::Write as _;

use super::{Scenario, arguments::Arguments, frames::Facts, player::End};

/// The variable that turns an executable into the simulator.
pub const VARIABLE: &str = "MADRIGAL_SIMULATE";

/// The command of the program by which a person gets a token.
const SETUP: &str = "setup-token";

/// Plays the scenario this process was started for and returns its exit code, or `None` when it was started for
/// something else. Call it first in `main`, before a runtime or anything else is set up.
///
/// ```no_run
/// if let Some(code) = madrigal::testing::simulator::main_from_env() {
///     std::process::exit(code);
/// }
/// ```
pub fn main_from_env() -> Option<i32> {
    let args: Vec<String> =
        std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let (source, args) = match args.first().map(String::as_str) {
        Some("simulate") if args.len() > 1 && !args[1].starts_with('-') => {
            (args[1].clone(), args[2..].to_vec())
        }
        Some(first) if first.starts_with('-') || first == SETUP => (std::env::var(VARIABLE).ok()?, args),
        _ => return None,
    };
    let scenario = if source.trim_start().starts_with('{') {
        Scenario::from_json(&source)
    } else {
        Scenario::from_file(&source)
    };
    Some(match scenario {
        Ok(scenario) => play(&scenario, args),
        Err(error) => {
            complain(&format!("madrigal simulate: {}\n", error.message()));
            for cause in error.causes() {
                complain(&format!("  {cause}\n"));
            }
            97
        }
    })
}

fn play(scenario: &Scenario, args: Vec<String>) -> i32 {
    if args.iter().any(|arg| arg == "--version" || arg == "-v") {
        let mut stdout = std::io::stdout();
        drop(writeln!(stdout, "{} (Claude Code)", scenario.version));
        drop(stdout.flush());
        return 0;
    }
    if args.first().is_some_and(|arg| arg == SETUP) {
        return set_up(scenario);
    }
    let known = match Arguments::read(&args) {
        Ok(known) => known,
        Err(problem) => {
            complain(&format!("{problem}\n"));
            return 1;
        }
    };
    let cwd = std::env::current_dir().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    let scenario = scenario.clone().of_process(known.resumes);
    let facts = known.facts(cwd, std::process::id());
    match turn::played_by(&scenario, &args) {
        Ok(scenario) => run(&scenario, facts, args),
        Err(error) => {
            complain(&format!("madrigal simulate: {error}\n"));
            97
        }
    }
}

#[cfg(unix)]
fn run(scenario: &Scenario, facts: Facts, args: Vec<String>) -> i32 {
    match process::play(scenario, facts, args) {
        Ok(End::Code(code)) => code,
        Ok(End::Signal(signal)) => process::die(signal),
        Err(error) => {
            complain(&format!("madrigal simulate: {error}\n"));
            97
        }
    }
}

#[cfg(unix)]
fn set_up(scenario: &Scenario) -> i32 {
    setup::play(scenario.setup.as_deref())
}

#[cfg(not(unix))]
fn set_up(_: &Scenario) -> i32 {
    complain("madrigal simulate: this system has no terminals as the scenarios need them\n");
    97
}

#[cfg(not(unix))]
fn run(_: &Scenario, _: Facts, _: Vec<String>) -> i32 {
    let _ = End::Signal;
    complain("madrigal simulate: this system has no signals and pipes as the scenarios need them\n");
    97
}

fn complain(text: &str) {
    // Nobody may be there to read it.
    drop(std::io::stderr().write_all(text.as_bytes()));
}
