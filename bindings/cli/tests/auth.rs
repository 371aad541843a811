//! `madrigal auth` as a person at a terminal and as a script see it. A script is in the place of `claude`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod terminal;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use terminal::Terminal;

const BIN: &str = env!("CARGO_BIN_EXE_madrigal");
const TOKEN: &str = "sk-ant-oat01-test0123456789-CANARY_test0123456789-CANARY_test0123456789AA";

/// What `claude setup-token` does when it goes well: asks for the code of the page, shows the token in colours and in two lines.
fn login() -> String {
    format!(
        "printf 'Paste code here > '; read code; [ \"$code\" = test-code ] || {{ echo 'OAuth error: Invalid code'; exit 1; }}\n\
         printf '\\r\\n\\033[32m{}\\r\\n{}\\033[0m\\r\\n\\r\\nStore it securely.\\r\\n'",
        &TOKEN[..60],
        &TOKEN[60..]
    )
}

/// A home directory with a `claude` in it.
struct Home(PathBuf);

impl Home {
    fn new(name: &str, setup: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("madrigal-auth-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        let script = format!(
            "#!/bin/sh\ncase \"$1\" in\n--version) echo '2.1.330 (Claude Code)' ;;\nauth) echo '{{\"loggedIn\": false}}' ;;\nsetup-token) {setup} ;;\n*) [ \"$CLAUDE_CODE_OAUTH_TOKEN\" = {TOKEN} ] || exit 66; exec {BIN} \"$@\" ;;\nesac\n"
        );
        fs::write(folder.join("claude"), script).unwrap();
        fs::set_permissions(folder.join("claude"), fs::Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    fn ready<'a>(&self, command: &'a mut Command, args: &[&str]) -> &'a mut Command {
        command.args(args).env_clear().env("HOME", &self.0).current_dir(&self.0);
        command.env("PATH", format!("{}:/usr/bin:/bin", self.0.display()))
    }

    fn auth(&self, args: &[&str], env: &[(&str, &str)]) -> Output {
        let mut command = Command::new("setsid");
        self.ready(command.args(["--wait", BIN, "auth"]), args).envs(env.iter().copied());
        let output = command.output().unwrap();
        let told = [&*output.stdout, &*output.stderr].concat();
        assert!(!String::from_utf8(told).unwrap().contains("CANARY"));
        output
    }

    fn json(&self, args: &[&str], env: &[(&str, &str)]) -> (Option<i32>, Value) {
        let output = self.auth(&[args, &["--json"]].concat(), env);
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text:?}")))
    }

    fn file(&self) -> PathBuf {
        self.0.join(".claude_sdk/token.json")
    }

    fn store(&self, expiry: &str) {
        fs::create_dir_all(self.file().parent().unwrap()).unwrap();
        let token = serde_json::json!({"token": TOKEN, "expiry": expiry, "provider": "anthropic"});
        fs::write(self.file(), token.to_string()).unwrap();
        fs::set_permissions(self.file(), fs::Permissions::from_mode(0o600)).unwrap();
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn finding<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["findings"].as_array().unwrap().iter().find(|finding| finding["name"] == name).unwrap()
}

