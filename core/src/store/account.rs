//! What a program with a config directory of its own still needs of the user's: credentials and settings.
//!
//! The refresh token stays behind: it works once, and the program could not hand back what it got for it, so the user would
//! be logged out. Plugins stay behind, too: the directory has none installed, and each run would fetch them.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::PrivateDir;
use crate::{Options, Result};

/// Larger files are none of the program's.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Where the files of the user are.
pub(super) struct Account {
    config: PathBuf,
    /// `.claude.json`: it stands beside the default directory, not in it.
    global: PathBuf,
}

impl Account {
    pub(super) fn of(options: &Options) -> Self {
        let config = options.config_dir();
        let given = options.variable("CLAUDE_CONFIG_DIR").is_some_and(|path| !path.is_empty());
        let folder = if given { Some(config.as_path()) } else { config.parent() };
        Self { global: folder.unwrap_or(&config).join(".claude.json"), config }
    }

    /// Copies what is there. A file that cannot be read is left out: the program then says what it misses. Blocks.
    pub(super) fn copy(&self, to: &PrivateDir) -> Result<()> {
        let settings: fn(&mut Map<String, Value>) = |settings| {
            settings.remove("enabledPlugins");
            settings.remove("extraKnownMarketplaces");
            if let Some(Value::Object(env)) = settings.get_mut("env") {
                env.remove("CLAUDE_CONFIG_DIR");
            }
        };
        let credentials: fn(&mut Map<String, Value>) = |credentials| {
            if let Some(Value::Object(login)) = credentials.get_mut("claudeAiOauth") {
                login.remove("refreshToken");
            }
        };
        for (path, change) in [
            (self.config.join(".credentials.json"), Some(credentials)),
            (self.config.join("settings.json"), Some(settings)),
            (self.config.join("cowork_settings.json"), Some(settings)),
            (self.global.clone(), None),
        ] {
            if let (Some(bytes), Some(name)) = (read(&path), path.file_name()) {
                to.write(Path::new(name), &changed(bytes, change))?;
            }
        }
        Ok(())
    }
}

/// What is no JSON object is handed on as it is: the program says what is wrong with it.
fn changed(bytes: Vec<u8>, change: Option<fn(&mut Map<String, Value>)>) -> Vec<u8> {
    let Some(change) = change else { return bytes };
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let Ok(before) = serde_json::from_slice::<Map<String, Value>>(text) else { return bytes };
    let mut after = before.clone();
    change(&mut after);
    if after == before { bytes } else { serde_json::to_vec(&after).unwrap_or(bytes) }
}

/// Only what is a plain file: a pipe would be waited for.
fn read(path: &Path) -> Option<Vec<u8>> {
    let meta = fs::metadata(path).ok()?;
    if !meta.is_file() || meta.len() > LARGEST {
        tracing::warn!("{} is left out: it is no plain file of a usual size", path.display());
        return None;
    }
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)) {
        Ok(_) => Some(bytes),
        Err(error) => {
            tracing::warn!("{} is left out: {error}", path.display());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_work_once_and_plugins_stay_behind() {
        let home = PrivateDir::new().unwrap();
        let write = |name: &str, text: &str| home.write(Path::new(name), text.as_bytes()).unwrap();
        write(
            ".credentials.json",
            r#"{"claudeAiOauth":{"accessToken":"test-access","refreshToken":"test-refresh"}}"#,
        );
        write(
            "settings.json",
            r#"{"enabledPlugins":{"p":true},"model":"m","env":{"CLAUDE_CONFIG_DIR":"/x","A":"1"}}"#,
        );
        write("cowork_settings.json", "{ not json");
        write(".claude.json", r#"{"user":  1}"#);
        let mut options = Options::default();
        options.env.insert("CLAUDE_CONFIG_DIR".into(), home.path().to_str().unwrap().into());
        let to = PrivateDir::new().unwrap();
        Account::of(&options).copy(&to).unwrap();
        let copied = |name: &str| fs::read_to_string(to.path().join(name)).unwrap();
        assert_eq!(copied(".credentials.json"), r#"{"claudeAiOauth":{"accessToken":"test-access"}}"#);
        assert_eq!(copied("settings.json"), r#"{"env":{"A":"1"},"model":"m"}"#);
        assert_eq!(copied("cowork_settings.json"), "{ not json");
        assert_eq!(copied(".claude.json"), r#"{"user":  1}"#);
    }

    #[test]
    fn the_global_file_stands_beside_the_default_directory() {
        let mut options = Options::default();
        options.env.insert("HOME".into(), "/home/user".into());
        options.env.insert("CLAUDE_CONFIG_DIR".into(), String::new());
        assert_eq!(Account::of(&options).global, Path::new("/home/user/.claude.json"));
    }
}
