//! Tools that run inside the host: to the program they are MCP servers, spoken to over its own pipes.

mod arguments;
mod result;
mod server;
mod spec;
mod tool;

pub use result::ToolResult;
pub use spec::{ServerSpec, ToolSpec};
pub use tool::{Tool, ToolCall, ToolServer};

pub(crate) use server::{Call, Received, check_result, error_result, noted, notification, receive, success};
pub(crate) use spec::{validate, validate_tools};
