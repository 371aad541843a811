//! Summaries that grow with their session, so that listing a thousand sessions loads none of them.

use std::collections::HashMap;

use serde_json::{Map, value::RawValue};

use super::{SessionKey, SessionSummary, StoreEntry};
use crate::transcript;

/// The summary of a session with these entries added to it. A store that offers summaries calls it when it appends, never
/// for a key with a subpath, keeps what it gives, and sets `mtime` to the time of its own clock; here it stays that of
/// `previous`, or 0.
///
/// ```
/// use madrigal::store::{SessionKey, fold_session_summary};
/// let key = SessionKey::new("-srv-app", "00000000-0000-4000-8000-000000000001");
/// let title = serde_json::from_str(r#"{"type":"custom-title","customTitle":"Release"}"#).unwrap();
/// let summary = fold_session_summary(None, &key, &[title]);
/// assert_eq!(summary.data["custom_title"], "Release");
/// ```
pub fn fold_session_summary(
    previous: Option<SessionSummary>,
    key: &SessionKey,
    entries: &[StoreEntry],
) -> SessionSummary {
    let mut summary = previous.unwrap_or_else(|| SessionSummary {
        session_id: key.session_id.clone(),
        mtime: 0,
        data: Map::new(),
    });
    for entry in entries {
        transcript::fold(&mut summary.data, entry.get());
    }
    summary
}

/// The uuid of an entry, if it has one.
pub(super) fn uuid_of(entry: &RawValue) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Identified {
        uuid: Option<String>,
    }
    serde_json::from_str::<Identified>(entry.get()).ok()?.uuid.filter(|uuid| !uuid.is_empty())
}

/// The last time an entry names, in milliseconds since 1970: when a session that no list dates was last written.
pub(super) fn last_moment(entries: &[StoreEntry]) -> u64 {
    entries.iter().rev().find_map(|entry| transcript::moment_of(entry.get())).unwrap_or_default()
}

/// Summaries by session.
pub(super) fn by_session(summaries: Vec<SessionSummary>) -> HashMap<String, SessionSummary> {
    summaries.into_iter().map(|summary| (summary.session_id.clone(), summary)).collect()
}
