//! `madrigal auth setup-token`: a person logs in here and now.

use std::{sync::Arc, time::SystemTime};

use madrigal::{
    Error, ErrorKind, Result,
    auth::{AuthConfig, AuthManager, AuthStatus, Credential, ProgramSetup, SETUP_LIMIT},
};
use serde_json::json;

use super::{args::SetupArguments, config, store};
use crate::{output, signals};

pub(super) async fn run(arguments: &SetupArguments) -> Result<u8> {
    let place = &arguments.place;
    let setup = ProgramSetup {
        cli_path: place.cli_path.clone(),
        limit: arguments.timeout.unwrap_or(SETUP_LIMIT),
        ..ProgramSetup::default()
    };
    // Whether the program is logged in makes no difference here.
    let config = AuthConfig { setup: Some(Arc::new(setup)), cli_login: false, ..config(place)? };
    let manager = AuthManager::new(config)?;
    let store = store(place)?;
    // Before anybody logs in: what comes of it must have a place.
    super::unlock(&*store).await?;
    let before = store.load().await?.filter(|token| token.is_valid(SystemTime::now()));
    let new = arguments.force || before.is_none();
    let credential = match before {
        Some(token) if !new => json!({
            "provider": token.provider.name(),
            "method": token.method().name(),
            "source": store.name(),
            "fingerprint": token.token.fingerprint(),
            "hint": token.token.hint(),
            "expires_at": token.to_json()["expiry"],
        }),
        _ => Credential::to_json(&login(&manager).await?),
    };
    // Variables that are wrong do not make the token worse.
    let in_front = manager.status().await.ok().and_then(|status| used_instead(&status));
    if place.json {
        output::print(&format!(
            "{}\n",
            json!({"new": new, "credential": credential, "used_instead": in_front})
        ));
    } else {
        let text = |field: &str| credential[field].as_str().unwrap_or("nobody knows when").to_owned();
        let (hint, source, until) = (text("hint"), text("source"), text("expires_at"));
        output::print(&if new {
            format!("The token {hint} is stored in {source}. It is good until {until}.\n")
        } else {
            format!(
                "There is a token {hint} in {source} already, good until {until}. `madrigal auth setup-token --force` gets a new one.\n"
            )
        });
    }
    if let Some(other) = in_front {
        output::note(&format!("{other} is set and comes before it: unset it to use the token."));
    }
    Ok(0)
}

/// A person logs in, with the terminal in a mode that shows no keys. Whoever tells this process to end gets it back as it was; Ctrl-C is a key
/// then, which the set-up sees to itself.
async fn login(manager: &AuthManager) -> Result<Credential> {
    let terminal = Kept::here();
    tokio::select! {
        credential = manager.setup_token() => credential,
        () = signals::end() => {
            terminal.restore();
            children_are_gone().await;
            let message = "the set-up was told to end by a signal: nothing is stored, run it again";
            Err(Error::new(ErrorKind::Cancelled, message).operation("setup_token"))
        }
    }
}

/// Waits until the program, which is ended behind what was dropped, is gone: this process is about to be.
#[cfg(unix)]
async fn children_are_gone() {
    const LIMIT: std::time::Duration = std::time::Duration::from_secs(6);
    const LOOK: std::time::Duration = std::time::Duration::from_millis(10);
    let until = std::time::Instant::now() + LIMIT;
    while rustix::process::wait(rustix::process::WaitOptions::NOHANG).is_ok() {
        if std::time::Instant::now() >= until {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(not(unix))]
async fn children_are_gone() {}

/// How the terminal was.
#[cfg(unix)]
struct Kept(Option<(std::fs::File, rustix::termios::Termios)>);

#[cfg(unix)]
impl Kept {
    fn here() -> Self {
        let terminal = std::fs::OpenOptions::new().read(true).write(true).open("/dev/tty").ok();
        Self(terminal.and_then(|file| rustix::termios::tcgetattr(&file).ok().map(|modes| (file, modes))))
    }

    fn restore(&self) {
        if let Some((terminal, modes)) = &self.0 {
            // Where it is gone there is nothing to restore.
            let _ = rustix::termios::tcsetattr(terminal, rustix::termios::OptionalActions::Now, modes);
        }
    }
}

#[cfg(not(unix))]
struct Kept;

#[cfg(not(unix))]
impl Kept {
    fn here() -> Self {
        Self
    }

    fn restore(&self) {}
}

/// What is used although the token is there.
fn used_instead(status: &AuthStatus) -> Option<String> {
    status.source.clone().filter(|source| *source != status.store)
}
