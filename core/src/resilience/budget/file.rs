//! A ledger on disk, so that "10 dollars an hour" also holds for a host that is restarted every minute.
//!
//! One JSON line an entry, only ever appended. What a crash can do to such a file is known: its last line may be torn. Everything else
//! that cannot be read is damage, and refused rather than forgotten.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

use super::{Ledger, LedgerEntry, compact::compact};
use crate::{Error, ErrorKind, Result};

/// How often the file is brought to the disk while something is written.
const SYNC: Duration = Duration::from_secs(1);

/// A file that is larger than this when it is opened is written anew with less in it.
const LARGE: u64 = 1 << 20;

/// A ledger in a file of its own. [`Budget::ledger`](super::Budget::ledger) makes one where a path is enough.
///
/// * The file is made readable for its owner only. Beside it lies an empty `<path>.lock`: a second budget on the same file, of this or another
///   process, is refused while the first lives.
/// * An entry is handed to the system before the run it stands for may start, so it survives the death of this process. It is on the
///   disk (`fdatasync`, by a thread of its own) within a second: a power failure can lose the last second.
/// * A last line that was torn by a crash is cut off. A line before it that cannot be read is an error that names it.
/// * A file above 1 MiB is written anew when it is opened: what was settled for the same spender within 3 s in the last hour, within 80 s in
///   the last day, or at any time before becomes one entry.
///
/// ```
/// use madrigal::resilience::{Budget, Cost, CostBudget, FileLedger, Spender, SystemClock};
/// use std::sync::Arc;
/// # let path = std::env::temp_dir().join(format!("madrigal-doc-ledger-{}", std::process::id()));
/// let open = || {
///     CostBudget::with_ledger(Budget::standard(), SystemClock::new(), Arc::new(FileLedger::open(&path)?))
/// };
/// let budget = open()?;
/// budget.reserve(&Spender::default(), Cost::from_usd(9.0), Cost::ZERO).unwrap().settle(Cost::from_usd(9.5));
/// assert!(open().unwrap_err().to_string().contains("in use"));
/// drop(budget);
/// assert!(open()?.reserve(&Spender::default(), Cost::from_usd(1.0), Cost::ZERO).is_err());
/// # std::fs::remove_file(&path).unwrap();
/// # std::fs::remove_file(path.with_extension("lock")).unwrap();
/// # Ok::<_, madrigal::Error>(())
/// ```
#[derive(Debug)]
pub struct FileLedger {
    path: PathBuf,
    open: Mutex<Open>,
    /// Says that something was written; its end ends the thread that brings it to the disk.
    written: mpsc::SyncSender<()>,
    /// Locked as long as this lives.
    lock: File,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// Up to here the file is whole.
    length: u64,
    /// What was read when it was opened.
    read: Option<Vec<LedgerEntry>>,
}

