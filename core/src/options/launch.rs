//! Options become a command line and an `initialize` request. Pure, so that it can be tested and shown.
//!
//! Whatever may be large or secret travels over stdin: argument lists are visible to every user of the machine and
//! limited in length. Values are always written as `--flag=value`, so that one that begins with a dash stays a value.

use std::{ffi::OsString, path::PathBuf};

use serde_json::{Map, Value, json};

use super::{Options, PermissionMode, SettingSource};
use crate::transport::Launch;

impl Options {
    /// How to start `program` for these options. With `ask_permission`, permission questions are routed to this host.
    ///
    /// ```
    /// let options = madrigal::Options { model: Some("opus".into()), ..Default::default() };
    /// let launch = options.launch("claude".into(), false);
    /// assert!(launch.args.contains(&"--model=opus".into()));
    /// ```
    pub fn launch(&self, program: PathBuf, ask_permission: bool) -> Launch {
        let mut args: Vec<OsString> =
            ["-p", "--input-format=stream-json", "--output-format=stream-json", "--verbose"]
                .map(Into::into)
                .into();
        let mut flag = |name: &str, value: OsString| {
            let mut arg = OsString::from(format!("--{name}="));
            arg.push(value);
            args.push(arg);
        };
        if let Some(model) = &self.model {
            flag("model", model.into());
        }
        if let Some(models) = &self.fallback_model {
            flag("fallback-model", models.into());
        }
        if let Some(tools) = &self.tools {
            flag("tools", tools.join(",").into());
        }
        if !self.allowed_tools.is_empty() {
            flag("allowedTools", self.allowed_tools.join(",").into());
        }
        if !self.disallowed_tools.is_empty() {
            flag("disallowedTools", self.disallowed_tools.join(",").into());
        }
        if let Some(mode) = self.permission_mode {
            flag("permission-mode", mode.name().into());
        }
        if ask_permission {
            flag("permission-prompt-tool", "stdio".into());
        }
        if let Some(turns) = self.max_turns {
            flag("max-turns", turns.to_string().into());
        }
        if let Some(dollars) = self.max_budget_usd {
            flag("max-budget-usd", dollars.to_string().into());
        }
        if let Some(id) = &self.resume {
            flag("resume", id.into());
        }
        if let Some(id) = &self.session_id {
            flag("session-id", id.into());
        }
        for directory in &self.add_dirs {
            flag("add-dir", directory.into());
        }
        if let Some(sources) = &self.setting_sources {
            let names: Vec<_> = sources.iter().map(|source| source.name()).collect();
            flag("setting-sources", names.join(",").into());
        }
        for (name, on) in [
            ("--continue", self.continue_session),
            ("--fork-session", self.fork_session),
            ("--include-partial-messages", self.include_partial_messages),
        ] {
            if on {
                args.push(name.into());
            }
        }
        for (name, value) in &self.extra_args {
            args.push(match value {
                None => format!("--{name}").into(),
                Some(value) => format!("--{name}={value}").into(),
            });
        }
        Launch {
            program,
            args,
            env: self.env.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            // Set inside a session of the CLI; a session started from there is one of its own.
            env_remove: vec!["CLAUDECODE".into(), "CLAUDE_CODE_ENTRYPOINT".into()],
            cwd: self.cwd.clone(),
            on_stderr: None,
        }
    }

    /// The `initialize` request that opens the conversation.
    pub(crate) fn initialize(&self) -> Value {
        let mut request = Map::new();
        request.insert("subtype".to_owned(), "initialize".into());
        if let Some(prompt) = &self.system_prompt {
            request.insert("systemPrompt".to_owned(), json!([prompt]));
        }
        if let Some(prompt) = &self.append_system_prompt {
            request.insert("appendSystemPrompt".to_owned(), prompt.as_str().into());
        }
        request.into()
    }
}

impl PermissionMode {
    /// The CLI's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::AcceptEdits => "acceptEdits",
            Self::Plan => "plan",
            Self::DontAsk => "dontAsk",
            Self::Auto => "auto",
            Self::BypassPermissions => "bypassPermissions",
        }
    }
}

impl SettingSource {
    /// The CLI's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Project => "project",
            Self::Local => "local",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn args(options: &Options) -> Vec<String> {
        options
            .launch("claude".into(), false)
            .args
            .into_iter()
            .map(|arg| arg.into_string().unwrap())
            .collect()
    }

    #[test]
    fn prompts_never_reach_the_command_line() {
        let options = Options {
            system_prompt: Some("SECRET".into()),
            append_system_prompt: Some("SECRET".into()),
            env: [("KEY".to_owned(), "SECRET".to_owned())].into(),
            ..Options::default()
        };
        assert!(!format!("{:?}", options.launch("claude".into(), true)).contains("SECRET"));
        assert_eq!(options.initialize()["systemPrompt"], json!(["SECRET"]));
    }

    #[test]
    fn an_empty_list_of_tools_or_settings_means_none() {
        let options = Options { tools: Some(vec![]), setting_sources: Some(vec![]), ..Options::default() };
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
