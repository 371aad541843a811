//! A long transcript is listed and read in bounded memory: what is kept of an entry that is not asked for is its place in the file.
//!
//! `MADRIGAL_TRANSCRIPT_MB=1024 cargo test -p madrigal --test large_transcript -- --nocapture` does it with a gigabyte, and
//! `MADRIGAL_SESSIONS=10000` with so many sessions; the usual run is smaller.
#![cfg(target_os = "linux")]
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    time::Instant,
};

use madrigal::transcript::{GetSessionMessages, ListSessions, get_session_messages, list_sessions};
use serde_json::json;

fn id(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |number| number.parse().unwrap())
}

/// Megabytes this process used at most since the last call (`VmHWM`, proc(5)).
fn peak_mb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak = line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024;
    // Writing 5 sets the peak back to what is used now.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    peak
}

/// A conversation of so many megabytes, in entries of 16 KiB.
fn conversation(path: &Path, megabytes: u64) -> u64 {
    let text = "a word and another one; ".repeat(680);
    let mut file = BufWriter::new(File::create(path).unwrap());
    let (mut written, mut count) = (0, 0);
    while written < megabytes << 20 {
        let role = if count % 2 == 0 { "user" } else { "assistant" };
        let parent = (count > 0).then(|| id(count - 1));
        let line = json!({"type": role, "uuid": id(count), "parentUuid": parent, "sessionId": id(1), "cwd": "/srv/app",
            "timestamp": "2026-01-02T03:04:05.006Z", "message": {"role": role, "content": text}})
        .to_string();
        writeln!(file, "{line}").unwrap();
        written += line.len() as u64 + 1;
        count += 1;
    }
    file.flush().unwrap();
    count
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let megabytes = number("MADRIGAL_TRANSCRIPT_MB", 50);
    let sessions = number("MADRIGAL_SESSIONS", 1000);
    let config = Folder(std::env::temp_dir().join(format!("madrigal-large-{}", std::process::id())));
    let folder = config.0.join("projects/-srv-app");
    fs::create_dir_all(&folder).unwrap();
    let count = conversation(&folder.join(format!("{}.jsonl", id(1))), megabytes);
    let line = "{\"type\":\"user\",\"message\":{\"content\":\"hi\"}}\n".to_owned() + &" ".repeat(4096);
    for number in 2..=sessions {
        fs::write(folder.join(format!("{}.jsonl", id(number))), &line).unwrap();
    }
    let config_dir = Some(config.0.clone());
    peak_mb();
    let before = peak_mb();

    let started = Instant::now();
    let listed = list_sessions(&ListSessions { config_dir: config_dir.clone(), ..ListSessions::default() });
    assert_eq!(listed.unwrap().len() as u64, sessions);
    let listing = peak_mb().saturating_sub(before);
    println!("{sessions} sessions listed in {:?}, {listing} MB more", started.elapsed());

    let started = Instant::now();
    let request = GetSessionMessages {
        session_id: id(1),
        directory: None,
        limit: Some(20),
        offset: usize::try_from(count).unwrap() - 20,
        include_system_messages: false,
        config_dir,
    };
    let page = get_session_messages(&request).unwrap();
    let reading = peak_mb().saturating_sub(before);
    println!("a page of {megabytes} MB ({count} entries) read in {:?}, {reading} MB more", started.elapsed());
    assert_eq!((page.len(), page[19].uuid.clone()), (20, id(count - 1)));

    // The index keeps some hundred bytes an entry; the texts would be all of the file.
    assert!(listing < 10 + sessions / 200, "{listing} MB to list {sessions} sessions");
    assert!(reading < 12 + megabytes / 16, "{reading} MB to read a page of {megabytes} MB");
}
