//! What a list shows of a session, from the first and the last part of its file: a transcript of a gigabyte costs as
//! little as a short one. Only one whose ends say nothing is read through, line by line.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use memchr::memmem;
use serde::{Deserialize, Serialize};

use super::{
    entry::{Entry, Text},
    lines::Lines,
    locate,
    place::Place,
};
use crate::Result;

/// How much is read at each end: the size the program's own lists read.
const PART: u64 = 64 * 1024;
/// A line at the beginning is read to its end up to here: the model's API takes no request of more than 32 MB.
const LONGEST_HEAD: usize = 33 * 1024 * 1024;
/// A first prompt is cut here, in characters.
const LONGEST_PROMPT: usize = 200;

/// What is known of a session without reading all of it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its UUID.
    pub session_id: String,
    /// What to show: its title, else its last prompt or summary, else its first prompt.
    pub summary: String,
    /// When the file changed last, in milliseconds since 1970.
    pub last_modified: u64,
    /// The size of the file in bytes.
    pub file_size: Option<u64>,
    /// The title a person or the program gave it.
    pub custom_title: Option<String>,
    /// The first prompt that means something, at most 200 characters.
    pub first_prompt: Option<String>,
    /// The branch it was last on.
    pub git_branch: Option<String>,
    /// The directory it began in.
    pub cwd: Option<String>,
    /// Its tag.
    pub tag: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub created_at: Option<u64>,
    /// Whether it is archived; `None` when it never was. A prompt sent later takes it out of the archive.
    pub archived: Option<bool>,
}

/// What [`get_session_info`] is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetSessionInfo {
    /// The UUID of the session.
    pub session_id: String,
    /// Look only among the sessions of this directory and of the worktrees of its repository. Default: everywhere.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// In place of `CLAUDE_CONFIG_DIR` and `~/.claude`.
    #[serde(default)]
    pub config_dir: Option<PathBuf>,
}

/// What is known of one session; `None` when there is none with this id, or when it has nothing to show. Blocks.
///
/// # Errors
/// None today; the result leaves room for a disk that cannot be read.
///
/// ```
/// use madrigal::transcript::{GetSessionInfo, get_session_info};
/// let request = GetSessionInfo { session_id: "00000000-0000-4000-8000-000000000000".into(), ..GetSessionInfo::default() };
/// assert_eq!(get_session_info(&request)?, None);
/// # Ok::<_, madrigal::Error>(())
/// ```
pub fn get_session_info(request: &GetSessionInfo) -> Result<Option<SessionInfo>> {
    let place = Place::new(request.config_dir.as_deref());
    let found = locate::find(&place, &request.session_id, request.directory.as_deref());
    Ok(found.and_then(|found| {
        Some(Ends::read(&found.file)?.info(&request.session_id, found.directory.as_deref())?.0)
    }))
}

/// Both ends of a transcript.
pub(super) struct Ends {
    file: PathBuf,
    modified: u64,
    size: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
}

/// Adds the rest of the last line: a first prompt with a picture in it is longer than what is read.
fn complete(file: &mut File, head: &mut Vec<u8>) -> std::io::Result<()> {
    let mut piece = Vec::with_capacity(PART as usize);
    while !head.ends_with(b"\n") && head.len() < LONGEST_HEAD {
        piece.clear();
        if file.by_ref().take(PART).read_to_end(&mut piece)? == 0 {
            break;
        }
        let end = memchr::memchr(b'\n', &piece).map_or(piece.len(), |at| at + 1);
        head.extend_from_slice(&piece[..end]);
    }
    Ok(())
}

/// What started a session, when that was no person at a terminal.
pub(super) type Programmatic = bool;

