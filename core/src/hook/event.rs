//! The moments at which the program calls hooks: one table, read by the code and by the generated documentation.
//!
//! Names and fields are those of the program's own hook events, as its published types and its behaviour show them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What one event carries and accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookEventInfo {
    /// The event.
    pub event: HookEvent,
    /// The CLI's name of the event.
    pub name: &'static str,
    /// When it happens.
    pub about: &'static str,
    /// What a matcher is compared with; empty when the event has none.
    pub matches: &'static str,
    /// Fields of the input beyond those of every event; `?` behind a name: may be missing.
    pub input: &'static [&'static str],
    /// Fields of `hookSpecificOutput`; empty when the event has none of its own.
    pub output: &'static [&'static str],
}

macro_rules! events {
    ($($name:ident, $about:literal, $matches:literal, [$($input:literal),*], [$($output:literal),*];)*) => {
        /// A moment at which the program calls hooks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum HookEvent {
            $(#[doc = $about] $name,)*
        }

        /// Every event, with what it carries and accepts.
        pub const HOOK_EVENTS: &[HookEventInfo] = &[
            $(HookEventInfo {
                event: HookEvent::$name,
                name: stringify!($name),
                about: $about,
                matches: $matches,
                input: &[$($input),*],
                output: &[$($output),*],
            },)*
        ];

        impl HookEvent {
            /// The CLI's name of the event.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

events! {
    PreToolUse, "Before a tool runs; may allow, deny, ask, defer, or change the input.", "tool name",
        ["tool_name", "tool_input", "tool_use_id", "mcp_server?"],
        ["permissionDecision", "permissionDecisionReason", "updatedInput", "additionalContext"];
    PostToolUse, "After a tool has run.", "tool name",
        ["tool_name", "tool_input", "tool_response", "tool_use_id", "duration_ms?", "mcp_server?"],
        ["additionalContext", "classifierContext", "updatedToolOutput", "updatedMCPToolOutput"];
    PostToolUseFailure, "After a tool has failed.", "tool name",
        ["tool_name", "tool_input", "tool_use_id", "error", "is_interrupt?", "duration_ms?", "mcp_server?"],
        ["additionalContext"];
    PostToolBatch, "After all tools of one message have run.", "", ["tool_calls"], ["additionalContext"];
    Notification, "The program wants attention.", "notification type",
        ["message", "title?", "notification_type"], ["additionalContext"];
    UserPromptSubmit, "A prompt arrived, before the model sees it.", "",
        ["prompt", "source?", "session_title?"],
        ["additionalContext", "sessionTitle", "suppressOriginalPrompt"];
    UserPromptExpansion, "A slash command or an MCP prompt became text.", "command name",
        ["expansion_type", "command_name", "command_args", "command_source?", "prompt"],
        ["additionalContext", "suppressOriginalPrompt"];
    SessionStart, "A conversation begins anew: after `/clear` and compaction. Hooks of a host are registered too late for the start of the program.", "source",
        ["source", "agent_type?", "model?", "session_title?", "seconds_since_last_response?", "context_tokens?", "prompt_cache_likely_expired?", "estimated_cache_write_usd?"],
        ["additionalContext", "initialUserMessage", "sessionTitle", "watchPaths", "reloadSkills"];
    SessionEnd, "A conversation ends: on `/clear`. Not called when the input ends.", "reason", ["reason"], [];
    Stop, "The model is done; may be told to go on.", "",
        ["stop_hook_active", "last_assistant_message?", "background_tasks?", "session_crons?"],
        ["additionalContext"];
    StopFailure, "The turn ended with an error of the model's API.", "error",
        ["error", "error_details?", "last_assistant_message?"], [];
    SubagentStart, "A subagent starts.", "agent type", ["agent_id", "agent_type"], ["additionalContext"];
    SubagentStop, "A subagent is done; may be told to go on.", "agent type",
        ["stop_hook_active", "agent_id", "agent_transcript_path", "agent_type", "last_assistant_message?", "background_tasks?", "session_crons?"],
        ["additionalContext"];
    PreCompact, "Before the conversation is compacted.", "trigger", ["trigger", "custom_instructions"], [];
    PostCompact, "After the conversation was compacted.", "trigger", ["trigger", "compact_summary"], [];
    PreModelSwitch, "Before another model takes over.", "",
        ["from_model", "to_model", "requested_model", "source", "context_tokens", "prompt_cache_warm", "cache_ttl", "estimated_cache_write_usd", "pricing"],
        ["permissionDecision", "permissionDecisionReason"];
    PostModelSwitch, "After another model took over.", "",
        ["from_model", "to_model", "requested_model", "source", "context_tokens", "prompt_cache_warm", "cache_ttl", "estimated_cache_write_usd", "pricing"],
        ["additionalContext"];
    PermissionRequest, "A permission question is about to be asked; may answer it first.", "tool name",
        ["tool_name", "tool_input", "permission_suggestions?", "mcp_server?"], ["decision"];
    PermissionDenied, "A tool was denied without a question.", "tool name",
        ["tool_name", "tool_input", "tool_use_id", "reason", "mcp_server?"], ["retry"];
    Setup, "The program was started to set up a checkout.", "trigger", ["trigger"], ["additionalContext"];
    TeammateIdle, "A member of a team has nothing to do.", "", ["teammate_name", "team_name"], [];
    TaskCreated, "A task was put on the list.", "",
        ["task_id", "task_subject", "task_description?", "teammate_name?", "team_name?"], [];
    TaskCompleted, "A task of the list was completed.", "",
        ["task_id", "task_subject", "task_description?", "teammate_name?", "team_name?"], [];
    Elicitation, "An MCP server asks the user for something; may answer it first.", "server name",
        ["mcp_server_name", "message", "mode?", "url?", "elicitation_id?", "requested_schema?"],
        ["action", "content"];
    ElicitationResult, "The user answered an MCP server; may change the answer.", "server name",
        ["mcp_server_name", "elicitation_id?", "mode?", "action", "content?"], ["action", "content"];
    ConfigChange, "A settings file changed.", "source", ["source", "file_path?"], [];
    WorktreeCreate, "A worktree is wanted; the hook may make it.", "", ["name"], ["worktreePath"];
    WorktreeRemove, "A worktree is not wanted any more.", "", ["worktree_path"], [];
    InstructionsLoaded, "A file of instructions was read.", "load reason",
        ["file_path", "memory_type", "load_reason", "globs?", "trigger_file_path?", "parent_file_path?"], [];
    CwdChanged, "The working directory changed.", "", ["old_cwd", "new_cwd"], ["watchPaths"];
    FileChanged, "A watched file changed.", "file name", ["file_path", "event"], ["watchPaths"];
    DirectoryAdded, "A directory was added to those that tools may use.", "", ["directory", "source"], [];
    MessageDisplay, "A part of an answer is about to be shown.", "",
        ["turn_id?", "message_id", "index", "final", "delta"], ["displayContent"];
}

impl HookEvent {
    /// The event with this name of the CLI.
    ///
    /// ```
    /// use madrigal::hook::HookEvent;
    /// assert_eq!(HookEvent::from_name("PreToolUse"), Some(HookEvent::PreToolUse));
    /// assert_eq!(HookEvent::from_name("PreToolUsed"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        HOOK_EVENTS.iter().find(|info| info.name == name).map(|info| info.event)
    }

    /// What the event carries and accepts.
    pub fn info(self) -> &'static HookEventInfo {
        // Variants and rows are written by the same macro, so each variant has its row.
        &HOOK_EVENTS[self as usize]
    }
}

impl fmt::Display for HookEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_one_row() {
        assert_eq!(HOOK_EVENTS.len(), 33);
        for info in HOOK_EVENTS {
            assert_eq!((info.event.info(), info.event.name()), (info, info.name));
            assert_eq!(HookEvent::from_name(info.name), Some(info.event));
        }
    }
}
