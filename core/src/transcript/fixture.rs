//! A config directory of its own for a test.

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use serde_json::json;

use super::{ListSessions, project_key};

pub(super) struct Fixture {
    pub(super) config: PathBuf,
}

/// A session id for a number.
pub(super) fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

impl Fixture {
    pub(super) fn new() -> Self {
        let config =
            std::env::temp_dir().join(format!("madrigal-transcript-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(config.join("projects")).unwrap();
        Self { config }
    }

    pub(super) fn list(&self) -> ListSessions {
        ListSessions { config_dir: Some(self.config.clone()), ..ListSessions::default() }
    }

    pub(super) fn folder(&self, directory: &str) -> PathBuf {
        let folder = self.config.join("projects").join(project_key(directory));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// A session with one prompt.
    pub(super) fn session(&self, directory: &str, number: u32, prompt: &str) -> PathBuf {
        let path = self.folder(directory).join(format!("{}.jsonl", id(number)));
        let line = json!({"type": "user", "uuid": id(number + 900), "parentUuid": null, "sessionId": id(number),
            "cwd": directory, "timestamp": "2026-01-02T03:04:05.006Z", "message": {"role": "user", "content": prompt}});
        fs::write(&path, format!("{line}\n")).unwrap();
        path
    }

    pub(super) fn file(&self, number: u32) -> PathBuf {
        let name = format!("{}.jsonl", id(number));
        let folders = fs::read_dir(self.config.join("projects")).unwrap();
        folders.map(|folder| folder.unwrap().path().join(&name)).find(|path| path.exists()).unwrap()
    }

    pub(super) fn append(&self, number: u32, text: &str) {
        let mut file = File::options().append(true).open(self.file(number)).unwrap();
        writeln!(file, "{text}").unwrap();
    }

    /// Changes the time of the file to so many seconds ago.
    pub(super) fn aged(&self, number: u32, seconds: u64) {
        let file = File::options().append(true).open(self.file(number)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.config));
    }
}
