//! The messages of a session. The file is read twice: once for its order, once for the messages that are wanted, so that a
//! page of a transcript of any size needs the memory of the page.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    chain,
    entry::Entry,
    index::{Index, Kind, Node},
    locate,
    place::Place,
};
use crate::{Error, ErrorKind, Result};

/// A message in a transcript.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[non_exhaustive]
pub struct SessionMessage {
    /// `user`, `assistant`, or `system` when those were asked for.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its UUID.
    pub uuid: String,
    /// The session it says it belongs to: another one than asked for, when the session was forked or continued.
    pub session_id: String,
    /// The message as the API has it, in the program's own bytes. Of a system message, the whole entry.
    pub message: Box<RawValue>,
    /// Of a subagent's message: the tool call that started the subagent.
    pub parent_tool_use_id: Option<String>,
    /// Of a subagent's message: the subagent that started this one.
    pub parent_agent_id: Option<String>,
}

/// What [`get_session_messages`] is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetSessionMessages {
    /// The UUID of the session.
    pub session_id: String,
    /// Look only among the sessions of this directory and of the worktrees of its repository. Default: everywhere.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// At most so many; `None` and 0 mean all.
    #[serde(default)]
    pub limit: Option<usize>,
    /// Leave out so many from the beginning.
    #[serde(default)]
    pub offset: usize,
    /// Also system messages: the places where the conversation was made shorter, notices.
    #[serde(default)]
    pub include_system_messages: bool,
    /// In place of `CLAUDE_CONFIG_DIR` and `~/.claude`.
    #[serde(default)]
    pub config_dir: Option<PathBuf>,
}

/// The conversation of a session, oldest message first: the newest branch, tool calls that ran side by side included. Empty
/// when there is no such session. Lines that cannot be read are skipped and counted in the log. Blocks.
///
/// # Errors
/// `invalid_argument` when the file cannot be read.
///
/// ```
/// use madrigal::transcript::{GetSessionMessages, get_session_messages};
/// let id = "00000000-0000-4000-8000-000000000000".to_owned();
/// let request = GetSessionMessages { session_id: id, limit: Some(20), ..GetSessionMessages::default() };
/// assert!(get_session_messages(&request)?.is_empty());
/// # Ok::<_, madrigal::Error>(())
/// ```
pub fn get_session_messages(request: &GetSessionMessages) -> Result<Vec<SessionMessage>> {
    let place = Place::new(request.config_dir.as_deref());
    let Some(found) = locate::find(&place, &request.session_id, request.directory.as_deref()) else {
        return Ok(Vec::new());
    };
    messages_of(&found.file, request.include_system_messages, request.offset, request.limit)
        .map_err(|error| error.operation("get_session_messages"))
}

/// The conversation in a file.
pub(crate) fn messages_of(
    file: &Path,
    system: bool,
    offset: usize,
    limit: Option<usize>,
) -> Result<Vec<SessionMessage>> {
    let seen = |node: &Node| match node.kind {
        Kind::User | Kind::Assistant => !node.aside,
        Kind::System => system && !node.aside,
        Kind::Other => false,
    };
    page(file, chain::conversation, seen, offset, limit).map_err(|error| unreadable(file, &error))
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!("the transcript {} cannot be read: {error}", path.display()),
    )
    .caused_by(error)
}

/// The messages of a file that are wanted.
pub(super) fn page(
    path: &Path,
    order: fn(&Index) -> Vec<usize>,
    seen: impl Fn(&Node) -> bool,
    offset: usize,
    limit: Option<usize>,
) -> std::io::Result<Vec<SessionMessage>> {
    let index = Index::read(path)?;
    if index.skipped > 0 {
        tracing::warn!(skipped = index.skipped, file = %path.display(), "lines of a transcript that cannot be read");
    }
    let limit = limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let wanted = order(&index).into_iter().map(|at| &index.nodes[at]).filter(|node| seen(node));
    let mut file = File::open(path)?;
    let mut line = Vec::new();
    let mut messages = Vec::new();
    for node in wanted.skip(offset).take(limit) {
        line.resize(node.length, 0);
        file.seek(SeekFrom::Start(node.offset))?;
        file.read_exact(&mut line)?;
        messages.extend(message(&line, node.kind));
    }
    Ok(messages)
}

