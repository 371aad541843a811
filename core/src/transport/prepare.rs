//! Turns a [`Launch`] into what `execve` wants, before any process exists.
//!
//! Between the birth of a child and its `execve` nothing may be allocated and nothing can be explained, so every string
//! is laid out, and every mistake a caller can make is named, here.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use super::{Launch, locate, spawn::Identity};
use crate::{Error, ErrorKind, Result, Retry};

/// The variable by which processes of one session are recognised, wherever they went.
pub(super) const SESSION_VARIABLE: &str = "MADRIGAL_SESSION";

/// A list of strings as C wants it: each ends in NUL, all in one piece of memory.
#[derive(Default)]
pub(super) struct StringList {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl StringList {
    fn push(&mut self, parts: &[&OsStr]) {
        self.starts.push(self.bytes.len());
        for part in parts {
            self.bytes.extend_from_slice(part.as_bytes());
        }
        self.bytes.push(0);
    }

    /// Where each string starts, and a null pointer at the end. Valid as long as the list lives unchanged.
    #[cfg(target_os = "linux")]
    pub(super) fn pointers(&self) -> Vec<*const libc::c_char> {
        let mut pointers = Vec::with_capacity(self.starts.len() + 1);
        pointers.extend(self.starts.iter().map(|start| self.bytes[*start..].as_ptr().cast()));
        pointers.push(std::ptr::null());
        pointers
    }

    #[cfg(any(test, not(target_os = "linux")))]
    pub(super) fn iter(&self) -> impl Iterator<Item = &OsStr> {
        self.starts.iter().map(|start| {
            let tail = &self.bytes[*start..];
            OsStr::from_bytes(tail.split(|byte| *byte == 0).next().unwrap_or_default())
        })
    }
}

/// What the kernel is asked to start.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "the standard library starts it there"))]
pub(super) struct Prepared {
    /// Absolute.
    pub(super) program: PathBuf,
    pub(super) cwd: Option<PathBuf>,
    pub(super) args: StringList,
    pub(super) env: StringList,
    /// The program and the directory as C strings, at positions 0 and 1.
    pub(super) paths: StringList,
    /// Gets a session of its own instead of a process group, and no parent-death signal.
    pub(super) detached: bool,
    /// Who it runs as, when that is another user.
    pub(super) identity: Option<Identity>,
}

impl Prepared {
    /// Lays out a launch. `mark` is the value of [`SESSION_VARIABLE`] for it, appended to an inherited one.
    pub(super) fn new(launch: &Launch, mark: &str) -> Result<Self> {
        let mut env = StringList::default();
        let mut path = None;
        let mut marks = OsString::new();
        for (name, value) in std::env::vars_os() {
            if name == SESSION_VARIABLE {
                marks = value;
            } else if inherits(launch, &name) {
                env.push(&[&name, OsStr::new("="), &value]);
                if name == "PATH" {
                    path = Some(value);
                }
            }
        }
        for (name, value) in launch.env.iter().filter(|(name, _)| *name != SESSION_VARIABLE) {
            check_variable(name, value)?;
            env.push(&[name, OsStr::new("="), value]);
        }
        let path = launch.env.get(OsStr::new("PATH")).or(path.as_ref());
        if !marks.is_empty() {
            marks.push(",");
        }
        marks.push(mark);
        env.push(&[OsStr::new(SESSION_VARIABLE), OsStr::new("="), &marks]);

        let program = resolve(&launch.program, path.map(OsString::as_os_str))?;
        let mut args = StringList::default();
        args.push(&[launch.program.as_os_str()]);
        for (index, arg) in launch.args.iter().enumerate() {
            no_nul(arg, || format!("argument {}", index + 1))?;
            args.push(&[arg]);
        }
        let mut paths = StringList::default();
        no_nul(program.as_os_str(), || "the path of the program".to_owned())?;
        paths.push(&[program.as_os_str()]);
        if let Some(cwd) = &launch.cwd {
            no_nul(cwd.as_os_str(), || "the working directory".to_owned())?;
            paths.push(&[cwd.as_os_str()]);
        }
        Ok(Self { program, cwd: launch.cwd.clone(), args, env, paths, detached: false, identity: None })
    }

