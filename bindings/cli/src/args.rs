//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use madrigal::options::PermissionMode;

use crate::{agents::AgentsCommand, auth::AuthCommand, exit, models::ModelsCommand};

/// Runs Claude Code agents.
#[derive(Debug, Parser)]
#[command(name = "madrigal", version, after_help = exit::HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask one thing and show the answer as it comes
    #[command(after_help = exit::HELP)]
    Ask(Box<AskArguments>),
    /// Show what Madrigal does: several agents at once, on a simulated `claude`; no account, no network
    Demo,
    /// Run many prompts side by side, under shared limits
    #[command(after_help = exit::HELP)]
    Parallel(Box<ParallelArguments>),
    /// Run prompts one after the other, each told what the one before it said
    #[command(after_help = exit::HELP)]
    Pipeline(Box<PipelineArguments>),
    /// Look at what is needed to run agents here, and say what is missing
    Doctor(DoctorArguments),
    /// Log in once for runs without a person; look at what they would use
    Auth {
        #[command(subcommand)]
        command: AuthCommand,
    },
    /// Look at agents: the ready-made ones and those in files
    Agents {
        #[command(subcommand)]
        command: AgentsCommand,
    },
    /// Look at names of models
    Models {
        #[command(subcommand)]
        command: ModelsCommand,
    },
    /// Play a scenario as the `claude` program would; give it as cli_path, or set MADRIGAL_SIMULATE
    #[command(disable_help_flag = true)]
    Simulate {
        /// The scenario, then arguments as for `claude`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "SCENARIO [ARGS]")]
        rest: Vec<String>,
    },
    /// Run `claude` and write down what is said; give it as cli_path, or set MADRIGAL_RECORD and MADRIGAL_RECORD_CLI
    #[command(disable_help_flag = true)]
    Record {
        /// Where the recording goes, then the program with its arguments
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "--out FILE -- CLAUDE [ARGS]"
        )]
        rest: Vec<String>,
    },
    /// Print the JSON Schema of the options, for editors and checks
    Schema,
    /// Serve a local stand-in for the model's API, so that the real `claude` runs without an account
    Loopback(LoopbackArguments),
}

/// The text of the answer goes to stdout, everything else to stderr.
///
/// A tool that needs permission is asked about on the terminal, and denied when there is none. Ctrl-C interrupts the
/// turn, a second one stops the program.
#[derive(Args, Debug)]
pub(crate) struct AskArguments {
    /// What to ask; `-` reads it from stdin
    #[arg(allow_hyphen_values = false)]
    pub(crate) prompt: String,
    /// The model: an alias (sonnet, opus, haiku) or a full name
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Replace the system prompt
    #[arg(long, value_name = "TEXT")]
    pub(crate) system_prompt: Option<String>,
    /// Add to the system prompt
    #[arg(long, value_name = "TEXT")]
    pub(crate) append_system_prompt: Option<String>,
    /// The directory to work in
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// One more directory that tools may use; may be repeated
    #[arg(long, value_name = "DIR")]
    pub(crate) add_dir: Vec<PathBuf>,
    /// Go on with the session that has this id
    #[arg(long, value_name = "ID")]
    pub(crate) resume: Option<String>,
    /// Go on with the newest session of the directory
    #[arg(long = "continue")]
    pub(crate) continue_session: bool,
    /// A tool that may run without a question, such as `Bash(git log:*)`; may be repeated
    #[arg(long, value_name = "RULE")]
    pub(crate) allowed_tools: Vec<String>,
    /// A tool that is refused; may be repeated
    #[arg(long, value_name = "RULE")]
    pub(crate) disallowed_tools: Vec<String>,
    /// How permissions are decided when no rule matches
    #[arg(long, value_name = "MODE")]
    pub(crate) permission_mode: Option<Mode>,
    /// Stop after this many steps of the model
    #[arg(long, value_name = "N")]
    pub(crate) max_turns: Option<u32>,
    /// Stop when this much was spent
    #[arg(long, value_name = "USD")]
    pub(crate) max_budget_usd: Option<f64>,
    /// Give up after this many seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<f64>,
    /// The `claude` program; default: MADRIGAL_CLI_PATH, then PATH, then the usual places
    #[arg(long, value_name = "FILE")]
    pub(crate) cli_path: Option<PathBuf>,
    /// Print the frames of the program as they are, one a line
    #[arg(long)]
    pub(crate) json: bool,
    /// With --json: also print the pieces of messages while they are made
    #[arg(long, requires = "json")]
    pub(crate) partial: bool,
}

