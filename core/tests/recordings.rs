//! Every line the real program was recorded to say is read into its type, and written again it is the same JSON.
//! `MADRIGAL_FRAMES` names a folder with further recordings.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use madrigal::message::{Body, ContentBlock, Message, SystemMessage, catalogue};
use serde_json::Value;

/// Said between the program and the session; users do not see it.
const CONTROL: [&str; 3] = ["control_request", "control_response", "control_cancel_request"];

/// The frames of a folder and of those below it, with the place each stands in.
fn frames(folder: &Path, found: &mut Vec<(String, Value)>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            frames(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "jsonl") {
            for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
                let mut entry: Value = serde_json::from_str(line).unwrap();
                let frame = entry["frame"].take();
                // Some recordings are of the program's other output formats: a text, or a list of all frames.
                if entry["dir"] == "out" && frame["type"].is_string() {
                    found.push((format!("{}:{}", path.display(), number + 1), frame));
                }
            }
        }
    }
}

fn recorded() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    frames(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/frames"), &mut found);
    if let Some(folder) = std::env::var_os("MADRIGAL_FRAMES") {
        frames(Path::new(&folder), &mut found);
    }
    assert!(found.len() > 400, "{}", found.len());
    found
}

#[test]
fn nothing_is_lost() {
    for (place, frame) in recorded() {
        let message = Message::parse(&frame.to_string()).unwrap();
        let body = message.body().unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(body.value(), frame, "{place}");
        assert_eq!(serde_json::to_value(body).unwrap(), frame, "{place}");
        assert_eq!(message.value(), frame, "{place}");
    }
}

#[test]
fn every_frame_and_block_has_a_type() {
    for (place, frame) in recorded() {
        let message = Message::parse(&frame.to_string()).unwrap();
        if CONTROL.contains(&message.kind_name()) {
            continue;
        }
        match message.body().unwrap() {
            Body::Other(_) | Body::System(SystemMessage::Other(_)) => panic!("{place}: {message}"),
            Body::Assistant(assistant) => known(assistant.message.content.blocks(), &place),
            Body::User(user) => known(user.message.content.blocks(), &place),
            Body::StreamEvent(event) => assert_ne!(event.event.kind(), "", "{place}"),
            _ => {}
        }
    }
}

fn known(blocks: &[ContentBlock], place: &str) {
    for block in blocks {
        assert!(!matches!(block, ContentBlock::Other(_)), "{place}: {block:?}");
        if let ContentBlock::ToolResult(result) = block {
            known(result.content.as_ref().map(|content| content.blocks()).unwrap_or_default(), place);
        }
    }
}

/// A field that is always there in a kind's recordings, with one type, must be a named one.
#[test]
fn what_the_program_always_says_has_a_name() {
    // Told by the program about itself; of no use to a host.
    const INTERNAL: [&str; 12] = [
        "analytics_disabled",
        "product_feedback_disabled",
        "served_by_anthropic",
        "per_turn_effort_active",
        "ultrathink_available",
        "ultrathink_typed_raises",
        "fast_mode_disabled_reason",
        "memory_paths",
        "messaging_socket_path",
        "type",
        "subtype",
        "timestamp",
    ];
    let kinds = catalogue();
    let mut unnamed: BTreeMap<String, usize> = BTreeMap::new();
    for (_, frame) in recorded() {
        let subtype = frame["subtype"].as_str().filter(|_| frame["type"] == "system");
        let kind = match subtype {
            Some(subtype) => kinds.system.iter().find(|kind| kind.word == subtype),
            None => kinds.frames.iter().find(|kind| Some(kind.word) == frame["type"].as_str()),
        };
        for field in kind.map(|_| frame.as_object().unwrap().keys()).into_iter().flatten() {
            let named = kind.is_some_and(|kind| kind.fields.iter().any(|(name, _)| name == field));
            if !named && !INTERNAL.contains(&field.as_str()) {
                *unnamed
                    .entry(format!("{}/{}: {field}", frame["type"], subtype.unwrap_or("")))
                    .or_default() += 1;
            }
        }
    }
    // What stands in a few frames only may stay in `extra`.
    unnamed.retain(|_, times| *times > 20);
    assert!(unnamed.is_empty(), "{unnamed:#?}");
}
