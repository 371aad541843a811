//! `madrigal models`: whether a name is that of a model, before a run fails by it.

use clap::{Args, Subcommand};
use madrigal::models::{ALIASES, suggest_models};

use crate::{exit, output};

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// Say whether a name can be that of a model, and which may have been meant; exits with 1 when it cannot
    #[command(after_help = exit::HELP)]
    Suggest(SuggestArguments),
}

#[derive(Args, Debug)]
pub(crate) struct SuggestArguments {
    /// An alias (sonnet, opus, haiku) or a full name
    name: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &ModelsCommand) -> u8 {
    let ModelsCommand::Suggest(SuggestArguments { name, json }) = command;
    let found = suggest_models(name, None);
    output::print(&if *json {
        format!("{}\n", serde_json::to_string(&found).unwrap_or_default())
    } else if found.known {
        format!("{name} can be the name of a model; whether your account has it is known when it is used\n")
    } else if found.suggestions.is_empty() {
        format!("no model {name} is known; the aliases are {}\n", ALIASES.join(", "))
    } else {
        format!("no model {name} is known; did you mean {}?\n", found.suggestions.join(" or "))
    });
    if found.known { 0 } else { exit::FAILED }
}
