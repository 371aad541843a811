//! A token in the keyring as a binding sees it, on a real one (`tests/keyring/session`).

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test that cannot go on must stop

mod host;

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use madrigal_bridge::{SessionId, release};
use serde_json::{Value, json};

use host::Host;

const TOKEN: &str = "sk-ant-oat01-test-test-test-in-the-keyring";

struct Keyring {
    session: Child,
    address: String,
    home: PathBuf,
}

impl Keyring {
    fn start(name: &str, arguments: &[&str]) -> Self {
        let home = std::env::temp_dir().join(format!("madrigal-keyring-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();
        let mut session =
            Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/keyring/session"))
                .args(arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
        let mut address = String::new();
        BufReader::new(session.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        Self { session, address: address.trim().to_owned(), home }
    }

    fn env(&self) -> Value {
        json!({
            "DBUS_SESSION_BUS_ADDRESS": self.address, "HOME": self.home,
            "ANTHROPIC_API_KEY": "", "ANTHROPIC_AUTH_TOKEN": "", "CLAUDE_CODE_OAUTH_TOKEN": "",
        })
    }

    fn manager(&self, store: &Value) -> Host {
        let spec = json!({"env": self.env(), "store": store, "setup": "host", "cli_login": false, "interactive": false});
        Host::request(&json!({"auth_manager": spec}))
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        drop(self.session.stdin.take());
        self.session.wait().unwrap();
        std::fs::remove_dir_all(&self.home).unwrap();
    }
}

fn reply(host: &mut Host, command: &str) -> Value {
    host.say(&json!({"command": command, "id": 1}));
    host.until(|host| host.signals.iter().any(|signal| signal["event"] != "setup_output"));
    let signal = host.signals.remove(0);
    if signal["event"] != "ask" {
        return signal;
    }
    host.say(&json!({"command": "answer", "ask": signal["ask"], "result": {"token": TOKEN}}));
    host.until(|host| !host.signals.is_empty());
    host.signals.remove(0)
}

/// The token that a program is started with.
fn seen(auth: Option<SessionId>, keyring: &Keyring) -> String {
    let cli = json!([{"await": {"type": "user"}}, {"text": {"text": "$env.CLAUDE_CODE_OAUTH_TOKEN"}}, {"result": {}}]);
    let scenario =
        json!({"name": "inline", "about": "inline", "mode": "session", "cli": cli, "host": [], "expect": {}});
    let mut env = json!({"MADRIGAL_SIMULATE": scenario.to_string()});
    let mut request = json!({});
    if let Some(number) = auth {
        request["auth"] = number.into();
    } else {
        env["HOME"] = json!(keyring.home);
        env["DBUS_SESSION_BUS_ADDRESS"] = json!(keyring.address);
    }
    request["options"] = json!({"cli_path": host::simulator(), "env": env});
    let mut session = Host::request(&request);
    session.say(&json!({"command": "send", "id": 1, "prompt": "hi"}));
    session.until(|host| host.messages.iter().any(|message| message["type"] == "result"));
    release(session.session);
    json!(session.messages).to_string()
}

#[test]
fn a_token_in_the_keyring_is_used_by_what_is_started_next() {
    let keyring = Keyring::start("used", &[]);
    for store in [json!("auto"), json!("keyring"), json!({"keyring": "blue"})] {
        let mut manager = keyring.manager(&store);
        let set_up = reply(&mut manager, "setup_token");
        assert_eq!(set_up["result"]["method"], "oauth_token", "{set_up}");
        assert!(set_up["result"]["source"].as_str().unwrap().starts_with("keyring"), "{set_up}");
        release(manager.session);
        let mut again = keyring.manager(&store);
        assert_eq!(reply(&mut again, "get_token")["result"]["token"], TOKEN);
        let status = reply(&mut again, "status")["result"].clone();
        assert_eq!((&status["store"], &status["authenticated"]), (&set_up["result"]["source"], &json!(true)));
        assert!(seen(Some(again.session), &keyring).contains(TOKEN));
        let found = seen(None, &keyring);
        assert_eq!(
            found.contains(TOKEN),
            store.is_string(),
            "without a manager the account `default` is looked at"
        );
        assert_eq!(reply(&mut again, "clear")["result"], Value::Null);
        assert_eq!(reply(&mut again, "status")["result"]["token_present"], false);
        release(again.session);
    }
    assert!(!keyring.home.join(".claude_sdk/token.json").exists());
}

#[test]
fn a_keyring_that_is_not_there_is_an_error_for_who_chose_it_and_the_file_for_others() {
    let keyring = Keyring::start("absent", &["--bare"]);
    let mut chosen = keyring.manager(&json!("keyring"));
    for command in ["setup_token", "ensure_authenticated", "clear"] {
        let error = reply(&mut chosen, command)["error"].clone();
        assert_eq!(
            (&error["code"], &error["context"]["keyring"]),
            (&json!("auth"), &json!("no_service")),
            "{error}"
        );
        assert!(error["message"].as_str().unwrap().contains("GNOME Keyring"), "{error}");
    }
    release(chosen.session);
    let mut auto = keyring.manager(&json!("auto"));
    let set_up = reply(&mut auto, "setup_token");
    let file = keyring.home.join(".claude_sdk/token.json");
    assert_eq!(set_up["result"]["source"], format!("file {}", file.display()), "{set_up}");
    assert_eq!(reply(&mut auto, "status")["result"]["store"], set_up["result"]["source"]);
    release(auto.session);
}
