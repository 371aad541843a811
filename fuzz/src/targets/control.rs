//! Questions and answers between the messages: each question gets at most one answer, what we write is whole JSON lines, messages
//! come out as they went in, and the session ends.

use std::collections::HashMap;

use serde_json::Value;

use super::program::run;

/// The input is what the program says after it is ready.
pub fn check(input: &[u8]) {
    let seen = run(input);
    let mut asked: HashMap<String, usize> = HashMap::new();
    let mut lines = std::collections::HashSet::new();
    for line in input.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()) {
        lines.insert(line.strip_suffix('\r').unwrap_or(line));
        if let Ok(message) = madrigal::Message::parse(line)
            && message.kind_name() == "control_request"
            && let Some(id) = message.value()["request_id"].as_str()
        {
            *asked.entry(id.to_owned()).or_default() += 1;
        }
    }
    let written = String::from_utf8(seen.written).expect("text");
    assert!(written.is_empty() || written.ends_with('\n'), "half a line was written");
    for line in written.lines() {
        let frame: Value = serde_json::from_str(line).expect("JSON");
        if frame["type"] == "control_response" {
            let id = frame["response"]["request_id"].as_str().expect("an answer names its question");
            // A question that was asked twice under one id may be answered twice.
            let open = asked.get_mut(id).filter(|open| **open > 0);
            *open.unwrap_or_else(|| panic!("an answer too many to {id:?}")) -= 1;
        }
    }
    for message in seen.items.iter().flatten() {
        let own = message.contains("\"madrigal\"") || message.contains("\\ufffd");
        assert!(own || lines.contains(message.as_str()), "a message nobody said: {message}");
    }
}
