//! An empty directory that stands for the project where the repository must not: the CLI reads settings, hooks, MCP servers
//! and skills from there, and there are none.

use std::{
    fs::{self, DirBuilder},
    path::{Path, PathBuf},
};

use crate::{Error, ErrorKind, Result};

/// An empty directory that only this user can see; gone when dropped.
#[derive(Debug)]
pub(crate) struct EmptyRoot(PathBuf);

impl EmptyRoot {
    /// For a program that runs as this user, when that is another.
    pub(super) fn new(user: Option<&str>) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("madrigal-{}", uuid::Uuid::new_v4().simple()));
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // Not recursive: a directory that is already there is somebody else's.
        builder.create(&path).map_err(|error| {
            let message = format!("the empty directory {} could not be made: {error}", path.display());
            Error::new(ErrorKind::SpawnFailed, message).operation("open").caused_by(&error)
        })?;
        let root = Self(path);
        #[cfg(unix)]
        if let Some(owner) = user.map(crate::transport::number_of).transpose()?.flatten() {
            std::os::unix::fs::chown(root.path(), Some(owner), None).map_err(|error| {
                let message = format!("user: the empty directory could not be given to that user: {error}");
                Error::new(ErrorKind::SpawnFailed, message).operation("open").caused_by(&error)
            })?;
        }
        #[cfg(not(unix))]
        let _ = user;
        Ok(root)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for EmptyRoot {
    fn drop(&mut self) {
        // One call, so it does no harm on any thread. What the program wrote there may stay behind: then the system cleans up.
        let _ = fs::remove_dir(&self.0);
    }
}
