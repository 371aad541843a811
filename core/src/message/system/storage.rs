//! What could, or could not, be stored.

use crate::message::shape_macros::shapes;

shapes! {
    /// Files were uploaded.
    pub struct FilesPersistedMessage("type" = "system", "subtype" = "files_persisted") {
        /// Those that were.
        files: Vec<PersistedFile> = "files" needed,
        /// Those that could not be.
        failed: Vec<FailedFile> = "failed",
        /// When, ISO 8601.
        processed_at: String = "processed_at",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// Transcript lines could not be handed to the store.
    pub struct MirrorErrorMessage("type" = "system", "subtype" = "mirror_error") {
        /// Why.
        error: String = "error" needed,
        /// Whose lines.
        key: Option<MirrorKey> = "key",
        /// How many lines.
        entries: Option<f64> = "entries",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// The disk is full and the transcript has gaps.
    pub struct SessionWritesLostMessage("type" = "system", "subtype" = "session_writes_lost") {
        /// `ENOSPC` or `EDQUOT`.
        error_code: String = "error_code" needed,
        /// What was lost: `transcript`, `global_config`.
        lost: Vec<String> = "lost",
        /// The sessions with gaps.
        transcript_session_ids: Vec<String> = "transcript_session_ids",
        /// The session.
        session_id: String = "session_id",
        /// The id of this frame.
        uuid: String = "uuid",
    }

    /// A file that was uploaded.
    pub struct PersistedFile {
        /// The file.
        filename: String = "filename",
        /// Its id.
        file_id: String = "file_id",
    }

    /// A file that could not be uploaded.
    pub struct FailedFile {
        /// The file.
        filename: String = "filename",
        /// Why.
        error: String = "error",
    }

    /// Whose transcript.
    pub struct MirrorKey {
        /// The project.
        project_key: String = "project_key",
        /// The session.
        session_id: String = "session_id",
        /// The part of it, for subagents.
        subpath: Option<String> = "subpath",
    }
}
