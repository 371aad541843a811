//! A file only its owner can read. What is not plainly ours is refused, not repaired: a file others can write may hold a token
//! somebody else wants us to use, and one we cannot read may be all that is left of a token.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{StoredToken, TokenLock, TokenStore};
use crate::{Error, ErrorKind, Result, auth::Environment, transport::BoxFuture};

/// Larger files are no tokens.
const LARGEST: u64 = 64 * 1024;

/// How long another process may hold the lock: a person may be logging in there, for which two minutes are given.
const LOCK_LIMIT: Duration = Duration::from_secs(150);

/// How old a half-written file is when its writer was surely killed.
const LEFT_BEHIND: Duration = Duration::from_secs(600);

/// How often a held lock is tried again.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Keeps the token in a file of mode 0600, in the format of the Elixir package's `~/.claude_sdk/token.json`.
///
/// Writing is atomic: a new file beside it, synced, then renamed. What a killed writer left beside it is removed by later ones. Reading refuses symbolic links, files of other owners and
/// files that others can read. Processes that change it take turns by a lock on `token.json.lock`.
#[derive(Clone, Debug)]
pub struct FileTokenStore(PathBuf);

impl FileTokenStore {
    /// A store in this file. A `~/` at the start is the home directory. Missing directories are made, mode 0700.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let path = match (path.strip_prefix("~"), std::env::home_dir()) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path,
        };
        Self(path)
    }

    /// `~/.claude_sdk/token.json`.
    ///
    /// # Errors
    ///
    /// `auth` when there is no home directory.
    pub fn standard() -> Result<Self> {
        let home = std::env::home_dir().filter(|home| home.is_absolute());
        let home = home.ok_or_else(|| {
            Error::new(
                ErrorKind::Auth,
                "there is no home directory to keep the token in: set HOME, or name a file",
            )
        })?;
        Ok(Self(home.join(".claude_sdk/token.json")))
    }

    /// The same where other variables count: below their `HOME`.
    ///
    /// # Errors
    ///
    /// `auth` when there is no home directory.
    pub fn within(env: &Environment) -> Result<Self> {
        match env.get("HOME").map(Path::new).filter(|home| home.is_absolute()) {
            Some(home) => Ok(Self(home.join(".claude_sdk/token.json"))),
            None => Self::standard(),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T>> {
        let this = self.clone();
        Box::pin(async move {
            match tokio::task::spawn_blocking(move || work(&this)).await {
                Ok(done) => done,
                Err(error) => Err(Error::new(ErrorKind::Internal, format!("the token file: {error}"))),
            }
        })
    }

    fn read(&self) -> Result<Option<StoredToken>> {
        let Some(mut file) = self.open()? else { return Ok(None) };
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|error| self.failed("could not be read", &error))?;
        let corrupt = || self.error("holds no token").with("corrupt", true);
        let value: Value = serde_json::from_str(&text)
            .map_err(|error| corrupt().with("line", error.line()).with("column", error.column()))?;
        StoredToken::from_json(&value).map(Some).map_err(|error| corrupt().caused_by(&error))
    }

    /// The file if it is there and ours.
    fn open(&self) -> Result<Option<File>> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let file = match options.open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(_) if self.0.is_symlink() => {
                return Err(self.linked());
            }
            Err(error) => return Err(self.failed("could not be opened", &error)),
        };
        let meta = file.metadata().map_err(|error| self.failed("could not be looked at", &error))?;
        if !meta.is_file() || meta.len() > LARGEST {
            return Err(self.error("is no plain file of the size of a token"));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let me = rustix::process::geteuid().as_raw();
            if meta.uid() != me {
                return Err(
                    self.error(&format!("belongs to another user (uid {}, and this is {me})", meta.uid()))
                );
            }
            if meta.mode() & 0o077 != 0 {
                return Err(self.error(&format!("can be read or written by others (mode {:04o}): run `chmod 600` on it, and get a new token if others may have seen it", meta.mode() & 0o7777)));
            }
        }
        Ok(Some(file))
    }

    fn write(&self, token: &StoredToken) -> Result<()> {
        // What is there and no token is somebody's: it is reported, not written over.
        self.read()?;
        let folder = self.folder()?;
        self.sweep(LEFT_BEHIND);
        let beside = folder.join(format!("{}{}", self.beside(), uuid::Uuid::new_v4().simple()));
        let mut text = serde_json::to_vec_pretty(&token.to_json()).unwrap_or_default();
        text.push(b'\n');
        let written =
            private(OpenOptions::new().write(true).create_new(true)).open(&beside).and_then(|mut file| {
                file.write_all(&text)?;
                file.sync_all()?;
                fs::rename(&beside, &self.0)?;
                File::open(&folder)?.sync_all()
            });
        zeroize::Zeroize::zeroize(&mut text);
        written.map_err(|error| {
            let _ = fs::remove_file(&beside);
            self.failed("could not be written", &error)
        })
    }

    fn remove(&self) -> Result<()> {
        if self.0.is_symlink() {
            return Err(self.linked());
        }
        // A token in what a killed writer left is to be forgotten too.
        self.sweep(Duration::ZERO);
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(self.failed("could not be removed", &error))
            }
            _ => Ok(()),
        }
    }

    /// How names of files that are being written begin; a random number follows.
    fn beside(&self) -> String {
        format!(".{}.", self.0.file_name().unwrap_or_default().to_string_lossy())
    }

    /// Removes what writers left that were killed this long ago. What cannot be removed stays: it is in nobody's way.
    fn sweep(&self, age: Duration) {
        let (Some(folder), start) = (self.0.parent(), self.beside()) else { return };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let ours = name
                .to_str()
                .and_then(|name| name.strip_prefix(&start))
                .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let old = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
            if ours && (age.is_zero() || old().is_some_and(|old| old > age)) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// The directory, made if it is missing.
    pub(super) fn folder(&self) -> Result<PathBuf> {
        let folder =
            self.0.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(folder)
            .map_err(|error| self.failed("has no directory, and it could not be made", &error))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let meta = fs::metadata(folder)
                .map_err(|error| self.failed("has a directory that could not be looked at", &error))?;
            // A sticky directory such as /tmp keeps others from replacing the file.
            if meta.mode() & 0o022 != 0 && meta.mode() & 0o1000 == 0 {
                return Err(self.error(&format!(
                    "is in a directory that others can write (mode {:04o}): run `chmod go-w` on {}",
                    meta.mode() & 0o7777,
                    folder.display()
                )));
            }
        }
        Ok(folder.to_owned())
    }

    fn take_lock(&self) -> Result<TokenLock> {
        self.folder()?;
        let mut path = self.0.clone().into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let mut options = OpenOptions::new();
        private(options.create(true).truncate(false).write(true));
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW);
        let file = options.open(&path).map_err(|error| self.failed("could not be locked", &error))?;
        let until = Instant::now() + LOCK_LIMIT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(TokenLock(Some(file))),
                Err(fs::TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(LOCK_PAUSE),
                Err(fs::TryLockError::WouldBlock) => {
                    return Err(Error::new(ErrorKind::Timeout, format!("another process has held {} for {LOCK_LIMIT:?}: it may be waiting for a person to log in", path.display())).operation("token_store"));
                }
                Err(fs::TryLockError::Error(error)) => return Err(self.failed("could not be locked", &error)),
            }
        }
    }

    /// What it names may be anybody's, so nothing is done with it.
    fn linked(&self) -> Error {
        let message = format!(
            "the token file {} is a symbolic link, which is not followed. Nothing is done with it: remove the link yourself",
            self.0.display()
        );
        Error::new(ErrorKind::Auth, message)
            .operation("token_store")
            .with("path", self.0.display().to_string())
    }

    fn error(&self, what: &str) -> Error {
        Error::new(
            ErrorKind::Auth,
            format!(
                "the token file {} {what}. It is left as it is; `madrigal auth clear` removes it",
                self.0.display()
            ),
        )
        .operation("token_store")
        .with("path", self.0.display().to_string())
    }

    pub(super) fn failed(&self, what: &str, error: &io::Error) -> Error {
        Error::new(ErrorKind::Auth, format!("the token file {} {what}: {error}", self.0.display()))
            .operation("token_store")
            .with("path", self.0.display().to_string())
            .caused_by(error)
    }
}

impl TokenStore for FileTokenStore {
    fn name(&self) -> String {
        format!("file {}", self.0.display())
    }

    fn load(&self) -> BoxFuture<'_, Result<Option<StoredToken>>> {
        self.blocking(Self::read)
    }

    fn save<'a>(&'a self, token: &'a StoredToken) -> BoxFuture<'a, Result<()>> {
        let token = token.clone();
        self.blocking(move |this| this.write(&token))
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        self.blocking(Self::remove)
    }

    fn lock(&self) -> BoxFuture<'_, Result<TokenLock>> {
        self.blocking(Self::take_lock)
    }
}

/// Only its owner reads and writes what is made this way.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
