//! Where a case happens: nothing of the machine's own settings, logins or sessions is seen or touched.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use madrigal::{
    Options,
    testing::loopback::{Loopback, Script},
};

use crate::process::{Known, with_variable};

/// The executable that `MADRIGAL_REAL_CLI` names. Panics without it: this suite never skips.
pub fn cli() -> PathBuf {
    let path = std::env::var_os("MADRIGAL_REAL_CLI").map(PathBuf::from).unwrap_or_else(|| {
        panic!("set MADRIGAL_REAL_CLI to the claude executable, or use `tests/run real`, which installs it")
    });
    assert!(path.is_file(), "MADRIGAL_REAL_CLI: there is no file {}", path.display());
    path
}

/// A home, a working directory and an API; all gone when dropped.
#[derive(Debug)]
pub struct Place {
    root: PathBuf,
    /// The API.
    pub api: Loopback,
}

impl Place {
    /// Makes one, with the script of this folder.
    pub fn new() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("script.json");
        Self::with(Script::from_file(script).unwrap_or_else(|error| panic!("{error:?}")))
    }

    /// Makes one whose model follows this script.
    pub fn with(script: Script) -> Self {
        let api = Loopback::start(script).unwrap_or_else(|error| panic!("{error:?}"));
        let root = std::env::temp_dir().join(format!("madrigal-real-{}", uuid::Uuid::new_v4().simple()));
        for folder in ["home", "work"] {
            fs::create_dir_all(root.join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
        }
        Self { root, api }
    }

    /// The working directory.
    pub fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Where the program keeps its sessions.
    pub fn config(&self) -> PathBuf {
        self.root.join("home/.claude")
    }

    /// The variables for the program.
    pub fn env(&self, logged_in: bool) -> BTreeMap<String, String> {
        let mut env = self.api.env();
        if !logged_in {
            env.remove("ANTHROPIC_API_KEY");
        }
        let home = self.root.join("home");
        env.insert("HOME".into(), home.to_string_lossy().into_owned());
        env.insert("CLAUDE_CONFIG_DIR".into(), self.config().to_string_lossy().into_owned());
        env.insert("ENABLE_TOOL_SEARCH".into(), "false".into());
        env
    }

    /// The processes that live in this home.
    pub fn programs(&self) -> Vec<Known> {
        with_variable("HOME", &self.root.join("home").to_string_lossy())
    }

    /// Options for a session here.
    pub fn options(&self) -> Options {
        Options { cli_path: Some(cli()), cwd: Some(self.work()), env: self.env(true), ..Options::default() }
    }
}

impl Default for Place {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A program that was just killed may leave a file behind at this moment: the system's own clean-up has the rest.
        drop(fs::remove_dir_all(&self.root));
    }
}
