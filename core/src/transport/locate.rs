//! Finds the `claude` program, and says whether it is new enough.
//!
//! The working directory and its `node_modules` are never searched: a repository must not choose the program that is
//! run on it.

use std::{
    env,
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::io::AsyncReadExt;

use super::{ChildTransport, Launch, StopLadder, Transport};
use crate::{Error, ErrorKind, Result};

/// The variable that names the program when no option does.
pub const CLI_PATH_VARIABLE: &str = "MADRIGAL_CLI_PATH";

/// The oldest version of the program this library drives.
pub const MINIMUM_VERSION: Version = Version { major: 2, minor: 1, patch: 0 };

const INSTALL: &str = "install it with `npm install -g @anthropic-ai/claude-code`";

/// How long `--version` may take: the program starts cold and may have to read its settings.
const VERSION_LIMIT: Duration = Duration::from_secs(15);

/// A version of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Changes when old hosts break.
    pub major: u64,
    /// Changes with features.
    pub minor: u64,
    /// Changes with each release.
    pub patch: u64,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Where to look: taken from this process by [`Surroundings::current`], or made up by a test.
pub struct Surroundings<'a> {
    /// The value of [`CLI_PATH_VARIABLE`].
    pub cli_path: Option<OsString>,
    /// The value of `PATH`.
    pub path: Option<OsString>,
    /// The home directory.
    pub home: Option<PathBuf>,
    /// Whether a path is a file that may be executed.
    pub is_executable: &'a dyn Fn(&Path) -> bool,
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("cli_path", &self.cli_path)
            .field("path", &self.path)
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

impl Surroundings<'static> {
    /// Those of this process.
    pub fn current() -> Self {
        Self {
            cli_path: env::var_os(CLI_PATH_VARIABLE).filter(|value| !value.is_empty()),
            path: env::var_os("PATH"),
            home: env::home_dir().filter(|home| home.is_absolute()),
            is_executable: &is_executable,
        }
    }
}

/// Finds the program for this process.
///
/// `explicit` is the option `cli_path`: a path, or a name to be looked up on `PATH`. Then come the variable
/// `MADRIGAL_CLI_PATH`, `claude` on `PATH`, and the places where installers put it.
///
/// # Errors
///
/// `cli_not_found`, with every place tried in the context and how to install the program in the message. A path that was
/// asked for and is not there is an error, never a reason to take another.
///
/// ```
/// let error = madrigal::transport::locate(Some("/no/such/claude".as_ref())).unwrap_err();
/// assert_eq!(error.kind().code(), "cli_not_found");
/// assert_eq!(error.context()["tried"][0], "/no/such/claude");
/// ```
pub fn locate(explicit: Option<&Path>) -> Result<PathBuf> {
    locate_in(explicit, &Surroundings::current())
}

/// Finds the program in given surroundings; see [`locate`].
pub fn locate_in(explicit: Option<&Path>, surroundings: &Surroundings<'_>) -> Result<PathBuf> {
    if let Some(path) = explicit {
        return asked_for(path, "the option `cli_path`", surroundings);
    }
    if let Some(path) = &surroundings.cli_path {
        return asked_for(Path::new(path), "the variable MADRIGAL_CLI_PATH", surroundings);
    }
    let mut tried = Vec::new();
    let found = path_directories(surroundings.path.as_deref())
        .map(|directory| directory.join("claude"))
        .chain(known_places(surroundings.home.as_deref()))
        .find(|candidate| {
            let usable = (surroundings.is_executable)(candidate);
            if !usable && !tried.contains(candidate) {
                tried.push(candidate.clone());
            }
            usable
        });
    found.ok_or_else(|| {
        not_found(
            format!(
                "the program `claude` was not found on PATH or where installers put it: {INSTALL}, or name it with `cli_path` or MADRIGAL_CLI_PATH"
            ),
            &tried,
        )
    })
}

fn asked_for(path: &Path, who: &str, surroundings: &Surroundings<'_>) -> Result<PathBuf> {
    let found = if path.components().count() == 1 && !path.is_absolute() {
        on_path(path.as_os_str(), surroundings.path.as_deref(), surroundings.is_executable)
    } else {
        std::path::absolute(path).ok().filter(|path| (surroundings.is_executable)(path))
    };
    found.ok_or_else(|| {
        let shown = path.display();
        let why = if path.is_file() { "is not executable" } else { "does not exist" };
        not_found(format!("{shown}, named by {who}, {why}: correct it, or {INSTALL}"), &[path.to_owned()])
    })
}

