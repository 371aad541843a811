//! Madrigal runs Claude Code agents: it drives the `claude` program over its standard streams.
//!
//! Ask one thing and print the answer as it is written:
//!
//! ```
//! # use madrigal::{Options, Session, testing::Script};
//! # async fn query(prompt: &str, options: Options) -> madrigal::Result<madrigal::Query> {
//! #     Session::builder(options).transport(Script::new().await_user().text("4").result()).query(prompt).await
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! // use madrigal::{Options, query};
//! let mut messages = query("What is 2 + 2?", Options::default()).await?;
//! while let Some(message) = messages.next().await {
//!     print!("{}", message?.text());
//! }
//! # Ok::<_, madrigal::Error>(()) }).unwrap();
//! ```
//!
//! Hold a conversation, and decide which tools may run:
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use madrigal::{Options, Permission, Session};
//!
//! let builder = Session::builder(Options { model: Some("sonnet".into()), ..Options::default() });
//! # let script = madrigal::testing::Script::new().await_user().ask("Bash", serde_json::json!({})).result().await_user().result();
//! # let builder = builder.transport(script);
//! let mut session = builder
//!     .can_use_tool(|request| async move {
//!         Ok(if request.tool_name == "Bash" { Permission::deny("not here") } else { Permission::allow() })
//!     })
//!     .open()
//!     .await?;
//! for prompt in ["Which licence has this project?", "And who holds the copyright?"] {
//!     let result = session.send(prompt).await?.result().await?;
//!     println!("{}", result.map(|result| result.text().into_owned()).unwrap_or_default());
//! }
//! session.close().await;
//! # Ok::<_, madrigal::Error>(()) }).unwrap();
//! ```
//!
//! # What to know
//!
//! * Functions that start something must be called inside a tokio runtime; the library makes none of its own. Processes are
//!   looked after by a thread of their own, so they end even when the runtime is gone.
//! * Dropping is cancelling: a dropped [`Query`] or [`Session`] terminates its process tree, a dropped [`Turn`] interrupts its
//!   turn. [`Session::close`] lets the program finish.
//! * Waiting carries no data: a wait that is given up (`select!`, a timeout) loses no message.
//! * A turn can fail without an [`Error`]: ask [`Message::is_error`] of its result. Its `subtype` does not say.
//! * Questions and replies are never stuck behind unread messages; see [`options::Limits`] for what bounds those.
//! * [`testing`] has a program in memory, a simulator process and, with the feature `loopback`, a stand-in for the model's API.

pub mod agents;
pub mod auth;
pub mod error;
pub mod hook;
pub mod message;
pub mod models;
pub mod options;
pub mod orchestrate;
pub mod pool;
pub mod protocol;
pub mod redact;
pub mod resilience;
pub mod session;
pub mod store;
pub mod testing;
pub mod tools;
pub mod transcript;
pub mod transport;

mod caught;
mod suggest;

pub use error::{Error, ErrorKind, Result, Retry};
pub use message::{Message, MessageKind};
pub use options::Options;
pub use session::{Permission, PermissionRequest, Prompt, Query, Session, SessionHandle, Turn, query};

/// The version of this library, shared by all its packages.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
