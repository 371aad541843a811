//! Refuses options that cannot work before anything is started, naming the field and what was expected.

use std::path::Path;

use uuid::Uuid;

use super::Options;
use crate::{Error, ErrorKind, Result};

/// Flags that carry the conversation itself; replacing one would break it.
const OURS: [&str; 7] = [
    "print",
    "input-format",
    "output-format",
    "verbose",
    "permission-prompt-tool",
    "system-prompt",
    "append-system-prompt",
];

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
        self.validate_text()?;
        if self.max_turns == Some(0) {
            return Err(invalid("max_turns", "expected at least 1"));
        }
        if self.max_budget_usd.is_some_and(|dollars| !dollars.is_finite() || dollars <= 0.0) {
            return Err(invalid("max_budget_usd", "expected an amount above 0, in US dollars"));
        }
        if self.resume.is_some() && self.continue_session {
            return Err(invalid("continue", "cannot be combined with `resume`; choose one"));
        }
        if self.fork_session && self.resume.is_none() && !self.continue_session {
            return Err(invalid("fork_session", "needs `resume` or `continue`"));
        }
        if let Some(id) = &self.session_id
            && Uuid::try_parse(id).is_err()
        {
            return Err(invalid(
                "session_id",
                "expected a UUID such as 123e4567-e89b-42d3-a456-426614174000",
            ));
        }
        if self.limits.line_bytes == 0 || self.limits.buffer_bytes == 0 {
            return Err(invalid("limits", "expected sizes above 0, in bytes"));
        }
        if self.limits.hard_buffer_bytes < self.limits.buffer_bytes {
            return Err(invalid("limits.hard_buffer_bytes", "expected at least `limits.buffer_bytes`"));
        }
        Ok(())
    }

    fn validate_text(&self) -> Result<()> {
        let single = [
            ("model", &self.model),
            ("fallback_model", &self.fallback_model),
            ("resume", &self.resume),
            ("session_id", &self.session_id),
        ];
        for (field, value) in single {
            if let Some(value) = value {
                text(field, value)?;
                if value.is_empty() {
                    return Err(invalid(field, "expected a value; leave it out for the default"));
                }
            }
        }
        let tools = self.tools.as_deref().unwrap_or_default();
        for (field, list) in [
            ("tools", tools),
            ("allowed_tools", &self.allowed_tools),
            ("disallowed_tools", &self.disallowed_tools),
        ] {
            for (index, value) in list.iter().enumerate() {
                text(&format!("{field}[{index}]"), value)?;
                if value.trim().is_empty() {
                    return Err(invalid(
                        &format!("{field}[{index}]"),
                        "expected the name of a tool or a rule",
                    ));
                }
            }
        }
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
        for (field, path) in [("cwd", &self.cwd), ("cli_path", &self.cli_path)] {
            if let Some(path) = path {
                path_text(field, path)?;
            }
        }
        for (index, path) in self.add_dirs.iter().enumerate() {
            path_text(&format!("add_dirs[{index}]"), path)?;
        }
        Ok(())
    }
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

fn invalid(path: &str, problem: &str) -> Error {
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