impl FileLedger {
    /// Opens the ledger, or makes one. Its directory must be there.
    ///
    /// # Errors
    /// `invalid_options`: it is in use, cannot be opened or written, or holds what is no entry.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let failed = |error: io::Error| refused(&path, &error.to_string());
        let lock = private(OpenOptions::new().write(true)).open(beside(&path, ".lock")).map_err(failed)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => {
                refused(&path, "it is in use by another budget; give each orchestrator a ledger of its own")
            }
            TryLockError::Error(error) => failed(error),
        })?;
        let (mut file, mut entries, mut length) = read(&path)?;
        if length > LARGE {
            entries = compact(entries);
            (file, length) = rewrite(&path, &entries).map_err(failed)?;
        }
        let (written, news) = mpsc::sync_channel(1);
        let synced = file.try_clone().map_err(failed)?;
        thread::Builder::new()
            .name("madrigal-ledger".into())
            .spawn(move || {
                while news.recv().is_ok() {
                    if let Err(error) = synced.sync_data() {
                        tracing::warn!(%error, "the ledger of a budget could not be brought to the disk");
                    }
                    thread::sleep(SYNC);
                }
                let _ = synced.sync_data();
            })
            .map_err(failed)?;
        Ok(Self { path, open: Mutex::new(Open { file, length, read: Some(entries) }), written, lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger for FileLedger {
    fn append(&self, entry: &LedgerEntry) -> Result<()> {
        let mut open = self.lock();
        let line = line(entry);
        let Open { file, length, .. } = &mut *open;
        if let Err(error) = file.write_all(&line) {
            // What was written of it must not stand before the next entry.
            let _ = file.set_len(*length).and_then(|()| file.seek(SeekFrom::End(0)));
            return Err(refused(&self.path, &error.to_string()));
        }
        *length += line.len() as u64;
        // One word is enough, however often it is said.
        let _ = self.written.try_send(());
        Ok(())
    }

    fn load(&self) -> Result<Vec<LedgerEntry>> {
        match self.lock().read.take() {
            Some(entries) => Ok(entries),
            None => read(&self.path).map(|(_, entries, _)| entries),
        }
    }
}

impl Drop for FileLedger {
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

/// The file for appending, what is in it, and how long that is. A torn end is cut off.
fn read(path: &Path) -> Result<(File, Vec<LedgerEntry>, u64)> {
    let failed = |error: io::Error| refused(path, &error.to_string());
    let mut file = private(OpenOptions::new().read(true).write(true)).open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    let (mut entries, mut whole, mut at) = (Vec::new(), 0, 0);
    let mut torn = None;
    for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        at += line.len();
        match serde_json::from_slice(line) {
            Ok(entry) if line.ends_with(b"\n") => {
                if let Some((number, error)) = torn {
                    let what = format!("line {number} is no entry ({error}): mend it, or move the file away");
                    return Err(refused(path, &what));
                }
                entries.push(entry);
                whole = at;
            }
            Ok(_) => {}
            Err(error) if torn.is_none() => torn = Some((number + 1, error)),
            Err(_) => {}
        }
    }
    let length = whole as u64;
    if at > whole {
        tracing::warn!(path = %path.display(), bytes = at - whole, "the torn end of a ledger is cut off");
        file.set_len(length).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
    }
    Ok((file, entries, length))
}

/// Puts these entries in the place of the file: whole, or not at all.
fn rewrite(path: &Path, entries: &[LedgerEntry]) -> io::Result<(File, u64)> {
    let new = beside(path, ".new");
    let mut file = private(OpenOptions::new().write(true).truncate(true)).open(&new)?;
    let bytes: Vec<u8> = entries.iter().flat_map(line).collect();
    file.write_all(&bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    Ok((file, bytes.len() as u64))
}

fn line(entry: &LedgerEntry) -> Vec<u8> {
    let mut line = serde_json::to_vec(entry).unwrap_or_default();
    line.push(b'\n');
    line
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Makes the file when it is not there, for its owner only.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.create(true)
}

fn refused(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::InvalidOptions, format!("budget.ledger: {}: {why}", path.display()))
        .with("field", "budget.ledger")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resilience::{Cost, Key, Spender};

    /// A directory that is removed.
    struct Place(PathBuf);

    impl Place {
        fn new() -> Self {
            let path =
                std::env::temp_dir().join(format!("madrigal-ledger-{}", uuid::Uuid::new_v4().simple()));
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn file(&self) -> PathBuf {
            self.0.join("spent.jsonl")
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn reserved(id: u64) -> LedgerEntry {
        let spender = Spender::new(Key::new("api", "c", "m"));
        LedgerEntry::Reserved { id, spender, cap: Cost::from_usd(1.0), held: Cost::from_usd(1.1), at_ms: id }
    }

    #[test]
    fn what_was_written_is_there_again_also_behind_a_torn_line() {
        let place = Place::new();
        let path = place.file();
        let ledger = FileLedger::open(&path).unwrap();
        ledger.append(&reserved(0)).unwrap();
        ledger.append(&LedgerEntry::Settled { id: 0, actual: Cost::from_usd(0.5), at_ms: 9 }).unwrap();
        assert_eq!(ledger.load().unwrap().len(), 0, "what was there when it was opened");
        assert_eq!(ledger.load().unwrap().len(), 2);
        drop(ledger);
        let whole = std::fs::read(&path).unwrap();
        for cut in 1..40 {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let ledger = FileLedger::open(&path).unwrap();
            assert_eq!(ledger.load().unwrap(), [reserved(0)], "cut by {cut}");
            ledger.append(&reserved(1)).unwrap();
            drop(ledger);
            assert_eq!(FileLedger::open(&path).unwrap().load().unwrap(), [reserved(0), reserved(1)]);
        }
    }

    #[test]
    fn damage_is_named_and_nothing_is_thrown_away() {
        let place = Place::new();
        let path = place.file();
        let text = format!(
            "{}garbage\n{}",
            String::from_utf8(line(&reserved(0))).unwrap(),
            String::from_utf8(line(&reserved(1))).unwrap()
        );
        std::fs::write(&path, &text).unwrap();
        let error = FileLedger::open(&path).unwrap_err();
        assert!(error.to_string().contains("line 2 is no entry"), "{error}");
        assert_eq!(error.context()["field"], "budget.ledger");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        let missing = FileLedger::open(place.0.join("no/such/folder")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::InvalidOptions);
    }

    #[test]
    fn there_is_one_writer_at_a_time() {
        let place = Place::new();
        let path = place.file();
        let first = FileLedger::open(&path).unwrap();
        let error = FileLedger::open(&path).unwrap_err();
        assert!(error.to_string().contains("in use"), "{error}");
        drop(first);
        assert!(FileLedger::open(&path).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let place = Place::new();
        let path = place.file();
        drop(FileLedger::open(&path).unwrap());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_large_file_is_made_small_and_says_the_same() {
        let place = Place::new();
        let path = place.file();
        let mut entries = Vec::new();
        for id in 0..8_000 {
            entries.push(reserved(id));
            entries.push(LedgerEntry::Settled { id, actual: Cost::from_nanos(id), at_ms: id });
        }
        entries.push(reserved(8_000));
        std::fs::write(&path, entries.iter().flat_map(line).collect::<Vec<_>>()).unwrap();
        let before = path.metadata().unwrap().len();
        assert!(before > LARGE, "{before}");
        let kept = FileLedger::open(&path).unwrap().load().unwrap();
        assert!(path.metadata().unwrap().len() < before / 100);
        let spent = |entries: &[LedgerEntry]| -> u64 {
            entries
                .iter()
                .map(|entry| if let LedgerEntry::Settled { actual, .. } = entry { actual.nanos() } else { 0 })
                .sum()
        };
        assert_eq!(spent(&kept), spent(&entries));
        assert_eq!(kept.last(), Some(&reserved(8_000)), "what is open stays open");
    }

    #[test]
    fn an_hour_goes_on_where_it_was_for_whoever_names_the_file() {
        use crate::resilience::{Admission, AdmissionConfig, Budget, CostBudget, Demand};
        let place = Place::new();
        let budget = Budget { key_hour_usd: Some(1.0), ledger: Some(place.file()), ..Budget::default() };
        let config = AdmissionConfig { budget: Some(budget.clone()), ..AdmissionConfig::default() };
        let demand = Demand { cap: Cost::from_usd(0.6), ..Demand::default() };
        let open = || Admission::new(config.clone()).unwrap();
        let permit = open().try_admit(&demand).admitted().unwrap();
        permit.settle(&Ok(()), Some(Cost::from_usd(0.6)));
        assert!(!open().try_admit(&demand).is_admitted());
        let state = CostBudget::new(budget).unwrap().state(&Spender::default());
        assert_eq!(state.total_spent, Cost::from_usd(0.6));
        let nowhere = Budget { ledger: Some(PathBuf::new()), ..Budget::default() };
        assert_eq!(CostBudget::new(nowhere).unwrap_err().context()["field"], "budget.ledger");
    }
}
