//! `madrigal auth`: one login by hand, so that runs need nobody; and what there is, and why it is used or not.
//!
//! Nothing here prints a credential: at most its first characters.

mod args;
mod clear;
mod doctor;
mod setup;
mod status;

use std::sync::Arc;

use madrigal::{
    Error, Result,
    auth::{
        AuthConfig, AuthManager, AuthStatus, AutoTokenStore, Considered, Environment, FileTokenStore,
        KeyringTokenStore, TokenStore,
    },
};
use serde_json::json;

pub(crate) use args::AuthCommand;
use args::{PlaceArguments, StoreName};

use crate::{exit, output};

pub(crate) fn run(command: &AuthCommand) -> u8 {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&format!("could not start a runtime: {error}"));
            return exit::FAILED;
        }
    };
    let (done, json) = match command {
        AuthCommand::SetupToken(arguments) => (runtime.block_on(setup::run(arguments)), arguments.place.json),
        AuthCommand::Status(place) => (runtime.block_on(status::run(place)), place.json),
        AuthCommand::Clear(place) => (runtime.block_on(clear::run(place)), place.json),
        AuthCommand::Doctor(place) => (runtime.block_on(doctor::run(place)), place.json),
    };
    done.unwrap_or_else(|error| failed(&error, json))
}

fn failed(error: &Error, json: bool) -> u8 {
    if json {
        output::print(&format!("{}\n", json!({"error": error.to_json()})));
    }
    output::explain(error);
    exit::code(error)
}

/// Where the token is kept.
fn store(place: &PlaceArguments) -> Result<Arc<dyn TokenStore>> {
    Ok(match (&place.file, place.store) {
        (Some(path), _) => Arc::new(FileTokenStore::new(path)),
        (None, StoreName::Auto) => Arc::new(AutoTokenStore::standard()?),
        (None, StoreName::Keyring) => Arc::new(KeyringTokenStore::standard()),
        (None, StoreName::File) => Arc::new(FileTokenStore::standard()?),
    })
}

/// Has a person unlock a keyring, where one can be asked.
async fn unlock(store: &dyn TokenStore) -> Result<()> {
    if Environment::current().is_on("CI") { Ok(()) } else { store.unlock().await }
}

/// A manager that does nothing by itself.
fn config(place: &PlaceArguments) -> Result<AuthConfig> {
    Ok(AuthConfig {
        store: Some(store(place)?),
        cli_path: place.cli_path.clone(),
        auto_refresh: false,
        interactive: Some(false),
        ..AuthConfig::default()
    })
}

/// Every place but the option of a program, which there is none of here.
fn looked_at(status: &AuthStatus) -> impl Iterator<Item = &Considered> {
    status.considered.iter().filter(|place| place.source != "option")
}

fn manager(place: &PlaceArguments) -> Result<AuthManager> {
    AuthManager::new(config(place)?)
}
