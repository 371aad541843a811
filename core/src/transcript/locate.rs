//! From a session to its file.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::{
    place::{Place, canonical},
    worktrees,
};
use crate::{Error, ErrorKind, Result};

/// A transcript that was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The file.
    pub(crate) file: PathBuf,
    /// The directory it was looked up under, when it was looked up under one.
    pub(crate) directory: Option<String>,
}

impl Found {
    /// The folder beside the file: subagents, results of tools, the mark of the archive.
    pub(crate) fn beside(&self) -> PathBuf {
        self.file.with_extension("")
    }
}

/// Only what is a UUID in its usual form names a session: nothing else can reach outside the folder.
pub(crate) fn is_session_id(id: &str) -> bool {
    id.len() == 36 && Uuid::try_parse(id).is_ok()
}

/// The transcript of a session: in the folder of `directory` or of a worktree of its repository, or in any folder when none
/// is given. An empty file counts as none.
pub(crate) fn find(place: &Place, session_id: &str, directory: Option<&Path>) -> Option<Found> {
    if !is_session_id(session_id) {
        return None;
    }
    let name = format!("{session_id}.jsonl");
    let at = |folder: PathBuf, directory: Option<&str>| {
        let file = folder.join(&name);
        let there = file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() > 0);
        there.then(|| Found { file, directory: directory.map(str::to_owned) })
    };
    let Some(directory) = directory else {
        let mut folders = place.folders();
        folders.sort();
        return folders.into_iter().find_map(|folder| at(folder, None));
    };
    let here = canonical(directory);
    let in_folder_of = |directory: &str| at(place.project(directory)?, Some(directory));
    in_folder_of(&here).or_else(|| {
        worktrees::of(&here).iter().filter(|tree| **tree != here).find_map(|tree| in_folder_of(tree))
    })
}

/// [`find`], or the error that says what was looked for and where.
///
/// # Errors
/// `invalid_argument` when the id is none, or names no session.
pub(crate) fn require(
    place: &Place,
    session_id: &str,
    directory: Option<&Path>,
    operation: &'static str,
) -> Result<Found> {
    let invalid = |message: String| {
        Error::new(ErrorKind::InvalidArgument, message).operation(operation).with("field", "session_id")
    };
    if !is_session_id(session_id) {
        return Err(invalid(format!("session_id: expected a UUID, not `{session_id}`")));
    }
    find(place, session_id, directory).ok_or_else(|| {
        let among = match directory {
            Some(directory) => format!("the sessions of {}", directory.display()),
            None => place.projects().display().to_string(),
        };
        invalid(format!("session_id: there is no session {session_id} among {among}"))
            .with("session_id", session_id)
    })
}
