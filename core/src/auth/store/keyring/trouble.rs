//! What can be wrong with a keyring, and what a person does about it.

use std::time::Duration;

use crate::{Error, ErrorKind};

/// Why the keyring did not do what it was asked.
#[derive(Debug)]
#[allow(dead_code, reason = "which of these there are depends on the build")]
pub(in crate::auth) enum Trouble {
    /// This build has none.
    NotBuilt,
    /// There is no D-Bus, or it does not answer.
    NoBus(Option<String>),
    /// Nobody on the bus is a keyring.
    NoService(String),
    /// The system lets nobody of this session at it.
    NoAccess(String),
    /// The keyring has no place for new secrets.
    NoCollection,
    /// It is locked; whether it is known that our token is in there.
    Locked {
        /// It is.
        stored: bool,
    },
    /// The person was asked, and did not want to.
    Dismissed,
    /// The person was asked, and was not there.
    NobodyAnswered(Duration),
    /// It said nothing.
    Silent(Duration),
    /// What it has is no token.
    Corrupt(Option<Error>),
    /// It said something else.
    Failed(String),
}

impl Trouble {
    /// Whether there is no keyring here that could have a token or take one.
    pub(in crate::auth) fn is_absence(&self) -> bool {
        matches!(
            self,
            Self::NotBuilt | Self::NoBus(_) | Self::NoService(_) | Self::NoAccess(_) | Self::NoCollection
        )
    }

    /// Its word in the context of an error.
    const fn word(&self) -> &'static str {
        match self {
            Self::NotBuilt => "not_built",
            Self::NoBus(_) => "no_bus",
            Self::NoService(_) => "no_service",
            Self::NoAccess(_) => "no_access",
            Self::NoCollection => "no_collection",
            Self::Locked { .. } => "locked",
            Self::Dismissed => "dismissed",
            Self::NobodyAnswered(_) => "nobody_answered",
            Self::Silent(_) => "silent",
            Self::Corrupt(_) => "corrupt",
            Self::Failed(_) => "failed",
        }
    }

    /// As the user of the store is told. `name` is the store's, `bus` the address that was tried.
    pub(super) fn error(&self, name: &str, bus: Option<&str>) -> Error {
        const FILE: &str = "or choose the store `file`";
        const UNLOCK: &str = if cfg!(target_os = "macos") {
            "security unlock-keychain"
        } else {
            "gnome-keyring-daemon --unlock"
        };
        let text = match self {
            Self::NotBuilt => format!(
                "the {name} cannot be used: this build knows no keyring of this system. Choose the store `file`"
            ),
            Self::NoBus(None) => format!(
                "the {name} cannot be reached: there is no D-Bus session here (DBUS_SESSION_BUS_ADDRESS is not set). Log in to the desktop, start the program below `dbus-run-session`, {FILE}"
            ),
            Self::NoBus(Some(_)) => format!(
                "the {name} cannot be reached: no D-Bus answers at {}. Log in to the desktop anew, set DBUS_SESSION_BUS_ADDRESS to the bus of the session, {FILE}",
                bus.unwrap_or_default()
            ),
            Self::NoService(_) => format!(
                "there is no {name}: the D-Bus session has no Secret Service. Start one (GNOME Keyring, KWallet, KeePassXC), {FILE}"
            ),
            Self::NoAccess(why) => format!(
                "the {name} cannot be used from here: {why}. Log in to the desktop as the user of this process, {FILE}"
            ),
            Self::NoCollection => format!(
                "the {name} has no collection for new secrets: make one in the program that manages passwords (Passwords and Keys, KWalletManager, KeePassXC), {FILE}"
            ),
            Self::Locked { .. } => format!(
                "the {name} is locked: unlock it (log in to the desktop, or use the program that manages passwords; without a screen `{UNLOCK}` takes the password), {FILE}"
            ),
            Self::Dismissed => format!(
                "the {name} stays locked: the question for its password was dismissed, or this session has no screen to ask it on. Unlock it and try again, {FILE}"
            ),
            Self::NobodyAnswered(limit) => format!(
                "the {name} stays locked: nobody gave its password within {} s. Unlock it and try again, {FILE}",
                limit.as_secs()
            ),
            Self::Silent(limit) => {
                format!("the {name} did not answer within {} s: restart it, {FILE}", limit.as_secs_f64())
            }
            Self::Corrupt(_) => format!(
                "the {name} holds no token where it should. It is left as it is; `madrigal auth clear` removes it"
            ),
            Self::Failed(why) => format!("the {name} refused: {why}. Look at its own log, {FILE}"),
        };
        let mut error = Error::new(ErrorKind::Auth, text).with("keyring", self.word());
        if let Self::Corrupt(cause) = self {
            error = error.with("corrupt", true);
            if let Some(cause) = cause {
                error = error.caused_by(cause);
            }
        }
        if let Self::NoBus(Some(why)) | Self::NoService(why) = self {
            error = error.caused_by(&std::io::Error::other(why.clone()));
        }
        error
    }
}
