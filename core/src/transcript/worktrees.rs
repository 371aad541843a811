//! The worktrees of a repository, as `git` lists them: a session may have begun in any of them.

use std::{
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use unicode_normalization::UnicodeNormalization as _;

/// A repository on a slow disk must not stop a listing: after this its worktrees are left out.
const PATIENCE: Duration = Duration::from_secs(5);

/// The directories of all worktrees, or none when `directory` is in no repository or `git` is not there.
pub(super) fn of(directory: &str) -> Vec<String> {
    // Without a repository there is nothing to ask.
    if !Path::new(directory).ancestors().any(|above| above.join(".git").exists()) {
        return Vec::new();
    }
    let listing = Command::new("git")
        .args(["worktree", "list", "--porcelain"])
        .current_dir(directory)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut git) = listing else { return Vec::new() };
    let (done, waiting) = mpsc::channel();
    let output = git.stdout.take();
    thread::spawn(move || {
        let mut text = String::new();
        let read = output.is_some_and(|mut output| output.read_to_string(&mut text).is_ok());
        let _ = done.send(read.then_some(text));
    });
    let text = waiting.recv_timeout(PATIENCE).ok().flatten();
    if text.is_none() {
        let _ = git.kill();
    }
    let succeeded = git.wait().is_ok_and(|status| status.success());
    text.filter(|_| succeeded)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.strip_prefix("worktree "))
        .map(|path| path.nfc().collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::{fixture::Fixture, list_sessions};

    fn git(directory: &Path, arguments: &[&str]) {
        let identity =
            ["-c", "user.name=a", "-c", "user.email=a@example.invalid", "-c", "commit.gpgsign=false"];
        let done =
            Command::new("git").args(identity).args(arguments).current_dir(directory).output().unwrap();
        assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    #[test]
    fn sessions_of_all_worktrees_of_a_repository_are_listed() {
        let fixture = Fixture::new();
        let root = std::fs::canonicalize(&fixture.config).unwrap();
        let (main, side) = (root.join("main"), root.join("side"));
        std::fs::create_dir(&main).unwrap();
        git(&main, &["init", "-q"]);
        git(&main, &["commit", "-q", "--allow-empty", "-m", "first"]);
        git(&main, &["worktree", "add", "-q", "../side"]);
        let (main, side) = (main.to_str().unwrap(), side.to_str().unwrap());
        let mut found = of(side);
        found.sort();
        assert_eq!(found, [main, side]);

        fixture.session(main, 1, "in the main worktree");
        fixture.session(side, 2, "in the other");
        let mut list = fixture.list();
        list.directory = Some(side.into());
        assert_eq!(list_sessions(&list).unwrap().len(), 2);
        list.include_worktrees = false;
        assert_eq!(list_sessions(&list).unwrap().len(), 1);
    }

    #[test]
    fn a_directory_without_a_repository_has_none() {
        assert!(of("/").is_empty());
        assert!(of("/does/not/exist").is_empty());
    }
}
