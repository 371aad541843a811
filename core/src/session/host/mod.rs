//! Questions the program puts to us, and who answers them.
//!
//! The core never runs code of the host language: an [`Ask`] is data, its answer is JSON. Rust users give closures;
//! the bindings turn asks into events.

mod ask;
mod check;
mod permission;
mod provided;

use std::sync::Arc;

pub use ask::{Ask, AskKind, Host, Progress};
pub use permission::{Permission, PermissionRequest};
pub use provided::Provided;

pub(crate) use check::check_answer;
pub(crate) use permission::CanUseTool;

/// A shared host.
pub(crate) type SharedHost = Arc<dyn Host>;
