//! Options become a command line and an environment. Pure, so that it can be tested and shown.
//!
//! Whatever may be large or secret travels over stdin, see `initialize.rs`: argument lists are visible to every user of
//! the machine and limited in length. Values are always written as `--flag=value`, so that one that begins with a dash
//! stays a value.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use super::{EnvMode, McpServers, NEEDED, Options, Settings, Skills, SystemPrompt, Thinking, Tools};
use crate::transport::Launch;

/// A command line in the making.
struct Args(Vec<OsString>);

impl Args {
    fn flag(&mut self, name: &str, value: impl AsRef<OsStr>) {
        let mut arg = OsString::from(format!("--{name}="));
        arg.push(value);
        self.0.push(arg);
    }

    fn maybe(&mut self, name: &str, value: Option<impl AsRef<OsStr>>) {
        if let Some(value) = value {
            self.flag(name, value);
        }
    }

    /// A list separated by commas, unless it is empty.
    fn list(&mut self, name: &str, values: &[String]) {
        if !values.is_empty() {
            self.flag(name, values.join(","));
        }
    }

    fn switch(&mut self, name: &str, on: bool) {
        if on {
            self.0.push(format!("--{name}").into());
        }
    }
}

impl Options {
    /// How to start `program` for these options. With `ask_permission`, permission questions are routed to this host.
    ///
    /// ```
    /// let options = madrigal::Options { model: Some("opus".into()), ..Default::default() };
    /// let launch = options.launch("claude".into(), false);
    /// assert!(launch.args.contains(&"--model=opus".into()));
    /// ```
    pub fn launch(&self, program: PathBuf, ask_permission: bool) -> Launch {
        let mut args = Args(Vec::new());
        let program = match &self.executable {
            None => program,
            Some(executable) => {
                args.0.extend(self.executable_args.iter().map(Into::into));
                args.0.push(program.into());
                executable.clone()
            }
        };
        args.0.extend(
            ["-p", "--input-format=stream-json", "--output-format=stream-json", "--verbose"].map(Into::into),
        );
        self.model_args(&mut args);
        self.tool_args(&mut args, ask_permission);
        self.session_args(&mut args);
        self.workspace_args(&mut args);
        for (name, value) in &self.extra_args {
            match value {
                None => args.switch(name, true),
                Some(value) => args.flag(name, value),
            }
        }
        Launch {
            program,
            args: args.0,
            env: self.environment(),
            env_keep: match self.env_mode {
                EnvMode::Inherit => None,
                EnvMode::AllowList => {
                    let allowed = self.env_allow.iter().map(String::as_str);
                    Some(NEEDED.into_iter().chain(allowed).map(OsString::from).collect())
                }
            },
            env_remove: self.unwanted().map(OsString::from).collect(),
            cwd: self.cwd.clone(),
            user: self.user.clone(),
            on_stderr: None,
        }
    }

    fn model_args(&self, args: &mut Args) {
        args.maybe("model", self.model.as_ref());
        args.maybe("fallback-model", self.fallback_model.as_ref());
        args.list("betas", &self.betas);
        match self.thinking {
            None => args.maybe("max-thinking-tokens", self.max_thinking_tokens.map(|most| most.to_string())),
            Some(Thinking::Disabled {}) => args.flag("thinking", "disabled"),
            Some(Thinking::Enabled { budget_tokens: Some(most), .. }) => {
                args.flag("max-thinking-tokens", most.to_string());
            }
            Some(Thinking::Adaptive { .. } | Thinking::Enabled { .. }) => args.flag("thinking", "adaptive"),
        }
        args.maybe(
            "thinking-display",
            self.thinking.and_then(Thinking::display).map(|display| display.name()),
        );
        args.maybe("effort", self.effort.map(|effort| effort.name()));
        args.maybe("task-budget", self.task_budget.map(|budget| budget.total.to_string()));
        args.maybe("max-turns", self.max_turns.map(|turns| turns.to_string()));
        args.maybe("max-budget-usd", self.max_budget_usd.map(|dollars| dollars.to_string()));
        if let Some(SystemPrompt::File(path)) = &self.system_prompt {
            args.flag("system-prompt-file", path);
        }
    }

