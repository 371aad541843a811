//! Hooks: functions of the host that the program calls at certain moments, and whose answers it obeys.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use madrigal::{Options, Session, hook::{HookEvent, HookInput, HookOutput, HookRule}};
//!
//! let builder = Session::builder(Options::default()).hook(
//!     HookRule::on(HookEvent::PreToolUse).matching("Bash").timeout_ms(10_000).block_on_failure(),
//!     |input| async move {
//!         let HookInput::PreToolUse(input) = input else { return Ok(HookOutput::proceed()) };
//!         let command = input.tool_input["command"].as_str().unwrap_or_default();
//!         Ok(if command.starts_with("rm") { HookOutput::deny("nothing is deleted here") } else { HookOutput::proceed() })
//!     },
//! );
//! # let builder = builder.transport(madrigal::testing::Script::new());
//! let session = builder.open().await?;
//! session.close().await;
//! # Ok::<_, madrigal::Error>(()) }).unwrap();
//! ```

mod event;
mod input;
mod output;
mod registration;
mod reply;
mod rule;

pub use event::{HOOK_EVENTS, HookEvent, HookEventInfo};
pub use input::*;
pub use registration::{HookMatcher, Hooks, OnFailure};
pub use reply::HookOutput;
pub use rule::HookRule;

pub(crate) use output::check_output;
pub(crate) use registration::{to_wire, validate};
