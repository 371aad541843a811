//! A config directory for a scenario about sessions on disk, and the functions that need no session.

use std::{
    fs,
    path::{Path, PathBuf},
};

use madrigal::transcript::Operation;
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
        for (name, text) in files {
            let path = disk.0.join(name);
            path.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&path, text.as_str().unwrap_or_default()))
                .map_err(|error| format!("files: {name}: {error}"))?;
        }
        Ok(Some(disk))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
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
    if let Some(disk) = disk {
        request["config_dir"] = disk.path().to_string_lossy().into();
    }
    let text =
        tokio::task::spawn_blocking(move || Operation::from_json(&request.to_string())?.perform()).await;
    let text =
        text.map_err(|error| madrigal::Error::new(madrigal::ErrorKind::Internal, error.to_string()))??;
    serde_json::from_str(&text)
        .map_err(|error| madrigal::Error::new(madrigal::ErrorKind::Internal, error.to_string()))
}
