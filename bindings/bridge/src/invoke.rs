//! Work that belongs to no session. It blocks, so it runs on the thread that asks, never on the runtime's.

use madrigal::{Result, transcript::Operation};

/// Carries out `{"operation": "...", ...}` and returns its result as JSON text.
pub(crate) fn invoke(request: &str) -> Result<String> {
    Operation::from_json(request)?.perform()
}
