//! Which starts are the same: those for which everything is equal that the program is told or finds when it starts.
//!
//! That is all options, the hooks and tool servers of the host and what it answers, the program itself (which file, and whether that
//! file changed: another version is another file), the variables it inherits, the working directory, the user, and the state of
//! the files it reads at its start. Only two numbers of it are kept, made with a random key, so no credential stays in memory
//! for it and none can be guessed from it.

use std::{
    ffi::OsString,
    fs,
    hash::{BuildHasher, RandomState},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::{
    Options,
    auth::AuthSource,
    options::{McpServers, Settings, SystemPrompt},
    session::Ahead,
    transport::{inherited, locate},
};

/// Starts that are the same have the same kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind(u64, u64);

/// Makes kinds; those of two makers cannot be compared.
#[derive(Debug, Default)]
pub(super) struct Kinds(RandomState, RandomState);

/// What the program reads in the working directory when it starts.
const OF_THE_DIRECTORY: [&str; 6] = [
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".mcp.json",
    "CLAUDE.md",
    ".claude/CLAUDE.md",
    "CLAUDE.local.md",
];
/// And in the directory of its configuration.
const OF_THE_USER: [&str; 3] = ["settings.json", "CLAUDE.md", ".credentials.json"];

/// What stands for the state of a file: another file, or a changed one, differs.
#[derive(Hash)]
struct Stamp(u64, u64, u64, i64, i64);

fn stamp(path: &Path) -> Option<Stamp> {
    let about = fs::metadata(path).ok()?;
    Some(Stamp(about.dev(), about.ino(), about.size(), about.mtime(), about.mtime_nsec()))
}

impl Kinds {
    /// The kind of a start. Looks at files: not for a thread that must not wait.
    pub(super) fn of(&self, ahead: &Ahead) -> Kind {
        let Ahead { options, provided, asks, auth } = ahead;
        let program = locate(options.cli_path.as_deref()).unwrap_or_default();
        let program = fs::canonicalize(&program).unwrap_or(program);
        let launch = options.launch(program.clone(), false);
        let mut variables: Vec<(OsString, OsString)> = inherited(&launch).collect();
        variables.sort();
        let said = serde_json::to_string(&(options, provided)).unwrap_or_default();
        let asks: Vec<&str> = asks.iter().map(|ask| ask.name()).collect();
        let off = matches!(auth, AuthSource::Off);
        let directory = options.directory();
        // What stands in it may change; that it is another one may not.
        let place = fs::metadata(&directory).map(|about| (about.dev(), about.ino())).ok();
        let files: Vec<_> =
            files(options, &directory, program).into_iter().map(|path| (stamp(&path), path)).collect();
        let user = rustix::process::geteuid().as_raw();
        let start = (said, asks, off, launch.args, launch.env, variables);
        let all = (start, directory, place, files, user);
        Kind(self.0.hash_one(&all), self.1.hash_one(&all))
    }
}

fn files(options: &Options, directory: &Path, program: PathBuf) -> Vec<PathBuf> {
    let config = options.config_dir();
    let named = [
        options.executable.clone(),
        options.settings.as_ref().and_then(Settings::file).map(PathBuf::from),
        match &options.mcp_servers {
            Some(McpServers::File(path)) => Some(path.clone()),
            _ => None,
        },
        match &options.system_prompt {
            Some(SystemPrompt::File(path)) => Some(path.clone()),
            _ => None,
        },
    ];
    let roots = [Some(directory), options.project_config_root.as_deref()];
    std::iter::once(program)
        .chain(named.into_iter().flatten().map(|path| directory.join(path)))
        .chain(
            roots
                .into_iter()
                .flatten()
                .flat_map(|root| OF_THE_DIRECTORY.map(|name| directory.join(root).join(name))),
        )
        .chain(OF_THE_USER.map(|name| config.join(name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::session::{AskKind, Provided};

    fn ahead(options: serde_json::Value) -> Ahead {
        let options = Options::from_json(&options.to_string()).unwrap();
        Ahead { options, provided: Provided::default(), asks: Vec::new(), auth: AuthSource::Off }
    }

    #[test]
    fn everything_that_is_said_at_the_start_makes_a_difference() {
        let kinds = Kinds::default();
        let plain = kinds.of(&ahead(json!({})));
        assert_eq!(plain, kinds.of(&ahead(json!({}))));
        for options in [
            json!({"model": "haiku"}),
            json!({"env": {"ANTHROPIC_API_KEY": "another"}}),
            json!({"cwd": "/"}),
            json!({"cli_path": "/bin/sh"}),
            json!({"workspace": "hardened"}),
            json!({"system_prompt": "Be brief."}),
            json!({"agents": {"a": {"description": "x", "prompt": "y"}}}),
            json!({"max_turns": 2}),
            json!({"env_mode": "allow_list"}),
            json!({"timeouts": {"turn_ms": 5}}),
        ] {
            assert_ne!(plain, kinds.of(&ahead(options.clone())), "{options}");
        }
        let asking = Ahead { asks: vec![AskKind::CanUseTool], ..ahead(json!({})) };
        assert_ne!(plain, kinds.of(&asking));
        let hooks = json!({"hooks": {"Stop": [{"callbacks": ["h1"]}]}});
        let hooked = Ahead { provided: serde_json::from_value(hooks).unwrap(), ..ahead(json!({})) };
        assert_ne!(plain, kinds.of(&hooked));
        assert_ne!(
            plain,
            Kinds::default().of(&ahead(json!({}))),
            "the numbers of one maker say nothing to another"
        );
    }

    #[test]
    fn a_file_that_changed_makes_a_difference() {
        let place = std::env::temp_dir().join(format!("madrigal-kind-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&place).unwrap();
        let program = place.join("claude");
        fs::copy("/bin/sh", &program).unwrap();
        let kinds = Kinds::default();
        let here = ahead(json!({"cwd": place, "cli_path": program}));
        let before = kinds.of(&here);
        fs::write(place.join("other.txt"), "x").unwrap();
        assert_eq!(before, kinds.of(&here), "work in the directory goes on");
        fs::write(place.join("CLAUDE.md"), "Be brief.").unwrap();
        let instructed = kinds.of(&here);
        assert_ne!(before, instructed);
        fs::remove_file(&program).unwrap();
        fs::copy("/bin/ls", &program).unwrap();
        assert_ne!(instructed, kinds.of(&here), "another version of the program");
        fs::remove_dir_all(&place).unwrap();
    }
}
