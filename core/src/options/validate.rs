//! Refuses options that cannot work before anything is started, naming the field and what was expected.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{McpServers, Options, StallAction, texts::validate_limits};
use crate::{Error, ErrorKind, Result, agents::Agent};

impl Options {
    /// Reads options from JSON text. Fails with `invalid_options`, naming the path of the field.
    pub fn from_json(text: &str) -> Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let options: Self = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            // The position in the text means nothing to a caller who never saw the text.
            let problem = error.inner().to_string();
            let problem = problem.rsplit_once(" at line ").map_or(problem.as_str(), |(problem, _)| problem);
            invalid(&path, problem)
        })?;
        Ok(options)
    }

    /// Checks what types cannot: ranges, exclusions, names. Fails with `invalid_options`, naming the path of the field.
    /// Called by everything that opens a session.
    pub fn validate(&self) -> Result<()> {
        self.validate_texts()?;
        self.validate_model()?;
        self.validate_resumption()?;
        self.validate_settings()?;
        self.validate_agents()?;
        self.validate_servers()?;
        if self.timeouts.stall_action == StallAction::Resume && self.persist_session == Some(false) {
            return Err(invalid("timeouts.stall_action", "`resume` needs `persist_session`"));
        }
        validate_limits(&self.timeouts, &self.limits)
    }

    fn validate_model(&self) -> Result<()> {
        if self.max_turns == Some(0) {
            return Err(invalid("max_turns", "expected at least 1"));
        }
        if self.max_budget_usd.is_some_and(|dollars| !dollars.is_finite() || dollars <= 0.0) {
            return Err(invalid("max_budget_usd", "expected an amount above 0, in US dollars"));
        }
        if self.task_budget.is_some_and(|budget| budget.total == 0) {
            return Err(invalid("task_budget.total", "expected at least 1 token"));
        }
        if self.fallback_model.is_some() && self.fallback_model == self.model {
            return Err(invalid("fallback_model", "expected another model than `model`"));
        }
        let kept = self.system_prompt.as_ref().and_then(|prompt| prompt.snapshot());
        if self.enable_agent_switching && kept == Some(true) {
            return Err(invalid(
                "enable_agent_switching",
                "cannot be combined with `system_prompt.snapshot`: a prompt that is kept is that of the first agent",
            ));
        }
        if self.append_system_prompt.is_some()
            && self.system_prompt.as_ref().is_some_and(|prompt| prompt.append().is_some())
        {
            return Err(invalid("append_system_prompt", "given twice: `system_prompt.append` says it too"));
        }
        if self.system_prompt.as_ref().and_then(|prompt| prompt.blocks()).is_some_and(<[String]>::is_empty) {
            return Err(invalid("system_prompt", "expected at least one text"));
        }
        if !self.executable_args.is_empty() && self.executable.is_none() {
            return Err(invalid("executable_args", "needs `executable`"));
        }
        if self.executable.is_some() && self.cli_path.is_none() {
            return Err(invalid("executable", "needs `cli_path`, the script that it runs"));
        }
        Ok(())
    }

    fn validate_resumption(&self) -> Result<()> {
        if self.resume.is_some() && self.continue_session {
            return Err(invalid("continue", "cannot be combined with `resume`; choose one"));
        }
        let resumes = self.resume.is_some() || self.continue_session;
        if self.fork_session && !resumes {
            return Err(invalid("fork_session", "needs `resume` or `continue`"));
        }
        if self.resume_session_at.is_some() && !resumes {
            return Err(invalid("resume_session_at", "needs `resume` or `continue`"));
        }
        if self.resume_drops_turn.is_some() && self.resume_session_at.is_none() {
            return Err(invalid("resume_drops_turn", "needs `resume_session_at`"));
        }
        if let Some(id) = &self.session_id {
            if Uuid::try_parse(id).is_err() {
                return Err(invalid(
                    "session_id",
                    "expected a UUID such as 123e4567-e89b-42d3-a456-426614174000",
                ));
            }
            if resumes && !self.fork_session {
                return Err(invalid(
                    "session_id",
                    "with `resume` or `continue` only a fork gets an id: add `fork_session`",
                ));
            }
        }
        Ok(())
    }

    fn validate_settings(&self) -> Result<()> {
        if let Some(settings) = &self.settings {
            if let Err(problem) = settings.inline() {
                return Err(invalid("settings", &format!("expected a JSON object: {problem}")));
            }
            if settings.file().is_some() && self.sandbox.is_some() {
                return Err(invalid(
                    "sandbox",
                    "cannot be combined with a file of settings; put it into the file",
                ));
            }
        }
        if let Some(context) = &self.trace_context
            && let Some((field, problem)) = context.problem()
        {
            return Err(invalid(&format!("trace_context.{field}"), problem));
        }
        if !self.env_allow.is_empty() && self.env_mode != super::EnvMode::AllowList {
            return Err(invalid("env_allow", "needs `env_mode` to be `allow_list`"));
        }
        Ok(())
    }

    fn validate_agents(&self) -> Result<()> {
        for (name, agent) in &self.agents {
            Agent::from_fields(name, agent)?;
        }
        Ok(())
    }

    fn validate_servers(&self) -> Result<()> {
        let Some(McpServers::Map(servers)) = &self.mcp_servers else { return Ok(()) };
        for (name, server) in servers {
            let path = format!("mcp_servers.{name}");
            if name.trim().is_empty() {
                return Err(invalid("mcp_servers", "expected a name for each server"));
            }
            match server.get("type").map(Value::as_str) {
                None | Some(Some("stdio")) => need_text(&path, server, "command")?,
                Some(Some("http" | "sse" | "ws")) => need_text(&path, server, "url")?,
                Some(Some("sdk")) => {
                    return Err(invalid(
                        &format!("{path}.type"),
                        "a server inside this process is not an option: register its tools with the session",
                    ));
                }
                // What the CLI learns later.
                Some(Some(_)) => {}
                Some(None) => return Err(invalid(&format!("{path}.type"), "expected a text")),
            }
        }
        Ok(())
    }
}

