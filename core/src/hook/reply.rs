//! What a hook answers, typed: every form the program takes, put together by name.

use serde_json::{Map, Value};

use super::HookEvent;
use crate::session::Permission;

/// The answer of a hook.
///
/// ```
/// use madrigal::hook::HookOutput;
/// let denied = HookOutput::deny("not in this folder");
/// let changed = HookOutput::allow().with_input(serde_json::json!({"command": "ls -l"}));
/// let noted = HookOutput::proceed().with_context("The build is red.").with_system_message("checked");
/// # let _ = (denied, changed, noted);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HookOutput {
    fields: Map<String, Value>,
    specific: Map<String, Value>,
}

impl HookOutput {
    /// Go on as if there were no hook.
    pub fn proceed() -> Self {
        Self::default()
    }

    /// Go on at once; the hook works on in the background, for at most `timeout_ms` if that is given.
    pub fn in_background(timeout_ms: Option<u64>) -> Self {
        let output = Self::default().with("async", true);
        match timeout_ms {
            Some(limit) => output.with("asyncTimeout", limit),
            None => output,
        }
    }

    /// `PreToolUse`, `PreModelSwitch`: it may, without a question.
    pub fn allow() -> Self {
        Self::default().with_specific("permissionDecision", "allow")
    }

    /// `PreToolUse`, `PreModelSwitch`: it may not; the model is told why.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self::default()
            .with_specific("permissionDecision", "deny")
            .with_specific("permissionDecisionReason", reason.into())
    }

    /// `PreToolUse`, `PreModelSwitch`: the user is asked, with this reason.
    pub fn ask(reason: impl Into<String>) -> Self {
        Self::default()
            .with_specific("permissionDecision", "ask")
            .with_specific("permissionDecisionReason", reason.into())
    }

    /// `PreToolUse`: the turn ends here; its result carries the call in `deferred_tool_use`.
    pub fn defer() -> Self {
        Self::default().with_specific("permissionDecision", "defer")
    }

    /// `PermissionRequest`: answers the question before it is asked.
    pub fn decide(permission: Permission) -> Self {
        Self::default().with_specific("decision", permission.into_json())
    }

    /// Blocks what the hook was asked about. Of `Stop` and `SubagentStop`: the model goes on, and reads the reason.
    pub fn block(reason: impl Into<String>) -> Self {
        Self::default().with("decision", "block").with("reason", reason.into())
    }

    /// The turn ends after this; the user is shown the reason.
    pub fn stop(reason: impl Into<String>) -> Self {
        Self::default().with("continue", false).with("stopReason", reason.into())
    }

    /// With `allow` or `ask`: the tool gets this input instead.
    #[must_use]
    pub fn with_input(self, input: Value) -> Self {
        self.with_specific("updatedInput", input)
    }

    /// Adds text for the model.
    #[must_use]
    pub fn with_context(self, text: impl Into<String>) -> Self {
        self.with_specific("additionalContext", text.into())
    }

    /// Shows a text to the user, as a `system/informational` message.
    #[must_use]
    pub fn with_system_message(self, text: impl Into<String>) -> Self {
        self.with("systemMessage", text.into())
    }

    /// Sets any field of the answer, under the CLI's name.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.to_owned(), value.into());
        self
    }

    /// Sets any field of `hookSpecificOutput`; [`HOOK_EVENTS`](super::HOOK_EVENTS) lists those of each event.
    #[must_use]
    pub fn with_specific(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.specific.insert(field.to_owned(), value.into());
        self
    }

    pub(crate) fn into_json(self, event: HookEvent) -> Value {
        let Self { mut fields, mut specific } = self;
        if !specific.is_empty() {
            specific.insert("hookEventName".to_owned(), event.name().into());
            fields.insert("hookSpecificOutput".to_owned(), specific.into());
        }
        fields.into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::hook::check_output;

    #[test]
    fn every_form_is_one_the_program_takes() {
        for (output, json) in [
            (HookOutput::proceed(), json!({})),
            (HookOutput::in_background(Some(5)), json!({"async": true, "asyncTimeout": 5})),
            (
                HookOutput::deny("no").with_context("c"),
                json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "deny",
                    "permissionDecisionReason": "no", "additionalContext": "c"}}),
            ),
            (HookOutput::in_background(None), json!({"async": true})),
            (
                HookOutput::allow().with_input(json!({"command": "ls"})).with_system_message("m"),
                json!({"systemMessage": "m", "hookSpecificOutput": {"hookEventName": "PreToolUse",
                    "permissionDecision": "allow", "updatedInput": {"command": "ls"}}}),
            ),
            (
                HookOutput::ask("sure?"),
                json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "ask",
                    "permissionDecisionReason": "sure?"}}),
            ),
            (
                HookOutput::defer(),
                json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "defer"}}),
            ),
            (HookOutput::block("b"), json!({"decision": "block", "reason": "b"})),
            (HookOutput::stop("s"), json!({"continue": false, "stopReason": "s"})),
            (
                HookOutput::decide(Permission::allow()),
                json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "decision": {"behavior": "allow"}}}),
            ),
        ] {
            let written = output.into_json(HookEvent::PreToolUse);
            assert_eq!(written, json);
            assert_eq!(check_output(&written), Ok(()));
        }
    }
}
