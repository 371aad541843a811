//! What a list shows of a session, gathered entry by entry: for those who see a transcript grow and never read it again.
//!
//! The names are those of the official SDKs, so that summaries they stored stay readable.

use serde_json::{Map, Value, json};

use super::{
    entry::Entry,
    info::{SessionInfo, moment, opening},
};

type Field = for<'e> fn(&'e Entry<'_>) -> Option<&'e str>;

/// Fields of which the last value counts, with their names in a summary.
const LAST: [(&str, Field); 5] = [
    ("custom_title", |entry| entry.custom_title.even_empty()),
    ("ai_title", |entry| entry.ai_title.even_empty()),
    ("last_prompt", |entry| entry.last_prompt.even_empty()),
    ("summary_hint", |entry| entry.summary.even_empty()),
    ("git_branch", |entry| entry.git_branch.even_empty()),
];

/// Adds one entry to what is known. Text that is no JSON object adds nothing.
pub(crate) fn fold(data: &mut Map<String, Value>, text: &str) {
    let Some(entry) = Entry::parse(text.as_bytes()) else { return };
    data.entry("is_sidechain").or_insert(json!(entry.is_sidechain.0));
    if let Some(at) = entry.timestamp.get().and_then(moment) {
        data.entry("created_at").or_insert(json!(at));
    }
    if let Some(cwd) = entry.cwd.get() {
        data.entry("cwd").or_insert(json!(cwd));
    }
    if data.get("first_prompt_locked") != Some(&Value::Bool(true)) {
        let (prompt, command) = opening(&entry);
        if let Some(command) = command {
            data.entry("command_fallback").or_insert(command.into());
        }
        if let Some(prompt) = prompt {
            data.insert("first_prompt".into(), prompt.into());
            data.insert("first_prompt_locked".into(), true.into());
        }
    }
    for (name, field) in LAST {
        if let Some(value) = field(&entry) {
            data.insert(name.into(), value.into());
        }
    }
    if entry.kind.is("tag") {
        match entry.tag.get() {
            Some(tag) => data.insert("tag".into(), tag.into()),
            None => data.remove("tag"),
        };
    }
}

/// What a list shows; `None` for a subagent, and when there is nothing to show.
pub(crate) fn info(
    data: &Map<String, Value>,
    session_id: &str,
    modified: u64,
    directory: Option<&str>,
) -> Option<SessionInfo> {
    let text = |name: &str| {
        data.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    if data.get("is_sidechain") == Some(&Value::Bool(true)) {
        return None;
    }
    let custom_title = text("custom_title").or_else(|| text("ai_title"));
    let first_prompt = text("first_prompt").or_else(|| text("command_fallback"));
    let summary = custom_title
        .clone()
        .or_else(|| text("last_prompt"))
        .or_else(|| text("summary_hint"))
        .or_else(|| first_prompt.clone())?;
    Some(SessionInfo {
        session_id: session_id.to_owned(),
        summary,
        last_modified: modified,
        file_size: None,
        custom_title,
        first_prompt,
        git_branch: text("git_branch"),
        cwd: text("cwd").or_else(|| directory.map(str::to_owned)),
        tag: text("tag"),
        created_at: data.get("created_at").and_then(Value::as_u64),
        archived: None,
    })
}

/// The time an entry names.
pub(crate) fn moment_of(text: &str) -> Option<u64> {
    Entry::parse(text.as_bytes())?.timestamp.get().and_then(moment)
}