impl Ends {
    /// `None` when the file is empty or cannot be read.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let mut file = File::open(path).ok()?;
        let meta = file.metadata().ok()?;
        let mut head = Vec::new();
        file.by_ref().take(PART).read_to_end(&mut head).ok()?;
        if head.is_empty() {
            return None;
        }
        complete(&mut file, &mut head).ok()?;
        let mut tail = Vec::new();
        if meta.len() > head.len() as u64 {
            file.seek(SeekFrom::Start(meta.len().saturating_sub(PART))).ok()?;
            file.take(PART).read_to_end(&mut tail).ok()?;
        } else {
            tail.clone_from(&head);
        }
        let modified = meta.modified().map_or(0, millis);
        Some(Self { file: path.to_path_buf(), modified, size: meta.len(), head, tail })
    }

    /// What it says, and whether a program started it. `None` for the transcript of a subagent, and when there is nothing to
    /// show.
    pub(super) fn info(
        &self,
        session_id: &str,
        directory: Option<&str>,
    ) -> Option<(SessionInfo, Programmatic)> {
        let (head, tail) = (self.head.as_slice(), self.tail.as_slice());
        let first_line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if has(first_line, "\"isSidechain\":true") || has(first_line, "\"isSidechain\": true") {
            return None;
        }
        let custom_title = self.title();
        let summary_of_tail = || {
            last(tail, "lastPrompt", |entry| &entry.last_prompt)
                .or_else(|| last(tail, "summary", |entry| &entry.summary))
        };
        let mut first_prompt = first_prompt(head);
        let mut known = custom_title.clone().or_else(summary_of_tail);
        if known.is_none() && first_prompt.is_none() {
            // Neither end says anything: the long way round, so that a session is not hidden by its long lines.
            (first_prompt, known) = self.middle();
        }
        let summary = known.or_else(|| first_prompt.clone())?;
        let entrypoint = first(head, "entrypoint", |entry| &entry.entrypoint);
        let kind = first(head, "sessionKind", |entry| &entry.session_kind);
        let programmatic = matches!(entrypoint.as_deref(), Some("sdk-cli" | "sdk-ts" | "sdk-py"))
            || matches!(kind.as_deref(), Some("daemon" | "daemon-worker"));
        let info = SessionInfo {
            session_id: session_id.to_owned(),
            summary,
            last_modified: self.modified,
            file_size: Some(self.size),
            custom_title,
            first_prompt,
            git_branch: last(tail, "gitBranch", |entry| &entry.git_branch)
                .or_else(|| first(head, "gitBranch", |entry| &entry.git_branch)),
            cwd: first(head, "cwd", |entry| &entry.cwd).or_else(|| directory.map(str::to_owned)),
            tag: tag(tail),
            created_at: first(head, "timestamp", |entry| &entry.timestamp).as_deref().and_then(moment),
            archived: self.archived(session_id),
        };
        Some((info, programmatic))
    }

    /// The first prompt of the whole file, and the last title, last prompt or summary in it: line by line.
    fn middle(&self) -> (Option<String>, Option<String>) {
        let (mut prompt, mut command, mut known) = (None, None, None);
        if self.size <= self.head.len() as u64 {
            return (prompt, known);
        }
        let Ok(mut lines) = Lines::open(&self.file) else { return (prompt, known) };
        while let Ok(Some(line)) = lines.next() {
            if prompt.is_none()
                && has(line.bytes, "\"user\"")
                && let Some(entry) = Entry::parse(line.bytes)
            {
                let (found, named) = opening(&entry);
                (prompt, command) = (found, command.or(named));
            }
            let names = ["\"customTitle\"", "\"aiTitle\"", "\"lastPrompt\"", "\"summary\""];
            if names.iter().any(|name| has(line.bytes, name))
                && let Some(entry) = Entry::parse(line.bytes)
            {
                let fields = [&entry.custom_title, &entry.ai_title, &entry.last_prompt, &entry.summary];
                known = fields.iter().find_map(|field| field.get().map(str::to_owned)).or(known);
            }
        }
        (prompt.or(command), known)
    }

    /// The title: one that was set before one that was made up, the last of either.
    pub(super) fn title(&self) -> Option<String> {
        [("customTitle", true), ("aiTitle", false)].into_iter().find_map(|(key, set)| {
            let field = |entry: &'_ Entry<'_>| {
                if set { entry.custom_title.get() } else { entry.ai_title.get() }.map(str::to_owned)
            };
            last_by(&self.tail, key, field).or_else(|| last_by(&self.head, key, field))
        })
    }

    /// The title, else the first prompt.
    pub(super) fn title_or_prompt(&self) -> Option<String> {
        self.title().or_else(|| first_prompt(&self.head))
    }

    fn archived(&self, session_id: &str) -> Option<bool> {
        #[derive(Deserialize)]
        struct Mark {
            archived: bool,
            at: String,
        }
        const LONGEST: u64 = 4096;
        let path = self.file.with_file_name(session_id).join("archived.json");
        let mut text = String::new();
        File::open(path).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
        let mark: Mark = serde_json::from_str(&text).ok()?;
        let at = moment(&mark.at)?;
        let prompted = |part: &[u8]| {
            part.split(|byte| *byte == b'\n').filter_map(Entry::parse).any(|entry| {
                entry.timestamp.get().and_then(moment).is_some_and(|then| then > at)
                    && prompt(&entry).is_some()
            })
        };
        Some(mark.archived && !prompted(&self.tail) && !prompted(&self.head))
    }
}

