//! A local stand-in for the model's HTTP API, so that the *real* `claude` program runs without an account, at no cost,
//! and says the same thing each time.
//!
//! [`Loopback::start`] serves a [`Script`] on 127.0.0.1 until it is dropped; [`Loopback::env`] holds the variables that
//! send the program there. What the program asked is in [`Loopback::requests`], and for other processes at
//! `GET /_madrigal/requests`, without credentials.
//!
//! ```
//! use madrigal::testing::loopback::{Loopback, Script};
//! let script = Script::from_json(r#"{"rules": [
//!     {"when": {"prompt_contains": "weather"}, "reply": [{"text": "Sunny.", "chunks": 3}]}
//! ]}"#)?;
//! let api = Loopback::start(script)?;
//! assert!(api.url().starts_with("http://127.0.0.1:"));
//! assert_eq!(api.env()["ANTHROPIC_BASE_URL"], api.url());
//! assert!(api.requests().is_empty());
//! # Ok::<(), madrigal::Error>(())
//! ```
//!
//! # Scripts
//!
//! A script is a JSON object. All parts are optional; an unknown field is refused with its path.
//!
//! ```json
//! {
//!   "rules": [
//!     {"when": {"prompt_contains": "list the files"},
//!      "reply": [{"thinking": "I should look.", "tool": "Bash", "input": {"command": "ls"}},
//!                {"text": "The tool said: $tool_result", "chunks": 4, "delay_ms": 20}]},
//!     {"when": {"prompt_contains": "busy"},
//!      "reply": [{"error": 529, "times": 2, "retry_after": 1}, {"text": "Now it works."}]}
//!   ],
//!   "turns": [{"text": "First answer."}, {"text": "Second answer."}],
//!   "repeat": true,
//!   "models": ["claude-test"]
//! }
//! ```
//!
//! A request is answered by the first rule whose `when` holds for its *prompt*: the last text a user wrote. Rules whose
//! words differ can therefore be played by many sessions at once, in any order. Which step of `reply` comes is read from
//! the request too: it is the number of the model's messages that follow the prompt, so a tool call and its result lead
//! to the second step. Without a matching rule the `turns` answer, counted from the beginning of the conversation.
//! Behind the last step comes status 400, saying so; with `repeat` (in the script for `turns`, in a rule for its `reply`)
//! the steps begin again. Errors are counted for each conversation, as nothing in a request tells of them; with `shared` in a
//! rule they are counted for all conversations it holds for together, as those of an API that is out for a while.
//!
//! | `when` | Holds if |
//! |---|---|
//! | `prompt_contains` | the prompt contains this text |
//! | `prompt_is` | the prompt, without white space around it, is this text |
//! | `model` | the request names this model |
//! | `system_contains` | the system prompt contains this text |
//!
//! A step is a message of the model, or an error. Blocks of a message come in the order thinking, text, tools.
//!
//! | Field | Means |
//! |---|---|
//! | `text` | a text block. `$prompt`, `$prompts` (all prompts so far, joined with ` \| `), `$tool_result` (the last), `$tool_results` (all since the prompt, joined alike) and `$model` are replaced |
//! | `thinking` | a thinking block with a signature |
//! | `tool`, `input` | a call of this tool |
//! | `tools` | several calls: `[{"name": "Read", "input": {}}]` |
//! | `chunks`, `delay_ms` | each block comes in this many pieces (default 1), this long apart (default 0) |
//! | `wait_ms` | silence before the answer begins (default 0) |
//! | `together` | the answer begins when so many requests have come to this step, then for as many more, and so on. One whose caller goes meanwhile stays counted |
//! | `end` | how a stream ends instead of well: `hold` (it stays open and silent), `cut` (the connection breaks), `overloaded` (an `error` event) |
//! | `stop_reason` | default `end_turn`, or `tool_use` when there are tools |
//! | `usage` | token counts, merged over 100 input and 20 output tokens |
//! | `error` | the HTTP status: 400, 401, 403, 404, 413, 429, 500, 529 or another above 399 |
//! | `message`, `error_type` | text and type of the error; defaults go with the status |
//! | `times` | how many requests of a conversation get this error before the next step: a number (default 1) or `"always"` |
//! | `retry_after` | seconds, as the `retry-after` header |
//! | `headers` | more response headers |
//!
//! `models` lists the names the API knows; default: every name that starts with `claude`. Other names get status 404. A
//! request for a single token, with which the program tries out a model, is answered without using a step up.

mod answer;
mod company;
mod conversation;
mod failure;
mod record;
mod script;
mod serve;
mod sse;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
    thread,
};

use tokio::sync::oneshot;

pub use record::Request;
pub use script::{Always, Ending, Rule, Script, Step, Times, ToolCall, When};

use crate::{Error, ErrorKind, Result};

/// A running stand-in for the API. Dropping it stops it and breaks what is still streaming.
#[derive(Debug)]
pub struct Loopback {
    address: SocketAddr,
    state: Arc<serve::State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Loopback {
    /// Starts serving a script on a free port of 127.0.0.1, on a thread of its own: works with and without an async
    /// runtime. Fails with `invalid_argument` when the script cannot work and with `spawn_failed` when the system gives
    /// no port or thread.
    pub fn start(script: Script) -> Result<Self> {
        Self::start_on(0, script)
    }

    /// Like [`start`](Self::start), on this port; 0 takes a free one.
    pub fn start_on(port: u16, script: Script) -> Result<Self> {
        script.check()?;
        let refused = |what: &str, error: &std::io::Error| {
            Error::new(ErrorKind::SpawnFailed, format!("{what}: {error}"))
                .operation("loopback")
                .with("port", port)
                .caused_by(error)
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(|error| refused(&format!("could not listen on 127.0.0.1:{port}"), &error))?;
        let address = listener.local_addr().map_err(|error| refused("the port has no address", &error))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| refused("could not start a runtime", &error))?;
        let state = Arc::new(serve::State::new(script));
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name("madrigal-loopback".to_owned())
            .spawn(move || runtime.block_on(serve::run(listener, serving, stopped)))
            .map_err(|error| refused("could not start a thread", &error))?;
        Ok(Self { address, state, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked so far, oldest first: the newest 1000 requests. Requests for `/_madrigal/requests` are not listed.
    pub fn requests(&self) -> Vec<Request> {
        self.state.log.all()
    }

    /// The variables that make `claude` talk to this API and to nobody else. The key is a word for tests, not a
    /// credential. `HOME` and `CLAUDE_CONFIG_DIR` are not among them: give the program empty ones, so that it reads no
    /// settings of the user.
    pub fn env(&self) -> BTreeMap<String, String> {
        [
            ("ANTHROPIC_BASE_URL", self.url().as_str()),
            ("ANTHROPIC_API_KEY", "madrigal-loopback-test-key"),
            ("DISABLE_TELEMETRY", "1"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("DISABLE_AUTOUPDATER", "1"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread only ever waits for sockets and timers, so it ends at once. A panic in it was reported there.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests;
