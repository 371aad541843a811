//! Recordings of the real program, played again: the host's ids replace the recorded ones, nothing else changes.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::template::Template;

/// One recorded process: what it was told and what it said, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording {
    pub(crate) lines: Vec<Line>,
}

/// One line of a recording.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    /// The host said this: to wait for.
    In { frame: Value, pattern: Value },
    /// The program said this, as compact text.
    Out { text: String, frame: Value },
}

#[derive(Deserialize)]
struct Entry<'a> {
    dir: &'a str,
    #[serde(borrow)]
    frame: &'a RawValue,
}

impl Recording {
    /// Reads a recording; a relative path is looked for beside `base` and in the folders above it.
    pub(crate) fn load(path: &str, base: &Path) -> Result<Self, String> {
        let found = base
            .ancestors()
            .map(|folder| folder.join(path))
            .find(|candidate: &PathBuf| candidate.is_file())
            .ok_or_else(|| format!("no recording {path} in {} or above", base.display()))?;
        let text = std::fs::read_to_string(&found)
            .map_err(|error| format!("the recording {} cannot be read: {error}", found.display()))?;
        Self::parse(&text).map_err(|problem| format!("{}: {problem}", found.display()))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let entry: Entry<'_> =
                serde_json::from_str(line).map_err(|error| format!("line {}: {error}", number + 1))?;
            let frame: Value = serde_json::from_str(entry.frame.get())
                .map_err(|error| format!("line {}: {error}", number + 1))?;
            lines.push(match entry.dir {
                "in" => Line::In { pattern: pattern_of(&frame), frame },
                "out" => {
                    let mut bytes = Vec::new();
                    // Spaces go, as in the program's own lines. A recording has no references.
                    Template::plain(entry.frame).write(&mut bytes, 0);
                    bytes.pop();
                    Line::Out { text: String::from_utf8_lossy(&bytes).into_owned(), frame }
                }
                other => return Err(format!("line {}: dir is {other:?}, not in or out", number + 1)),
            });
        }
        Ok(Self { lines })
    }
}

/// What to wait for: the kind of frame, and for answers the question they belong to.
fn pattern_of(frame: &Value) -> Value {
    let kind = &frame["type"];
    match kind.as_str() {
        Some("control_request") => {
            json!({"type": kind, "request": {"subtype": frame["request"]["subtype"]}})
        }
        Some("control_response") => {
            json!({"type": kind, "response": {"request_id": frame["response"]["request_id"]}})
        }
        _ => json!({"type": kind}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_text_and_ins_become_patterns() {
        let text = concat!(
            "{\"dir\": \"in\", \"t_ms\": 0, \"frame\": {\"type\": \"control_request\", \"request_id\": \"i\", \"request\": {\"subtype\": \"initialize\"}}}\n",
            "{\"dir\": \"out\", \"t_ms\": 9, \"frame\": {\"type\": \"x\", \"a\": \"$pid and $i\"}}\n",
        );
        let recording = Recording::parse(text).unwrap();
        let [Line::In { pattern, .. }, Line::Out { text, .. }] = recording.lines.as_slice() else {
            panic!("{recording:?}")
        };
        assert_eq!(pattern, &json!({"type": "control_request", "request": {"subtype": "initialize"}}));
        assert_eq!(text, r#"{"type":"x","a":"$pid and $i"}"#);
    }

    #[test]
    fn a_bad_line_is_named() {
        assert!(Recording::parse("{\"dir\":\"up\",\"frame\":{}}").unwrap_err().starts_with("line 1"));
    }
}
