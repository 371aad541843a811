//! How far the working directory is trusted: a repository can bring settings that redirect the API or start programs.
//!
//! Without a terminal the CLI takes the settings of a repository as they are: its `env` goes over that of the process,
//! its `apiKeyHelper` is run, its hooks and MCP servers are started. The levels here take that back step by step, each
//! with what the CLI itself offers: settings above those of the repository, another place for what belongs to the
//! project, or none of the repository's files at all.

mod pins;
mod repository;
mod root;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{
    EnvMode, NEEDED, Options, SettingSource, Settings, described::words, settings::merge, validate::invalid,
};
use crate::{Error, ErrorKind, Result};
pub(crate) use root::EmptyRoot;

words! {
    /// How far the working directory is trusted. `docs/workspace.md` says what each level does and does not do.
    #[derive(Default)]
    pub enum Workspace {
        /// Its settings count, but cannot redirect the API, its credentials or the way there.
        #[default]
        Guarded = "guarded",
        /// And none of its hooks, helpers and MCP servers runs: its settings are not read.
        Hardened = "hardened",
        /// And its instructions are not read either: only the user's own files are.
        Isolated = "isolated",
        /// As far as the CLI trusts it by itself.
        Trusted = "trusted",
    }
}

/// Options made safe for one start, and what must live as long as the process.
pub(crate) struct Secured {
    /// In place of the given ones, when something had to be added.
    pub(crate) options: Option<Options>,
    pub(crate) root: Option<EmptyRoot>,
}

impl Options {
    /// Does what `workspace` asks for and a command line alone cannot: looks at the settings of the repository, or makes an
    /// empty place for it.
    pub(crate) async fn secured(&self) -> Result<Secured> {
        let unchanged = Secured { options: None, root: None };
        match self.workspace {
            Workspace::Trusted | Workspace::Isolated => Ok(unchanged),
            // The host named a root that it trusts.
            Workspace::Hardened if self.project_config_root.is_some() => Ok(unchanged),
            Workspace::Hardened => {
                let user = self.user.clone();
                let root = blocking(move || EmptyRoot::new(user.as_deref())).await?;
                let mut options = self.clone();
                options.project_config_root = Some(root.path().to_path_buf());
                Ok(Secured { options: Some(options), root: Some(root) })
            }
            Workspace::Guarded => {
                let files = match self.reads_repository() {
                    true => repository::settings_files(&self.directory(), &self.config_dir()),
                    false => Vec::new(),
                };
                if files.is_empty() {
                    return Ok(unchanged);
                }
                let options = self.clone();
                let options = blocking(move || options.pinned(&files)).await?;
                Ok(Secured { options, root: None })
            }
        }
    }

    /// With settings above those in `files` for everything in them that would redirect the API; `None`: there is nothing.
    fn pinned(&self, files: &[PathBuf]) -> Result<Option<Options>> {
        let names = repository::names_in(files)?;
        let user = self.config_dir().join("settings.json");
        let user = repository::read(&user).ok().flatten().and_then(|text| serde_json::from_str(&text).ok());
        let pins = pins::pins(&names, &user.unwrap_or_default(), |name| self.variable(name));
        if pins.is_empty() {
            return Ok(None);
        }
        let pinned: Vec<&String> = pins.keys().filter(|key| *key != "env").collect();
        let variables = pins.get("env").and_then(Value::as_object);
        tracing::warn!(
            helpers = ?pinned,
            variables = ?variables.map(|all| all.keys().collect::<Vec<_>>()).unwrap_or_default(),
            "settings of the repository that would redirect the API are overruled (option `workspace`)"
        );
        let mut options = self.clone();
        let mut settings = pins;
        merge(&mut settings, &self.own_settings()?);
        options.settings = Some(Settings::Inline(settings));
        Ok(Some(options))
    }

    /// The host's own settings, also when they are in a file: only one place can be named to the CLI.
    fn own_settings(&self) -> Result<Map<String, Value>> {
        let Some(settings) = &self.settings else { return Ok(Map::new()) };
        let read = match settings.file() {
            None => settings.inline().map(Option::unwrap_or_default),
            Some(path) => match repository::read(&self.directory().join(path)) {
                Ok(Some(text)) => serde_json::from_str(&text).map_err(|error| error.to_string()),
                Ok(None) => Err(format!("{} does not exist", path.display())),
                Err(error) => Err(format!("{}: {error}", path.display())),
            },
        };
        read.map_err(|problem| invalid("settings", &format!("expected settings that can be read: {problem}")))
    }

    /// Whether settings of the repository are read at all.
    fn reads_repository(&self) -> bool {
        let repository = |source: &SettingSource| *source != SettingSource::User;
        self.sources().is_none_or(|sources| sources.iter().any(repository))
    }

    /// The working directory of the program.
    pub(crate) fn directory(&self) -> PathBuf {
        let current = || std::env::current_dir().unwrap_or_default();
        match &self.cwd {
            None => current(),
            Some(cwd) if cwd.is_absolute() => cwd.clone(),
            Some(cwd) => current().join(cwd),
        }
    }

    /// Where the user's own settings are.
    pub(crate) fn config_dir(&self) -> PathBuf {
        let given = self.variable("CLAUDE_CONFIG_DIR").filter(|path| !path.is_empty());
        given.map_or_else(
            || Path::new(&self.variable("HOME").unwrap_or_default()).join(".claude"),
            PathBuf::from,
        )
    }

    /// The value of a variable as the program will find it.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let inherited = || {
            let kept = |pattern: &str| match pattern.strip_suffix('*') {
                Some(stem) => name.starts_with(stem),
                None => name == pattern,
            };
            let all = self.env_mode == EnvMode::Inherit;
            let allowed = all || NEEDED.into_iter().any(kept) || self.env_allow.iter().any(|name| kept(name));
            allowed.then(|| std::env::var(name).ok()).flatten()
        };
        self.env.get(name).cloned().or_else(inherited)
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::new(ErrorKind::Internal, "looking at the workspace failed").caused_by(&error))
    })
}

#[cfg(test)]
mod tests;
