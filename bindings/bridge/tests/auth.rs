//! An auth manager as a binding sees it: calls with replies, stores and set-ups of the host as questions, a terminal of the host.

#![allow(clippy::unwrap_used)] // a test that cannot go on must stop

mod host;

use std::os::unix::fs::PermissionsExt as _;

use madrigal_bridge::{ErrorKind, open, release};
use serde_json::{Value, json};

use host::Host;

const ONE: &str = "sk-ant-oat01-test-test-test-test-one";
const TWO: &str = "sk-ant-oat01-test-test-test-test-two";

/// A manager that finds nothing of this machine.
fn manager(mut spec: Value) -> Host {
    for name in ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "CI"] {
        if spec["env"][name].is_null() {
            spec["env"][name] = "".into();
        }
    }
    spec["cli_login"] = false.into();
    Host::request(&json!({"auth_manager": spec}))
}

impl Host {
    fn hears(&mut self, event: &str) -> Value {
        self.until(|host| host.signals.iter().any(|signal| signal["event"] == event));
        let place = self.signals.iter().position(|signal| signal["event"] == event).unwrap();
        self.signals.remove(place)
    }

    fn asked(&mut self, answer: &Value) -> Value {
        let ask = self.hears("ask");
        self.say(&json!({"command": "answer", "ask": ask["ask"], "result": answer}));
        json!({"kind": ask["kind"], "request": ask["request"]})
    }
}

#[test]
fn a_store_and_a_set_up_of_the_host_are_asked() {
    let mut host = manager(json!({"store": "host", "setup": "host", "name": "blue"}));
    host.say(&json!({"command": "setup_token", "id": 1}));
    assert_eq!(host.asked(&Value::Null)["request"], json!({"method": "load"}));
    assert_eq!(host.asked(&Value::Null)["request"], json!({"method": "load"}));
    assert_eq!(host.asked(&json!({"token": ONE, "expires_at": "2126-01-01T00:00:00Z"}))["kind"], "new_token");
    let saved = host.asked(&Value::Null);
    assert_eq!((&saved["kind"], &saved["request"]["token"]["token"]), (&json!("token_store"), &json!(ONE)));
    let reply = host.hears("reply");
    assert_eq!(reply["result"]["expires_at"], "2126-01-01T00:00:00Z", "{reply}");
    assert!(!reply.to_string().contains(ONE));
    host.say(&json!({"command": "get_token", "id": 2}));
    assert_eq!(host.hears("reply")["result"], json!({"token": ONE}));
    host.say(&json!({"command": "status", "id": 3}));
    host.asked(&json!({"token": ONE, "expiry": "2126-01-01T00:00:00Z"}));
    let status = host.hears("reply")["result"].clone();
    assert_eq!((&status["name"], &status["authenticated"]), (&json!("blue"), &json!(true)), "{status}");
    host.say(&json!({"command": "status", "id": 4}));
    host.hears("ask");
    host.say(&json!({"command": "cancel", "run": 4}));
    assert_eq!(host.hears("reply")["error"]["code"], "cancelled");
    host.say(&json!({"command": "set_credential", "id": 5, "credential": TWO}));
    host.hears("reply");
    host.say(&json!({"command": "get_token", "id": 6}));
    host.asked(&Value::Null);
    assert_eq!(host.hears("reply")["result"], json!({"token": TWO}));
    release(host.session);
}

#[test]
fn a_host_plays_the_terminal_and_the_token_is_not_shown() {
    let folder = std::env::temp_dir().join(format!("madrigal-bridge-auth-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join("claude");
    std::fs::write(&program, format!("#!/bin/sh\nprintf 'Paste the code: '\nread code\n[ \"$code\" = code ] || exit 1\necho 'Your token: {ONE}'\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let file = folder.join("token.json");
    let spec = json!({"store": {"file": file}, "terminal": "host", "cli_path": program});
    let mut host = manager(spec.clone());
    host.say(&json!({"command": "setup_token", "id": 1}));
    host.until(|host| {
        host.signals.iter().any(|signal| signal["text"].as_str().is_some_and(|text| text.contains("Paste")))
    });
    host.say(&json!({"command": "setup_input", "text": "code\n"}));
    let reply = host.hears("reply");
    assert_eq!(reply["result"]["method"], "oauth_token", "{reply}");
    let shown: String = host.signals.iter().filter_map(|signal| signal["text"].as_str()).collect();
    assert!(shown.contains("Your token") && !shown.contains(ONE), "{shown}");
    release(host.session);
    // Another manager finds it in the file.
    let mut again = manager(spec);
    again.say(&json!({"command": "get_token", "id": 1}));
    assert_eq!(again.hears("reply")["result"], json!({"token": ONE}));
    // And a session is started with it.
    let cli = json!([{"await": {"type": "user"}}, {"text": {"text": "$env.CLAUDE_CODE_OAUTH_TOKEN"}}, {"result": {}}]);
    let mut session = Host::open_with(&cli, json!({"auth": again.session}));
    session.say(&json!({"command": "send", "id": 1, "prompt": "hi"}));
    session.until(|host| host.messages.iter().any(|message| message["type"] == "result"));
    assert!(json!(session.messages).to_string().contains(ONE));
    release(session.session);
    release(again.session);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn without_a_credential_no_program_is_started() {
    let keeper = manager(json!({"store": "memory", "interactive": false}));
    let mut session = Host::open_with(&json!([]), json!({"auth": keeper.session}));
    session.until(|host| host.end.is_some());
    assert_eq!(session.end.as_ref().unwrap()["error"]["code"], "auth");
    for (spec, word) in [(json!({"store": "cupboard"}), "memory"), (json!({"colour": 1}), "colour")] {
        let error = open(&json!({"auth_manager": spec}).to_string(), session.bell.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidOptions);
        assert!(error.message().contains(word), "{error}");
    }
    for auth in [json!(true), json!(99_999_999), json!("blue")] {
        assert!(open(&json!({"options": {}, "auth": auth}).to_string(), session.bell.clone()).is_err());
    }
    release(session.session);
    release(keeper.session);
}
