//! When a hook of a Rust host is called, and what its failure means.

use super::{HookEvent, HookMatcher, OnFailure};

/// When a hook is called. An event alone is a rule, too: [`HookEvent`] turns into one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRule {
    pub(crate) event: HookEvent,
    pub(crate) matcher: HookMatcher,
}

impl HookRule {
    /// On every occurrence of an event.
    pub fn on(event: HookEvent) -> Self {
        Self { event, matcher: HookMatcher::default() }
    }

    /// Only where this pattern of the CLI matches, such as `Bash` or `Edit|Write`; what it is compared with depends on the
    /// event, see [`HOOK_EVENTS`](super::HOOK_EVENTS).
    #[must_use]
    pub fn matching(mut self, pattern: impl Into<String>) -> Self {
        self.matcher.matcher = Some(pattern.into());
        self
    }

    /// The program waits this long, in milliseconds, at least 1; then it withdraws the question, drops the hook, and a tool
    /// that waited for it does not run. Default: the CLI's own limit.
    #[must_use]
    pub fn timeout_ms(mut self, limit: u64) -> Self {
        self.matcher.timeout_ms = Some(limit);
        self
    }

    /// What the hook was asked about is blocked when the hook fails. Default: the program goes on.
    #[must_use]
    pub fn block_on_failure(mut self) -> Self {
        self.matcher.on_failure = OnFailure::Block;
        self
    }
}

impl From<HookEvent> for HookRule {
    fn from(event: HookEvent) -> Self {
        Self::on(event)
    }
}
