//! The `madrigal` command: ask, parallel, pipeline, demo, doctor, auth, agents, models, simulate, record, schema, loopback.

mod agents;
mod args;
mod ask;
mod auth;
mod crash;
mod demo;
mod doctor;
mod exit;
mod flow;
mod loopback;
mod models;
mod output;
mod question;
mod render;
mod signals;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Arguments, Command};

fn main() -> ExitCode {
    crash::leave_no_secrets();
    if let Some(code) = madrigal::testing::recorder::main_from_env() {
        std::process::exit(code);
    }
    // First of all: as the simulator this program must start in a millisecond.
    if let Some(code) = madrigal::testing::simulator::main_from_env() {
        std::process::exit(code);
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Also `--help` and `--version`, which are no failures.
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::USAGE));
        }
    };
    ExitCode::from(match arguments.command {
        Command::Ask(arguments) => ask::run(*arguments),
        Command::Parallel(arguments) => flow::parallel(&arguments),
        Command::Pipeline(arguments) => flow::pipeline(&arguments),
        Command::Demo => demo::run(),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Auth { command } => auth::run(&command),
        Command::Agents { command } => agents::run(&command),
        Command::Models { command } => models::run(&command),
        Command::Simulate { .. } => {
            usage("simulate: expected the path of a scenario, then arguments as for claude")
        }
        Command::Record { .. } => {
            usage("record: expected --out FILE -- CLAUDE, then arguments as for claude")
        }
        Command::Schema => {
            output::print(&format!("{:#}\n", madrigal::options::schema()));
            0
        }
        Command::Loopback(arguments) => loopback::run(&arguments),
    })
}

fn usage(message: &str) -> u8 {
    output::complain(message);
    exit::USAGE
}
