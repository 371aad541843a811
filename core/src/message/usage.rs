//! Tokens and money, as one frame states them. What a whole run used is the [`UsageMeter`](super::UsageMeter)'s business.

use std::collections::BTreeMap;

use serde_json::Value;

use super::shape_macros::shapes;

/// What each model used, by its name.
pub type ModelUsages = BTreeMap<String, ModelUsage>;

shapes! {
    /// Tokens of one message of the model, or of one turn.
    pub struct Usage {
        /// Tokens read that were not cached.
        input_tokens: u64 = "input_tokens",
        /// Tokens written.
        output_tokens: u64 = "output_tokens",
        /// Tokens written to the cache.
        cache_creation_input_tokens: u64 = "cache_creation_input_tokens",
        /// Tokens read from the cache.
        cache_read_input_tokens: u64 = "cache_read_input_tokens",
        /// Tools the API itself ran.
        server_tool_use: Option<ServerToolUsage> = "server_tool_use",
        /// The tier that served it: `standard`, `priority`, `batch`.
        service_tier: Option<String> = "service_tier",
        /// How the tokens written to the cache divide by how long they are kept.
        cache_creation: Option<CacheCreation> = "cache_creation",
    }

    /// Tools the API itself ran.
    pub struct ServerToolUsage {
        /// Searches of the web.
        web_search_requests: u64 = "web_search_requests",
        /// Pages fetched.
        web_fetch_requests: u64 = "web_fetch_requests",
    }

    /// Tokens written to the cache, by how long they are kept.
    pub struct CacheCreation {
        /// Kept for five minutes.
        ephemeral_5m_input_tokens: u64 = "ephemeral_5m_input_tokens",
        /// Kept for an hour.
        ephemeral_1h_input_tokens: u64 = "ephemeral_1h_input_tokens",
    }

    /// What one model used. In `modelUsage` of a result: since the process started, carried over by a resumed session.
    pub struct ModelUsage {
        /// Tokens read that were not cached.
        input_tokens: u64 = "inputTokens",
        /// Tokens written.
        output_tokens: u64 = "outputTokens",
        /// Tokens of reasoning among those written.
        thinking_tokens: Option<u64> = "thinkingTokens",
        /// Tokens read from the cache.
        cache_read_input_tokens: u64 = "cacheReadInputTokens",
        /// Tokens written to the cache.
        cache_creation_input_tokens: u64 = "cacheCreationInputTokens",
        /// Searches of the web.
        web_search_requests: u64 = "webSearchRequests",
        /// US dollars.
        cost_usd: f64 = "costUSD",
        /// Tokens the model can read at once.
        context_window: Option<u64> = "contextWindow",
        /// Tokens the model writes at most in one message.
        max_output_tokens: Option<u64> = "maxOutputTokens",
        /// The full name of the model.
        canonical_model: Option<String> = "canonicalModel",
        /// Who served it: `firstParty`, `bedrock`, `vertex`...
        provider: Option<String> = "provider",
        /// How the price is known: `list`, `managed`, `unknown`.
        cost_basis: Option<String> = "costBasis",
    }

    /// What a background task or subagent used so far.
    pub struct TaskUsage {
        /// Tokens of all kinds.
        total_tokens: u64 = "total_tokens",
        /// Calls of tools.
        tool_uses: u64 = "tool_uses",
        /// Milliseconds it has run.
        duration_ms: u64 = "duration_ms",
    }
}

impl Usage {
    /// Adds the tokens of another usage; what is in `extra` is not added up.
    pub(super) fn add(&mut self, other: &Self) {
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cache_creation_input_tokens += other.cache_creation_input_tokens;
        self.cache_read_input_tokens += other.cache_read_input_tokens;
        if let Some(tools) = &other.server_tool_use {
            let sum = self.server_tool_use.get_or_insert_default();
            sum.web_search_requests += tools.web_search_requests;
            sum.web_fetch_requests += tools.web_fetch_requests;
        }
    }

    /// Tokens of all kinds.
    pub fn total_tokens(&self) -> u64 {
        self.input_tokens
            + self.output_tokens
            + self.cache_creation_input_tokens
            + self.cache_read_input_tokens
    }

    /// Tokens of reasoning among those written, where the API says so.
    pub fn thinking_tokens(&self) -> Option<u64> {
        self.extra.get("output_tokens_details")?.get("thinking_tokens").and_then(Value::as_u64)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_are_added_up_by_kind() {
        let read = |value: Value| serde_json::from_value::<Usage>(value).unwrap();
        let mut sum = read(json!({"input_tokens": 1, "output_tokens": 2}));
        let more = json!({"input_tokens": 10, "output_tokens": 20, "cache_creation_input_tokens": 30,
            "cache_read_input_tokens": 40, "server_tool_use": {"web_search_requests": 5, "web_fetch_requests": 6},
            "output_tokens_details": {"thinking_tokens": 7}});
        let more = read(more);
        sum.add(&more);
        sum.add(&more);
        assert_eq!((sum.input_tokens, sum.output_tokens, sum.total_tokens()), (21, 42, 203));
        let tools = sum.server_tool_use.unwrap();
        assert_eq!((tools.web_search_requests, tools.web_fetch_requests), (10, 12));
        assert_eq!(more.thinking_tokens(), Some(7));
        assert_eq!(read(json!({})).thinking_tokens(), None);
    }
}
