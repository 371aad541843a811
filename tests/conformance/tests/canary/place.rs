//! Where a canary is put: a directory, a program in it, options, and a run of them.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use madrigal::{
    Options, Session,
    auth::{AuthConfig, AuthManager, AuthSource},
    session::SessionBuilder,
};
use madrigal_conformance::simulator;
use serde_json::{Value, json};

use crate::seen::{CANARY, Seen, log};

/// A directory of its own, without the word in its name.
pub(crate) struct Place(pub(crate) PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        log();
        let path = std::env::temp_dir().join(format!("madrigal-bird-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A program that does this. `$init` is the first frame it was sent.
    pub(crate) fn program(&self, does: &str) -> PathBuf {
        self.script(&format!("read -r init\n{does}"))
    }

    /// A program that tells all it was given, and goes on as the simulator.
    pub(crate) fn talker(&self) -> PathBuf {
        self.before("env >&2")
    }

    /// A program that does this, and then goes on as the simulator.
    pub(crate) fn before(&self, does: &str) -> PathBuf {
        self.script(&format!("{does}\nexec '{}' \"$@\"", simulator().display()))
    }

    fn script(&self, does: &str) -> PathBuf {
        let path = self.0.join("program");
        let version = "case \"$1\" in --version) echo '2.1.330 (Claude Code)'; exit;; esac";
        fs::write(&path, format!("#!/bin/sh\n{version}\n{does}\n")).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The files below a directory that hold a canary, with who may read them.
pub(crate) fn holders(folder: &Path) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            if meta.is_dir() {
                folders.push(path);
            } else if name.contains(CANARY)
                || (meta.is_file() && String::from_utf8_lossy(&fs::read(&path).unwrap()).contains(CANARY))
            {
                found.push((name, meta.mode() & 0o777));
            }
        }
    }
    found.sort();
    found
}

/// A canary in every option that may hold a secret.
pub(crate) fn options(place: &Path, program: PathBuf, steps: &Value) -> Options {
    let options = json!({
        "cli_path": program,
        "env": {
            "HOME": place, "MADRIGAL_SIMULATE": json!({"name": "bird", "cli": steps}).to_string(),
            "TEST_SERVICE_TOKEN": "test-canary-of-env", "TEST_PASSWORD_2": "test-canary \"quoted\" of env",
            "TEST_PRIVATE_KEY": "--- BEGIN ---\ntest-canary-line-one\ntest-canary-line-two\n--- END ---",
            "ANTHROPIC_BASE_URL": "http://user:test-canary-of-url@127.0.0.1:9", "HTTPS_PROXY": "http://test-canary%2Fof-proxy@127.0.0.1:9",
            "ANTHROPIC_CUSTOM_HEADERS": "X-One: test-canary-of-header\nX-Two: Bearer test-canary-of-bearer",
        },
        "mcp_servers": {
            "a": {"command": "false", "args": ["--api-key", "test-canary-of-argument"], "env": {"A_TOKEN": "test-canary-of-server"}},
            "b": {"type": "http", "url": "http://127.0.0.1:9/?api_key=test-canary-of-query", "headers": {"X-Team": "test-canary-of-server-header"}},
        },
        "settings": {"apiKeyHelper": "echo api_key=test-canary-of-helper", "env": {"B_SECRET": "test-canary-of-settings"}},
        "managed_settings": {"env": {"C_SECRET": "test-canary-of-managed"}},
        "agents": {"a": {"description": "d", "prompt": "p", "mcpServers": [{"c": {"command": "false", "env": {"D_KEY": "test-canary-of-agent"}}}]}},
    });
    Options::from_json(&options.to_string()).unwrap()
}

/// Runs one prompt to the end of the session and takes note of all that is not a message.
pub(crate) async fn run(seen: &Seen, options: Options, auth: impl Into<AuthSource>) {
    drop(run_with(seen, options, auth, |builder| builder).await);
}

/// The same with more than options; what the program said comes back.
pub(crate) async fn run_with(
    seen: &Seen,
    options: Options,
    auth: impl Into<AuthSource>,
    configure: impl FnOnce(SessionBuilder) -> SessionBuilder,
) -> Vec<String> {
    seen.text("options", format!("{options:?}"));
    seen.text("a start", format!("{:?}", options.launch("claude".into(), true)));
    for arg in options.launch("claude".into(), true).args {
        seen.text("an argument", arg.to_string_lossy());
    }
    let lines = seen.clone();
    let listened = move |line: &str| lines.text("a line of stderr", line);
    let builder = configure(Session::builder(options).auth(auth).on_stderr(listened));
    seen.text("a builder", format!("{builder:?}"));
    let mut session = match builder.connect().await {
        Ok(session) => session,
        Err(error) => {
            seen.error(&error);
            return Vec::new();
        }
    };
    seen.text("a session", format!("{:?}", session.handle()));
    // It may be gone by then.
    let sent = session.handle().send("hi").await;
    if let Err(error) = sent.and_then(|()| session.finish()) {
        seen.error(&error);
    }
    let mut said = Vec::new();
    while let Some(item) = session.next().await {
        match item {
            Ok(message) => said.push(message.raw().to_owned()),
            Err(error) => seen.error(&error),
        }
    }
    seen.end(&session.close().await);
    said
}

/// A manager with a credential of its own.
pub(crate) fn manager() -> AuthManager {
    let credential = Some("sk-ant-oat01-test-canary-of-manager".into());
    AuthManager::new(AuthConfig { credential, ..AuthConfig::default() }).unwrap()
}
