//! Small changes to a session: a title, a tag, the archive, its end. A running program may write to the same file at any
//! moment, so a change is one whole line, appended in one write.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::Deserialize;
use serde_json::json;
use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use super::{locate, place::Place};
use crate::{Error, ErrorKind, Result};

/// What [`rename_session`] is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenameSession {
    /// The UUID of the session.
    pub session_id: String,
    /// Its title; space around it is taken away.
    pub title: String,
    /// Look only among the sessions of this directory and of the worktrees of its repository. Default: everywhere.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// In place of `CLAUDE_CONFIG_DIR` and `~/.claude`.
    #[serde(default)]
    pub config_dir: Option<PathBuf>,
}

/// What [`tag_session`] is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagSession {
    /// The UUID of the session.
    pub session_id: String,
    /// Its tag; `None` takes the tag away.
    #[serde(default)]
    pub tag: Option<String>,
    /// Look only among the sessions of this directory and of the worktrees of its repository. Default: everywhere.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// In place of `CLAUDE_CONFIG_DIR` and `~/.claude`.
    #[serde(default)]
    pub config_dir: Option<PathBuf>,
}

/// Which session [`delete_session`], [`archive_session`] and [`unarchive_session`] are about.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneSession {
    /// The UUID of the session.
    pub session_id: String,
    /// Look only among the sessions of this directory and of the worktrees of its repository. Default: everywhere.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// In place of `CLAUDE_CONFIG_DIR` and `~/.claude`.
    #[serde(default)]
    pub config_dir: Option<PathBuf>,
}

/// Gives a session a title. Blocks.
///
/// # Errors
/// `invalid_argument` when there is no such session, the title is empty, or the file cannot be written.
pub fn rename_session(request: &RenameSession) -> Result<()> {
    const OPERATION: &str = "rename_session";
    let line = title_line(&request.session_id, &request.title).map_err(|error| error.operation(OPERATION))?;
    let place = Place::new(request.config_dir.as_deref());
    let found = locate::require(&place, &request.session_id, request.directory.as_deref(), OPERATION)?;
    append(&found.file, &line).map_err(|error| unwritable(&found.file, &error).operation(OPERATION))
}

/// The entry that gives a session a title.
pub(crate) fn title_line(session_id: &str, title: &str) -> Result<String> {
    let title = title.trim();
    if title.is_empty() {
        return Err(invalid("title", "title: expected a text that is not empty"));
    }
    let (title, id) = (json!(title), json!(session_id));
    Ok(format!(r#"{{"type":"custom-title","customTitle":{title},"sessionId":{id}}}"#))
}

/// The entry that gives a session a tag, or takes it away.
pub(crate) fn tag_line(session_id: &str, tag: Option<&str>) -> Result<String> {
    let tag = tag.map_or_else(
        || Ok(String::new()),
        |tag| {
            Some(visible(tag)).filter(|tag| !tag.is_empty()).ok_or_else(|| {
                invalid("tag", "tag: expected a text that is not empty; none takes the tag away")
            })
        },
    )?;
    let (tag, id) = (json!(tag), json!(session_id));
    Ok(format!(r#"{{"type":"tag","tag":{tag},"sessionId":{id}}}"#))
}

/// Gives a session a tag, or takes it away. Characters that cannot be seen are taken out of it. Blocks.
///
/// # Errors
/// `invalid_argument` when there is no such session, nothing is left of the tag, or the file cannot be written.
pub fn tag_session(request: &TagSession) -> Result<()> {
    const OPERATION: &str = "tag_session";
    let line =
        tag_line(&request.session_id, request.tag.as_deref()).map_err(|error| error.operation(OPERATION))?;
    let place = Place::new(request.config_dir.as_deref());
    let found = locate::require(&place, &request.session_id, request.directory.as_deref(), OPERATION)?;
    append(&found.file, &line).map_err(|error| unwritable(&found.file, &error).operation(OPERATION))
}

/// Removes a session for good: its transcript, and the folder beside it with its subagents and results of tools. Blocks.
///
/// # Errors
/// `invalid_argument` when there is no such session, or it cannot be removed.
pub fn delete_session(request: &OneSession) -> Result<()> {
    const OPERATION: &str = "delete_session";
    let place = Place::new(request.config_dir.as_deref());
    let found = locate::require(&place, &request.session_id, request.directory.as_deref(), OPERATION)?;
    let failed = |error: &io::Error| unwritable(&found.file, error).operation(OPERATION);
    fs::remove_file(&found.file).map_err(|error| failed(&error))?;
    match fs::remove_dir_all(found.beside()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&error)),
        _ => Ok(()),
    }
}

/// Marks a session as archived. Its transcript does not change, and a list still shows it, with `archived`. Blocks.
///
/// # Errors
/// `invalid_argument` when there is no such session, or the mark cannot be written.
pub fn archive_session(request: &OneSession) -> Result<()> {
    mark(request, true, "archive_session")
}

/// Takes a session out of the archive. Blocks.
///
/// # Errors
/// `invalid_argument` when there is no such session, or the mark cannot be written.
pub fn unarchive_session(request: &OneSession) -> Result<()> {
    mark(request, false, "unarchive_session")
}

fn mark(request: &OneSession, archived: bool, operation: &'static str) -> Result<()> {
    let place = Place::new(request.config_dir.as_deref());
    let found = locate::require(&place, &request.session_id, request.directory.as_deref(), operation)?;
    let mark = json!({"archived": archived, "at": now(), "by": "sdk"});
    let folder = found.beside();
    fs::create_dir_all(&folder)
        .and_then(|()| replace(&folder.join("archived.json"), mark.to_string().as_bytes()))
        .map_err(|error| unwritable(&folder, &error).operation(operation))
}

/// The time as the program writes it.
pub(crate) fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message).with("field", field)
}

