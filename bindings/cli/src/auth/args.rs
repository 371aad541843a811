//! The command line of `madrigal auth`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::exit;

#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    /// Log in once with `claude setup-token` and keep the token, so that runs need nobody
    #[command(after_help = exit::HELP)]
    SetupToken(SetupArguments),
    /// Say which credential runs here would use, and how long it is good for
    #[command(after_help = exit::HELP)]
    Status(PlaceArguments),
    /// Forget the stored token; variables and the login of `claude` stay as they are
    #[command(after_help = exit::HELP)]
    Clear(PlaceArguments),
    /// Look at every place a credential can be in, and say what is wrong and what to do
    #[command(after_help = exit::HELP)]
    Doctor(PlaceArguments),
}

/// A store by its name, as everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreName {
    Auto,
    Keyring,
    File,
}

/// Where the token is, and which program is asked.
#[derive(Args, Clone, Debug)]
pub(crate) struct PlaceArguments {
    /// The file the token is kept in, in place of the one that runs look at
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Where the token is kept: in the keyring, in the file that runs look at, or in the file where there is a token or no keyring
    #[arg(long, value_enum, value_name = "STORE", default_value = "auto", conflicts_with = "file")]
    pub(crate) store: StoreName,
    /// The `claude` program; default: MADRIGAL_CLI_PATH, then PATH, then the usual places
    #[arg(long, value_name = "FILE")]
    pub(crate) cli_path: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Shows what `claude setup-token` draws, the token hidden, and hands it what you type. Nothing is opened: follow the address that is shown.
/// Ctrl-C gives up.
#[derive(Args, Clone, Debug)]
pub(crate) struct SetupArguments {
    #[command(flatten)]
    pub(crate) place: PlaceArguments,
    /// Get a new token although the stored one is still good
    #[arg(long)]
    pub(crate) force: bool,
    /// How many seconds you have; default 120
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<std::time::Duration>,
}

fn seconds(text: &str) -> Result<std::time::Duration, String> {
    let seconds = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    std::time::Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|limit| !limit.is_zero())
        .ok_or_else(|| "expected a number of seconds above 0".to_owned())
}
