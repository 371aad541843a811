//! The arguments a stand-in understands: those that change what it says, and the combinations the real program
//! refuses. All others pass, as scenarios check them with `expect_args`.

use super::frames::Facts;

/// What the arguments say.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Arguments {
    pub(crate) model: Option<String>,
    pub(crate) permission_mode: Option<String>,
    pub(crate) session_id: Option<String>,
    /// It goes on with a session.
    pub(crate) resumes: bool,
}

impl Arguments {
    /// What they make of the process that was given them.
    pub(crate) fn facts(self, cwd: String, pid: u32) -> Facts {
        Facts {
            session_id: self.session_id.unwrap_or_default(),
            version: String::new(),
            model: self.model.unwrap_or_else(|| "claude-opus-5-5".to_owned()),
            permission_mode: self.permission_mode.unwrap_or_else(|| "default".to_owned()),
            cwd,
            pid,
            ..Facts::default()
        }
    }

    /// Reads them, or says what the real program would say about them.
    pub(crate) fn read(args: &[String]) -> Result<Self, String> {
        let value = |name: &str| {
            args.iter().enumerate().find_map(|(at, arg)| match arg.strip_prefix(name) {
                Some("") => args.get(at + 1).cloned(),
                Some(rest) => rest.strip_prefix('=').map(str::to_owned),
                None => None,
            })
        };
        let has = |name: &str| args.iter().any(|arg| arg == name);
        let (input, output) = (value("--input-format"), value("--output-format"));
        if input.as_deref() != Some("stream-json") {
            return Err("Error: the simulator speaks only --input-format stream-json".to_owned());
        }
        if output.as_deref() != Some("stream-json") {
            return Err("Error: --input-format=stream-json requires output-format=stream-json.".to_owned());
        }
        if !has("--verbose") {
            return Err(
                "Error: When using --print, --output-format=stream-json requires --verbose".to_owned()
            );
        }
        let chosen = value("--session-id");
        if let Some(id) = chosen.as_deref().filter(|id| uuid::Uuid::parse_str(id).is_err()) {
            return Err(format!("Error: Invalid session ID. Must be a valid UUID: {id}"));
        }
        let resumed = if has("--fork-session") { None } else { value("--resume") };
        Ok(Self {
            resumes: has("--continue") || value("--resume").is_some(),
            model: value("--model"),
            permission_mode: value("--permission-mode"),
            session_id: chosen.or(resumed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Arguments, String> {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Arguments::read(&args)
    }

    const STREAM: &str = "-p --input-format stream-json --output-format stream-json --verbose";

    #[test]
    fn values_come_after_a_space_or_an_equals_sign() {
        let read = read(&format!("{STREAM} --model=haiku --resume abc")).unwrap();
        assert_eq!((read.model.as_deref(), read.session_id.as_deref()), (Some("haiku"), Some("abc")));
    }

    #[test]
    fn a_fork_gets_a_new_id() {
        assert_eq!(read(&format!("{STREAM} --resume abc --fork-session")).unwrap().session_id, None);
    }

    #[test]
    fn what_the_real_program_refuses_is_refused() {
        assert!(
            read("-p --input-format stream-json --output-format stream-json")
                .unwrap_err()
                .contains("--verbose")
        );
        assert!(read("-p --input-format stream-json --verbose").unwrap_err().contains("output-format"));
        assert!(read(&format!("{STREAM} --session-id nope")).unwrap_err().contains("UUID"));
    }
}
