//! The transcripts of subagents: `agent-<id>.jsonl` in the folder beside a session's file, at any depth.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    chain,
    index::Kind,
    locate,
    messages::{SessionMessage, page, unreadable},
    place::Place,
};
use crate::Result;

/// A folder deeper than this is none of the program's: a link that leads back must not be followed for ever.
const DEEPEST: usize = 8;

/// What [`list_subagents`] is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListSubagents {
    /// The UUID of the session.
    pub session_id: String,
    /// Look only among the sessions of this directory and of the worktrees of its repository. Default: everywhere.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// In place of `CLAUDE_CONFIG_DIR` and `~/.claude`.
    #[serde(default)]
    pub config_dir: Option<PathBuf>,
}

/// What [`get_subagent_messages`] is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetSubagentMessages {
    /// The UUID of the session.
    pub session_id: String,
    /// The subagent, as [`list_subagents`] names it.
    pub agent_id: String,
    /// Look only among the sessions of this directory and of the worktrees of its repository. Default: everywhere.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// At most so many; `None` and 0 mean all.
    #[serde(default)]
    pub limit: Option<usize>,
    /// Leave out so many from the beginning.
    #[serde(default)]
    pub offset: usize,
    /// In place of `CLAUDE_CONFIG_DIR` and `~/.claude`.
    #[serde(default)]
    pub config_dir: Option<PathBuf>,
}

/// The ids of the subagents that a session started. Empty when there is no such session. Blocks.
///
/// # Errors
/// None today; the result leaves room for a disk that cannot be read.
pub fn list_subagents(request: &ListSubagents) -> Result<Vec<String>> {
    let place = Place::new(request.config_dir.as_deref());
    let found = locate::find(&place, &request.session_id, request.directory.as_deref());
    let files = found.map(|found| files(&found.beside().join("subagents"))).unwrap_or_default();
    Ok(files.into_iter().map(|(agent, _)| agent).collect())
}

/// The conversation of a subagent, oldest message first. Empty when there is none. Blocks.
///
/// # Errors
/// `invalid_argument` when the file cannot be read.
pub fn get_subagent_messages(request: &GetSubagentMessages) -> Result<Vec<SessionMessage>> {
    let place = Place::new(request.config_dir.as_deref());
    let found = locate::find(&place, &request.session_id, request.directory.as_deref());
    let files = found.map(|found| files(&found.beside().join("subagents"))).unwrap_or_default();
    let Some((_, file)) = files.into_iter().find(|(agent, _)| *agent == request.agent_id) else {
        return Ok(Vec::new());
    };
    subagent_messages_of(&file, request.offset, request.limit)
        .map_err(|error| error.operation("get_subagent_messages"))
}

/// The conversation in the file of a subagent.
pub(crate) fn subagent_messages_of(
    file: &Path,
    offset: usize,
    limit: Option<usize>,
) -> Result<Vec<SessionMessage>> {
    let talks = |kind| matches!(kind, Kind::User | Kind::Assistant);
    let mut messages = page(file, chain::of_subagent, |node| talks(node.kind), offset, limit)
        .map_err(|error| unreadable(file, &error))?;
    let origin = Origin::beside(file);
    for message in &mut messages {
        message.parent_tool_use_id.clone_from(&origin.tool_use_id);
        message.parent_agent_id.clone_from(&origin.parent_agent_id);
    }
    Ok(messages)
}

/// Who started a subagent; the program keeps it beside the transcript.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Origin {
    tool_use_id: Option<String>,
    parent_agent_id: Option<String>,
}

impl Origin {
    fn beside(transcript: &Path) -> Self {
        let text = fs::read_to_string(transcript.with_extension("meta.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }
}

/// The files of subagents below a folder, with the ids.
pub(crate) fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    collect(folder, DEEPEST, &mut files);
    files
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<(String, PathBuf)>) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let agent = name.strip_prefix("agent-").and_then(|name| name.strip_suffix(".jsonl"));
        if let Some(agent) = agent.filter(|_| path.is_file()) {
            files.push((agent.to_owned(), path));
        } else if depth > 0 && path.is_dir() {
            collect(&path, depth - 1, files);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::fixture::{Fixture, id};

    #[test]
    fn subagents_are_found_at_any_depth_and_say_who_started_them() {
        let fixture = Fixture::new();
        fixture.session("/srv/app", 1, "go");
        let folder = fixture.folder("/srv/app").join(id(1)).join("subagents");
        fs::create_dir_all(folder.join("workflows/run")).unwrap();
        let line = |uuid: &str, parent: &str, kind: &str| {
            format!(
                r#"{{"type":"{kind}","uuid":"{uuid}","parentUuid":"{parent}","isSidechain":true,"message":{{"content":"x"}}}}"#
            )
        };
        let lines = [line("a", "", "user"), line("b", "a", "assistant"), "half {".into()].join("\n");
        fs::write(folder.join("agent-one.jsonl"), lines).unwrap();
        fs::write(folder.join("agent-one.meta.json"), r#"{"toolUseId":"t1","parentAgentId":"top"}"#).unwrap();
        fs::write(folder.join("workflows/run/agent-two.jsonl"), "").unwrap();
        let config_dir = Some(fixture.config.clone());
        let list =
            ListSubagents { session_id: id(1), config_dir: config_dir.clone(), ..ListSubagents::default() };
        assert_eq!(list_subagents(&list).unwrap(), ["one", "two"]);
        let of = |agent: &str| {
            let request = GetSubagentMessages {
                session_id: id(1),
                agent_id: agent.into(),
                config_dir: config_dir.clone(),
                ..GetSubagentMessages::default()
            };
            get_subagent_messages(&request).unwrap()
        };
        let messages = of("one");
        assert_eq!(messages.iter().map(|message| message.uuid.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(messages[1].parent_tool_use_id.as_deref(), Some("t1"));
        assert_eq!(messages[1].parent_agent_id.as_deref(), Some("top"));
        assert!(of("two").is_empty() && of("three").is_empty());
    }
}
