//! Everything a query or session can be told: one struct, the same names in every language.
//!
//! The wire form is JSON with these field names. A field that is not known is refused with its path, so that a typing
//! error never passes as a default. [`describe`] lists them all, with where each goes; [`schema`] is their JSON Schema.

mod described;
mod environment;
mod initialize;
mod launch;
mod limits;
mod model;
mod prompt;
mod schema;
mod servers;
mod settings;
mod shape;
#[cfg(test)]
mod tests;
mod texts;
mod tools;
mod validate;
mod workspace;

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde_json::{Map, Value};

pub use described::{Described, Destination};
pub use environment::{EnvMode, NEEDED, TraceContext};
pub use limits::{Limits, SessionStoreFlush, StallAction, Timeouts};
pub use model::{Effort, OutputFormat, TaskBudget, Thinking, ThinkingDisplay};
pub use prompt::SystemPrompt;
pub use schema::{describe, schema};
pub use servers::{McpServers, Plugin, PluginType};
pub use settings::{SettingSource, Settings};
pub use tools::{
    AskUserQuestion, PermissionMode, PermissionPrompts, PreviewFormat, Skills, ToolConfig, Tools,
};
pub(crate) use validate::invalid;
pub(crate) use workspace::EmptyRoot;
pub use workspace::Workspace;

use crate::redact::redact;
use described::described;

