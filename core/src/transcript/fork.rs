//! A copy of a session that goes its own way: new ids throughout, the same conversation, written line by line.

use std::{
    collections::HashMap,
    fs,
    io::{BufWriter, Result as IoResult, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json, value::RawValue};
use uuid::Uuid;

use super::{
    change::{create, invalid, now, unwritable},
    entry::Entry,
    info::Ends,
    lines::Lines,
    locate,
    messages::unreadable,
    place::Place,
};
use crate::Result;

const OPERATION: &str = "fork_session";
/// What belongs to the first session only.
const OWN: [&str; 4] = ["teamName", "agentName", "slug", "sourceToolAssistantUUID"];

/// What [`fork_session`] is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForkSession {
    /// The UUID of the session.
    pub session_id: String,
    /// Look only among the sessions of this directory and of the worktrees of its repository. Default: everywhere.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// Copy up to and with the message that has this UUID. Default: all.
    #[serde(default)]
    pub up_to_message_id: Option<String>,
    /// The title of the copy. Default: that of the first, with ` (fork)` behind it.
    #[serde(default)]
    pub title: Option<String>,
    /// In place of `CLAUDE_CONFIG_DIR` and `~/.claude`.
    #[serde(default)]
    pub config_dir: Option<PathBuf>,
}

/// What [`fork_session`] gives.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ForkedSession {
    /// The UUID of the copy: `Options::resume` goes on with it.
    pub session_id: String,
}

/// Copies a session under a new id. What subagents said is not copied, nor what files were like before. Blocks.
///
/// # Errors
/// `invalid_argument` when there is no such session or message, nothing to copy, or the copy cannot be written.
pub fn fork_session(request: &ForkSession) -> Result<ForkedSession> {
    let place = Place::new(request.config_dir.as_deref());
    let found = locate::require(&place, &request.session_id, request.directory.as_deref(), OPERATION)?;
    fork_file(&found.file, request).map_err(|error| error.operation(OPERATION))
}

/// Copies the session in a file, into one beside it. Of the request, what is copied and the title counts.
pub(crate) fn fork_file(file: &Path, request: &ForkSession) -> Result<ForkedSession> {
    if let Some(id) = request.up_to_message_id.as_deref().filter(|id| !locate::is_session_id(id)) {
        let message = format!("up_to_message_id: expected a UUID, not `{id}`");
        return Err(invalid("up_to_message_id", message));
    }
    let plan =
        Plan::read(file, request.up_to_message_id.as_deref()).map_err(|error| unreadable(file, &error))?;
    if plan.cut_missing {
        let id = request.up_to_message_id.as_deref().unwrap_or_default();
        let message = format!("up_to_message_id: there is no message {id} in session {}", request.session_id);
        return Err(invalid("up_to_message_id", message));
    }
    if plan.last.is_none() {
        let message = format!("session_id: session {} has no messages to copy", request.session_id);
        return Err(invalid("session_id", message));
    }
    let title = request.title.as_deref().map(str::trim).filter(|title| !title.is_empty()).map_or_else(
        || {
            let known = Ends::read(file).and_then(|ends| ends.title_or_prompt());
            format!("{} (fork)", known.as_deref().unwrap_or("Forked session"))
        },
        str::to_owned,
    );
    let session_id = Uuid::new_v4().to_string();
    let path = file.with_file_name(format!("{session_id}.jsonl"));
    // Under another name until it is whole: nobody shall list or resume half of it.
    let unfinished = path.with_extension("fork");
    let written = create(&unfinished).and_then(|copy| {
        let mut out = BufWriter::new(copy);
        plan.write(file, &request.session_id, &session_id, &title, &mut out)?;
        out.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        fs::rename(&unfinished, &path)
    });
    if let Err(error) = written {
        let _ = fs::remove_file(&unfinished);
        return Err(unwritable(&path, &error));
    }
    Ok(ForkedSession { session_id })
}

/// What is copied, from a first reading.
#[derive(Default)]
struct Plan {
    /// New ids by old ones.
    ids: HashMap<String, String>,
    /// The parents of entries that only show progress: they are left out and their children hang on what is above.
    progress: HashMap<String, Option<String>>,
    /// Where the last line that is copied begins.
    last: Option<u64>,
    /// Where copying ends: behind the line that begins here.
    end: Option<u64>,
    cut_missing: bool,
}