fn not_found(message: String, tried: &[PathBuf]) -> Error {
    let tried: Vec<String> = tried.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    Error::new(ErrorKind::CliNotFound, message).operation("locate").with("tried", tried)
}

/// The first file of that name on a `PATH` that may be executed.
pub(super) fn on_path(
    name: &OsStr,
    path: Option<&OsStr>,
    is_executable: &dyn Fn(&Path) -> bool,
) -> Option<PathBuf> {
    path_directories(path).map(|directory| directory.join(name)).find(|candidate| is_executable(candidate))
}

/// The directories of a `PATH`; those relative to the working directory are left out.
fn path_directories(path: Option<&OsStr>) -> impl Iterator<Item = PathBuf> {
    path.map(|path| env::split_paths(path).collect::<Vec<_>>())
        .unwrap_or_default()
        .into_iter()
        .filter(|directory| directory.is_absolute())
}

/// Where installers of the program put it.
fn known_places(home: Option<&Path>) -> impl Iterator<Item = PathBuf> {
    let of_home = [".local/bin", ".claude/local", ".npm-global/bin", ".bun/bin", ".yarn/bin", ".volta/bin"];
    let of_system = ["/usr/local/bin", "/opt/homebrew/bin", "/usr/bin"];
    home.map(|home| of_home.map(|place| home.join(place)).to_vec())
        .unwrap_or_default()
        .into_iter()
        .chain(of_system.map(PathBuf::from))
        .map(|directory| directory.join("claude"))
}

/// Whether this is a file that this process may execute.
pub(super) fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Reads the answer of `--version`.
///
/// ```
/// let version = madrigal::transport::parse_version("2.1.330 (Claude Code)").unwrap();
/// assert_eq!(version.to_string(), "2.1.330");
/// assert!(madrigal::transport::parse_version("hello").is_none());
/// ```
pub fn parse_version(text: &str) -> Option<Version> {
    let word = text.split_whitespace().next()?;
    let word = word.strip_prefix('v').unwrap_or(word);
    // A pre-release or build suffix does not decide whether we can drive it.
    let core = word.split(['-', '+']).next()?;
    let mut numbers = core.split('.').map(|number| number.parse().ok());
    let version = Version { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next()?? };
    numbers.next().is_none().then_some(version)
}

/// Checks a version the program reported, as in its answer to `initialize`.
///
/// # Errors
///
/// `cli_version` when it is older than [`MINIMUM_VERSION`] or cannot be read; the context has `found` and `needed`.
pub fn check_version(found: &str) -> Result<Version> {
    let error = |message: String| {
        Error::new(ErrorKind::CliVersion, message)
            .with("found", found)
            .with("needed", MINIMUM_VERSION.to_string())
    };
    let version = parse_version(found).ok_or_else(|| {
        error(format!(
            "the program reports the version {found:?}, which cannot be read: is it Claude Code? {MINIMUM_VERSION} or later is needed"
        ))
    })?;
    if version < MINIMUM_VERSION {
        return Err(error(format!(
            "the program has version {version}, but {MINIMUM_VERSION} or later is needed: update it with `claude update`, or {INSTALL}"
        )));
    }
    Ok(version)
}

