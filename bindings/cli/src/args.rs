//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::exit;

/// Runs Claude Code agents.
#[derive(Debug, Parser)]
#[command(name = "madrigal", version, after_help = exit::HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play a scenario as the `claude` program would; give it as cli_path, or set MADRIGAL_SIMULATE
    #[command(disable_help_flag = true)]
    Simulate {
        /// The scenario, then arguments as for `claude`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "SCENARIO [ARGS]")]
        rest: Vec<String>,
    },
    /// Serve a local stand-in for the model's API, so that the real `claude` runs without an account
    Loopback(LoopbackArguments),
}

/// Prints one line with its address, then serves until its input ends or a signal comes.
#[derive(Args, Debug)]
pub(crate) struct LoopbackArguments {
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// The script to play; without one, each prompt is repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
    /// Print {"url": ..., "env": {...}} with the variables that send `claude` here
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
