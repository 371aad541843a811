//! A canary in the place of every secret that the command is given: none is found again but in the program's own environment.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod terminal;

use std::{
    fs,
    io::Read as _,
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use terminal::Terminal;

const BIN: &str = env!("CARGO_BIN_EXE_madrigal");
/// What all canaries have in common.
const CANARY: &str = "test-canary";

/// A directory with a program that writes down how it was started, and then is the simulator.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("madrigal-bird-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        let place = Self(path);
        let script = format!(
            "#!/bin/sh\ncd '{}'\ncat /proc/$$/cmdline /proc/$PPID/cmdline >> arguments\nenv >> environment\ncat /proc/$$/limits >> limits\ncat /proc/$PPID/limits > above\n\
             [ -z \"$SPILL\" ] || {{ env >&2; read -r init; printf '%s\\n' \"$init\" >&2; exit 3; }}\nexec {BIN} \"$@\"\n",
            place.0.display()
        );
        fs::write(place.file("program"), script).unwrap();
        fs::set_permissions(place.file("program"), fs::Permissions::from_mode(0o755)).unwrap();
        place
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.file(name)).unwrap()).into_owned()
    }

    /// Runs the tasks; the command itself has canaries in its environment.
    fn parallel(&self, tasks: &[Value]) -> Output {
        let lines: String = tasks.iter().map(|task| format!("{task}\n")).collect();
        fs::write(self.file("tasks.jsonl"), lines).unwrap();
        let output = Command::new(BIN)
            .args([
                "parallel",
                "--json",
                "--max-concurrent",
                "1",
                "--out",
                "out.jsonl",
                "--cli-path",
                "./program",
                "tasks.jsonl",
            ])
            .current_dir(&self.0)
            .env("HOME", &self.0)
            .env("TEST_OUTER_TOKEN", "test-canary-outer")
            .env("ANTHROPIC_API_KEY", "sk-ant-api03-test-canary-outer")
            .output()
            .unwrap();
        assert_eq!(fs::metadata(self.file("out.jsonl")).unwrap().permissions().mode() & 0o777, 0o600);
        output
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A task with a canary in each option that may hold a secret.
fn task(prompt: &str, env: &Value) -> Value {
    let mut all = json!({
        "TEST_SERVICE_TOKEN": "test-canary-of-env", "ANTHROPIC_BASE_URL": "http://user:test-canary-of-url@127.0.0.1:9",
        "ANTHROPIC_CUSTOM_HEADERS": "X-One: test-canary-of-header\nX-Two: Bearer test-canary-of-bearer",
    });
    all.as_object_mut().unwrap().extend(env.as_object().unwrap().clone());
    json!({"prompt": prompt, "options": {
        "env_mode": "allow_list", "env": all,
        "mcp_servers": {
            "a": {"command": "false", "args": ["--api-key", "test-canary-of-argument"], "env": {"A_TOKEN": "test-canary-of-server"}},
            "b": {"type": "http", "url": "http://127.0.0.1:9/?api_key=test-canary-of-query", "headers": {"X-Team": "test-canary-of-server-header"}},
        },
        "settings": {"apiKeyHelper": "echo api_key=test-canary-of-helper", "env": {"B_SECRET": "test-canary-of-settings"}},
    }})
}

fn steps(text: &str) -> String {
    json!({"name": "bird", "cli": [{"await": {"type": "user"}}, {"init": {}}, {"text": {"text": text}}, {"result": {"result": "done"}}]})
        .to_string()
}

#[test]
fn outcomes_and_logs_of_tasks_hold_none() {
    let place = Place::new("tasks");
    let tasks =
        [task("fine", &json!({"MADRIGAL_SIMULATE": steps("fine")})), task("spills", &json!({"SPILL": "1"}))];
    let output = place.parallel(&tasks);
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(told.contains("\"succeeded\"") && told.contains("exited with code 3"), "{told}");
    for (what, text) in
        [("said", told), ("outcomes", place.read("out.jsonl")), ("arguments", place.read("arguments"))]
    {
        assert!(!text.contains(CANARY), "{what}: {text}");
    }
    let environment = place.read("environment");
    assert!(
        environment.contains("TEST_SERVICE_TOKEN=test-canary-of-env"),
        "the intended place: {environment}"
    );
    assert!(!environment.contains("outer"), "with an allow list: {environment}");
    // What was answered is known again by what was written of it.
    let again = place.parallel(&tasks[..1]);
    let told = String::from_utf8(again.stderr).unwrap();
    assert!(told.contains("done before") && !told.contains(CANARY), "{told}");
}

#[test]
fn a_recording_holds_none() {
    let place = Place::new("record");
    let cassette = place.file("session.jsonl");
    let program = "$env.TEST_SERVICE_TOKEN";
    let output = place.parallel(&[task(
        "record",
        &json!({"MADRIGAL_RECORD": cassette, "MADRIGAL_RECORD_CLI": BIN, "MADRIGAL_SIMULATE": steps(program)}),
    )]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let recorded = place.read("session.jsonl");
    assert!(recorded.contains("\"mcpServers\"") && recorded.contains("<scrubbed>"), "{recorded}");
    assert!(!recorded.contains(CANARY), "{recorded}");
    assert_eq!(fs::metadata(cassette).unwrap().permissions().mode() & 0o777, 0o600);
    // What the program says is an answer, and an answer is kept.
    assert!(place.read("out.jsonl").contains("test-canary-of-env"));
}

#[test]
fn no_core_is_dumped() {
    let place = Place::new("core");
    let output = Command::new("sh")
        .args(["-c", "ulimit -c unlimited; exec \"$0\" ask hi --cli-path ./program", BIN])
        .current_dir(&place.0)
        .env("HOME", &place.0)
        .env("MADRIGAL_SIMULATE", steps("ok"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    for of in ["above", "limits"] {
        let limits = place.read(of);
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{of}: {core}");
    }
}

/// A person logs in at a terminal: the code they type, and the token the program draws, wrapped and in colours.
#[test]
fn a_login_shows_neither_the_code_nor_the_token() {
    const CODE: &str = "test-canary-7Hk2Zu#test-canary-Q9wzXv";
    let token = format!("sk-ant-oat01-{}AA", "test-canary_0123456789-".repeat(4));
    let shows = format!("printf '\\033[32m{}\\r\\n{}\\033[0m\\r\\n'; exit 0", &token[..74], &token[74..]);
    for (name, does, code) in [
        ("accepted", shows.as_str(), 0),
        ("refused", "printf 'Invalid code: %s, %s\\r\\n' \"$code\" \"$TEST_OUTER_TOKEN\"; exit 1", 4),
    ] {
        let place = Place::new(name);
        let script = format!(
            "#!/bin/sh\ncase \"$1\" in --version) echo '2.1.330 (Claude Code)'; exit;; setup-token) ;; *) exit 2;; esac\n\
             cat /proc/$$/cmdline /proc/$PPID/cmdline > arguments\nenv > environment\nstty raw -echo\n\
             printf 'Paste it here > '\ncode=$(dd bs=1 count={} 2>/dev/null)\ncat /proc/$PPID/cmdline >> arguments\n{does}\n",
            CODE.len()
        );
        fs::write(place.file("program"), script).unwrap();
        let terminal = Terminal::new(80);
        let mut command = terminal.command(BIN);
        command
            .args(["auth", "setup-token", "--json", "--cli-path", "./program"])
            .current_dir(&place.0)
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .env_remove("XDG_RUNTIME_DIR")
            .env("HOME", &place.0)
            .env("MADRIGAL_RECORD", place.file("cassette"))
            .env("RUST_LOG", "trace")
            .env("TEST_OUTER_TOKEN", "test-canary-outer")
            .env("ANTHROPIC_API_KEY", "sk-ant-api03-test-canary-of-key")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        terminal.shows("Paste it here");
        terminal.types(CODE);
        let mut told = String::new();
        child.stdout.take().unwrap().read_to_string(&mut told).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        drop(command);
        let (ended, seen, _) = terminal.end(child);
        assert_eq!(ended, Some(code), "{told}");
        for (what, text) in [("said", told.clone()), ("arguments", place.read("arguments"))] {
            assert!(!text.contains(CANARY), "{name}, {what}: {text}");
        }
        // A login starts without the credential that is there.
        let environment = place.read("environment");
        assert!(environment.contains("canary-outer") && !environment.contains("of-key"), "{environment}");
        let token_file = place.file(".claude_sdk/token.json");
        if code == 0 {
            assert!(
                told.contains("ANTHROPIC_API_KEY") && seen.contains("sk-ant-oat01-test-ca***"),
                "{told}{seen}"
            );
            assert!(!seen.replace(['\r', '\n'], "").contains(CANARY), "{seen}");
            assert!(fs::read_to_string(&token_file).unwrap().contains(&token));
            assert_eq!(fs::metadata(&token_file).unwrap().permissions().mode() & 0o777, 0o600);
            fs::remove_file(&token_file).unwrap();
        } else {
            assert!(told.contains("Invalid code: ..., ..."), "{told}");
        }
        // Nothing is beside it: no log, no recording, no half written file.
        fs::remove_file(place.file("program")).unwrap();
        fs::remove_file(place.file("environment")).unwrap();
        for file in files(&place.0) {
            let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
            assert!(!text.contains(CANARY), "{}: {text}", file.display());
        }
    }
}

/// All files below a directory.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The cores in this directory, whatever the system calls them.
fn cores(place: &Place) -> Vec<String> {
    let names =
        fs::read_dir(&place.0).unwrap().map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("core")).collect()
}

/// Where a crash makes a core at all, as one of another process shows, that of the command makes none.
#[test]
fn a_crash_leaves_no_core() {
    let place = Place::new("crash");
    let crash = |script: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -c unlimited; {script}"), BIN]).current_dir(&place.0);
        shell
    };
    let other = crash("exec sh -c 'kill -ABRT $$'").status().unwrap();
    assert_eq!(other.signal(), Some(6));
    assert!(cores(&place).is_empty() || other.core_dumped());
    for core in cores(&place) {
        fs::remove_file(place.file(&core)).unwrap();
    }
    let hangs = json!({"name": "bird", "cli": [{"await": {"type": "user"}}, {"init": {}}, {"hang": true}]});
    let mut command = crash("exec \"$0\" ask hi --cli-path ./program")
        .env("HOME", &place.0)
        .env("ANTHROPIC_API_KEY", "sk-ant-api03-test-canary-outer")
        .env("MADRIGAL_SIMULATE", hangs.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It runs, and has the credential, when its program does.
    while !place.file("above").exists() {
        assert!(command.try_wait().unwrap().is_none(), "it ended too early");
        std::thread::yield_now();
    }
    let pid = rustix::process::Pid::from_child(&command);
    rustix::process::kill_process(pid, rustix::process::Signal::ABORT).unwrap();
    let ended = command.wait().unwrap();
    assert_eq!(ended.signal(), Some(6));
    // A program that the kernel hands cores to has its own rules: core(5).
    let piped = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap().starts_with('|');
    assert!(piped || !ended.core_dumped(), "{ended:?}, another process: {other:?}");
    assert!(cores(&place).is_empty(), "{:?}", cores(&place));
}
