//! All sessions, newest first. The files are looked at first and read second, so a page of a long list reads only its own.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    info::{Ends, SessionInfo, millis},
    locate::is_session_id,
    place::{Place, canonical, project_key},
    worktrees,
};
use crate::Result;

/// What [`list_sessions`] is told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListSessions {
    /// Only sessions of this directory. Default: all.
    pub directory: Option<PathBuf>,
    /// At most so many; `None` and 0 mean all.
    pub limit: Option<usize>,
    /// Leave out so many of the newest.
    pub offset: usize,
    /// With `directory`: also the sessions of the other worktrees of its repository. Default: yes.
    pub include_worktrees: bool,
    /// Also sessions that a program started (`sdk-cli`, `sdk-ts`, `sdk-py`, daemons). Default: yes.
    pub include_programmatic: bool,
    /// In place of `CLAUDE_CONFIG_DIR` and `~/.claude`.
    pub config_dir: Option<PathBuf>,
}

impl Default for ListSessions {
    fn default() -> Self {
        Self {
            directory: None,
            limit: None,
            offset: 0,
            include_worktrees: true,
            include_programmatic: true,
            config_dir: None,
        }
    }
}

/// Sessions, newest first. Files that are no transcript, and transcripts with nothing to show, are left out. Blocks.
///
/// # Errors
/// None today; the result leaves room for a disk that cannot be read.
pub fn list_sessions(request: &ListSessions) -> Result<Vec<SessionInfo>> {
    let place = Place::new(request.config_dir.as_deref());
    let mut files = Vec::new();
    for (folder, directory) in folders(&place, request) {
        collect(&folder, directory.as_deref(), &mut files);
    }
    // Of two with the same time, the order is fixed, so that pages fit together.
    files.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.session_id.cmp(&b.session_id)));
    let mut seen = HashSet::new();
    let limit = request.limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let sessions = files.into_iter().filter_map(|file| {
        if seen.contains(&file.session_id) {
            return None;
        }
        let (info, programmatic) =
            Ends::read(&file.path)?.info(&file.session_id, file.directory.as_deref())?;
        seen.insert(file.session_id);
        (request.include_programmatic || !programmatic).then_some(info)
    });
    Ok(sessions.skip(request.offset).take(limit).collect())
}

struct Candidate {
    modified: u64,
    session_id: String,
    path: PathBuf,
    directory: Option<String>,
}

fn collect(folder: &Path, directory: Option<&str>, files: &mut Vec<Candidate>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let Some(session_id) = name.to_str().and_then(|name| name.strip_suffix(".jsonl")) else { continue };
        let Ok(meta) = fs::metadata(&path) else { continue };
        if is_session_id(session_id) && meta.is_file() {
            files.push(Candidate {
                modified: meta.modified().map_or(0, millis),
                session_id: session_id.to_owned(),
                path,
                directory: directory.map(str::to_owned),
            });
        }
    }
}

/// The folders to look in, each with the directory it stands for when that is known.
fn folders(place: &Place, request: &ListSessions) -> Vec<(PathBuf, Option<String>)> {
    let Some(directory) = &request.directory else {
        return place.folders().into_iter().map(|folder| (folder, None)).collect();
    };
    let here = canonical(directory);
    let mut directories = vec![here.clone()];
    if request.include_worktrees {
        directories.extend(worktrees::of(&here).into_iter().filter(|tree| *tree != here));
    }
    let mut seen = HashSet::new();
    directories
        .into_iter()
        .filter(|directory| seen.insert(project_key(directory)))
        .filter_map(|directory| Some((place.project(&directory)?, Some(directory))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::fixture::{Fixture, id};

    #[test]
    fn the_newest_come_first_and_pages_fit_together() {
        let fixture = Fixture::new();
        for number in 0..5 {
            fixture.session("/srv/app", number, &format!("prompt {number}"));
            fixture.aged(number, u64::from(10 - number));
        }
        let list = |limit, offset| {
            let request = ListSessions { limit, offset, ..fixture.list() };
            list_sessions(&request).unwrap().into_iter().map(|info| info.summary).collect::<Vec<_>>()
        };
        let all = ["prompt 4", "prompt 3", "prompt 2", "prompt 1", "prompt 0"];
        assert_eq!(list(None, 0), all);
        assert_eq!(list(Some(2), 1), all[1..3]);
        assert_eq!(list(Some(0), 4), all[4..]);
        assert_eq!(list(Some(3), 9), [""; 0]);
    }

    #[test]
    fn what_is_no_session_is_left_out() {
        let fixture = Fixture::new();
        fixture.session("/srv/app", 1, "a prompt");
        let folder = fixture.folder("/srv/app");
        fs::write(folder.join("notes.jsonl"), "{}").unwrap();
        fs::write(folder.join(format!("{}.jsonl", id(2))), "").unwrap();
        fs::write(folder.join(format!("{}.jsonl", id(3))), [0xff, 0xfe, b'\n', 0]).unwrap();
        fs::write(folder.join(format!("{}.jsonl", id(4))), "{\"type\":\"mode\"}\n{\"type\":\"us").unwrap();
        let side = "{\"isSidechain\":true,\"type\":\"user\",\"message\":{\"content\":\"x\"}}\n";
        fs::write(folder.join(format!("{}.jsonl", id(5))), side).unwrap();
        fs::create_dir(folder.join(format!("{}.jsonl", id(6)))).unwrap();
        let ids: Vec<String> =
            list_sessions(&fixture.list()).unwrap().into_iter().map(|info| info.session_id).collect();
        assert_eq!(ids, [id(1)]);
    }

    #[test]
    fn programs_can_be_left_out() {
        let fixture = Fixture::new();
        fixture.session("/srv/app", 1, "from a program");
        fixture.append(1, r#"{"type":"custom-title","customTitle":"T","entrypoint":"sdk-py"}"#);
        fixture.session("/srv/app", 2, "from a person");
        let request = ListSessions { include_programmatic: false, ..fixture.list() };
        let infos = list_sessions(&request).unwrap();
        assert_eq!(infos.iter().map(|info| info.summary.as_str()).collect::<Vec<_>>(), ["from a person"]);
    }

    #[test]
    fn ten_thousand_sessions_are_listed() {
        let fixture = Fixture::new();
        let folder = fixture.folder("/srv/many");
        let line = "{\"type\":\"user\",\"message\":{\"content\":\"hi\"}}\n";
        for number in 0..10_000 {
            fs::write(folder.join(format!("{}.jsonl", id(number))), line).unwrap();
        }
        assert_eq!(list_sessions(&fixture.list()).unwrap().len(), 10_000);
        let page = ListSessions { limit: Some(20), offset: 9_990, ..fixture.list() };
        assert_eq!(list_sessions(&page).unwrap().len(), 10);
    }
}
