//! The corpus that fuzzing found, and the recordings it began with, once through each target: what was mended stays mended, without
//! a fuzzer and on any compiler. `docs/testing.md` says how to look for more.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, reason = "tests")]

#[path = "../../fuzz/src/targets/mod.rs"]
mod targets;

use std::{
    fs,
    path::{Path, PathBuf},
};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Every kept input of a target, then the lines of all recordings as they stand.
fn replay(target: &str, check: fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let kept = files(&root.join("fuzz/corpus").join(target));
    assert!(!kept.is_empty(), "no corpus of {target}");
    let recorded = files(&root.join("tests/frames"));
    let recorded = recorded.into_iter().filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    for path in kept.into_iter().chain(recorded) {
        let input = fs::read(&path).unwrap();
        let outcome = std::panic::catch_unwind(|| check(&input));
        assert!(outcome.is_ok(), "{}", path.display());
    }
}

#[test]
fn framing() {
    replay("framing", targets::framing::check);
}

#[test]
fn messages() {
    replay("messages", targets::messages::check);
}

#[test]
fn control() {
    replay("control", targets::control::check);
}

#[test]
fn transcripts() {
    replay("transcripts", targets::transcripts::check);
    targets::transcripts::clean();
}
