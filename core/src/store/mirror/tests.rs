//! What reaches a store and when, what is tried again, and what is told when it cannot be stored.

use std::sync::atomic::AtomicUsize;

use serde_json::{Value, json};

use super::*;
use crate::{
    store::{MemorySessionStore, SessionStore, SharedStore},
    transport::BoxFuture,
};

const ID: &str = "00000000-0000-4000-8000-000000000001";

/// Appends as told for each call: `Some(true)` stores, `Some(false)` fails, `None` hangs.
struct Moody {
    memory: MemorySessionStore,
    moods: Vec<Option<bool>>,
    calls: AtomicUsize,
}

impl SessionStore for Moody {
    fn append<'a>(&'a self, key: &'a SessionKey, entries: &'a [StoreEntry]) -> BoxFuture<'a, Result<()>> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        match self.moods.get(call).copied().unwrap_or(Some(true)) {
            Some(true) => self.memory.append(key, entries),
            Some(false) => Box::pin(async { Err(Error::new(ErrorKind::Callback, "the store is down")) }),
            None => Box::pin(std::future::pending()),
        }
    }

    fn load<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<Vec<StoreEntry>>>> {
        self.memory.load(key)
    }
}

fn mirror(moods: &[Option<bool>], flush: SessionStoreFlush) -> (Mirror, Arc<Moody>) {
    let store = Arc::new(Moody {
        memory: MemorySessionStore::new(),
        moods: moods.to_vec(),
        calls: AtomicUsize::new(0),
    });
    let shared: SharedStore = store.clone();
    (Mirror::start(Calls::new(&shared, Duration::from_secs(60)), flush, 4096), store)
}

fn frame(numbers: std::ops::Range<usize>) -> String {
    let entries: Vec<Value> = numbers.map(|n| json!({"n": n})).collect();
    json!({"type": "transcript_mirror", "filePath": format!("/c/projects/-srv/{ID}.jsonl"), "entries": entries})
        .to_string()
}

fn stored(store: &Moody) -> usize {
    store.memory.get_entries(&SessionKey::new("-srv", ID)).len()
}

async fn ended(mut mirror: Mirror) -> Vec<(String, usize)> {
    mirror.close();
    let mut all = Vec::new();
    while let Some(lost) = mirror.lost().await {
        all.push((lost.error.message().to_owned(), lost.entries));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_one_append_and_the_end_takes_the_rest() {
    let (mirror, store) = mirror(&[], SessionStoreFlush::Batched);
    for n in 0..4 {
        assert!(mirror.take(&frame(n..n + 1)).unwrap().is_none());
    }
    mirror.flush();
    mirror.take(&frame(4..5)).unwrap();
    assert!(ended(mirror).await.is_empty());
    assert_eq!((stored(&store), store.calls.load(Ordering::SeqCst)), (5, 2));
}

#[tokio::test(start_paused = true)]
async fn eager_appends_each_frame() {
    let (mirror, store) = mirror(&[], SessionStoreFlush::Eager);
    for n in 0..4 {
        mirror.take(&frame(n..n + 1)).unwrap();
    }
    assert!(ended(mirror).await.is_empty());
    assert_eq!(store.calls.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn many_entries_do_not_wait_for_a_result() {
    let (mut mirror, store) = mirror(&[], SessionStoreFlush::Batched);
    mirror.most = usize::MAX;
    mirror.take(&frame(0..MOST_ENTRIES)).unwrap();
    while stored(&store) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stored(&store), MOST_ENTRIES);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_tried_again_twice() {
    let (one, store) = mirror(&[Some(false), Some(false)], SessionStoreFlush::Batched);
    one.take(&frame(0..1)).unwrap();
    assert!(ended(one).await.is_empty());
    assert_eq!(stored(&store), 1);
    let (two, store) = mirror(&[Some(false); 3], SessionStoreFlush::Batched);
    two.take(&frame(0..2)).unwrap();
    assert_eq!(ended(two).await, [("the store is down".to_owned(), 2)]);
    assert_eq!((stored(&store), store.calls.load(Ordering::SeqCst)), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_not_waited_for_longer_than_its_limit() {
    let (mirror, store) = mirror(&[None; 9], SessionStoreFlush::Eager);
    let start = Instant::now();
    for n in 0..3 {
        mirror.take(&frame(n..n + 1)).unwrap();
    }
    let lost = ended(mirror).await;
    assert_eq!(lost.iter().map(|(_, entries)| entries).sum::<usize>(), 3, "{lost:?}");
    assert!(lost[0].0.contains("60000 ms"), "{lost:?}");
    assert_eq!(start.elapsed().as_secs(), 60, "all appends together");
    assert_eq!(store.calls.load(Ordering::SeqCst), 3, "none is tried again");
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_bounded() {
    let (mirror, _store) = mirror(&[None; 9], SessionStoreFlush::Batched);
    let lost: Vec<Lost> = (0..100).filter_map(|n| mirror.take(&frame(n..n + 1)).unwrap()).collect();
    assert!(!lost.is_empty());
    assert!(mirror.shared.waiting.load(Ordering::SeqCst) <= 4096);
    assert_eq!(lost[0].error.kind(), ErrorKind::Overflow);
    assert_eq!(lost[0].key, Some(SessionKey::new("-srv", ID)));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_no_transcript_and_a_panic_are_told() {
    struct Panics;
    impl SessionStore for Panics {
        fn append<'a>(&'a self, _: &'a SessionKey, _: &'a [StoreEntry]) -> BoxFuture<'a, Result<()>> {
            panic!("a defect of the store")
        }
        fn load<'a>(&'a self, _: &'a SessionKey) -> BoxFuture<'a, Result<Option<Vec<StoreEntry>>>> {
            Box::pin(async { Ok(None) })
        }
    }
    let store: SharedStore = Arc::new(Panics);
    let mirror = Mirror::start(Calls::new(&store, Duration::from_secs(60)), SessionStoreFlush::Eager, 4096);
    mirror.take(&frame(0..1)).unwrap();
    mirror.take(r#"{"type":"transcript_mirror","filePath":"/etc/notes","entries":[{}]}"#).unwrap();
    let lost = ended(mirror).await;
    assert!(lost[0].0.contains("panicked") && lost[1].0.contains("/etc/notes"), "{lost:?}");
}

#[tokio::test]
async fn a_frame_that_is_none_is_an_error() {
    let (mirror, _) = mirror(&[], SessionStoreFlush::Batched);
    let error = mirror.take(r#"{"type":"transcript_mirror"}"#).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
}
