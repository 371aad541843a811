//! `madrigal agents` and `madrigal models`, which start nothing.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::{fs, path::PathBuf, process::Command};

use serde_json::Value;

/// A repository without agents, and a user without any.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("madrigal-agents-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(folder.join("work/.git")).unwrap();
        Self(folder)
    }

    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_madrigal"));
        command.args(args).env_clear().env("HOME", &self.0).current_dir(self.0.join("work"));
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn a_ready_made_agent_is_saved_changed_and_found_again() {
    let place = Place::new("save");
    let (code, text, _) = place.run(&["agents", "list", "--family", "testing"]);
    assert_eq!(code, Some(0));
    assert!(text.contains("test_generator") && !text.contains("security_reviewer"), "{text}");
    let (code, path, _) = place.run(&["agents", "save", "test_generator"]);
    assert_eq!(code, Some(0));
    let path = place.0.join("work").join(path.trim());
    assert!(path.ends_with(".claude/agents/test_generator.md"));
    let (code, _, said) = place.run(&["agents", "save", "test_generator"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("--overwrite"), "{said}");
    assert_eq!(place.run(&["agents", "save", "test_generator", "--overwrite"]).0, Some(0));

    let (_, ready, _) = place.run(&["agents", "show", "test_generator"]);
    assert_eq!(ready, fs::read_to_string(&path).unwrap());
    fs::write(&path, ready.replace("description: ", "description: Mine. ")).unwrap();
    let (_, shown, _) = place.run(&["agents", "show", "test_generator", "--json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert!(shown["agent"]["description"].as_str().unwrap().starts_with("Mine."), "{shown}");
    assert!(shown["place"].as_str().unwrap().ends_with("test_generator.md"), "{shown}");
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let place = Place::new("check");
    let file = |name: &str, text: &str| {
        let path = place.0.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let good = file("good.md", "---\nname: good\ndescription: d\ntools: Read\n---\nDo it.\n");
    let strange = file("strange.md", "---\nname: strange\ndescription: d\ntools: Reed\n---\nDo it.\n");
    let bad = file("bad.md", "---\nname: bad\n---\nDo it.\n");
    let (code, text, _) = place.run(&["agents", "check", &good, &strange]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("strange.md") && text.contains("`Read`"), "{text}");
    let (code, text, _) = place.run(&["agents", "check", &good, &bad, "/no/such/file.md", "--json"]);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, report["errors"].as_array().unwrap().len()), (Some(1), 2), "{report}");
    assert!(report["errors"].to_string().contains("description"), "{report}");
    assert_eq!(place.run(&["agents", "check"]).0, Some(0));
}

#[test]
fn names_that_are_not_there_are_told() {
    let place = Place::new("names");
    let (code, _, said) = place.run(&["agents", "show", "nobody"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("madrigal agents list"), "{said}");
    assert_eq!(place.run(&["agents", "list", "--family", "securty"]).0, Some(2));
    let (code, text, _) = place.run(&["models", "suggest", "opuss"]);
    assert_eq!((code, text.contains("did you mean opus?")), (Some(1), true), "{text}");
    assert_eq!(
        place.run(&["models", "suggest", "sonnet", "--json"]).1,
        "{\"known\":true,\"suggestions\":[]}\n"
    );
}
