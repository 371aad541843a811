//! Private directories of processes that were killed: nobody was left to remove them, and they hold transcripts.
//!
//! Beside each directory lies a file that its owner keeps locked. The system lets go of the lock when the owner is gone, however
//! it went, so a file that can be locked tells a directory nobody uses: no process ids that could mean somebody else by now.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// How the directories are called; 32 hexadecimal digits follow.
pub(super) const PREFIX: &str = "madrigal-store-";
const ENDING: &str = ".lock";

/// Says that a directory is in use, as long as it lives.
#[derive(Debug)]
pub(super) struct InUse {
    file: PathBuf,
    /// Locked; closing it would let go.
    _lock: File,
}

impl InUse {
    /// To be made before the directory.
    pub(super) fn mark(directory: &Path) -> io::Result<Self> {
        let file = lock_of(directory);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let lock = options.open(&file)?;
        match lock.try_lock() {
            Ok(()) => {}
            // A system or a file system without locks: then nobody can tell, and nothing is taken for left over.
            Err(error) => tracing::debug!("{} cannot be locked: {error}", file.display()),
        }
        Ok(Self { file, _lock: lock })
    }
}

impl Drop for InUse {
    /// The directory must be gone by now.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

fn lock_of(directory: &Path) -> PathBuf {
    directory.with_extension(&ENDING[1..])
}

/// Removes the directories in `place` whose owners are gone. What cannot be looked at or removed stays.
pub(super) fn sweep(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(ENDING)) else { continue };
        let digits = stem.strip_prefix(PREFIX).unwrap_or_default();
        if digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let directory = place.join(stem);
            if let Err(error) = remove(&directory, &entry.path()) {
                tracing::debug!("{} stays: {error}", directory.display());
            }
        }
    }
}

fn remove(directory: &Path, file: &Path) -> io::Result<()> {
    // A link could lead anywhere, and what others own is theirs.
    let own = |path: &Path| fs::symlink_metadata(path).map(|meta| !meta.is_symlink() && is_own(&meta));
    if !own(file)? {
        return Ok(());
    }
    let lock = OpenOptions::new().write(true).open(file)?;
    if lock.try_lock().is_err() {
        return Ok(());
    }
    match own(directory) {
        Ok(true) => {
            fs::remove_dir_all(directory)?;
            tracing::info!("removed {}, left over from a process that was killed", directory.display());
        }
        Ok(false) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::remove_file(file)
}

#[cfg(unix)]
fn is_own(meta: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(meta) == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_own(_: &fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader},
        process::{Child, Command, Stdio},
    };

    use super::*;
    use crate::store::PrivateDir;

    /// Not a test: a process that makes a directory, says where, and waits to be killed.
    #[test]
    #[ignore = "run by the test below"]
    fn a_host() {
        let dir = PrivateDir::new().unwrap();
        eprintln!("{}", dir.path().display());
        let mut nothing = String::new();
        drop(io::stdin().read_line(&mut nothing));
    }

    fn host(place: &Path) -> (Child, PathBuf) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::leftovers::tests::a_host", "--ignored", "--nocapture"])
            .env("TMPDIR", place)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        (child, PathBuf::from(line.trim()))
    }

    #[test]
    fn the_next_process_removes_what_a_killed_one_left() {
        let place = std::env::temp_dir().join(format!("madrigal-sweep-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&place).unwrap();
        let (mut killed, left) = host(&place);
        let (mut living, used) = host(&place);
        assert!(left.is_dir() && used.is_dir(), "{} {}", left.display(), used.display());
        killed.kill().unwrap();
        killed.wait().unwrap();
        assert!(left.is_dir(), "nobody was there to remove it");
        let (mut next, _) = host(&place);
        assert!(!left.exists() && !lock_of(&left).exists());
        assert!(used.is_dir(), "its owner lives");
        for child in [&mut living, &mut next] {
            drop(child.stdin.take());
            assert!(child.wait().unwrap().success());
        }
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
        fs::remove_dir(&place).unwrap();
    }

    #[test]
    fn what_a_dead_owner_left_is_removed_and_what_is_in_use_stays() {
        let place = std::env::temp_dir().join(format!("madrigal-sweep-{}", uuid::Uuid::new_v4().simple()));
        let named = |digit: &str| place.join(format!("{PREFIX}{}", digit.repeat(32)));
        let [used, left, never_made, other] =
            [named("a"), named("b"), named("c"), place.join("madrigal-store-x")];
        fs::create_dir(&place).unwrap();
        let mark = InUse::mark(&used).unwrap();
        for directory in [&used, &left, &other] {
            fs::create_dir_all(directory.join("projects")).unwrap();
            fs::write(directory.join("projects/transcript"), "words").unwrap();
        }
        // What a process leaves that was killed: the file, and no lock on it.
        for directory in [&left, &never_made, &other] {
            fs::write(lock_of(directory), "").unwrap();
        }
        sweep(&place);
        assert!(used.exists() && lock_of(&used).exists());
        assert!(!left.exists() && !lock_of(&left).exists());
        assert!(!lock_of(&never_made).exists());
        assert!(other.exists(), "a name that is none of ours");

        drop(mark);
        assert!(!lock_of(&used).exists());
        #[cfg(unix)]
        {
            // A link to somewhere else is not followed.
            fs::write(lock_of(&left), "").unwrap();
            std::os::unix::fs::symlink(&used, &left).unwrap();
            sweep(&place);
            assert!(used.join("projects/transcript").exists());
        }
        fs::remove_dir_all(&place).unwrap();
    }
}