    fn tool_args(&self, args: &mut Args, ask_permission: bool) {
        match &self.tools {
            None => {}
            Some(Tools::List(names)) => args.flag("tools", names.join(",")),
            Some(Tools::Preset) => args.flag("tools", "default"),
        }
        let mut allowed = self.allowed_tools.clone();
        let skills = match &self.skills {
            None => Vec::new(),
            Some(Skills::All) => vec!["Skill".to_owned()],
            Some(Skills::List(names)) => names.iter().map(|name| format!("Skill({name})")).collect(),
        };
        allowed.extend(skills.into_iter().filter(|rule| !self.allowed_tools.contains(rule)));
        args.list("allowedTools", &allowed);
        args.list("disallowedTools", &self.disallowed_tools);
        args.maybe("permission-mode", self.permission_mode.map(|mode| mode.name()));
        args.switch("allow-dangerously-skip-permissions", self.allow_dangerously_skip_permissions);
        if ask_permission {
            args.flag("permission-prompt-tool", "stdio");
        } else {
            args.maybe("permission-prompt-tool", self.permission_prompt_tool_name.as_ref());
        }
        args.maybe("permission-prompts", self.permission_prompts.map(|who| who.name()));
        args.maybe("agent", self.agent.as_ref());
        if let Some(McpServers::File(path)) = &self.mcp_servers {
            args.flag("mcp-config", path);
        }
        args.switch("strict-mcp-config", self.strict_mcp_config);
        for plugin in &self.plugins {
            args.flag(
                if plugin.skip_mcp_discovery { "plugin-dir-no-mcp" } else { "plugin-dir" },
                &plugin.path,
            );
        }
    }

    fn session_args(&self, args: &mut Args) {
        args.maybe("resume", self.resume.as_ref());
        args.switch("continue", self.continue_session);
        args.switch("fork-session", self.fork_session);
        args.maybe("resume-session-at", self.resume_session_at.as_ref());
        args.maybe("resume-drops-turn", self.resume_drops_turn.as_ref());
        args.maybe("session-id", self.session_id.as_ref());
        args.switch("no-session-persistence", self.persist_session == Some(false));
        args.switch("include-partial-messages", self.include_partial_messages);
        args.switch("include-hook-events", self.include_hook_events);
        args.switch("debug", self.debug);
        args.maybe("debug-file", self.debug_file.as_ref());
    }

    fn workspace_args(&self, args: &mut Args) {
        for directory in &self.add_dirs {
            args.flag("add-dir", directory);
        }
        args.maybe("project-config-root", self.project_config_root.as_ref());
        if let Some(sources) = self.sources() {
            args.flag(
                "setting-sources",
                sources.iter().map(|source| source.name()).collect::<Vec<_>>().join(","),
            );
        }
        args.maybe("settings", self.settings.as_ref().and_then(Settings::file));
        // Read before anything else of the program starts; it waits for them.
        let early = self.early_fields();
        args.switch("await-initialize", early.wait);
        args.switch("managed-settings-in-initialize", self.managed_settings.is_some());
        if early.settings {
            args.flag("initialize-fields", "settings");
        }
    }

