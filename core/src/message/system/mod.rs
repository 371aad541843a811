//! Session facts and events: the frames of type `system`, one type a subtype, a file a theme.

mod model;
mod notes;
mod session;
mod storage;
mod tasks;
mod tools;

pub use model::{
    ApiRetryMessage, ControlRequestProgressMessage, ModelFallbackMessage, ModelRefusalFallbackMessage,
    ModelRefusalNoFallbackMessage, NoResponse, ThinkingTokensMessage,
};
pub use notes::{
    InformationalMessage, LocalCommandOutputMessage, Memory, MemoryRecallMessage, NotificationMessage,
};
pub use session::{
    CommandsChangedMessage, CompactBoundaryMessage, CompactMetadata, InitMessage, McpServerState,
    PluginError, PluginInfo, PreservedMessages, PreservedSegment, SessionStateChangedMessage,
    SessionTitleChangedMessage, StatusMessage, UiInvalidateMessage, WorkerShuttingDownMessage,
};
pub use storage::{
    FailedFile, FilesPersistedMessage, MirrorErrorMessage, MirrorKey, PersistedFile, SessionWritesLostMessage,
};
pub use tasks::{
    BackgroundTask, BackgroundTasksChangedMessage, TaskNotificationMessage, TaskPatch, TaskProgressMessage,
    TaskStartedMessage, TaskUpdatedMessage,
};
pub use tools::{
    ElicitationCompleteMessage, HookProgressMessage, HookResponseMessage, HookStartedMessage,
    PermissionDeniedMessage, PluginInstallMessage,
};

use super::shape_macros::choices;

choices! {
    /// A session fact or event. One with a subtype that is not known here is kept whole.
    #[expect(clippy::large_enum_variant, reason = "a body stands behind a pointer; `init` comes once a turn")]
    pub enum SystemMessage by "subtype" {
        /// The start of a turn: what the session is and what it can use.
        "init" => Init(InitMessage),
        /// The permission mode changed, a request goes out, or the conversation is compacted.
        "status" => Status(StatusMessage),
        /// What was said before this was replaced by a summary.
        "compact_boundary" => CompactBoundary(CompactBoundaryMessage),
        /// The session began or stopped working.
        "session_state_changed" => SessionStateChanged(SessionStateChangedMessage),
        /// The session got a title.
        "session_title_changed" => SessionTitleChanged(SessionTitleChangedMessage),
        /// The slash commands changed.
        "commands_changed" => CommandsChanged(CommandsChangedMessage),
        /// The program is about to end.
        "worker_shutting_down" => WorkerShuttingDown(WorkerShuttingDownMessage),
        /// A screen that shows the session should be drawn again.
        "ui_invalidate" => UiInvalidate(UiInvalidateMessage),
        /// A call of the API failed and will be made again.
        "api_retry" => ApiRetry(ApiRetryMessage),
        /// The turn goes on with another model.
        "model_fallback" => ModelFallback(ModelFallbackMessage),
        /// The model refused and another goes on.
        "model_refusal_fallback" => ModelRefusalFallback(ModelRefusalFallbackMessage),
        /// The model refused and there is no other.
        "model_refusal_no_fallback" => ModelRefusalNoFallback(ModelRefusalNoFallbackMessage),
        /// How much the model has thought so far.
        "thinking_tokens" => ThinkingTokens(ThinkingTokensMessage),
        /// A control request that takes long is worked on.
        "control_request_progress" => ControlRequestProgress(ControlRequestProgressMessage),
        /// A task began.
        "task_started" => TaskStarted(TaskStartedMessage),
        /// A task goes on.
        "task_progress" => TaskProgress(TaskProgressMessage),
        /// Facts about a task changed.
        "task_updated" => TaskUpdated(TaskUpdatedMessage),
        /// A task ended.
        "task_notification" => TaskNotification(TaskNotificationMessage),
        /// The set of open tasks changed.
        "background_tasks_changed" => BackgroundTasksChanged(BackgroundTasksChangedMessage),
        /// A call was denied by a rule or a mode; nobody was asked.
        "permission_denied" => PermissionDenied(PermissionDeniedMessage),
        /// A hook of the settings began.
        "hook_started" => HookStarted(HookStartedMessage),
        /// A hook of the settings printed something.
        "hook_progress" => HookProgress(HookProgressMessage),
        /// A hook of the settings ended.
        "hook_response" => HookResponse(HookResponseMessage),
        /// A question of an MCP server was answered elsewhere.
        "elicitation_complete" => ElicitationComplete(ElicitationCompleteMessage),
        /// A plugin is installed.
        "plugin_install" => PluginInstall(PluginInstallMessage),
        /// A line for people: a banner, what a hook said.
        "informational" => Informational(InformationalMessage),
        /// A short notice.
        "notification" => Notification(NotificationMessage),
        /// What a slash command printed.
        "local_command_output" => LocalCommandOutput(LocalCommandOutputMessage),
        /// Notes of earlier sessions were given to the model.
        "memory_recall" => MemoryRecall(MemoryRecallMessage),
        /// Files were uploaded.
        "files_persisted" => FilesPersisted(FilesPersistedMessage),
        /// Transcript lines could not be handed to the store.
        "mirror_error" => MirrorError(MirrorErrorMessage),
        /// The disk is full and the transcript has gaps.
        "session_writes_lost" => SessionWritesLost(SessionWritesLostMessage),
    }
}

impl SystemMessage {
    /// Which: `init`, `status`, `api_retry`...
    pub fn subtype(&self) -> &str {
        self.kind()
    }
}