    /// Lays out a helper of our own: exactly these variables, at the root directory, away from any terminal, and not
    /// ended with this process.
    pub(super) fn detached(program: &Path, args: &[&str], variables: &[(&str, &OsStr)]) -> Self {
        let mut list = StringList::default();
        list.push(&[program.as_os_str()]);
        args.iter().for_each(|arg| list.push(&[OsStr::new(arg)]));
        let mut env = StringList::default();
        variables.iter().for_each(|(name, value)| env.push(&[OsStr::new(name), OsStr::new("="), value]));
        let mut paths = StringList::default();
        paths.push(&[program.as_os_str()]);
        paths.push(&[OsStr::new("/")]);
        Self {
            program: program.into(),
            cwd: Some("/".into()),
            args: list,
            env,
            paths,
            detached: true,
            identity: None,
        }
    }

    /// Explains why the system refused, from the step that failed and the system's number.
    pub(super) fn refused(&self, step: Step, errno: i32) -> Error {
        let program = self.program.display();
        let source = std::io::Error::from_raw_os_error(errno);
        let (message, retry) = match (step, errno) {
            (Step::Directory, libc::ENOENT | libc::ENOTDIR) => (
                format!(
                    "the working directory {} does not exist: create it or set `cwd` to another",
                    shown(self.cwd.as_deref())
                ),
                Retry::Never,
            ),
            (Step::Identity, _) => {
                (format!("user: this process may not become another user: {source}"), Retry::Never)
            }
            (Step::Directory, _) => (
                format!("the working directory {} cannot be entered: {source}", shown(self.cwd.as_deref())),
                Retry::Never,
            ),
            (Step::Program, libc::ENOENT) if self.program.exists() => (
                format!(
                    "{program} names an interpreter that does not exist: install it or reinstall the program"
                ),
                Retry::Never,
            ),
            (Step::Program, libc::ENOENT | libc::ENOTDIR) => {
                (format!("{program} does not exist: check `cli_path`"), Retry::Never)
            }
            (Step::Program, libc::EACCES) => (
                format!(
                    "{program} is not executable: check `cli_path`, or make it executable with `chmod +x`"
                ),
                Retry::Never,
            ),
            (Step::Program, libc::ENOEXEC) => (
                format!(
                    "{program} is not a program this system can run: is it for this machine, or a script without `#!`?"
                ),
                Retry::Never,
            ),
            (Step::Program, libc::E2BIG) => (
                "the arguments and variables together are larger than the system allows: shorten them"
                    .to_owned(),
                Retry::Never,
            ),
            (_, libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE) => {
                (format!("the system has no room for another process: {source}"), Retry::Now)
            }
            _ => (format!("{program} could not be started: {source}"), Retry::Never),
        };
        let mut error = Error::new(ErrorKind::SpawnFailed, message)
            .operation("spawn")
            .retry(retry)
            .with("program", self.program.to_string_lossy())
            .with("os_error", errno)
            .caused_by(&source);
        if let Some(cwd) = &self.cwd {
            error = error.with("cwd", cwd.to_string_lossy());
        }
        error
    }
}

/// The variables of this process that a program started so gets as they are.
pub(crate) fn inherited(launch: &Launch) -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| name != SESSION_VARIABLE && inherits(launch, name))
}

/// Whether a variable of this process is handed on as it is.
fn inherits(launch: &Launch, name: &OsStr) -> bool {
    let kept = |pattern: &OsString| match pattern.as_bytes().strip_suffix(b"*") {
        Some(stem) => name.as_bytes().starts_with(stem),
        None => name == pattern,
    };
    !launch.env.contains_key(name)
        && !launch.env_remove.iter().any(|removed| removed == name)
        && launch.env_keep.as_ref().is_none_or(|patterns| patterns.iter().any(kept))
}

/// What was being done for the child when the system refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "the standard library does not tell each"))]
pub(super) enum Step {
    /// Making pipes and the process itself.
    Birth,
    /// Becoming another user.
    Identity,
    /// Entering the working directory.
    Directory,
    /// Becoming the program.
    Program,
}

fn shown(path: Option<&Path>) -> String {
    path.map(|path| path.display().to_string()).unwrap_or_default()
}