/// Asks a program for its version by running it with `--version`; for diagnosis.
///
/// # Errors
///
/// `spawn_failed` when it cannot be started, `timeout` when it does not answer, `cli_version` when it answers something
/// that is not a version.
pub async fn version_of(program: &Path) -> Result<Version> {
    let launch = Launch { program: program.into(), args: vec!["--version".into()], ..Launch::default() };
    let mut connection = ChildTransport.connect(launch).await?;
    drop(connection.input);
    let mut answer = Vec::new();
    // A version is one short line: more is another program.
    let mut output = connection.output.as_mut().take(4096);
    let read = tokio::time::timeout(VERSION_LIMIT, output.read_to_end(&mut answer)).await;
    connection.process.stop(StopLadder::NOW);
    let limit = u64::try_from(VERSION_LIMIT.as_millis()).unwrap_or(u64::MAX);
    read.map_err(|_| {
        Error::new(ErrorKind::Timeout, format!("{} --version gave no answer", program.display()))
            .operation("version")
            .with("limit_ms", limit)
    })?
    .map_err(|error| {
        Error::new(ErrorKind::ProcessExited, "the answer to --version could not be read").caused_by(&error)
    })?;
    let answer = String::from_utf8_lossy(&answer);
    parse_version(&answer).ok_or_else(|| {
        Error::new(
            ErrorKind::CliVersion,
            format!("{} does not answer --version with a version: is it Claude Code?", program.display()),
        )
        .operation("version")
        .with("found", answer.trim())
        .with("needed", MINIMUM_VERSION.to_string())
        .with("stderr", connection.process.stderr_tail())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings<'a>(is_executable: &'a dyn Fn(&Path) -> bool) -> Surroundings<'a> {
        Surroundings {
            cli_path: None,
            path: Some("/first:relative::.:/second".into()),
            home: Some("/home/user".into()),
            is_executable,
        }
    }

    #[test]
    fn the_order_is_option_variable_path_known_places() {
        let everywhere = |_: &Path| true;
        let mut all = surroundings(&everywhere);
        assert_eq!(locate_in(None, &all).unwrap(), Path::new("/first/claude"));
        all.cli_path = Some("/from/variable".into());
        assert_eq!(locate_in(None, &all).unwrap(), Path::new("/from/variable"));
        assert_eq!(locate_in(Some("/from/option".as_ref()), &all).unwrap(), Path::new("/from/option"));
        let at_home = |path: &Path| path == Path::new("/home/user/.claude/local/claude");
        assert_eq!(
            locate_in(None, &surroundings(&at_home)).unwrap(),
            Path::new("/home/user/.claude/local/claude")
        );
    }

    #[test]
    fn the_working_directory_never_provides_the_program() {
        let only_here = |path: &Path| !path.is_absolute() || path.starts_with(env::current_dir().unwrap());
        let error = locate_in(None, &surroundings(&only_here)).unwrap_err();
        let tried = error.context()["tried"].as_array().unwrap();
        assert_eq!(tried[0], "/first/claude");
        assert_eq!(tried[1], "/second/claude");
        assert!(tried.iter().all(|path| path.as_str().unwrap().starts_with('/')), "{tried:?}");
        assert!(error.message().contains("npm install -g @anthropic-ai/claude-code"));
    }

    #[test]
    fn what_was_asked_for_is_never_replaced() {
        let only_on_path = |path: &Path| path == Path::new("/first/claude");
        let around = surroundings(&only_on_path);
        let error = locate_in(Some("/missing/claude".as_ref()), &around).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CliNotFound);
        assert!(error.message().contains("/missing/claude") && error.message().contains("does not exist"));
        let named = Surroundings { cli_path: Some("/missing/too".into()), ..surroundings(&only_on_path) };
        assert!(locate_in(None, &named).unwrap_err().message().contains("MADRIGAL_CLI_PATH"));
        assert_eq!(locate_in(Some("claude".as_ref()), &around).unwrap(), Path::new("/first/claude"));
        let plain_file = locate_in(Some("/etc/passwd".as_ref()), &around).unwrap_err();
        assert!(plain_file.message().contains("is not executable"));
    }

    #[test]
    fn versions_are_read_and_compared() {
        let read = |text| parse_version(text).map(|version| version.to_string());
        assert_eq!(read("2.1.330 (Claude Code)\n"), Some("2.1.330".into()));
        assert_eq!(read("v3.0.0-beta.1"), Some("3.0.0".into()));
        for nonsense in ["", "2", "2.1", "2.1.x", "1.2.3.4", "claude 2.1.330"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
        assert!(check_version("2.1.0").is_ok());
        assert!(check_version("10.0.0").is_ok());
        let old = check_version("2.0.76 (Claude Code)").unwrap_err();
        assert_eq!(old.kind(), ErrorKind::CliVersion);
        assert_eq!(old.context()["needed"], "2.1.0");
        assert!(old.message().contains("2.0.76") && old.message().contains("claude update"));
        assert!(check_version("garbage").is_err());
    }
}
