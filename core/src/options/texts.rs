//! Checks of the texts among the options: no NUL, which ends an argument; nothing empty where a value is meant; names that
//! are names.

use std::path::Path;

use super::{Limits, McpServers, Options, Skills, SystemPrompt, Timeouts, Tools, validate::invalid};
use crate::Result;

/// Flags that carry the conversation itself; replacing one would break it.
const OURS: [&str; 11] = [
    "print",
    "p",
    "input-format",
    "output-format",
    "verbose",
    "permission-prompt-tool",
    "system-prompt",
    "append-system-prompt",
    "await-initialize",
    "initialize-fields",
    "managed-settings-in-initialize",
];

impl Options {
    pub(super) fn validate_texts(&self) -> Result<()> {
        self.validate_single_texts()?;
        self.validate_lists()?;
        self.validate_maps()?;
        self.validate_paths()
    }

    fn validate_single_texts(&self) -> Result<()> {
        let single = [
            ("model", &self.model),
            ("fallback_model", &self.fallback_model),
            ("agent", &self.agent),
            ("permission_prompt_tool_name", &self.permission_prompt_tool_name),
            ("resume", &self.resume),
            ("resume_session_at", &self.resume_session_at),
            ("resume_drops_turn", &self.resume_drops_turn),
            ("session_id", &self.session_id),
            ("client_app", &self.client_app),
            ("user", &self.user),
        ];
        for (field, value) in single {
            if let Some(value) = value {
                text(field, value)?;
                if value.is_empty() {
                    return Err(invalid(field, "expected a value; leave it out for the default"));
                }
            }
        }
        Ok(())
    }

    fn validate_lists(&self) -> Result<()> {
        let none = Vec::new();
        let tools = match &self.tools {
            Some(Tools::List(names)) => names,
            _ => &none,
        };
        for (field, list, expected) in [
            ("tools", tools, "expected the name of a tool"),
            ("allowed_tools", &self.allowed_tools, "expected the name of a tool or a rule"),
            ("disallowed_tools", &self.disallowed_tools, "expected the name of a tool or a rule"),
            ("betas", &self.betas, "expected the name of a beta feature"),
            ("supported_dialog_kinds", &self.supported_dialog_kinds, "expected the name of a kind of dialog"),
            ("env_allow", &self.env_allow, "expected the name of a variable"),
        ] {
            for (index, value) in list.iter().enumerate() {
                let field = format!("{field}[{index}]");
                text(&field, value)?;
                if value.trim().is_empty() {
                    return Err(invalid(&field, expected));
                }
            }
        }
        for (index, value) in self.executable_args.iter().enumerate() {
            text(&format!("executable_args[{index}]"), value)?;
        }
        if let Some(index) = self.betas.iter().position(|name| name.contains(',')) {
            return Err(invalid(&format!("betas[{index}]"), "expected one name, without a comma"));
        }
        for (index, name) in self.env_allow.iter().enumerate() {
            let stem = name.strip_suffix('*').unwrap_or(name);
            if stem.contains(['=', '*']) {
                let field = format!("env_allow[{index}]");
                return Err(invalid(&field, "expected a name, with a `*` only at its end and no `=`"));
            }
        }
        if let Some(Skills::List(names)) = &self.skills {
            for (index, name) in names.iter().enumerate() {
                // Each becomes the rule `Skill(name)` in a list separated by commas.
                if name.trim().is_empty()
                    || name.contains(['(', ')', ',', '\0'])
                    || name.contains(char::is_control)
                {
                    return Err(invalid(&format!("skills[{index}]"), "expected the name of a skill"));
                }
            }
        }
        Ok(())
    }

    fn validate_maps(&self) -> Result<()> {
        for (name, value) in &self.env {
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(invalid(&format!("env.{name}"), "expected a name without `=`"));
            }
            text(&format!("env.{name}"), value)?;
        }
        for (name, value) in &self.extra_args {
            let field = format!("extra_args.{name}");
            let word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            if name.is_empty() || name.starts_with('-') || !word {
                return Err(invalid(
                    &field,
                    "expected the name of a flag without its dashes, such as `effort`",
                ));
            }
            if OURS.contains(&name.as_str()) {
                return Err(invalid(
                    &field,
                    "is set by Madrigal itself and cannot be replaced; there may be an option for it",
                ));
            }
            text(&field, value.as_deref().unwrap_or_default())?;
        }
        Ok(())
    }

    fn validate_paths(&self) -> Result<()> {
        for (field, path) in [
            ("cwd", &self.cwd),
            ("cli_path", &self.cli_path),
            ("executable", &self.executable),
            ("project_config_root", &self.project_config_root),
            ("debug_file", &self.debug_file),
        ] {
            if let Some(path) = path {
                path_text(field, path)?;
            }
        }
        for (index, path) in self.add_dirs.iter().enumerate() {
            path_text(&format!("add_dirs[{index}]"), path)?;
        }
        for (index, plugin) in self.plugins.iter().enumerate() {
            path_text(&format!("plugins[{index}].path"), &plugin.path)?;
        }
        if let Some(SystemPrompt::File(path)) = &self.system_prompt {
            path_text("system_prompt.path", path)?;
        }
        if let Some(McpServers::File(path)) = &self.mcp_servers {
            path_text("mcp_servers", path)?;
        }
        if let Some(path) = self.settings.as_ref().and_then(super::Settings::file) {
            path_text("settings", path)?;
        }
        Ok(())
    }
}

/// Times and sizes that cannot work.
pub(super) fn validate_limits(timeouts: &Timeouts, limits: &Limits) -> Result<()> {
    for (field, limit) in [
        ("timeouts.first_token_ms", timeouts.first_token_ms),
        ("timeouts.callback_ms", timeouts.callback_ms),
        ("timeouts.stall_ms", timeouts.stall_ms),
    ] {
        if limit == Some(0) {
            return Err(invalid(field, "expected at least 1 ms, or `null` for no limit"));
        }
    }
    if timeouts.stall_resumes == 0 {
        return Err(invalid("timeouts.stall_resumes", "expected at least 1"));
    }
    if timeouts.store_ms == 0 {
        return Err(invalid("timeouts.store_ms", "expected at least 1 ms"));
    }
    if limits.line_bytes == 0 || limits.buffer_bytes == 0 {
        return Err(invalid("limits", "expected sizes above 0, in bytes"));
    }
    if limits.hard_buffer_bytes < limits.buffer_bytes {
        return Err(invalid("limits.hard_buffer_bytes", "expected at least `limits.buffer_bytes`"));
    }
    Ok(())
}

fn text(field: &str, value: &str) -> Result<()> {
    if value.contains('\0') {
        return Err(invalid(field, "expected text without a NUL character"));
    }
    Ok(())
}

fn path_text(field: &str, path: &Path) -> Result<()> {
    if path.as_os_str().is_empty() {
        return Err(invalid(field, "expected a path; leave it out for the default"));
    }
    text(field, &path.to_string_lossy())
}