/// What running many prompts has in common.
#[derive(Args, Debug)]
pub(crate) struct FlowArguments {
    /// The tasks, one JSON text a line: a string, or {"prompt", "name", "options", "timeout_ms", "idempotent", "class"}; `-` reads stdin
    pub(crate) file: PathBuf,
    /// Append each outcome to this file as a line of JSON; what was answered there before is not asked again
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// A JSON file with limits and options, as docs/orchestrator.md lists them
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How many run at a time; default 5
    #[arg(long, value_name = "N")]
    pub(crate) max_concurrent: Option<usize>,
    /// How many seconds each may take; default 300
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<f64>,
    /// The model: an alias (sonnet, opus, haiku) or a full name
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// The directory to work in
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<PathBuf>,
    /// A tool that may run without a question; may be repeated
    #[arg(long, value_name = "RULE")]
    pub(crate) allowed_tools: Vec<String>,
    /// A tool that is refused; may be repeated
    #[arg(long, value_name = "RULE")]
    pub(crate) disallowed_tools: Vec<String>,
    /// How permissions are decided when no rule matches
    #[arg(long, value_name = "MODE")]
    pub(crate) permission_mode: Option<Mode>,
    /// The `claude` program; default: MADRIGAL_CLI_PATH, then PATH, then the usual places
    #[arg(long, value_name = "FILE")]
    pub(crate) cli_path: Option<PathBuf>,
    /// Print what happens and each outcome, one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// Outcomes are told as they come. Ctrl-C stops everything; what is done is kept.
#[derive(Args, Debug)]
pub(crate) struct ParallelArguments {
    #[command(flatten)]
    pub(crate) flow: FlowArguments,
    /// Give up the rest when one is not answered
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Give up the rest when more than this many are not answered
    #[arg(long, value_name = "N", conflicts_with = "fail_fast")]
    pub(crate) tolerate: Option<usize>,
}

/// Each step gets the answer of the one before it in front of its prompt. Ctrl-C stops everything.
#[derive(Args, Debug)]
pub(crate) struct PipelineArguments {
    #[command(flatten)]
    pub(crate) flow: FlowArguments,
    /// Do not tell a step what the one before it said
    #[arg(long)]
    pub(crate) no_context: bool,
    /// Go on behind a step that was not answered
    #[arg(long)]
    pub(crate) go_on: bool,
}

/// [`PermissionMode`] as words of the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "camelCase")]
pub(crate) enum Mode {
    Default,
    AcceptEdits,
    Plan,
    DontAsk,
    Auto,
    BypassPermissions,
}

impl From<Mode> for PermissionMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Default => Self::Default,
            Mode::AcceptEdits => Self::AcceptEdits,
            Mode::Plan => Self::Plan,
            Mode::DontAsk => Self::DontAsk,
            Mode::Auto => Self::Auto,
            Mode::BypassPermissions => Self::BypassPermissions,
        }
    }
}

/// Exits with 0 when agents can run here, with 1 when something must be mended first.
#[derive(Args, Debug)]
pub(crate) struct DoctorArguments {
    /// Print the findings as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// The `claude` program to look at; default: MADRIGAL_CLI_PATH, then PATH, then the usual places
    #[arg(long, value_name = "FILE")]
    pub(crate) cli_path: Option<PathBuf>,
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
