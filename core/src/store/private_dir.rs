//! A directory for one purpose, that only this user can see: a transcript from a store on its way to the program, or to
//! those who read transcripts.

use std::{
    fs::{self, DirBuilder},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Once,
};

use super::{
    SessionKey, StoreEntry,
    leftovers::{self, InUse},
};
use crate::{Error, ErrorKind, Result, transcript::create};

/// How often removing is tried: a program that ends may still write a last file.
const ATTEMPTS: usize = 3;

/// A directory of mode 0700; gone, with all that is in it, when dropped. What processes left that were killed is removed when the
/// first one is made. Everything here blocks.
#[derive(Debug)]
pub(crate) struct PrivateDir {
    path: PathBuf,
    /// Let go of behind the directory.
    _mark: InUse,
}

impl PrivateDir {
    pub(crate) fn new() -> Result<Self> {
        static SWEPT: Once = Once::new();
        let place = std::env::temp_dir();
        SWEPT.call_once(|| leftovers::sweep(&place));
        let path = place.join(format!("{}{}", leftovers::PREFIX, uuid::Uuid::new_v4().simple()));
        let mark = InUse::mark(&path).map_err(|error| unwritable(&path, &error))?;
        // Not recursive: a directory that is already there is somebody else's.
        builder(false).create(&path).map_err(|error| unwritable(&path, &error))?;
        Ok(Self { path, _mark: mark })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file that only this user reads. `name` is relative.
    pub(crate) fn write(&self, name: &Path, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        self.parent(&path)
            .and_then(|()| create(&path)?.write_all(bytes))
            .map_err(|error| unwritable(&path, &error))
    }

    /// Writes a transcript where the program would, and returns its path. Of the entries that describe a subagent, the last
    /// one goes into the file beside it, as the program has it. The key must be safe.
    pub(crate) fn transcript(&self, key: &SessionKey, entries: &[StoreEntry]) -> Result<PathBuf> {
        let folder = self.path.join("projects").join(&key.project_key);
        let path = match &key.subpath {
            None => folder.join(format!("{}.jsonl", key.session_id)),
            Some(subpath) => folder.join(&key.session_id).join(format!("{subpath}.jsonl")),
        };
        let written = self.parent(&path).and_then(|()| {
            let mut out = io::BufWriter::new(create(&path)?);
            let mut about = None;
            for entry in entries {
                if key.subpath.is_some() && describes_an_agent(entry) {
                    about = Some(entry);
                } else {
                    write_line(&mut out, entry)?;
                }
            }
            out.flush()?;
            about.map_or(Ok(()), |entry| {
                let mut fields: serde_json::Map<_, _> = serde_json::from_str(entry.get())?;
                fields.remove("type");
                create(&path.with_extension("meta.json"))?.write_all(&serde_json::to_vec(&fields)?)
            })
        });
        written.map_err(|error| unwritable(&path, &error))?;
        Ok(path)
    }

    fn parent(&self, path: &Path) -> io::Result<()> {
        path.parent().map_or(Ok(()), |folder| builder(true).create(folder))
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        for _ in 0..ATTEMPTS {
            match fs::remove_dir_all(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::debug!("{} could not be removed: {error}", self.path.display());
                }
                _ => return,
            }
        }
        tracing::warn!("{} could not be removed; it holds a transcript", self.path.display());
    }
}

/// Removes it off the threads that must not block.
pub(crate) async fn remove(dir: Option<PrivateDir>) {
    if let Some(dir) = dir {
        let _ = tokio::task::spawn_blocking(move || drop(dir)).await;
    }
}

/// Whether an entry is what the program keeps beside the transcript of a subagent.
fn describes_an_agent(entry: &StoreEntry) -> bool {
    #[derive(serde::Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, rename = "type")]
        kind: std::borrow::Cow<'a, str>,
    }
    serde_json::from_str::<Kind<'_>>(entry.get()).is_ok_and(|entry| entry.kind == "agent_metadata")
}

/// An entry as one line: a store may have laid it out over several.
fn write_line(out: &mut impl io::Write, entry: &StoreEntry) -> io::Result<()> {
    for (number, part) in entry.get().split(['\n', '\r']).enumerate() {
        if number > 0 {
            out.write_all(b" ")?;
        }
        out.write_all(part.as_bytes())?;
    }
    out.write_all(b"\n")
}

fn builder(recursive: bool) -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(recursive);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn unwritable(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::SpawnFailed, format!("{} could not be written: {error}", path.display()))
        .operation("session_store")
        .caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> StoreEntry {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_transcript_is_written_where_the_program_looks_and_removed() {
        let dir = PrivateDir::new().unwrap();
        let key = SessionKey::new("-srv", "id");
        let entries = [raw("{\"b\":1.50,\n \"a\":\"x\\ny\"}"), raw("{\"type\":\"agent_metadata\"}")];
        let path = dir.transcript(&key, &entries).unwrap();
        let written = fs::read_to_string(&path).unwrap();
        assert_eq!(written, "{\"b\":1.50,  \"a\":\"x\\ny\"}\n{\"type\":\"agent_metadata\"}\n");
        let sub = [raw(r#"{"type":"agent_metadata","n":1}"#), raw(r#"{"type":"agent_metadata","n":2}"#)];
        let beside = dir.transcript(&key.clone().with_subpath("subagents/agent-1"), &sub).unwrap();
        let about = fs::read_to_string(beside.with_extension("meta.json")).unwrap();
        assert_eq!((fs::read_to_string(&beside).unwrap().as_str(), about.as_str()), ("", r#"{"n":2}"#));
        #[cfg(unix)]
        for (path, mode) in [(dir.path(), 0o700), (&path, 0o600), (&beside, 0o600)] {
            let found = std::os::unix::fs::MetadataExt::mode(&path.metadata().unwrap()) & 0o777;
            assert_eq!(found, mode, "{}", path.display());
        }
        let root = dir.path().to_owned();
        drop(dir);
        assert!(!root.exists());
    }
}