impl Plan {
    fn read(path: &Path, up_to: Option<&str>) -> IoResult<Self> {
        let mut plan = Self { cut_missing: up_to.is_some(), ..Self::default() };
        let mut lines = Lines::open(path)?;
        while let Some(line) = lines.next()? {
            let Some(entry) = Entry::parse(line.bytes) else { continue };
            let Some(uuid) = conversation(&entry) else { continue };
            if entry.kind.is("progress") {
                plan.progress.insert(uuid.to_owned(), entry.parent_uuid.get().map(str::to_owned));
            } else {
                plan.ids.insert(uuid.to_owned(), Uuid::new_v4().to_string());
                plan.last = Some(line.offset);
            }
            if up_to == Some(uuid) {
                plan.cut_missing = false;
                plan.end = Some(line.offset);
                break;
            }
        }
        Ok(plan)
    }

    /// The new id of what an entry hangs on.
    fn parent(&self, old: &str) -> Option<&String> {
        let mut old = old;
        // A circle of progress ends after as many steps as there are entries of it.
        for _ in 0..=self.progress.len() {
            match self.progress.get(old) {
                Some(above) => old = above.as_deref()?,
                None => return self.ids.get(old),
            }
        }
        None
    }

    fn write(&self, path: &Path, from: &str, to: &str, title: &str, out: &mut impl Write) -> IoResult<()> {
        let now = now();
        let mut replaced: Vec<Box<RawValue>> = Vec::new();
        let mut lines = Lines::open(path)?;
        let mut copying = true;
        while let Some(line) = lines.next()? {
            let Some(entry) = Entry::parse(line.bytes) else { continue };
            if entry.kind.is("content-replacement") && entry.session_id.is(from) {
                replaced.extend(replacements(line.bytes));
            }
            let Some(uuid) = conversation(&entry).filter(|_| copying) else { continue };
            if let Some(id) = self.ids.get(uuid) {
                let time = (self.last == Some(line.offset)).then_some(now.as_str());
                self.copy(
                    line.bytes,
                    &entry,
                    [uuid, id, from, to],
                    time.or(entry.timestamp.get()).unwrap_or(&now),
                    out,
                )?;
            }
            copying = self.end != Some(line.offset);
        }
        let id = || Uuid::new_v4().to_string();
        if !replaced.is_empty() {
            let entry =
                json!({"type": "content-replacement", "sessionId": to, "uuid": id(), "timestamp": now});
            let text = entry.to_string();
            let replaced = serde_json::to_string(&replaced)?;
            writeln!(out, "{},\"replacements\":{replaced}}}", &text[..text.len() - 1])?;
        }
        let title = json!(title);
        let uuid = id();
        writeln!(
            out,
            r#"{{"type":"custom-title","sessionId":"{to}","customTitle":{title},"uuid":"{uuid}","timestamp":"{now}"}}"#
        )
    }

    /// One line with its new ids; everything else stays in its own bytes.
    fn copy(
        &self,
        line: &[u8],
        entry: &Entry<'_>,
        [old, new, from, to]: [&str; 4],
        time: &str,
        out: &mut impl Write,
    ) -> IoResult<()> {
        let mut fields: Vec<(String, Box<RawValue>)> = Fields::read(line)?;
        let logical =
            fields.iter().find(|(name, _)| name == "logicalParentUuid").map(|(_, value)| value.get());
        let logical = logical.and_then(|old| serde_json::from_str::<String>(old).ok());
        let mut fresh = Map::new();
        fresh.insert("parentUuid".into(), json!(entry.parent_uuid.get().and_then(|old| self.parent(old))));
        fresh.insert("logicalParentUuid".into(), json!(logical.and_then(|old| self.ids.get(&old))));
        fresh.insert("isSidechain".into(), Value::Bool(false));
        fresh.insert("uuid".into(), json!(new));
        fresh.insert("timestamp".into(), json!(time));
        fresh.insert("sessionId".into(), json!(to));
        fresh.insert("forkedFrom".into(), json!({"sessionId": from, "messageUuid": old}));
        fields.retain(|(name, _)| !OWN.contains(&name.as_str()));
        for (name, value) in &mut fields {
            if let Some(new) = fresh.remove(name.as_str()) {
                *value = serde_json::value::to_raw_value(&new)?;
            }
        }
        for (name, value) in fresh {
            fields.push((name, serde_json::value::to_raw_value(&value)?));
        }
        Fields::write(&fields, out)
    }
}

/// The id of an entry of the main conversation.
fn conversation<'e>(entry: &'e Entry<'_>) -> Option<&'e str> {
    let kinds = ["user", "assistant", "attachment", "system", "progress"];
    let talks = entry.kind.get().is_some_and(|kind| kinds.contains(&kind));
    entry.uuid.get().filter(|_| talks && !entry.is_sidechain.0)
}

fn replacements(line: &[u8]) -> Vec<Box<RawValue>> {
    #[derive(Deserialize)]
    struct Replaced {
        replacements: Vec<Box<RawValue>>,
    }
    serde_json::from_slice::<Replaced>(line).map(|entry| entry.replacements).unwrap_or_default()
}