/// Milliseconds since 1970.
pub(super) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A time as the program writes it.
pub(super) fn moment(text: &str) -> Option<u64> {
    humantime::parse_rfc3339(text).ok().map(millis)
}

fn has(bytes: &[u8], text: &str) -> bool {
    memmem::find(bytes, text.as_bytes()).is_some()
}

/// The line around a position, when it is whole: has a beginning and an end, or is the whole text.
fn line_at(text: &[u8], position: usize) -> &[u8] {
    let start = memchr::memrchr(b'\n', &text[..position]).map_or(0, |at| at + 1);
    let end = memchr::memchr(b'\n', &text[position..]).map_or(text.len(), |at| position + at);
    &text[start..end]
}

fn last(text: &[u8], key: &str, field: impl for<'e, 'a> Fn(&'e Entry<'a>) -> &'e Text<'a>) -> Option<String> {
    last_by(text, key, |entry| field(entry).get().map(str::to_owned))
}

/// The value in the last line that has the field at its top level. Lines are found by the name, so that few are parsed.
fn last_by(text: &[u8], key: &str, field: impl Fn(&Entry<'_>) -> Option<String>) -> Option<String> {
    let needle = format!("\"{key}\"");
    let finder = memmem::FinderRev::new(needle.as_bytes());
    let mut end = text.len();
    while let Some(at) = finder.rfind(&text[..end]) {
        if let Some(value) = Entry::parse(line_at(text, at)).and_then(|entry| field(&entry)) {
            return Some(value);
        }
        // The rest of this line is no better.
        end = memchr::memrchr(b'\n', &text[..at]).unwrap_or(0);
    }
    None
}

fn first(
    text: &[u8],
    key: &str,
    field: impl for<'e, 'a> Fn(&'e Entry<'a>) -> &'e Text<'a>,
) -> Option<String> {
    let needle = format!("\"{key}\"");
    let finder = memmem::Finder::new(needle.as_bytes());
    let mut start = 0;
    while let Some(at) = finder.find(&text[start..]).map(|at| start + at) {
        if let Some(entry) = Entry::parse(line_at(text, at))
            && let Some(value) = field(&entry).get()
        {
            return Some(value.to_owned());
        }
        start = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |next| at + next);
    }
    None
}

/// The last tag; an empty one takes the tag away.
fn tag(tail: &[u8]) -> Option<String> {
    last_by(tail, "tag", |entry| {
        entry.kind.is("tag").then(|| entry.tag.even_empty().map(str::to_owned)).flatten()
    })
    .filter(|tag| !tag.is_empty())
}

/// The text of an entry that is a prompt of a person.
fn prompt(entry: &Entry<'_>) -> Option<Vec<String>> {
    if !entry.kind.is("user") || entry.is_meta.0 || entry.is_compact_summary.0 {
        return None;
    }
    let blocks = entry.message().blocks();
    if blocks.iter().any(|block| block.kind.is("tool_result")) {
        return None;
    }
    Some(
        blocks
            .iter()
            .filter(|block| block.kind.is("text"))
            .filter_map(|block| Some(block.text.get()?.to_owned()))
            .collect(),
    )
}

/// The first prompt that means something: no result of a tool, nothing the program put in, no command. A command is better
/// than nothing.
pub(super) fn first_prompt(head: &[u8]) -> Option<String> {
    let mut command = None;
    for line in head.split(|byte| *byte == b'\n').filter(|line| has(line, "\"user\"")) {
        let Some(entry) = Entry::parse(line) else { continue };
        let (prompt, named) = opening(&entry);
        command = command.or(named);
        if prompt.is_some() {
            return prompt;
        }
    }
    command
}

