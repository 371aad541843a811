//! A config directory for a scenario about sessions on disk, and the functions that need no session.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use madrigal::{agents::AgentOperation, models::ModelOperation, transcript::Operation};
use serde_json::Value;

/// Made from the `files` of a scenario, gone when dropped.
#[derive(Debug)]
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// `None` for a scenario that has no files.
    pub(crate) fn new(scenario: &Value) -> Result<Option<Self>, String> {
        let Some(files) = scenario["files"].as_object() else { return Ok(None) };
        let disk =
            Self(std::env::temp_dir().join(format!("madrigal-scenario-{}", uuid::Uuid::new_v4().simple())));
        let made = DirBuilder::new().mode(0o700).create(&disk.0);
        made.map_err(|error| format!("files: {}: {error}", disk.0.display()))?;
        for (name, text) in files {
            let path = disk.0.join(name);
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path.parent().unwrap_or(&disk.0))
                .and_then(|()| make(&path, text))
                .map_err(|error| format!("files: {name}: {error}"))?;
        }
        Ok(Some(disk))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// Makes one file: of a text, of `{"text": "...", "mode": "600"}`, or as a symbolic link to `{"link": "beside"}`.
fn make(path: &Path, what: &Value) -> io::Result<()> {
    if let Some(link) = what["link"].as_str() {
        return symlink(link, path);
    }
    fs::write(path, what.as_str().or(what["text"].as_str()).unwrap_or_default())?;
    match what["mode"].as_str().and_then(|mode| u32::from_str_radix(mode, 8).ok()) {
        Some(mode) => fs::set_permissions(path, Permissions::from_mode(mode)),
        None => Ok(()),
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Calls the function of this name and returns what it gives.
pub(crate) async fn invoke(
    name: &Value,
    with: Option<&Value>,
    disk: Option<&Disk>,
) -> madrigal::Result<Value> {
    let mut request = with.cloned().unwrap_or_else(|| serde_json::json!({}));
    request["operation"] = name.clone();
    let name = name.as_str().unwrap_or_default().to_owned();
    // The other operations of agents and models know no directory.
    let placed = ["load_agents", "save_agent"].contains(&&*name) || !is_special(&name);
    if let Some(disk) = disk.filter(|_| placed) {
        request["config_dir"] = disk.path().to_string_lossy().into();
    }
    let text = tokio::task::spawn_blocking(move || {
        let request = request.to_string();
        if AgentOperation::NAMES.contains(&&*name) {
            AgentOperation::from_json(&request)?.perform()
        } else if ModelOperation::NAMES.contains(&&*name) {
            ModelOperation::from_json(&request)?.perform()
        } else {
            Operation::from_json(&request)?.perform()
        }
    })
    .await;
    let text =
        text.map_err(|error| madrigal::Error::new(madrigal::ErrorKind::Internal, error.to_string()))??;
    serde_json::from_str(&text)
        .map_err(|error| madrigal::Error::new(madrigal::ErrorKind::Internal, error.to_string()))
}

/// Whether it is about agents and models.
fn is_special(name: &str) -> bool {
    AgentOperation::NAMES.contains(&name) || ModelOperation::NAMES.contains(&name)
}
