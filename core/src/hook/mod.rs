//! Hooks: functions of the host that the program calls at certain moments, and whose answers it obeys.

mod event;
mod output;
mod registration;

pub use event::{HOOK_EVENTS, HookEvent, HookEventInfo};
pub use registration::{HookMatcher, Hooks, OnFailure};

pub(crate) use output::check_output;
pub(crate) use registration::{to_wire, validate};