/// What an entry can say of the first prompt: a prompt that means something, and the first command before it.
pub(super) fn opening(entry: &Entry<'_>) -> (Option<String>, Option<String>) {
    let mut command = None;
    for text in prompt(entry).unwrap_or_default() {
        let text = text.replace('\n', " ").trim().to_owned();
        if let Some(name) = between(&text, "<command-name>", "</command-name>") {
            command = command.or_else(|| Some(name.to_owned()).filter(|name| !name.is_empty()));
        } else if !text.is_empty() && !made_by_program(&text) {
            return (Some(cut(&text)), command);
        }
    }
    (None, command)
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}

fn made_by_program(text: &str) -> bool {
    let begins = [
        "<local-command-stdout>",
        "<session-start-hook>",
        "<tick>",
        "<goal>",
        "[Request interrupted by user",
    ];
    let wholly = [("<ide_opened_file>", "</ide_opened_file>"), ("<ide_selection>", "</ide_selection>")];
    begins.iter().any(|start| text.starts_with(start))
        || wholly.iter().any(|(start, end)| text.starts_with(start) && text.ends_with(end))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_PROMPT) {
        Some((end, _)) => format!("{}\u{2026}", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{fixture::Fixture, list_sessions};
    use super::*;

    fn user(text: &str) -> String {
        serde_json::json!({"type": "user", "message": {"role": "user", "content": text}}).to_string() + "\n"
    }

    #[test]
    fn the_first_prompt_is_one_of_a_person() {
        let head = [
            user("<command-name>/clear</command-name>"),
            user("[Request interrupted by user for tool use]"),
            user("<ide_selection>x</ide_selection> "),
            "{\"type\":\"user\",\"isMeta\":true,\"message\":{\"content\":\"meta\"}}\n".into(),
            "{\"type\":\"user\",\"message\":{\"content\":[{\"type\":\"tool_result\",\"content\":\"x\"}]}}\n"
                .into(),
            "{\"type\":\"user\", half".into(),
        ];
        assert_eq!(first_prompt(head.concat().as_bytes()).as_deref(), Some("/clear"));
        let with = head.concat() + "\n" + &user("one\ntwo ");
        assert_eq!(first_prompt(with.as_bytes()).as_deref(), Some("one two"));
        let long = first_prompt(user(&"é".repeat(300)).as_bytes()).unwrap();
        assert_eq!(long, "é".repeat(200) + "\u{2026}");
    }

    #[test]
    fn a_session_with_long_lines_is_listed() {
        let listed = |text: &str| {
            let fixture = Fixture::new();
            fixture.session("/srv/app", 1, "x");
            std::fs::write(fixture.file(1), text).unwrap();
            let infos = list_sessions(&fixture.list()).unwrap();
            infos.into_iter().next().map(|info| info.summary)
        };
        let long = "y".repeat(200 * 1024);
        let answer =
            |text: &str| format!("{{\"type\":\"assistant\",\"message\":{{\"content\":\"{text}\"}}}}\n");
        let picture = serde_json::json!({"type": "user", "message": {"content": [
            {"type": "image", "source": {"data": long}}, {"type": "text", "text": "what is this?"}]}});
        assert_eq!(listed(&format!("{picture}\n")).unwrap(), "what is this?", "the first line");
        assert_eq!(listed(&picture.to_string()).unwrap(), "what is this?", "without an end");
        let behind = answer(&long) + &user("behind") + &answer(&long);
        assert_eq!(listed(&behind).unwrap(), "behind", "between two long lines");
        let title = answer(&long)
            + &answer(&long)
            + "{\"type\":\"custom-title\",\"customTitle\":\"T\"}\n"
            + &answer(&long);
        assert_eq!(listed(&title).unwrap(), "T");
        assert_eq!(listed(&answer(&long).repeat(3)), None, "nobody said anything");
    }

    #[test]
    fn a_field_inside_something_else_is_not_the_field() {
        let text = br#"{"type":"custom-title","customTitle":"right"}
{"type":"assistant","message":{"content":[{"type":"tool_use","input":{"customTitle":"wrong","tag":"wrong"}}]}}"#;
        assert_eq!(last(text, "customTitle", |entry| &entry.custom_title).as_deref(), Some("right"));
        assert_eq!(tag(text), None);
        assert_eq!(tag(b"{\"type\":\"tag\",\"tag\":\"a\"}\n{\"type\":\"tag\",\"tag\":\"\"}\n"), None);
    }

    #[test]
    fn times_are_those_of_the_program() {
        assert_eq!(moment("1970-01-01T00:00:01.250Z"), Some(1250));
        assert_eq!(moment("yesterday"), None);
    }
}