    /// Variables that are not inherited.
    fn unwanted(&self) -> impl Iterator<Item = &'static str> {
        // Set inside a session of the CLI; a session started from there is one of its own.
        let inside = ["CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT"];
        // It would belong to another trace.
        let stale = self.trace_context.as_ref().map(|_| "TRACESTATE");
        inside.into_iter().chain(stale)
    }

    /// The variables that options set. Those of `env` go before them.
    fn environment(&self) -> std::collections::BTreeMap<OsString, OsString> {
        let mut env: std::collections::BTreeMap<OsString, OsString> = std::collections::BTreeMap::new();
        let mut set = |name: &str, value: &str| env.insert(name.into(), value.into());
        if self.enable_file_checkpointing {
            set("CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING", "true");
        }
        if let Some(format) = self.tool_config.ask_user_question.preview_format {
            set("CLAUDE_CODE_QUESTION_PREVIEW_FORMAT", format.name());
        }
        if let Some(app) = &self.client_app {
            set("CLAUDE_AGENT_SDK_CLIENT_APP", app);
        }
        if let Some(context) = &self.trace_context {
            set("TRACEPARENT", &context.traceparent);
            if let Some(state) = &context.tracestate {
                set("TRACESTATE", state);
            }
        }
        env.extend(self.env.iter().map(|(name, value)| (name.into(), value.into())));
        env
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn args(options: &Options) -> Vec<String> {
        let args = options.launch("claude".into(), false).args;
        args.into_iter().map(|arg| arg.into_string().unwrap()).collect()
    }

    #[test]
    fn what_may_be_secret_never_reaches_the_command_line() {
        let text = json!({
            "system_prompt": "SECRET", "append_system_prompt": "SECRET", "plan_mode_instructions": "SECRET",
            "env": {"KEY": "SECRET"}, "mcp_servers": {"s": {"command": "x", "env": {"TOKEN": "SECRET"}}},
            "agents": {"a": {"description": "SECRET", "prompt": "SECRET"}}, "settings": {"env": {"KEY": "SECRET"}},
            "managed_settings": {"a": "SECRET"}, "sandbox": {"a": "SECRET"},
            "output_format": {"type": "json_schema", "schema": {"title": "SECRET"}},
        });
        let options = Options::from_json(&text.to_string()).unwrap();
        assert!(!format!("{:?}", options.launch("claude".into(), true)).contains("SECRET"));
        assert!(options.initialize().to_string().matches("SECRET").count() >= 9);
    }

    #[test]
    fn an_empty_list_of_tools_or_settings_means_none() {
        let options =
            Options { tools: Some(Tools::List(vec![])), setting_sources: Some(vec![]), ..Options::default() };
        let args = args(&options);
        assert!(
            args.contains(&"--tools=".to_owned()) && args.contains(&"--setting-sources=".to_owned()),
            "{args:?}"
        );
    }

    #[test]
    fn defaults_add_nothing() {
        assert_eq!(args(&Options::default()).len(), 4);
        assert_eq!(Options::default().initialize(), json!({"subtype": "initialize"}));
    }

    #[test]
    fn an_executable_runs_the_program_with_its_own_arguments_first() {
        let options = Options {
            executable: Some("node".into()),
            executable_args: vec!["--no-warnings".into()],
            ..Options::default()
        };
        let launch = options.launch("/opt/cli.js".into(), false);
        assert_eq!(launch.program, PathBuf::from("node"));
        assert_eq!(launch.args[..3], ["--no-warnings", "/opt/cli.js", "-p"]);
    }

    #[test]
    fn an_allow_list_names_what_is_inherited() {
        let options = Options {
            env_mode: EnvMode::AllowList,
            env_allow: vec!["ANTHROPIC_API_KEY".into()],
            ..Options::default()
        };
        let keep = options.launch("claude".into(), false).env_keep.unwrap();
        assert!(keep.contains(&"PATH".into()) && keep.contains(&"ANTHROPIC_API_KEY".into()));
        assert_eq!(Options::default().launch("claude".into(), false).env_keep, None);
    }

    proptest! {
        #[test]
        fn a_value_never_becomes_a_flag(value in "[-a-z =]{1,12}") {
            let options = Options { model: Some(value.clone()), resume: Some(value.clone()), ..Options::default() };
            let args = args(&options);
            let model = format!("--model={value}");
            let resume = format!("--resume={value}");
            prop_assert!(args.contains(&model) && args.contains(&resume));
            prop_assert_eq!(args.len(), 6);
        }
    }
}
