//! The way of a transcript into the store, beside the session: a task of its own appends, so that no message and no
//! question waits for a store that is slow, fails or hangs.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout_at},
};

use super::{Calls, SessionKey, StoreEntry, StoreMethod, calls::late};
use crate::{Error, ErrorKind, Result, options::SessionStoreFlush};

/// Waiting entries that are appended without waiting for a result: the official SDKs' numbers.
pub(super) const MOST_ENTRIES: usize = 500;
pub(super) const MOST_BYTES: usize = 1024 * 1024;
/// How long after a failure an append is tried again, the first and the second time: the official SDKs' numbers.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

/// The session's end of the way.
pub(crate) struct Mirror {
    jobs: Option<mpsc::UnboundedSender<Job>>,
    lost: mpsc::UnboundedReceiver<Lost>,
    shared: Arc<Shared>,
    /// How much may wait, in bytes.
    most: usize,
    limit: Duration,
}

struct Shared {
    /// Bytes that are not stored yet.
    waiting: AtomicUsize,
    /// When everything must be over.
    deadline: Mutex<Option<Instant>>,
}

impl Shared {
    fn deadline(&self) -> Option<Instant> {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Job {
    Append { file: String, entries: Vec<StoreEntry>, bytes: usize },
    Flush,
}

/// Entries that did not reach the store.
#[derive(Debug)]
pub(crate) struct Lost {
    /// Whose; `None` when they are of no transcript.
    pub(crate) key: Option<SessionKey>,
    pub(crate) error: Error,
    pub(crate) entries: usize,
}

impl Mirror {
    /// Starts the task. `most` bytes may wait. Must be called inside a tokio runtime.
    pub(crate) fn start(calls: Calls, flush: SessionStoreFlush, most: usize) -> Self {
        let (jobs, queue) = mpsc::unbounded_channel();
        let (tell, lost) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { waiting: AtomicUsize::new(0), deadline: Mutex::default() });
        let limit = calls.limit();
        let worker =
            Worker { calls, tell, shared: shared.clone(), waiting: Vec::new(), entries: 0, bytes: 0 };
        tokio::spawn(worker.run(queue, flush == SessionStoreFlush::Eager));
        Self { jobs: Some(jobs), lost, shared, most, limit }
    }

    /// Takes a `transcript_mirror` frame. Never waits.
    pub(crate) fn take(&self, line: &str) -> Result<Option<Lost>> {
        #[derive(Deserialize)]
        struct Frame {
            #[serde(rename = "filePath")]
            file: String,
            entries: Vec<Box<RawValue>>,
        }
        let Frame { file, entries } = serde_json::from_str(line).map_err(|error| {
            Error::new(ErrorKind::Protocol, format!("a transcript_mirror frame with {error}"))
                .operation("read")
        })?;
        if entries.is_empty() {
            return Ok(None);
        }
        let (bytes, count) = (line.len(), entries.len());
        if self.shared.waiting.load(Ordering::Relaxed).saturating_add(bytes) > self.most {
            let message =
                format!("the session store is more than {} bytes behind (limits.buffer_bytes)", self.most);
            let error = Error::new(ErrorKind::Overflow, message);
            return Ok(Some(Lost { key: SessionKey::of_file(&file), error, entries: count }));
        }
        self.shared.waiting.fetch_add(bytes, Ordering::Relaxed);
        self.job(Job::Append { file, entries, bytes });
        Ok(None)
    }

    /// Has everything taken so far appended.
    pub(crate) fn flush(&self) {
        self.job(Job::Flush);
    }

    fn job(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job);
        }
    }

    /// What did not reach the store; `None` once everything is over.
    pub(crate) async fn lost(&mut self) -> Option<Lost> {
        self.lost.recv().await
    }

    /// Nothing more will come. What is left is appended within the limit of time, then [`lost`](Self::lost) ends.
    pub(crate) fn close(&mut self) {
        let deadline = Instant::now() + self.limit;
        *self.shared.deadline.lock().unwrap_or_else(PoisonError::into_inner) = Some(deadline);
        self.jobs = None;
    }
}

struct Worker {
    calls: Calls,
    tell: mpsc::UnboundedSender<Lost>,
    shared: Arc<Shared>,
    /// By file, in the order in which the files came.
    waiting: Vec<(String, Vec<StoreEntry>)>,
    entries: usize,
    bytes: usize,
}

impl Worker {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Job>, eager: bool) {
        while let Some(job) = queue.recv().await {
            match job {
                Job::Append { file, entries, bytes } => {
                    self.entries += entries.len();
                    self.bytes += bytes;
                    match self.waiting.iter_mut().find(|(other, _)| *other == file) {
                        Some((_, waiting)) => waiting.extend(entries),
                        None => self.waiting.push((file, entries)),
                    }
                    if eager || self.entries >= MOST_ENTRIES || self.bytes >= MOST_BYTES {
                        self.flush().await;
                    }
                }
                Job::Flush => self.flush().await,
            }
        }
        self.flush().await;
    }

    async fn flush(&mut self) {
        for (file, entries) in std::mem::take(&mut self.waiting) {
            let count = entries.len();
            let key = SessionKey::of_file(&file);
            let stored = match &key {
                Some(key) => self.append(key, &entries).await,
                None => {
                    let message = format!("{file} is no transcript of the claude program");
                    Err(Error::new(ErrorKind::Protocol, message))
                }
            };
            if let Err(error) = stored {
                tracing::warn!(
                    entries = count,
                    "entries of a transcript did not reach the session store: {error}"
                );
                let _ = self.tell.send(Lost { key, error, entries: count });
            }
        }
        self.shared.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
        (self.entries, self.bytes) = (0, 0);
    }

    /// An append that took too long may still arrive, so only one that failed is tried again.
    async fn append(&self, key: &SessionKey, entries: &[StoreEntry]) -> Result<()> {
        let limit = self.calls.limit();
        let until = Instant::now() + limit;
        let until = self.shared.deadline().map_or(until, |deadline| deadline.min(until));
        let attempts = async {
            for pause in PAUSES {
                match self.calls.append_once(key, entries).await {
                    Err(error) if error.kind() != ErrorKind::Timeout => {
                        tracing::debug!("an append failed and is tried again: {error}");
                        sleep(pause).await;
                    }
                    done => return done,
                }
            }
            self.calls.append_once(key, entries).await
        };
        timeout_at(until, attempts).await.unwrap_or_else(|_| Err(late(StoreMethod::Append, limit)))
    }
}

#[cfg(test)]
mod tests;
