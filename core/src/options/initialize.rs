//! Options become the `initialize` request: what may be large or secret, and what has no flag.

use serde_json::{Map, Value};

use super::{McpServers, Options, OutputFormat, SettingSource, Skills, Workspace, settings};

/// What the program must read from `initialize` before it starts anything.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EarlyFields {
    /// It must wait for the request.
    pub(super) wait: bool,
    /// The request has settings.
    pub(super) settings: bool,
}

impl Options {
    pub(super) fn early_fields(&self) -> EarlyFields {
        let settings = self.inline_settings().is_some();
        let servers = matches!(&self.mcp_servers, Some(McpServers::Map(servers)) if !servers.is_empty());
        EarlyFields { wait: settings || servers || self.managed_settings.is_some(), settings }
    }

    /// The settings that travel in the request: `settings` with `sandbox` laid over.
    fn inline_settings(&self) -> Option<Map<String, Value>> {
        let given = self.settings.as_ref().and_then(|settings| settings.inline().unwrap_or_default());
        let Some(sandbox) = &self.sandbox else { return given };
        let mut all = given.unwrap_or_default();
        let mut over = Map::new();
        over.insert("sandbox".to_owned(), sandbox.clone().into());
        settings::merge(&mut all, &over);
        // A sandbox that was asked for and cannot be had is an error, not a run without one.
        if sandbox.get("enabled") == Some(&Value::Bool(true))
            && let Some(merged) = all.get_mut("sandbox").and_then(Value::as_object_mut)
        {
            merged.entry("failIfUnavailable").or_insert(true.into());
        }
        Some(all)
    }

    /// The settings files that are read, when options say so.
    pub(super) fn sources(&self) -> Option<Vec<SettingSource>> {
        let skills = || self.skills.as_ref().map(|_| vec![SettingSource::User, SettingSource::Project]);
        let sources = self.setting_sources.clone().or_else(skills);
        if self.workspace != Workspace::Isolated {
            return sources;
        }
        let mut users = sources.unwrap_or_else(|| vec![SettingSource::User]);
        users.retain(|source| *source == SettingSource::User);
        Some(users)
    }

    /// The `initialize` request that opens the conversation.
    pub(crate) fn initialize(&self) -> Value {
        let mut request = Map::new();
        let mut set = |name: &str, value: Value| request.insert(name.to_owned(), value);
        set("subtype", "initialize".into());
        if let Some(prompt) = &self.system_prompt {
            if let Some(blocks) = prompt.blocks() {
                set("systemPrompt", blocks.into());
            }
            if let Some(exclude) = prompt.exclude_dynamic_sections() {
                set("excludeDynamicSections", exclude.into());
            }
        }
        let prompt_is_kept = self.system_prompt.as_ref().and_then(|prompt| prompt.snapshot());
        if let Some(kept) = prompt_is_kept.or(self.enable_agent_switching.then_some(false)) {
            set("systemPromptSnapshot", kept.into());
        }
        let preset = self.system_prompt.as_ref().and_then(|prompt| prompt.append());
        if let Some(append) = self.append_system_prompt.as_deref().or(preset) {
            set("appendSystemPrompt", append.into());
        }
        for (name, text) in [("planModeInstructions", &self.plan_mode_instructions), ("title", &self.title)] {
            if let Some(text) = text {
                set(name, text.as_str().into());
            }
        }
        for (name, on) in [
            ("forwardSubagentText", self.forward_subagent_text),
            ("promptSuggestions", self.prompt_suggestions),
            ("agentProgressSummaries", self.agent_progress_summaries),
            ("perTaskStopAffordance", self.per_task_stop_affordance),
        ] {
            if on {
                set(name, true.into());
            }
        }
        if let Some(OutputFormat::JsonSchema { schema }) = &self.output_format {
            set("jsonSchema", schema.clone().into());
        }
        if !self.agents.is_empty() {
            // The program knows no `null` here, and would start without any agent.
            let given = |agent: &Map<String, Value>| -> Map<String, Value> {
                let fields = agent.iter().filter(|(_, value)| !value.is_null());
                fields.map(|(field, value)| (field.clone(), value.clone())).collect()
            };
            let agents: Map<_, _> =
                self.agents.iter().map(|(name, agent)| (name.clone(), given(agent).into())).collect();
            set("agents", agents.into());
        }
        if !self.tool_aliases.is_empty() {
            let aliases: Map<_, _> =
                self.tool_aliases.iter().map(|(name, tool)| (name.clone(), tool.as_str().into())).collect();
            set("toolAliases", aliases.into());
        }
        if let Some(Skills::List(names)) = &self.skills {
            set("skills", names.as_slice().into());
        }
        if !self.supported_dialog_kinds.is_empty() {
            set("supportedDialogKinds", self.supported_dialog_kinds.as_slice().into());
        }
        if let Some(McpServers::Map(servers)) = &self.mcp_servers
            && !servers.is_empty()
        {
            let servers: Map<_, _> =
                servers.iter().map(|(name, server)| (name.clone(), server.clone().into())).collect();
            set("mcpServers", servers.into());
        }
        if let Some(settings) = self.inline_settings() {
            set("settings", settings.into());
        }
        if let Some(settings) = &self.managed_settings {
            set("managedSettings", settings.clone().into());
        }
        request.into()
    }
}