pub(super) fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{} cannot be written: {error}", path.display()))
        .caused_by(error)
}

/// Appends a line. A half-written last line is left as it is, and the new one begins behind it.
fn append(path: &Path, line: &str) -> io::Result<()> {
    // Without `create`: a session that was deleted in the meantime must not come back as a title.
    let mut file = OpenOptions::new().read(true).append(true).open(path)?;
    let text = format!("{}{line}\n", if ends_a_line(&mut file)? { "" } else { "\n" });
    file.write_all(text.as_bytes())
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Writes a file that others see whole or not at all, for its owner only.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension(format!("{}.new", uuid::Uuid::new_v4().simple()));
    let written =
        create(&fresh).and_then(|mut file| file.write_all(bytes)).and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

/// A new file that only its owner reads; fails when there is one.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A tag without what cannot be seen: compatibility forms made plain, format, private and unassigned characters removed,
/// until nothing changes.
fn visible(tag: &str) -> String {
    const HIDDEN: [GeneralCategory; 3] =
        [GeneralCategory::Format, GeneralCategory::PrivateUse, GeneralCategory::Unassigned];
    let mut current = tag.to_owned();
    for _ in 0..10 {
        let next: String =
            current.nfkc().filter(|letter| !HIDDEN.contains(&letter.general_category())).collect();
        if next == current {
            break;
        }
        current = next;
    }
    current.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{
        fixture::{Fixture, id},
        get_session_info, list_sessions,
    };

    fn one(fixture: &Fixture) -> OneSession {
        OneSession { session_id: id(1), config_dir: Some(fixture.config.clone()), directory: None }
    }

    fn info(fixture: &Fixture) -> crate::transcript::SessionInfo {
        list_sessions(&fixture.list()).unwrap().remove(0)
    }

    #[test]
    fn a_title_is_one_line_behind_what_was_there() {
        let fixture = Fixture::new();
        let path = fixture.session("/srv/app", 1, "hi");
        let before = fs::read_to_string(&path).unwrap();
        let half = "{\"type\":\"assis";
        fs::write(&path, format!("{before}{half}")).unwrap();
        let OneSession { session_id, directory, config_dir } = one(&fixture);
        let request = RenameSession { session_id, title: "  A \"title\"\n".into(), directory, config_dir };
        rename_session(&request).unwrap();
        let line =
            format!(r#"{{"type":"custom-title","customTitle":"A \"title\"","sessionId":"{}"}}"#, id(1));
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{before}{half}\n{line}\n"));
        assert_eq!(info(&fixture).summary, "A \"title\"");
        let empty = RenameSession { title: " \n".into(), ..request };
        assert_eq!(rename_session(&empty).unwrap_err().context()["field"], "title");
    }

    #[test]
    fn a_tag_holds_only_what_can_be_seen() {
        let fixture = Fixture::new();
        fixture.session("/srv/app", 1, "hi");
        let tag = |tag: Option<&str>| {
            let OneSession { session_id, directory, config_dir } = one(&fixture);
            tag_session(&TagSession { session_id, tag: tag.map(str::to_owned), directory, config_dir })
        };
        tag(Some("\u{200b}ﬁx\u{e000}\u{202e} ")).unwrap();
        assert_eq!(info(&fixture).tag.as_deref(), Some("fix"));
        tag(None).unwrap();
        assert_eq!(info(&fixture).tag, None);
        assert_eq!(tag(Some("\u{200b}")).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }

    #[test]
    fn an_archived_session_is_still_there_until_it_is_prompted() {
        let fixture = Fixture::new();
        fixture.session("/srv/app", 1, "hi");
        assert_eq!(info(&fixture).archived, None);
        archive_session(&one(&fixture)).unwrap();
        assert_eq!(info(&fixture).archived, Some(true));
        fixture
            .append(1, r#"{"type":"user","timestamp":"2999-01-01T00:00:00Z","message":{"content":"again"}}"#);
        assert_eq!(info(&fixture).archived, Some(false));
        unarchive_session(&one(&fixture)).unwrap();
        assert_eq!(info(&fixture).archived, Some(false));
    }

    #[test]
    fn a_deleted_session_leaves_nothing() {
        let fixture = Fixture::new();
        let path = fixture.session("/srv/app", 1, "hi");
        fixture.session("/srv/app", 2, "other");
        fs::create_dir_all(path.with_extension("").join("subagents")).unwrap();
        delete_session(&one(&fixture)).unwrap();
        let left: Vec<_> =
            fs::read_dir(fixture.folder("/srv/app")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, [format!("{}.jsonl", id(2)).as_str()]);
        let error = delete_session(&one(&fixture)).unwrap_err();
        assert_eq!(
            (error.kind(), error.context()["field"].as_str()),
            (ErrorKind::InvalidArgument, Some("session_id"))
        );
    }

    #[test]
    fn nothing_outside_is_named() {
        let fixture = Fixture::new();
        for session_id in ["../x", "", "00000000-0000-4000-8000-00000000000/"] {
            let request = OneSession { session_id: session_id.into(), ..one(&fixture) };
            assert!(delete_session(&request).unwrap_err().message().contains("expected a UUID"));
            let request = crate::transcript::GetSessionInfo {
                session_id: session_id.into(),
                config_dir: request.config_dir,
                directory: None,
            };
            assert_eq!(get_session_info(&request).unwrap(), None);
        }
    }
}
