//! Work that belongs to no session. It blocks, so it runs on the thread that asks, never on the runtime's.

use madrigal::{Result, agents::AgentOperation, models::ModelOperation, transcript::Operation};
use serde::Deserialize;

/// Of a request only what says who carries it out.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    operation: String,
}

/// Carries out `{"operation": "...", ...}` and returns its result as JSON text.
pub(crate) fn invoke(request: &str) -> Result<String> {
    let Named { operation } = serde_json::from_str(request).unwrap_or_default();
    if AgentOperation::NAMES.contains(&&*operation) {
        return AgentOperation::from_json(request)?.perform();
    }
    if ModelOperation::NAMES.contains(&&*operation) {
        return ModelOperation::from_json(request)?.perform();
    }
    // What is none at all is refused here.
    Operation::from_json(request)?.perform()
}
