//! Madrigal runs Claude Code agents: one engine for Rust, Python, Node.js and Elixir.

pub mod error;
pub mod message;
pub mod options;
mod protocol;
pub mod session;
pub mod testing;
pub mod transport;

pub use error::{Error, ErrorKind, Result, Retry};
pub use message::{Message, MessageKind};
pub use options::Options;
pub use session::{Permission, PermissionRequest, Prompt, Query, Session, SessionHandle, Turn, query};

/// The version of this library, shared by all its packages.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
