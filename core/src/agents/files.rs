//! Agents in the program's own directories: those of a repository and those of the user.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Agent, agent_from_markdown, agent_to_markdown, markdown::check_file_name};
use crate::{
    Error, ErrorKind, Result,
    transcript::{config_dir_of_environment, invalid},
};

/// Directories below a directory of agents that are looked into, and files that are read, as the program has it (2.1.330).
const DEEPEST: usize = 8;
const MOST_FILES: usize = 2000;
/// Longer files are not an agent's.
const LONGEST: u64 = 1024 * 1024;

/// Whose agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentScope {
    /// `.claude/agents` in the working directory and, inside a git repository, in the directories above it up to its root.
    #[default]
    Project,
    /// `agents` in the user's configuration: `CLAUDE_CONFIG_DIR`, else `~/.claude`.
    User,
}

/// Where agents are looked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoadAgents {
    /// Whose. Default: `project`.
    pub scope: Option<AgentScope>,
    /// This directory instead.
    pub directory: Option<PathBuf>,
    /// The working directory of the scope `project`. Default: the current one.
    pub cwd: Option<PathBuf>,
    /// The configuration of the scope `user`.
    pub config_dir: Option<PathBuf>,
}

/// An agent in a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AgentFile {
    /// Its name.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub agent: Agent,
}

/// A file that holds no agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BadFile {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub message: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LoadedAgents {
    /// The agents, by name. Of two with one name the nearer to the working directory is there.
    pub agents: Vec<AgentFile>,
    /// Files that hold none.
    pub errors: Vec<BadFile>,
}

/// Reads agents. A directory that is not there has none; a file that cannot be read is among the errors, and the others
/// are read. Blocks.
///
/// ```
/// use madrigal::agents::{LoadAgents, load_agents};
/// let directory = std::env::temp_dir().join("madrigal-doc-no-agents");
/// assert!(load_agents(&LoadAgents { directory: Some(directory), ..LoadAgents::default() })?.agents.is_empty());
/// # Ok::<_, madrigal::Error>(())
/// ```
///
/// # Errors
/// `invalid_argument` when `scope` and `directory` are both given, or the current directory cannot be found.
pub fn load_agents(request: &LoadAgents) -> Result<LoadedAgents> {
    let place = Place {
        directory: &request.directory,
        scope: request.scope,
        cwd: &request.cwd,
        config_dir: &request.config_dir,
    };
    let mut found = LoadedAgents::default();
    let mut names = BTreeMap::new();
    for directory in place.directories()? {
        let mut here = BTreeMap::new();
        for path in markdown_files(&directory, &mut found.errors) {
            match read(&path) {
                Err(message) => found.errors.push(BadFile { path, message }),
                Ok((name, agent)) => {
                    if let Some(AgentFile { path: other, .. }) = here.get(&name) {
                        let message =
                            format!("another file has the agent `{name}` too: {}", Path::display(other));
                        found.errors.push(BadFile { path, message });
                    } else {
                        here.insert(name.clone(), AgentFile { name, path, agent });
                    }
                }
            }
        }
        for (name, file) in here {
            names.entry(name).or_insert(file);
        }
    }
    found.agents = names.into_values().collect();
    Ok(found)
}

/// An agent that is to be kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SaveAgent {
    /// Its name.
    pub name: String,
    /// What it is, in the form of [`Options::agents`](crate::Options::agents).
    pub agent: Map<String, Value>,
    /// Whose it becomes. Default: `project`.
    pub scope: Option<AgentScope>,
    /// This directory instead.
    pub directory: Option<PathBuf>,
    /// The working directory of the scope `project`. Default: the current one.
    pub cwd: Option<PathBuf>,
    /// The configuration of the scope `user`.
    pub config_dir: Option<PathBuf>,
    /// Whether an agent of this name that is there is replaced.
    pub overwrite: bool,
}

