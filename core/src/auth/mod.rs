//! Who we are: which credential a run uses, where it is kept, and how it is renewed.
//!
//! The program takes whatever credential it finds. Here one is chosen on purpose, in a documented order ([`resolve`]), and the
//! program is given that one and no other.

mod credential;
mod environment;
mod login;
mod manager;
#[cfg(test)]
mod manager_tests;
mod provider;
#[cfg(test)]
mod provider_tests;
mod refresh;
mod resolve;
mod secret;
mod setup;
mod source;
mod store;
mod time;
mod token;

pub use credential::Credential;
pub use environment::Environment;
pub use manager::{AuthConfig, AuthEvent, AuthManager, AuthStatus, OnAuthEvent};
pub use provider::{Provider, ProviderCheck};
pub use resolve::{Considered, Resolution, Verdict, resolve};
pub use secret::Secret;
pub use setup::{HostTerminal, NewToken, ProgramSetup, SETUP_LIMIT, SetupTerminal, TokenSetup};
pub use source::AuthSource;
pub(crate) use source::Given;
pub use store::{AutoTokenStore, FileTokenStore, KeyringTokenStore, MemoryTokenStore, TokenLock, TokenStore};
pub use token::{Method, OAUTH_LIFETIME, StoredToken, UNKNOWN_LIFETIME};