described! {
    /// Options of a query or session. All have defaults.
    ///
    /// ```
    /// let options = madrigal::Options::from_json(r#"{"model": "sonnet", "max_turns": 3}"#).unwrap();
    /// assert_eq!(options.model.as_deref(), Some("sonnet"));
    /// let error = madrigal::Options::from_json(r#"{"timeouts": {"strat_ms": 5}}"#).unwrap_err();
    /// assert!(error.to_string().contains("timeouts.strat_ms"));
    /// ```
    #[derive(Default)]
    pub struct Options {
        /// The model: an alias (`sonnet`, `opus`, `haiku`) or a full name. Default: the CLI's own choice.
        model: Option<String> => [Flag("model")];
        /// Models to fall back to when the first is overloaded or unknown, separated by commas.
        fallback_model: Option<String> => [Flag("fallback-model")];
        /// Beta features of the API, by the names of their headers.
        betas: Vec<String> => [Flag("betas")];
        /// Whether and how the model thinks before it answers. Default: the CLI's own choice.
        thinking: Option<Thinking> => [Flag("thinking"), Flag("max-thinking-tokens"), Flag("thinking-display")];
        /// The most tokens of thinking, for older models; `thinking` goes before it.
        max_thinking_tokens: Option<u32> => [Flag("max-thinking-tokens")];
        /// How much effort goes into an answer. Default: the CLI's own choice.
        effort: Option<Effort> => [Flag("effort")];
        /// How many tokens a task may take; the model is told, and paces itself.
        task_budget: Option<TaskBudget> => [Flag("task-budget")];
        /// The form of the answer: a value that a JSON Schema allows. Sent over stdin.
        output_format: Option<OutputFormat> => [Initialize("jsonSchema")];

        /// Replaces the system prompt, or with `preset` adds to it. Sent over stdin, so any length works and nobody sees it
        /// in a process list.
        system_prompt: Option<SystemPrompt> => [Initialize("systemPrompt"), Initialize("appendSystemPrompt"),
            Initialize("excludeDynamicSections"), Initialize("systemPromptSnapshot"), Flag("system-prompt-file")];
        /// Added to the system prompt. Sent over stdin.
        append_system_prompt: Option<String> => [Initialize("appendSystemPrompt")];
        /// Replaces what the CLI tells the model to do in plan mode. Sent over stdin.
        plan_mode_instructions: Option<String> => [Initialize("planModeInstructions")];
        /// The title of a new session. Default: made from its first prompt.
        title: Option<String> => [Initialize("title")];

        /// The built-in tools offered to the model; an empty list offers none. Default: all.
        tools: Option<Tools> => [Flag("tools")];
        /// Permission rules for tools that may run without asking, such as `Bash(git log:*)`.
        allowed_tools: Vec<String> => [Flag("allowedTools")];
        /// Permission rules for tools that are refused.
        disallowed_tools: Vec<String> => [Flag("disallowedTools")];
        /// Names under which the model may call a tool: a call of the key is a call of the value.
        tool_aliases: BTreeMap<String, String> => [Initialize("toolAliases")];
        /// Behaviour of single built-in tools.
        tool_config: ToolConfig => [Environment("CLAUDE_CODE_QUESTION_PREVIEW_FORMAT")];
        /// Skills of the main conversation. With it, `setting_sources` is `user` and `project` when left out, as skills are
        /// found there.
        skills: Option<Skills> => [Flag("allowedTools"), Initialize("skills")];
        /// How permissions are decided when no rule matches. Default: the CLI's own choice (`default`).
        permission_mode: Option<PermissionMode> => [Flag("permission-mode")];
        /// Lets the mode `bypassPermissions` be chosen later.
        allow_dangerously_skip_permissions: bool => [Flag("allow-dangerously-skip-permissions")];
        /// The MCP tool that answers permission questions instead of this host.
        permission_prompt_tool_name: Option<String> => [Flag("permission-prompt-tool")];
        /// Who answers permission questions. Default: the CLI's own choice (`host`).
        permission_prompts: Option<PermissionPrompts> => [Flag("permission-prompts")];
        /// Kinds of dialog that the host can show; the CLI opens no other.
        supported_dialog_kinds: Vec<String> => [Initialize("supportedDialogKinds")];

        /// The agent that leads the conversation, one of `agents` or of the settings.
        agent: Option<String> => [Flag("agent")];
        /// Lets `set_agent` put another agent in the lead while the session runs. The system prompt is then made anew for each turn and
        /// not kept as it was at the start.
        enable_agent_switching: bool => [Initialize("systemPromptSnapshot")];
        /// Subagents by name, in the CLI's own form: `description`, `prompt`, `tools`, `model` and more. Sent over stdin.
        agents: BTreeMap<String, Map<String, Value>> => [Initialize("agents")];
        /// MCP servers that the CLI runs or reaches, in its own form, or the path of a file that lists them. Sent over stdin.
        mcp_servers: Option<McpServers> => [Initialize("mcpServers"), Flag("mcp-config")];
        /// Only the MCP servers given here, none of settings, plugins or the repository.
        strict_mcp_config: bool => [Flag("strict-mcp-config")];
        /// Plugins in directories.
        plugins: Vec<Plugin> => [Flag("plugin-dir"), Flag("plugin-dir-no-mcp")];

        /// Stop after this many steps of the model. At least 1.
        max_turns: Option<u32> => [Flag("max-turns")];
        /// Stop when the process has cost this much, in US dollars. Above 0.
        max_budget_usd: Option<f64> => [Flag("max-budget-usd")];
        /// Limits of time.
        timeouts: Timeouts => [Library];
        /// Limits of memory.
        limits: Limits => [Library];

        /// Continue the session with this id.
        resume: Option<String> => [Flag("resume")];
        /// Continue the newest session of the working directory.
        continue_session as "continue": bool => [Flag("continue")];
        /// With `resume` or `continue`: under a new id, leaving the old session as it was.
        fork_session: bool => [Flag("fork-session")];
        /// With `resume` or `continue`: only up to the message with this uuid.
        resume_session_at: Option<String> => [Flag("resume-session-at")];
        /// With `resume_session_at`: the uuid of the prompt whose turn is dropped; the CLI refuses when more would be lost.
        resume_drops_turn: Option<String> => [Flag("resume-drops-turn")];
        /// The id of the new session, a UUID that is not in use. Default: chosen by the CLI.
        session_id: Option<String> => [Flag("session-id")];
        /// Whether the session is saved to disk. Default: yes.
        persist_session: Option<bool> => [Flag("no-session-persistence")];
        /// When entries go to the session store of the host, if it has one.
        session_store_flush: SessionStoreFlush => [Library];
        /// Keep copies of files before tools change them, so that `rewind_files` can bring them back.
        enable_file_checkpointing: bool => [Environment("CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING")];

        /// Also deliver `stream_event` messages while the model writes.
        include_partial_messages: bool => [Flag("include-partial-messages")];
        /// Also deliver messages about hooks that are commands.
        include_hook_events: bool => [Flag("include-hook-events")];
        /// Also deliver the text and thinking of subagents.
        forward_subagent_text: bool => [Initialize("forwardSubagentText")];
        /// Send prompts as they are: no `@path` is expanded and no `/command` is carried out.
        verbatim_prompts: bool => [Library];
        /// Also deliver what the user might ask next, after each turn.
        prompt_suggestions: bool => [Initialize("promptSuggestions")];
        /// Also deliver short summaries of what running subagents do.
        agent_progress_summaries: bool => [Initialize("agentProgressSummaries")];
        /// The host lets its user stop single background tasks, so an interrupt leaves them running.
        per_task_stop_affordance: bool => [Initialize("perTaskStopAffordance")];

        /// The working directory. Default: that of this process.
        cwd: Option<PathBuf> => [Process];
        /// Directories beside the working directory that tools may use.
        add_dirs: Vec<PathBuf> => [Flag("add-dir")];
        /// How far the working directory is trusted.
        workspace: Workspace => [Initialize("settings"), Flag("project-config-root"), Flag("setting-sources")];
        /// The trusted checkout of which the working directory is a worktree: settings of the repository are read from there.
        project_config_root: Option<PathBuf> => [Flag("project-config-root")];
        /// Which settings files are read: any of `user`, `project`, `local`; an empty list reads none. Default: the CLI's.
        setting_sources: Option<Vec<SettingSource>> => [Flag("setting-sources")];
        /// Settings above those in files: an object or JSON text, sent over stdin, or the path of a file.
        settings: Option<Settings> => [Initialize("settings"), Flag("settings")];
        /// Settings above all others but those of the machine's administrator; only what restricts counts. Sent over stdin.
        managed_settings: Option<Map<String, Value>> => [Initialize("managedSettings")];
        /// The sandbox of commands, in the CLI's own form; merged over `settings.sandbox`.
        sandbox: Option<Map<String, Value>> => [Settings("sandbox")];

        /// The `claude` program. Default: `MADRIGAL_CLI_PATH`, then `PATH`, then the usual places.
        cli_path: Option<PathBuf> => [Process];
        /// What runs the program, such as `node`, when `cli_path` is a script.
        executable: Option<PathBuf> => [Process];
        /// Arguments for `executable`, before the path of the script.
        executable_args: Vec<String> => [Process];
        /// The user the program runs as, with all groups of that user; only root can start it so. Variables such as `HOME` stay as
        /// they are. Default: that of this process.
        user: Option<String> => [Process];
        /// Variables added to the environment the CLI inherits. May hold secrets; never shown.
        env: BTreeMap<String, String> => [Process];
        /// Which variables of this process the program inherits.
        env_mode: EnvMode => [Process];
        /// With `env_mode` `allow_list`: the names of those it inherits; a `*` at the end stands for any rest.
        env_allow: Vec<String> => [Process];
        /// The place of this process in a distributed trace.
        trace_context: Option<TraceContext> => [Environment("TRACEPARENT"), Environment("TRACESTATE")];
        /// The name and version of the host, for the program's requests: `my-app/1.0`.
        client_app: Option<String> => [Environment("CLAUDE_AGENT_SDK_CLIENT_APP")];
        /// The program writes what it does to a file, or to stderr.
        debug: bool => [Flag("debug")];
        /// The file for that.
        debug_file: Option<PathBuf> => [Flag("debug-file")];
        /// Flags this library has no option for: name without dashes, and value or `null`. Visible in process lists.
        extra_args: BTreeMap<String, Option<String>> => [Process];
    }
}

impl fmt::Debug for Options {
    /// As JSON, only what is not the default, with what may be secret hidden.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let defaults = serde_json::to_value(Self::default()).unwrap_or_default();
        let mut shown = serde_json::to_value(self).unwrap_or_default();
        if let Some(fields) = shown.as_object_mut() {
            fields.retain(|name, value| defaults[name.as_str()] != *value);
            // `env` shows its names; of the others even those may say too much.
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("env" | "extra_args", Value::Object(map)) => {
                        map.values_mut().for_each(|value| *value = "...".into());
                    }
                    ("mcp_servers" | "agents", Value::Object(map)) => {
                        map.values_mut().for_each(|value| *value = "...".into());
                    }
                    ("settings" | "managed_settings", value) => *value = "...".into(),
                    _ => {}
                }
            }
        }
        write!(f, "Options {}", redact(&shown.to_string()))
    }
}
