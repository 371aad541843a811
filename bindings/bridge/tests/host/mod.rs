//! A host in a few lines, for the tests of the bridge: it waits for wakes and takes what is there.
#![allow(dead_code)] // each test file uses what it needs

use std::{
    path::PathBuf,
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use madrigal_bridge::{Item, SessionId, Wake, drain, open, signals, submit};
use serde_json::{Value, json};

/// Counts wakes and lets a test wait for the next one.
#[derive(Default)]
pub(crate) struct Bell {
    rung: Mutex<usize>,
    heard: Condvar,
}

impl Wake for Bell {
    fn wake(&self, _: SessionId) {
        *self.rung.lock().unwrap() += 1;
        self.heard.notify_all();
    }
}

impl Bell {
    pub(crate) fn wait(&self, seen: &mut usize) {
        let rung = self.rung.lock().unwrap();
        let (rung, timeout) =
            self.heard.wait_timeout_while(rung, Duration::from_secs(30), |rung| *rung == *seen).unwrap();
        assert!(!timeout.timed_out(), "no wake within 30 s");
        *seen = *rung;
    }
}

/// A host in a few lines: takes what is there, waits for a wake when nothing is.
pub(crate) struct Host {
    pub(crate) session: SessionId,
    pub(crate) bell: Arc<Bell>,
    pub(crate) seen: usize,
    pub(crate) signals: Vec<Value>,
    pub(crate) messages: Vec<Value>,
    pub(crate) errors: Vec<Value>,
    pub(crate) end: Option<Value>,
}

pub(crate) fn simulator() -> PathBuf {
    let built = || {
        let mut path = std::env::current_exe().unwrap();
        path.pop();
        path.pop();
        path.join("madrigal")
    };
    let path = std::env::var_os("MADRIGAL_BIN").map_or_else(built, PathBuf::from);
    let needed = "these tests need the `madrigal` command: run `cargo build -p madrigal-cli` first, or set MADRIGAL_BIN";
    assert!(path.is_file(), "{}: there is no such file; {needed}", path.display());
    path
}

impl Host {
    pub(crate) fn open(cli: &Value) -> Self {
        Self::open_with(cli, json!({}))
    }

    /// With what the host provides beside the options.
    pub(crate) fn open_with(cli: &Value, provided: Value) -> Self {
        let scenario = json!({"name": "inline", "about": "inline", "mode": "session", "cli": cli, "host": [], "expect": {}});
        let options = json!({"cli_path": simulator(), "env": {"MADRIGAL_SIMULATE": scenario.to_string()}});
        let mut request = json!({"options": options, "asks": ["can_use_tool"], "stderr": true});
        for (name, value) in provided.as_object().unwrap() {
            request[name] = value.clone();
        }
        Self::request(&request)
    }

    /// Opens whatever the request says.
    pub(crate) fn request(request: &Value) -> Self {
        let bell = Arc::new(Bell::default());
        let session = open(&request.to_string(), bell.clone()).unwrap();
        Self { session, bell, seen: 0, signals: vec![], messages: vec![], errors: vec![], end: None }
    }

    pub(crate) fn say(&self, command: &Value) {
        submit(self.session, &command.to_string()).unwrap();
    }

    pub(crate) fn take(&mut self) {
        let texts = signals(self.session).unwrap();
        self.signals.extend(texts.iter().map(|text| serde_json::from_str::<Value>(text).unwrap()));
        let batch = drain(self.session, 1000).unwrap();
        for item in batch.items {
            match item {
                Item::Message(message) => self.messages.push(message.value()),
                Item::Error(error) => self.errors.push(error.to_json()),
            }
        }
        self.end = batch.end;
    }

    pub(crate) fn until(&mut self, done: impl Fn(&Self) -> bool) {
        loop {
            self.take();
            if done(self) {
                return;
            }
            self.bell.wait(&mut self.seen);
        }
    }

    pub(crate) fn signal(&self, event: &str) -> Option<&Value> {
        self.signals.iter().find(|signal| signal["event"] == event)
    }
}