/// The fields of an object in their order, which a map would lose.
struct Fields(Vec<(String, Box<RawValue>)>);

impl Fields {
    fn read(line: &[u8]) -> IoResult<Vec<(String, Box<RawValue>)>> {
        Ok(serde_json::from_slice::<Self>(line)?.0)
    }

    fn write(fields: &[(String, Box<RawValue>)], out: &mut impl Write) -> IoResult<()> {
        let mut before = '{';
        for (name, value) in fields {
            write!(out, "{before}{}:{}", json!(name), value.get())?;
            before = ',';
        }
        writeln!(out, "}}")
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{
        GetSessionMessages,
        fixture::{Fixture, id},
        get_session_info, get_session_messages,
    };

    fn fixture() -> Fixture {
        let fixture = Fixture::new();
        fixture.session("/srv/app", 1, "first");
        let (user, progress, answer, side) = (id(901), id(902), id(903), id(904));
        fixture.append(1, &format!(r#"{{"type":"progress","uuid":"{progress}","parentUuid":"{user}"}}"#));
        fixture.append(1, &format!(r#"{{"zebra":1.50,"type":"assistant","uuid":"{answer}","parentUuid":"{progress}","slug":"s","message":{{"content":"answer"}}}}"#));
        fixture.append(1, &format!(r#"{{"type":"user","uuid":"{side}","parentUuid":"{answer}","isSidechain":true,"message":{{"content":"side"}}}}"#));
        fixture.append(1, "{\"type\":\"user\",\"uuid\":\"half");
        fixture
    }

    fn fork(fixture: &Fixture, change: impl FnOnce(&mut ForkSession)) -> Result<ForkedSession> {
        let mut request = ForkSession {
            session_id: id(1),
            config_dir: Some(fixture.config.clone()),
            ..ForkSession::default()
        };
        change(&mut request);
        fork_session(&request)
    }

    #[test]
    fn a_fork_is_the_conversation_under_new_ids() {
        let fixture = fixture();
        let before = fs::read(fixture.file(1)).unwrap();
        let ForkedSession { session_id } = fork(&fixture, |_| ()).unwrap();
        assert_eq!(fs::read(fixture.file(1)).unwrap(), before, "the first is as it was");
        let request = GetSessionMessages {
            session_id: session_id.clone(),
            config_dir: Some(fixture.config.clone()),
            ..GetSessionMessages::default()
        };
        let messages = get_session_messages(&request).unwrap();
        let said: Vec<&str> = messages.iter().map(|message| message.message.get()).collect();
        assert_eq!(said, [r#"{"content":"first","role":"user"}"#, r#"{"content":"answer"}"#]);
        assert!(messages.iter().all(|message| message.session_id == session_id && message.uuid != id(901)));
        let text =
            fs::read_to_string(fixture.folder("/srv/app").join(format!("{session_id}.jsonl"))).unwrap();
        assert!(
            text.contains("\"zebra\":1.50") && !text.contains("slug") && !text.contains("side"),
            "{text}"
        );
        let info = crate::transcript::GetSessionInfo {
            session_id,
            config_dir: Some(fixture.config.clone()),
            directory: None,
        };
        assert_eq!(get_session_info(&info).unwrap().unwrap().custom_title.as_deref(), Some("first (fork)"));
    }

    #[test]
    fn a_fork_can_end_at_a_message_and_have_a_title() {
        let fixture = fixture();
        let forked = fork(&fixture, |request| {
            request.up_to_message_id = Some(id(901));
            request.title = Some(" Mine ".into());
        });
        let path = fixture.folder("/srv/app").join(format!("{}.jsonl", forked.unwrap().session_id));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("\"customTitle\":\"Mine\"") && !text.contains("answer"), "{text}");
        assert_eq!(text.lines().count(), 2);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&path.metadata().unwrap()) & 0o777, 0o600);
    }

    #[test]
    fn what_cannot_be_forked_says_why() {
        let fixture = fixture();
        let said =
            |change: fn(&mut ForkSession)| fork(&fixture, change).unwrap_err().context()["field"].clone();
        assert_eq!(said(|request| request.session_id = id(7)), "session_id");
        assert_eq!(said(|request| request.up_to_message_id = Some(id(8))), "up_to_message_id");
        assert_eq!(said(|request| request.up_to_message_id = Some("x".into())), "up_to_message_id");
        fs::write(fixture.file(1), "{\"type\":\"mode\"}\n").unwrap();
        assert_eq!(said(|_| ()), "session_id");
        assert_eq!(fs::read_dir(fixture.folder("/srv/app")).unwrap().count(), 1, "no half copy stays");
    }
}