/// Writes an agent to `NAME.md`, whole or not at all, and returns the path. Blocks.
///
/// # Errors
/// `invalid_options` when the agent cannot work or its name cannot be that of a file; `invalid_argument` when there is one and
/// `overwrite` is not set, or it cannot be written.
pub fn save_agent(request: &SaveAgent) -> Result<PathBuf> {
    check_file_name(&request.name)?;
    let text = agent_to_markdown(&request.name, &Agent::from_fields(&request.name, &request.agent)?)?;
    let place = Place {
        directory: &request.directory,
        scope: request.scope,
        cwd: &request.cwd,
        config_dir: &request.config_dir,
    };
    let directory = place.directories()?.into_iter().next().unwrap_or_default();
    // A file of another name may hold the agent.
    let there = markdown_files(&directory, &mut Vec::new())
        .into_iter()
        .find(|path| read(path).is_ok_and(|(name, _)| name == request.name));
    let path = there.clone().unwrap_or_else(|| directory.join(format!("{}.md", request.name)));
    if !request.overwrite && (there.is_some() || path.symlink_metadata().is_ok()) {
        return Err(taken(&path));
    }
    write(&path, text.as_bytes(), request.overwrite).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(&path),
        _ => failed(format!("{} could not be written", path.display()), &error),
    })?;
    Ok(path)
}

fn taken(path: &Path) -> Error {
    let message = format!("{} is there already: choose another name, or set `overwrite`", path.display());
    invalid("overwrite", message).operation("invoke").with("path", path.to_string_lossy())
}

fn failed(message: String, error: &io::Error) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("{message}: {error}")).operation("invoke").caused_by(error)
}

struct Place<'a> {
    directory: &'a Option<PathBuf>,
    scope: Option<AgentScope>,
    cwd: &'a Option<PathBuf>,
    config_dir: &'a Option<PathBuf>,
}

impl Place<'_> {
    /// The directories of agents, the one that counts most first.
    fn directories(&self) -> Result<Vec<PathBuf>> {
        if let Some(directory) = self.directory {
            if self.scope.is_some() {
                return Err(invalid("scope", "scope: cannot be combined with `directory`; choose one")
                    .operation("invoke"));
            }
            return Ok(vec![directory.clone()]);
        }
        if self.scope == Some(AgentScope::User) {
            return Ok(vec![
                self.config_dir.clone().unwrap_or_else(config_dir_of_environment).join("agents"),
            ]);
        }
        let cwd = self.cwd.clone().unwrap_or_default();
        let cwd = std::path::absolute(if cwd.as_os_str().is_empty() { Path::new(".") } else { &cwd })
            .map_err(|error| failed("the current directory could not be found".to_owned(), &error))?;
        let of = |directory: &Path| directory.join(".claude").join("agents");
        let Some(root) = cwd.ancestors().find(|directory| directory.join(".git").exists()) else {
            return Ok(vec![of(&cwd)]);
        };
        Ok(cwd.ancestors().take_while(|directory| directory.starts_with(root)).map(of).collect())
    }
}

/// The files `*.md` of a directory and those below it, by path.
fn markdown_files(directory: &Path, errors: &mut Vec<BadFile>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut directories = vec![(directory.to_owned(), 0)];
    while let Some((directory, depth)) = directories.pop() {
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    errors.push(BadFile { path: directory, message: format!("could not be read: {error}") });
                }
                continue;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if depth < DEEPEST && !hidden {
                    directories.push((path, depth + 1));
                }
            } else if !hidden && path.extension().is_some_and(|extension| extension == "md") {
                files.push(path);
            }
        }
    }
    files.sort();
    for path in files.iter().skip(MOST_FILES) {
        errors.push(BadFile {
            path: path.clone(),
            message: "not read: there are more than 2000 files".to_owned(),
        });
    }
    files.truncate(MOST_FILES);
    files
}

fn read(path: &Path) -> Result<(String, Agent), String> {
    let meta = fs::metadata(path).map_err(|error| format!("could not be read: {error}"))?;
    // A pipe that nobody writes to would be read for ever.
    if !meta.is_file() {
        return Err("is not a file".to_owned());
    }
    if meta.len() > LONGEST {
        return Err("is longer than 1 MiB".to_owned());
    }
    let text = fs::read_to_string(path).map_err(|error| format!("could not be read: {error}"))?;
    agent_from_markdown(&text).map_err(|error| error.message().to_owned())
}

