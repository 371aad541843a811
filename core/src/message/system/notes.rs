//! What the program wants people to know.

use serde_json::Value;

use crate::message::shape_macros::shapes;

shapes! {
    /// A line for people: a banner, what a hook said.
    pub struct InformationalMessage("type" = "system", "subtype" = "informational") {
        /// The line.
        content: String = "content" needed,
        /// `info`, `notice`, `suggestion` or `warning`.
        level: String = "level",
        /// The call it is about.
        tool_use_id: Option<String> = "tool_use_id",
        /// Whether the turn ends here.
        prevent_continuation: bool = "prevent_continuation",
        /// What it is about.
        tag: Option<String> = "tag",
        /// What became of a prompt that a hook looked at.
        prompt_submit_outcome: Option<Value> = "prompt_submit_outcome",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A short notice.
    pub struct NotificationMessage("type" = "system", "subtype" = "notification") {
        /// What it is about; a later one with the same key replaces it.
        key: String = "key",
        /// The notice.
        text: String = "text" needed,
        /// `low`, `medium`, `high` or `immediate`.
        priority: String = "priority",
        /// A colour to show it in.
        color: Option<String> = "color",
        /// Milliseconds to show it for.
        timeout_ms: Option<f64> = "timeout_ms",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// What a slash command printed.
    pub struct LocalCommandOutputMessage("type" = "system", "subtype" = "local_command_output") {
        /// The output.
        content: String = "content" needed,
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// Notes of earlier sessions were given to the model.
    pub struct MemoryRecallMessage("type" = "system", "subtype" = "memory_recall") {
        /// `select` or `synthesize`.
        mode: String = "mode",
        /// The notes.
        memories: Vec<Memory> = "memories" needed,
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A note of an earlier session.
    pub struct Memory {
        /// Its file.
        path: String = "path",
        /// `personal`, `team` or `organization`.
        scope: String = "scope",
        /// The note.
        content: Option<String> = "content",
    }
}