#[test]
fn a_person_logs_in_and_runs_use_the_token() {
    let home = Home::new("login", &login());
    let terminal = Terminal::new(60);
    let child = home.ready(&mut terminal.command(BIN), &["auth", "setup-token"]).spawn().unwrap();
    terminal.shows("Paste code here");
    terminal.types("test-code\n");
    let (code, seen, as_before) = terminal.end(child);
    assert_eq!((code, as_before), (Some(0), true), "{seen}");
    assert!(seen.contains("Store it securely") && seen.contains("is stored in file"), "{seen}");
    assert!(!seen.contains("CANARY"), "{seen}");
    assert_eq!(fs::metadata(home.file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(home.file()).unwrap().contains(TOKEN));

    let (code, status) = home.json(&["status"], &[]);
    assert_eq!((code, &status["method"]), (Some(0), &Value::from("oauth_token")));
    assert!(status["time_until_expiry_hours"].as_f64().unwrap() > 8000.0);
    // Once more: nothing happens, and nobody is needed.
    let (code, told) = home.json(&["setup-token"], &[]);
    assert_eq!((code, &told["new"]), (Some(0), &Value::Bool(false)));
    let steps = serde_json::json!([{"await": {"type": "user"}}, {"init": {}}, {"text": {"text": "ok"}}, {"result": {}}]);
    let run = home
        .ready(&mut Command::new(BIN), &["ask", "hi"])
        .env("MADRIGAL_SIMULATE", serde_json::json!({"name": "who", "cli": steps}).to_string())
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
}

#[test]
fn a_token_in_the_keyring_is_used_by_runs() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/keyring/session");
    let mut keyring = Command::new(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(keyring.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let bus = [("DBUS_SESSION_BUS_ADDRESS", address.trim())];
    let home = Home::new("keyring", &login());
    let terminal = Terminal::new(60);
    let child = home.ready(&mut terminal.command(BIN), &["auth", "setup-token"]).envs(bus).spawn().unwrap();
    terminal.shows("Paste code here");
    terminal.types("test-code\n");
    let (code, seen, _) = terminal.end(child);
    assert!(code == Some(0) && seen.contains("is stored in keyring") && !seen.contains("CANARY"), "{seen}");
    assert!(!home.file().exists());
    assert_eq!(home.json(&["setup-token"], &bus).1["new"], false);
    for store in ["auto", "keyring"] {
        let (code, status) = home.json(&["status", "--store", store], &bus);
        assert_eq!(
            (code, &status["source"], &status["store"]),
            (Some(0), &"keyring".into(), &"keyring".into())
        );
    }
    let steps = serde_json::json!([{"await": {"type": "user"}}, {"init": {}}, {"text": {"text": "ok"}}, {"result": {}}]);
    let run = home
        .ready(&mut Command::new(BIN), &["ask", "hi"])
        .envs(bus)
        .env("MADRIGAL_SIMULATE", serde_json::json!({"name": "who", "cli": steps}).to_string())
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    // Elsewhere, such as in a shell without the desktop, it is said where the token is and what keeps it from being used.
    let (code, status) = home.json(&["status"], &[]);
    assert_eq!((code, &status["store"]), (Some(4), &"keyring".into()));
    assert!(status["considered"].to_string().contains("DBUS_SESSION_BUS_ADDRESS is not set"), "{status}");
    let report = home.json(&["doctor"], &[]).1;
    assert_eq!(finding(&report, "store")["facts"]["context"]["keyring"], "no_bus");
    assert_eq!(home.json(&["clear"], &bus).1["cleared"], true);
    assert_eq!(home.json(&["status"], &bus).0, Some(4));
    drop(keyring.stdin.take());
    keyring.wait().unwrap();
}

#[test]
fn a_new_token_takes_the_place_of_the_old_one_only_when_that_is_asked_for() {
    let home = Home::new("force", &login());
    home.store("2999-01-01T00:00:00Z");
    let before = fs::read(home.file()).unwrap();
    assert!(text(&home.auth(&["setup-token"], &[]).stdout).contains("--force"));
    assert_eq!(fs::read(home.file()).unwrap(), before);
    let terminal = Terminal::new(60);
    let child = home.ready(&mut terminal.command(BIN), &["auth", "setup-token", "--force"]).spawn().unwrap();
    terminal.shows("Paste code here");
    terminal.types("test-code\n");
    assert_eq!(terminal.end(child).0, Some(0));
    assert_ne!(fs::read(home.file()).unwrap(), before);
}

#[test]
fn whoever_ends_it_gets_the_terminal_back() {
    let home = Home::new("terminated", "printf 'Paste code here > '; sleep 600");
    let terminal = Terminal::new(80);
    let child = home.ready(&mut terminal.command(BIN), &["auth", "setup-token"]).spawn().unwrap();
    terminal.shows("Paste code here");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let (ended, seen, as_before) = terminal.end(child);
    assert_eq!((ended, as_before), (Some(130), true), "{seen}");
    assert!(seen.contains("told to end by a signal"), "{seen}");
    assert!(!home.file().exists());
    // It was gone before the command was.
    let left = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        std::fs::read(entry.unwrap().path().join("cmdline"))
            .ok()
            .map(|text| String::from_utf8_lossy(&text).into_owned())
    });
    let left: Vec<String> = left.filter(|arguments| arguments.contains("madrigal-auth-terminated")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_goes_wrong_has_its_code_and_leaves_the_terminal_alone() {
    for (name, setup, typed, code, says) in [
        ("refused", login(), "wrong\n", 4, "Invalid code"),
        ("control-c", "printf 'Paste code here > '; sleep 600".to_owned(), "\u{3}", 130, "Ctrl-C"),
        ("late", "printf 'Paste code here > '; sleep 600".to_owned(), "", 5, "finish the login in time"),
    ] {
        let home = Home::new(name, &setup);
        let terminal = Terminal::new(80);
        let limit = if name == "late" { "0.5" } else { "60" };
        let args = ["auth", "setup-token", "--timeout", limit];
        let child = home.ready(&mut terminal.command(BIN), &args).spawn().unwrap();
        terminal.shows("Paste code here");
        terminal.types(typed);
        let (ended, seen, as_before) = terminal.end(child);
        assert_eq!((ended, as_before), (Some(code), true), "{name}: {seen}");
        assert!(seen.contains(says), "{name}: {seen}");
        assert!(!home.file().exists(), "{name}");
    }
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let home = Home::new("nobody", &login());
    let (code, told) = home.json(&["setup-token"], &[]);
    assert_eq!((code, &told["error"]["code"]), (Some(4), &Value::from("auth")));
    assert!(told["error"]["message"].as_str().unwrap().contains("needs a terminal"));
}

#[test]
fn status_has_a_code_for_scripts() {
    let home = Home::new("status", "");
    let (code, status) = home.json(&["status"], &[]);
    assert_eq!((code, &status["authenticated"]), (Some(4), &Value::Bool(false)));
    let (code, status) = home.json(&["status"], &[("CLAUDE_AGENT_API_KEY", "sk-ant-api03-CANARY-test")]);
    assert_eq!((code, &status["source"]), (Some(0), &Value::from("CLAUDE_AGENT_API_KEY")));
    let words = text(&home.auth(&["status"], &[]).stdout);
    assert!(words.contains("madrigal auth setup-token"), "{words}");
    let two = [("CLAUDE_CODE_USE_BEDROCK", "1"), ("CLAUDE_CODE_USE_VERTEX", "1")];
    assert_eq!(home.auth(&["status"], &two).status.code(), Some(4));
}

#[test]
fn clear_forgets_the_token_and_says_what_is_left() {
    let home = Home::new("clear", "");
    home.store("2999-01-01T00:00:00Z");
    let (code, told) = home.json(&["clear"], &[("ANTHROPIC_API_KEY", "sk-ant-api03-CANARY-test")]);
    assert_eq!((code, &told["cleared"]), (Some(0), &Value::Bool(true)));
    assert_eq!(told["still_used"], "ANTHROPIC_API_KEY");
    assert!(!home.file().exists());
    assert_eq!(home.json(&["clear"], &[]).1["cleared"], Value::Bool(false));
    // Also what is no token, which nothing else removes.
    home.store("2999-01-01T00:00:00Z");
    fs::write(home.file(), "{").unwrap();
    assert_eq!(home.json(&["clear"], &[]).1["cleared"], Value::Bool(true));
    assert!(!home.file().exists());
}

#[test]
fn the_doctor_names_each_place_and_the_next_step() {
    let home = Home::new("doctor", "");
    let (code, report) = home.json(&["doctor"], &[]);
    assert_eq!((code, &report["ok"]), (Some(1), &Value::Bool(false)));
    assert!(finding(&report, "credential")["advice"].as_str().unwrap().contains("setup-token"));
    assert_eq!(finding(&report, "version")["facts"]["found"], "2.1.330");

    home.store("2999-01-01T00:00:00Z");
    let (code, report) = home.json(&["doctor"], &[("ANTHROPIC_AUTH_TOKEN", "CANARY-test")]);
    assert_eq!(code, Some(0), "{report}");
    let verdicts: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["name"] == "source")
        .map(|finding| finding["facts"]["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["absent", "used", "absent", "shadowed", "absent"]);

    home.store("2020-01-01T00:00:00Z");
    assert!(home.json(&["doctor"], &[]).1.to_string().contains("expired at 2020-01-01"));

    fs::set_permissions(home.file(), fs::Permissions::from_mode(0o644)).unwrap();
    let (code, report) = home.json(&["doctor"], &[]);
    let store = finding(&report, "store");
    assert_eq!((code, &store["status"]), (Some(1), &Value::from("wrong")));
    assert!(store["advice"].as_str().unwrap().starts_with("chmod 600"), "{store}");

    let (code, report) = home.json(&["doctor"], &[("CLAUDE_CODE_USE_VERTEX", "1")]);
    assert_eq!(code, Some(1));
    assert!(finding(&report, "provider")["what"].as_str().unwrap().contains("CLOUD_ML_REGION"));
}

#[test]
fn a_token_can_be_kept_elsewhere() {
    let home = Home::new("file", "");
    home.store("2999-01-01T00:00:00Z");
    let other = home.0.join("other.json");
    fs::rename(home.file(), &other).unwrap();
    let other = other.to_str().unwrap();
    assert_eq!(home.json(&["status"], &[]).0, Some(4));
    assert_eq!(home.json(&["status", "--file", other], &[]).0, Some(0));
    assert_eq!(home.json(&["clear", "--file", other], &[]).1["cleared"], Value::Bool(true));
}

#[test]
fn a_program_that_is_this_command_is_asked_once() {
    let home = Home::new("itself", "exit 9");
    let script = format!("#!/bin/sh\necho asked >> $HOME/asked\nexec {BIN} \"$@\"\n");
    fs::write(home.0.join("claude"), script).unwrap();
    let output = home.auth(&["status"], &[("MADRIGAL_CLI_PATH", home.0.join("claude").to_str().unwrap())]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert_eq!(fs::read_to_string(home.0.join("asked")).unwrap().lines().count(), 1);
}