/// An absolute path, so that changing the directory cannot change which program runs.
fn resolve(program: &Path, path: Option<&OsStr>) -> Result<PathBuf> {
    if program.as_os_str().as_bytes().contains(&b'/') {
        return std::path::absolute(program)
            .map_err(|error| unusable("the path of the program").caused_by(&error));
    }
    locate::on_path(program.as_os_str(), path, &locate::is_executable).ok_or_else(|| {
        Error::new(
            ErrorKind::SpawnFailed,
            format!("{} is not on PATH: give its full path", program.display()),
        )
        .operation("spawn")
        .retry(Retry::Never)
        .with("program", program.to_string_lossy())
    })
}

fn check_variable(name: &OsStr, value: &OsStr) -> Result<()> {
    if name.is_empty() || name.as_bytes().contains(&b'=') {
        let shown = OsString::from_vec(name.as_bytes().to_vec());
        return Err(unusable(&format!("the name of the variable {shown:?}")));
    }
    no_nul(name, || "the name of a variable".to_owned())?;
    no_nul(value, || format!("the value of the variable {}", name.to_string_lossy()))
}

fn no_nul(text: &OsStr, what: impl FnOnce() -> String) -> Result<()> {
    if text.as_bytes().contains(&0) { Err(unusable(&what())) } else { Ok(()) }
}

fn unusable(what: &str) -> Error {
    Error::new(
        ErrorKind::SpawnFailed,
        format!("{what} cannot be handed to a program: remove `=` and NUL from it"),
    )
    .operation("spawn")
    .retry(Retry::Never)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(prepared: &Prepared) -> Vec<String> {
        prepared.env.iter().map(|entry| entry.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn variables_are_added_replaced_removed_and_marked() {
        let launch = Launch {
            program: "/bin/true".into(),
            env: [("PATH".into(), "/nowhere".into()), ("ADDED".into(), "1".into())].into(),
            env_remove: vec!["CARGO_MANIFEST_DIR".into()],
            ..Launch::default()
        };
        let env = environment(&Prepared::new(&launch, "mark-1").unwrap());
        assert_eq!(
            env.iter().filter(|entry| entry.starts_with("PATH=")).collect::<Vec<_>>(),
            ["PATH=/nowhere"]
        );
        assert!(env.contains(&"ADDED=1".to_owned()));
        assert!(!env.iter().any(|entry| entry.starts_with("CARGO_MANIFEST_DIR=")));
        assert!(env.iter().any(|entry| entry.starts_with("MADRIGAL_SESSION=") && entry.ends_with("mark-1")));
    }

    #[test]
    fn an_allow_list_keeps_what_it_names_and_nothing_else() {
        let launch = Launch {
            program: "/bin/true".into(),
            env: [("ADDED".into(), "1".into())].into(),
            env_keep: Some(vec!["PATH".into(), "CARGO_MANIFEST_*".into()]),
            ..Launch::default()
        };
        let env = environment(&Prepared::new(&launch, "m").unwrap());
        let names: Vec<&str> = env.iter().filter_map(|entry| Some(entry.split_once('=')?.0)).collect();
        assert!(names.contains(&"PATH") && names.contains(&"CARGO_MANIFEST_DIR"), "{names:?}");
        assert!(names.contains(&"ADDED") && names.contains(&"MADRIGAL_SESSION"), "{names:?}");
        assert!(!names.contains(&"CARGO_PKG_NAME") && !names.contains(&"HOME"), "{names:?}");
    }

    #[test]
    fn what_a_program_cannot_be_given_is_named() {
        let message = |launch: Launch| match Prepared::new(&launch, "m") {
            Ok(_) => panic!("accepted"),
            Err(error) => error.message().to_owned(),
        };
        let base = Launch { program: "/bin/true".into(), ..Launch::default() };
        assert!(
            message(Launch { args: vec!["fine".into(), "a\0b".into()], ..base.clone() })
                .starts_with("argument 2")
        );
        assert!(message(Launch { env: [("A=B".into(), "".into())].into(), ..base.clone() }).contains("A=B"));
        assert!(message(Launch { cwd: Some("a\0b".into()), ..base }).starts_with("the working directory"));
    }

    #[test]
    fn a_relative_program_does_not_follow_the_working_directory() {
        let launch = Launch { program: "./tool".into(), cwd: Some("/usr".into()), ..Launch::default() };
        let prepared = Prepared::new(&launch, "m").unwrap();
        assert_eq!(prepared.program, std::env::current_dir().unwrap().join("tool"));
    }
}
