//! Files of the session: going back to an earlier state, reading through the program, and what it knows of them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Control;
use crate::session::SessionHandle;

/// What going back did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rewind {
    /// Whether the files can be (or were) brought back.
    pub can_rewind: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The files that would change; only of a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_changed: Option<Vec<String>>,
    /// Lines that would come back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insertions: Option<u64>,
    /// Lines that would go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletions: Option<u64>,
    /// Files left alone because they are links or no ordinary files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped_links: Option<u64>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A file as the program reads it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileContents {
    /// Its text, or base64 when that was asked for.
    pub contents: String,
    /// Where it is.
    #[serde(rename = "absPath")]
    pub abs_path: String,
    /// Whether bytes that are no UTF-8 were replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lossy: Option<bool>,
    /// Whether there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<bool>,
    /// `base64` when that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The path that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_path: Option<String>,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Files whose names fit a word.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileSuggestions {
    /// Each of them, as the program describes it.
    pub suggestions: Vec<Value>,
    /// The working directory they belong to.
    pub cwd: String,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A directory that was added to the session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RepoRoot {
    /// Its full path.
    pub directory: String,
    /// Fields this library does not know.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl SessionHandle {
    /// Brings the files that tools changed back to their state at a prompt (by its uuid). With `dry_run` it only says what
    /// would change. Needs file checkpointing (`CLAUDE_CODE_ENABLE_SDK_FILE_CHECKPOINTING=true` in the environment of the
    /// program).
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # use madrigal::{Options, Session, testing::Script};
    /// # let script = Script::new().await_user().text("done").result();
    /// # let mut session = Session::builder(Options::default()).transport(script).open().await?;
    /// let turn = session.send("Tidy up").await?;
    /// let prompt = turn.uuid().to_owned();
    /// turn.result().await?;
    /// let preview = session.rewind_files(&prompt, true).await?;
    /// println!("{} files would change", preview.files_changed.unwrap_or_default().len());
    /// # session.close().await;
    /// # Ok::<_, madrigal::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `control` when checkpointing is off or there is no checkpoint for this prompt; `closed`, `timeout`.
    pub fn rewind_files(&self, user_message_id: &str, dry_run: bool) -> Control<Rewind> {
        let request = self.typed("rewind_files").with("user_message_id", user_message_id);
        if dry_run { request.with("dry_run", true) } else { request }
    }

    /// Reads a file under the permissions the model has.
    ///
    /// # Errors
    /// `control` when it does not exist or may not be read; `closed`, `timeout`.
    pub fn read_file(&self, path: &str) -> Control<FileContents> {
        self.typed("read_file").with("path", path)
    }

    /// Tells the program that the model has seen a file in the state of `mtime_ms` (Unix time in milliseconds), so that it
    /// may edit it without reading it again.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn seed_read_state(&self, path: &str, mtime_ms: u64) -> Control<()> {
        self.acknowledged("seed_read_state").with("path", path).with("mtime", mtime_ms)
    }

    /// Files whose names fit a word, as after `@` in a prompt.
    ///
    /// # Errors
    /// `control`, `closed`, `timeout`.
    pub fn file_suggestions(&self, query: &str) -> Control<FileSuggestions> {
        self.typed("file_suggestions").with("query", query)
    }

    /// Adds a directory below the working directory as one of its own.
    ///
    /// # Errors
    /// `control` when it lies elsewhere or was added before; `closed`, `timeout`.
    pub fn register_repo_root(&self, directory: &str) -> Control<RepoRoot> {
        self.typed("register_repo_root").with("directory", directory)
    }
}

impl Control<FileContents> {
    /// Reads at most this many bytes.
    pub fn max_bytes(self, bytes: u64) -> Self {
        self.with("max_bytes", bytes)
    }

    /// Gives the bytes as base64, for files that are no text.
    pub fn base64(self) -> Self {
        self.with("encoding", "base64")
    }
}