/// Others see the file whole or not at all; without `overwrite` one that is there meanwhile stays.
fn write(path: &Path, bytes: &[u8], overwrite: bool) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let beside = directory.join(format!(".{}.new", uuid::Uuid::new_v4().simple()));
    let written = fs::OpenOptions::new().write(true).create_new(true).open(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        if overwrite { fs::rename(&beside, path) } else { fs::hard_link(&beside, path) }
    });
    if !overwrite || written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Dir(PathBuf);

    impl Dir {
        fn new() -> Self {
            let dir = std::env::temp_dir().join(format!("madrigal-agents-{}", uuid::Uuid::new_v4().simple()));
            fs::create_dir_all(&dir).unwrap();
            Self(dir)
        }

        fn put(&self, path: &str, text: &str) {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn file(name: &str, prompt: &str) -> String {
        format!("---\nname: {name}\ndescription: d\n---\n{prompt}\n")
    }

    fn save(dir: &Dir, name: &str, prompt: &str, overwrite: bool) -> Result<PathBuf> {
        let agent = json!({"description": "d", "prompt": prompt}).as_object().unwrap().clone();
        save_agent(&SaveAgent {
            name: name.into(),
            agent,
            directory: Some(dir.0.clone()),
            overwrite,
            ..SaveAgent::default()
        })
    }

    #[test]
    fn bad_files_are_told_and_others_load() {
        let dir = Dir::new();
        dir.put("a.md", &file("a", "A"));
        dir.put("below/b.md", &file("b", "B"));
        dir.put("c.md", &file("a", "second"));
        dir.put("broken.md", "no frontmatter");
        dir.put("binary.md", "---\nname: x\ndescription: d\ntools: 7\n---\nx");
        dir.put("README.txt", "not looked at");
        let found =
            load_agents(&LoadAgents { directory: Some(dir.0.clone()), ..LoadAgents::default() }).unwrap();
        let names: Vec<_> = found.agents.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(found.agents[0].agent.prompt, "A");
        let bad: Vec<_> = found.errors.iter().filter_map(|bad| bad.path.file_name()?.to_str()).collect();
        assert_eq!(bad, ["binary.md", "broken.md", "c.md"]);
    }

    #[test]
    fn the_nearer_directory_of_a_repository_counts() {
        let dir = Dir::new();
        dir.put(".git/HEAD", "");
        dir.put(".claude/agents/a.md", &file("a", "far"));
        dir.put(".claude/agents/b.md", &file("b", "far"));
        dir.put("crate/.claude/agents/a.md", &file("a", "near"));
        let load =
            |cwd: PathBuf| load_agents(&LoadAgents { cwd: Some(cwd), ..LoadAgents::default() }).unwrap();
        let found = load(dir.0.join("crate"));
        let prompts: Vec<_> = found.agents.iter().map(|file| file.agent.prompt.as_str()).collect();
        assert_eq!(prompts, ["near", "far"]);
    }

    #[test]
    fn nothing_is_replaced_unasked() {
        let dir = Dir::new();
        let path = save(&dir, "a", "one", false).unwrap();
        assert_eq!(path, dir.0.join("a.md"));
        assert_eq!(save(&dir, "a", "two", false).unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert!(fs::read_to_string(&path).unwrap().ends_with("one\n"));
        save(&dir, "a", "two", true).unwrap();
        assert!(fs::read_to_string(&path).unwrap().ends_with("two\n"));
        // The same agent in a file of another name is found.
        fs::rename(&path, dir.0.join("other.md")).unwrap();
        assert!(save(&dir, "a", "three", false).is_err());
        assert_eq!(save(&dir, "a", "three", true).unwrap(), dir.0.join("other.md"));
        assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 1);
    }

    #[test]
    fn no_name_leads_out_of_the_directory() {
        let dir = Dir::new();
        for name in ["../a", "/etc/a", "a/b", "a\\b", ".", "..", "", "a\0b"] {
            assert_eq!(
                save(&dir, name, "x", true).unwrap_err().kind(),
                ErrorKind::InvalidOptions,
                "{name:?}"
            );
        }
        assert_eq!(fs::read_dir(&dir.0).unwrap().count(), 0);
    }
}
