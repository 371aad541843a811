//! What happens between the program and the model: retries, other models, reasoning.

use crate::message::shape_macros::shapes;

shapes! {
    /// A call of the API failed and will be made again.
    pub struct ApiRetryMessage("type" = "system", "subtype" = "api_retry") {
        /// The number of this retry, from 1.
        attempt: u32 = "attempt" needed,
        /// How many there will be at most.
        max_retries: u32 = "max_retries",
        /// Milliseconds until then.
        retry_delay_ms: f64 = "retry_delay_ms",
        /// The HTTP status; `None` when there was no answer.
        error_status: Option<u16> = "error_status",
        /// What failed: `overloaded`, `rate_limit`, `server_error`....
        error: String = "error",
        /// How long was waited, when there was no answer.
        no_response: Option<NoResponse> = "no_response",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// The turn goes on with another model.
    pub struct ModelFallbackMessage("type" = "system", "subtype" = "model_fallback") {
        /// Why: `overloaded`, `model_not_found`....
        trigger: String = "trigger",
        /// The model that failed.
        original_model: String = "original_model" needed,
        /// The model in its place.
        fallback_model: String = "fallback_model" needed,
        /// The same in words.
        content: String = "content",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// The model refused and another goes on.
    pub struct ModelRefusalFallbackMessage("type" = "system", "subtype" = "model_refusal_fallback") {
        /// `refusal`.
        trigger: String = "trigger",
        /// `retry`, `revert` or `sticky`.
        direction: String = "direction",
        /// `session` or `local`.
        scope: Option<String> = "scope",
        /// The model that refused.
        original_model: String = "original_model" needed,
        /// The model in its place.
        fallback_model: String = "fallback_model" needed,
        /// The API's id of the request.
        request_id: Option<String> = "request_id",
        /// The category of the refusal.
        api_refusal_category: Option<String> = "api_refusal_category",
        /// The reason the API gives.
        api_refusal_explanation: Option<String> = "api_refusal_explanation",
        /// Frames that no longer count.
        retracted_message_uuids: Vec<String> = "retracted_message_uuids",
        /// The prompt that was refused.
        refused_user_message_uuid: Option<String> = "refused_user_message_uuid",
        /// The same in words.
        content: String = "content",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// The model refused and there is no other.
    pub struct ModelRefusalNoFallbackMessage("type" = "system", "subtype" = "model_refusal_no_fallback") {
        /// The model that refused.
        original_model: String = "original_model" needed,
        /// The API's id of the request.
        request_id: Option<String> = "request_id",
        /// The category of the refusal.
        api_refusal_category: Option<String> = "api_refusal_category",
        /// The reason the API gives.
        api_refusal_explanation: Option<String> = "api_refusal_explanation",
        /// The prompt that was refused.
        refused_user_message_uuid: Option<String> = "refused_user_message_uuid",
        /// The same in words.
        content: String = "content",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// How much the model has thought so far.
    pub struct ThinkingTokensMessage("type" = "system", "subtype" = "thinking_tokens") {
        /// Tokens, estimated.
        estimated_tokens: u64 = "estimated_tokens" needed,
        /// How many more than before.
        estimated_tokens_delta: u64 = "estimated_tokens_delta",
        /// The prompt this answers.
        user_message_uuid: Option<String> = "user_message_uuid",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A control request that takes long is worked on.
    pub struct ControlRequestProgressMessage("type" = "system", "subtype" = "control_request_progress") {
        /// The request.
        request_id: String = "request_id" needed,
        /// `started` or `api_retry`.
        status: String = "status",
        /// The number of the retry.
        attempt: Option<u32> = "attempt",
        /// How many there will be at most.
        max_retries: Option<u32> = "max_retries",
        /// Milliseconds until then.
        retry_delay_ms: Option<f64> = "retry_delay_ms",
        /// The HTTP status of the failed call.
        error_status: Option<u16> = "error_status",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A call without an answer.
    pub struct NoResponse {
        /// Milliseconds waited.
        waited_ms: f64 = "waited_ms",
        /// Milliseconds that will be waited next time.
        retry_wait_ms: f64 = "retry_wait_ms",
    }
}