fn need_text(path: &str, object: &Map<String, Value>, field: &str) -> Result<()> {
    match object.get(field).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(()),
        _ => Err(invalid(&format!("{path}.{field}"), "expected a text")),
    }
}

pub(crate) fn invalid(path: &str, problem: &str) -> Error {
    Error::new(ErrorKind::InvalidOptions, format!("{path}: {problem}"))
        .operation("options")
        .with("field", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(json: &str) -> String {
        let error = Options::from_json(json).and_then(|options| options.validate()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidOptions);
        error.context()["field"].as_str().unwrap().to_owned()
    }

    #[test]
    fn bad_options_are_named_by_their_path() {
        for (json, path) in [
            (r#"{"modle": "opus"}"#, "modle"),
            (r#"{"timeouts": {"idle_ms": "soon"}}"#, "timeouts.idle_ms"),
            (r#"{"allowed_tools": ["Bash", 7]}"#, "allowed_tools[1]"),
            (r#"{"permission_mode": "yolo"}"#, "permission_mode"),
            (r#"{"max_turns": 0}"#, "max_turns"),
            (r#"{"max_budget_usd": 0}"#, "max_budget_usd"),
            (r#"{"session_id": "x"}"#, "session_id"),
            (r#"{"resume": "x", "continue": true}"#, "continue"),
            (r#"{"fork_session": true}"#, "fork_session"),
            (r#"{"env": {"A=B": ""}}"#, "env.A=B"),
            (r#"{"model": "a\u0000b"}"#, "model"),
            (r#"{"extra_args": {"--effort": "high"}}"#, "extra_args.--effort"),
            (r#"{"extra_args": {"input-format": "text"}}"#, "extra_args.input-format"),
            (r#"{"cwd": ""}"#, "cwd"),
            (r#"{"limits": {"hard_buffer_bytes": 1}}"#, "limits.hard_buffer_bytes"),
            (r#"{"timeouts": {"stall_action": "sulk"}}"#, "timeouts.stall_action"),
            (r#"{"timeouts": {"callback_ms": 0}}"#, "timeouts.callback_ms"),
            (r#"{"timeouts": {"stall_resumes": 0}}"#, "timeouts.stall_resumes"),
            (
                r#"{"timeouts": {"stall_action": "resume"}, "persist_session": false}"#,
                "timeouts.stall_action",
            ),
            (r#"{"system_prompt": 7}"#, "system_prompt"),
            (r#"{"system_prompt": ["a", 7]}"#, "system_prompt[1]"),
            (r#"{"system_prompt": {"type": "preset", "preset": "mine"}}"#, "system_prompt"),
            (
                r#"{"append_system_prompt": "a", "system_prompt": {"type": "preset", "preset": "claude_code", "append": "b"}}"#,
                "append_system_prompt",
            ),
            (
                r#"{"enable_agent_switching": true, "system_prompt": {"type": "custom", "prompt": "x", "snapshot": true}}"#,
                "enable_agent_switching",
            ),
            (r#"{"tools": "Bash"}"#, "tools"),
            (r#"{"tools": ["Bash", ""]}"#, "tools[1]"),
            (r#"{"skills": "some"}"#, "skills"),
            (r#"{"skills": ["a)b"]}"#, "skills[0]"),
            (r#"{"betas": ["a,b"]}"#, "betas[0]"),
            (r#"{"thinking": {"type": "deep"}}"#, "thinking.type"),
            (r#"{"effort": "huge"}"#, "effort"),
            (r#"{"task_budget": {"total": 0}}"#, "task_budget.total"),
            (r#"{"output_format": {"type": "json_schema", "schema": "x"}}"#, "output_format"),
            (r#"{"model": "a", "fallback_model": "a"}"#, "fallback_model"),
            (r#"{"agents": {"a": {"description": "x"}}}"#, "agents.a.prompt"),
            (r#"{"agents": {"a": {"description": "x", "prompt": "y", "tools": "Bash"}}}"#, "agents.a.tools"),
            (r#"{"agents": {"a": "x"}}"#, "agents.a"),
            (r#"{"mcp_servers": {"s": {"type": "http"}}}"#, "mcp_servers.s.url"),
            (r#"{"mcp_servers": {"s": {}}}"#, "mcp_servers.s.command"),
            (r#"{"mcp_servers": {"s": {"type": "sdk", "name": "s"}}}"#, "mcp_servers.s.type"),
            (r#"{"plugins": [{"type": "local", "path": ""}]}"#, "plugins[0].path"),
            (r#"{"plugins": [{"type": "remote", "path": "x"}]}"#, "plugins[0].type"),
            (r#"{"settings": "{oops"}"#, "settings"),
            (r#"{"settings": "file.json", "sandbox": {}}"#, "sandbox"),
            (r#"{"resume_session_at": "x"}"#, "resume_session_at"),
            (r#"{"resume": "x", "resume_drops_turn": "y"}"#, "resume_drops_turn"),
            (r#"{"resume": "x", "session_id": "123e4567-e89b-42d3-a456-426614174000"}"#, "session_id"),
            (r#"{"workspace": "open"}"#, "workspace"),
            (r#"{"env_allow": ["X"]}"#, "env_allow"),
            (r#"{"env_mode": "allow_list", "env_allow": ["A*B"]}"#, "env_allow[0]"),
            (r#"{"trace_context": {"traceparent": "x"}}"#, "trace_context.traceparent"),
            (r#"{"executable": "node"}"#, "executable"),
        ] {
            assert_eq!(field(json), path, "{json}");
        }
    }

    #[test]
    fn a_problem_says_what_was_expected_and_not_where_in_a_text_nobody_saw() {
        let error = Options::from_json(r#"{"modle": "opus"}"#).unwrap_err();
        assert!(error.message().contains("expected one of `model`"), "{error}");
        assert!(!error.message().contains("column"), "{error}");
    }

    #[test]
    fn good_options_pass() {
        let json = r#"{"model": "opus", "continue": true, "fork_session": true, "extra_args": {"effort": "high", "bare": null}}"#;
        Options::from_json(json).unwrap().validate().unwrap();
        Options::default().validate().unwrap();
    }
}
