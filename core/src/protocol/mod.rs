//! Control frames: questions and answers that travel between the messages, in both directions.

mod control;
mod pending;
mod requests;

pub(crate) use control::{Reply, answer_error, answer_success, cancel, reply_id, request};
pub(crate) use pending::{Answer, Asked, INITIALIZE, Pending};
pub use requests::{CONTROL_REQUESTS, ControlRequest};
