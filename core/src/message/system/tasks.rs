//! Work in the background: subagents and commands that run beside the conversation.

use serde_json::Value;

use crate::message::{TaskUsage, shape_macros::shapes};

shapes! {
    /// A task began.
    pub struct TaskStartedMessage("type" = "system", "subtype" = "task_started") {
        /// The task.
        task_id: String = "task_id" needed,
        /// This run of it.
        run_id: Option<String> = "run_id",
        /// The call that started it.
        tool_use_id: Option<String> = "tool_use_id",
        /// What it is for.
        description: String = "description",
        /// `local_agent`, `local_bash`....
        task_type: Option<String> = "task_type",
        /// The kind of subagent.
        subagent_type: Option<String> = "subagent_type",
        /// Whether the conversation goes on beside it.
        is_backgrounded: Option<bool> = "is_backgrounded",
        /// How deep it is: 1 when the main conversation started it.
        spawn_depth: Option<u32> = "spawn_depth",
        /// The task that started it.
        parent_task_id: Option<String> = "parent_task_id",
        /// The workflow it belongs to.
        workflow_name: Option<String> = "workflow_name",
        /// What the subagent was asked.
        prompt: Option<String> = "prompt",
        /// Whether it is left out of the transcript.
        skip_transcript: bool = "skip_transcript",
        /// Whether nobody waits for it.
        ambient: bool = "ambient",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A task goes on.
    pub struct TaskProgressMessage("type" = "system", "subtype" = "task_progress") {
        /// The task.
        task_id: String = "task_id" needed,
        /// This run of it.
        run_id: Option<String> = "run_id",
        /// The call that started it.
        tool_use_id: Option<String> = "tool_use_id",
        /// What it does.
        description: String = "description",
        /// The kind of subagent.
        subagent_type: Option<String> = "subagent_type",
        /// What it used so far.
        usage: TaskUsage = "usage",
        /// The tool it called last.
        last_tool_name: Option<String> = "last_tool_name",
        /// What it did so far.
        summary: Option<String> = "summary",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// Facts about a task changed.
    pub struct TaskUpdatedMessage("type" = "system", "subtype" = "task_updated") {
        /// The task.
        task_id: String = "task_id" needed,
        /// This run of it.
        run_id: Option<String> = "run_id",
        /// What changed.
        patch: TaskPatch = "patch" needed,
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A task ended.
    pub struct TaskNotificationMessage("type" = "system", "subtype" = "task_notification") {
        /// The task.
        task_id: String = "task_id" needed,
        /// This run of it.
        run_id: Option<String> = "run_id",
        /// The call that started it.
        tool_use_id: Option<String> = "tool_use_id",
        /// `completed`, `failed` or `stopped`.
        status: String = "status" needed,
        /// Why it ended, when the program ended it.
        reason: Option<String> = "reason",
        /// The file with its output.
        output_file: String = "output_file",
        /// What came of it.
        summary: String = "summary",
        /// What it used.
        usage: Option<TaskUsage> = "usage",
        /// MCP resources it made.
        resource_links: Vec<Value> = "resource_links",
        /// Whether it is left out of the transcript.
        skip_transcript: bool = "skip_transcript",
        /// Whether nobody waited for it.
        ambient: bool = "ambient",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// The set of open tasks changed.
    pub struct BackgroundTasksChangedMessage("type" = "system", "subtype" = "background_tasks_changed") {
        /// All that are open now: the whole set, not a difference.
        tasks: Vec<BackgroundTask> = "tasks" needed,
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// What changed about a task.
    pub struct TaskPatch {
        /// `pending`, `running`, `paused`, `completed`, `failed` or `killed`.
        status: Option<String> = "status",
        /// What it does.
        description: Option<String> = "description",
        /// When it ended, milliseconds since 1970.
        end_time: Option<f64> = "end_time",
        /// Milliseconds it was paused.
        total_paused_ms: Option<f64> = "total_paused_ms",
        /// Why it failed.
        error: Option<String> = "error",
        /// Whether the conversation goes on beside it.
        is_backgrounded: Option<bool> = "is_backgrounded",
    }

    /// An open task.
    pub struct BackgroundTask {
        /// The task.
        task_id: String = "task_id",
        /// This run of it.
        run_id: Option<String> = "run_id",
        /// `local_agent`, `local_bash`....
        task_type: String = "task_type",
        /// The kind of subagent.
        subagent_type: Option<String> = "subagent_type",
        /// What it is for.
        description: String = "description",
        /// The task that started it.
        parent_task_id: Option<String> = "parent_task_id",
        /// Whether nobody waits for it.
        ambient: bool = "ambient",
    }
}