fn message(line: &[u8], kind: Kind) -> Option<SessionMessage> {
    let entry = Entry::parse(line)?;
    let message = match kind {
        Kind::System => serde_json::from_slice(line).ok(),
        _ => entry.message.map(ToOwned::to_owned),
    };
    Some(SessionMessage {
        kind: entry.kind.get()?.to_owned(),
        uuid: entry.uuid.get()?.to_owned(),
        session_id: entry.session_id.get().unwrap_or_default().to_owned(),
        message: message.unwrap_or_default(),
        parent_tool_use_id: None,
        parent_agent_id: None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::*;
    use crate::transcript::fixture::{Fixture, id};

    fn entry(kind: &str, uuid: &str, parent: &str, content: Value) -> Value {
        json!({"type": kind, "uuid": uuid, "parentUuid": parent, "sessionId": id(1),
            "message": {"role": kind, "content": content}})
    }

    fn read(fixture: &Fixture, lines: &[Value], change: impl FnOnce(&mut GetSessionMessages)) -> Vec<String> {
        let path = fixture.folder("/srv/app").join(format!("{}.jsonl", id(1)));
        fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        read_on(fixture, change)
    }

    fn read_on(fixture: &Fixture, change: impl FnOnce(&mut GetSessionMessages)) -> Vec<String> {
        let mut request = GetSessionMessages {
            session_id: id(1),
            config_dir: Some(fixture.config.clone()),
            ..GetSessionMessages::default()
        };
        change(&mut request);
        get_session_messages(&request).unwrap().into_iter().map(|message| message.uuid).collect()
    }

    #[test]
    fn the_newest_branch_is_the_conversation() {
        let fixture = Fixture::new();
        let lines = [
            entry("user", "a", "", json!("first")),
            entry("assistant", "b", "a", json!("given up")),
            entry("assistant", "c", "a", json!("kept")),
            json!({"type": "system", "uuid": "s", "parentUuid": "c", "content": "notice"}),
            json!({"type": "user", "uuid": "m", "parentUuid": "s", "isMeta": true, "message": {"content": "meta"}}),
            entry("user", "d", "m", json!("second")),
            json!({"type": "progress", "uuid": "p", "parentUuid": "d"}),
        ];
        assert_eq!(read(&fixture, &lines, |_| ()), ["a", "c", "d"]);
        assert_eq!(read_on(&fixture, |request| request.include_system_messages = true), ["a", "c", "s", "d"]);
        let page = |request: &mut GetSessionMessages| (request.offset, request.limit) = (1, Some(1));
        assert_eq!(read_on(&fixture, page), ["c"]);
    }

    #[test]
    fn tools_that_ran_side_by_side_are_all_there() {
        let fixture = Fixture::new();
        let call = |uuid: &str, parent: &str, tool: &str, at: &str| {
            let mut call = entry("assistant", uuid, parent, json!([{"type": "tool_use", "id": tool}]));
            call["message"]["id"] = "msg".into();
            call["timestamp"] = format!("2026-01-01T00:00:{at}Z").into();
            call
        };
        let result = |uuid: &str, parent: &str, tool: &str, at: &str| {
            let mut result =
                entry("user", uuid, parent, json!([{"type": "tool_result", "tool_use_id": tool}]));
            result["timestamp"] = format!("2026-01-01T00:00:{at}Z").into();
            result
        };
        let lines = [
            entry("user", "u", "", json!("go")),
            call("c1", "u", "t1", "01"),
            call("c2", "c1", "t2", "02"),
            call("c3", "c2", "t3", "03"),
            result("r3", "c3", "t3", "04"),
            result("r1", "c1", "t1", "05"),
            result("r2", "c2", "t2", "06"),
            entry("assistant", "end", "r1", json!("done")),
        ];
        assert_eq!(read(&fixture, &lines, |_| ()), ["u", "c1", "c2", "c3", "r3", "r2", "r1", "end"]);
    }

    #[test]
    fn what_cannot_be_read_is_skipped() {
        let fixture = Fixture::new();
        read(&fixture, &[entry("user", "a", "", json!("first"))], |_| ());
        fixture.append(1, "not json");
        fixture.append(1, "[1,2]");
        fixture.append(1, r#"{"type":"user","uuid":7,"parentUuid":{}}"#);
        let mut whole = fs::read(fixture.file(1)).unwrap();
        whole.extend(b"\xff\xfe\n\n");
        whole.extend(entry("assistant", "b", "a", json!("second")).to_string().bytes());
        whole.extend(b"\n{\"type\":\"user\",\"uuid\":\"c\",\"parentUuid\":\"b\",\"mess");
        fs::write(fixture.file(1), whole).unwrap();
        assert_eq!(read_on(&fixture, |_| ()), ["a", "b"]);
    }

    #[test]
    fn a_circle_ends() {
        let fixture = Fixture::new();
        let lines = [
            entry("user", "a", "c", json!("x")),
            entry("assistant", "b", "a", json!("y")),
            entry("user", "c", "b", json!("z")),
        ];
        assert_eq!(read(&fixture, &lines, |_| ()), [""; 0], "nothing is a leaf");
        let mut tail = lines.to_vec();
        tail.push(entry("assistant", "d", "c", json!("leaf")));
        assert_eq!(read(&fixture, &tail, |_| ()), ["a", "b", "c", "d"]);
    }

    #[test]
    fn no_session_has_no_messages() {
        let fixture = Fixture::new();
        assert_eq!(read_on(&fixture, |_| ()), [""; 0]);
        assert_eq!(read_on(&fixture, |request| request.session_id = "../../etc/passwd".into()), [""; 0]);
    }
}
