//! Questions the program puts to us, and who answers them.
//!
//! The core never runs code of the host language: an [`Ask`] is data, its answer is JSON. Rust users give closures;
//! the bindings turn asks into events.

mod ask;
mod callbacks;
mod check;
mod dialog;
mod permission;
mod provided;
mod update;

use std::sync::Arc;

pub use ask::{Ask, AskKind, Host, Progress};
pub use dialog::{Elicitation, ElicitationAnswer, UserDialog, UserDialogAnswer};
pub use permission::{Permission, PermissionRequest, Question, QuestionOption};
pub use provided::Provided;
pub use update::{PermissionRule, PermissionUpdate};

pub(crate) use callbacks::Callbacks;
pub(crate) use check::check_answer;

/// A shared host.
pub(crate) type SharedHost = Arc<dyn Host>;
