//! Where the entries of a transcript are kept, and how that follows from the file the program names.

use serde::{Deserialize, Serialize};

use crate::transcript::is_session_id;

/// What the entries of one transcript are kept under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionKey {
    /// The directory the session belongs to, as [`project_key`](crate::transcript::project_key) names it.
    pub project_key: String,
    /// The UUID of the session.
    pub session_id: String,
    /// Another transcript of the session, such as `subagents/agent-a1`; `None` is that of the conversation itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subpath: Option<String>,
}

impl SessionKey {
    /// The transcript of a conversation.
    pub fn new(project_key: impl Into<String>, session_id: impl Into<String>) -> Self {
        Self { project_key: project_key.into(), session_id: session_id.into(), subpath: None }
    }

    /// Another transcript of the same session.
    ///
    /// ```
    /// let key = madrigal::store::SessionKey::new("-srv", "id").with_subpath("subagents/agent-a1");
    /// assert_eq!(key.subpath.as_deref(), Some("subagents/agent-a1"));
    /// ```
    #[must_use]
    pub fn with_subpath(mut self, subpath: impl Into<String>) -> Self {
        self.subpath = Some(subpath.into());
        self
    }

    /// The key of a transcript file, `.../projects/<project>/<session>.jsonl` or below the folder of that name. `None` for
    /// any other file. It does not matter where `projects` is: the program may run with another home.
    pub(crate) fn of_file(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
        let projects = (0..parts.len()).rev().find(|at| {
            let session = parts.get(at + 2).map(|part| part.strip_suffix(".jsonl").unwrap_or(part));
            parts[*at] == "projects" && session.is_some_and(is_session_id)
        })?;
        let rest = &parts[projects + 1..];
        let name = rest.last()?.strip_suffix(".jsonl")?;
        let key = Self::new(rest[0], rest[1].strip_suffix(".jsonl").unwrap_or(rest[1]));
        match rest.len() {
            2 => Some(key),
            _ if rest[1].ends_with(".jsonl") => None,
            _ => Some(key.with_subpath([&rest[2..rest.len() - 1], &[name]].concat().join("/"))),
        }
    }

    /// Whether the subpath, if there is one, stays below the folder of the session on every system.
    pub(crate) fn is_safe(&self) -> bool {
        let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains([':', '\0']);
        self.subpath.as_deref().is_none_or(|subpath| subpath.split(['/', '\\']).all(plain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00000000-0000-4000-8000-000000000001";

    #[test]
    fn the_key_follows_from_the_file() {
        let of = |path: &str| SessionKey::of_file(&path.replace("ID", ID));
        let main = SessionKey::new("-srv-app", ID);
        assert_eq!(of("/home/user/.claude/projects/-srv-app/ID.jsonl"), Some(main.clone()));
        assert_eq!(of(r"C:\Users\u\.claude\projects\-srv-app\ID.jsonl"), Some(main.clone()));
        assert_eq!(of("/srv/projects/x/projects/-srv-app/ID.jsonl"), Some(main.clone()));
        let sub = main.with_subpath("subagents/workflows/run/agent-a");
        assert_eq!(of("/c/projects/-srv-app/ID/subagents/workflows/run/agent-a.jsonl"), Some(sub));
        for other in
            ["", "/c/projects/-srv-app/notes.jsonl", "/c/projects/ID.jsonl", "/c/projects/-a/ID/tool.txt"]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn a_subpath_cannot_leave_its_folder() {
        let key = SessionKey::new("p", ID);
        assert!(key.is_safe() && key.clone().with_subpath("subagents/agent-1").is_safe());
        for bad in
            ["", "/etc/x", "../x", "a/../../x", "a//b", r"..\x", r"\\host\x", "C:x", "a\0b", "a/.", "a/"]
        {
            assert!(!key.clone().with_subpath(bad).is_safe(), "{bad:?}");
        }
    }
}
