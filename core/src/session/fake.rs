//! A program in memory for the tests of the session: the test plays the other side of the pipe by hand.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, duplex},
    sync::{mpsc, watch},
};

use crate::{
    Result,
    transport::{BoxFuture, Connection, Exit, Launch, Process, Signal, StopLadder, Transport},
};

/// The program's side of the pipe.
pub(super) struct Program {
    lines: Lines<BufReader<DuplexStream>>,
    output: Option<DuplexStream>,
    exit: watch::Sender<Option<Exit>>,
    /// The ladders the session asked for.
    pub(super) ladders: mpsc::UnboundedReceiver<StopLadder>,
}

struct FakeProcess {
    exit: watch::Receiver<Option<Exit>>,
    ladders: mpsc::UnboundedSender<StopLadder>,
}

impl Process for FakeProcess {
    fn id(&self) -> Option<u32> {
        None
    }

    fn signal(&self, _: Signal) {}

    fn stop(&self, ladder: StopLadder) {
        let _ = self.ladders.send(ladder);
    }

    fn wait(&self) -> BoxFuture<'_, Exit> {
        let mut exit = self.exit.clone();
        Box::pin(async move {
            exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit).unwrap_or(Exit::Unknown)
        })
    }

    fn stderr_tail(&self) -> String {
        "last words".to_owned()
    }
}

/// Hands its connection to whoever asks first.
pub(super) struct Fake(Mutex<Option<Connection>>);

impl Transport for Fake {
    fn connect(&self, _: Launch) -> BoxFuture<'_, Result<Connection>> {
        let connection = self.0.lock().unwrap().take().unwrap();
        Box::pin(std::future::ready(Ok(connection)))
    }
}

/// A transport and the program behind it.
pub(super) fn fake() -> (Fake, Program) {
    let (input, reading) = duplex(1 << 16);
    let (writing, output) = duplex(1 << 16);
    let (exit, exited) = watch::channel(None);
    let (asked, ladders) = mpsc::unbounded_channel();
    let process = Arc::new(FakeProcess { exit: exited, ladders: asked });
    let connection = Connection { input: Box::new(input), output: Box::new(output), process };
    let lines = BufReader::new(reading).lines();
    (Fake(Mutex::new(Some(connection))), Program { lines, output: Some(writing), exit, ladders })
}

impl Program {
    /// The next frame the session wrote; `None` at the end of the input.
    pub(super) async fn read(&mut self) -> Option<Value> {
        self.lines.next_line().await.unwrap().map(|line| serde_json::from_str(&line).unwrap())
    }

    pub(super) async fn write(&mut self, frame: Value) {
        self.write_raw(&format!("{frame}\n")).await;
    }

    pub(super) async fn write_raw(&mut self, text: &str) {
        self.output.as_mut().unwrap().write_all(text.as_bytes()).await.unwrap();
    }

    /// Answers the next request, which must have this subtype.
    pub(super) async fn acknowledge(&mut self, subtype: &str, response: Value) -> Value {
        let request = self.read().await.unwrap();
        assert_eq!(request["request"]["subtype"], subtype, "{request}");
        let id = &request["request_id"];
        self.write(json!({"type": "control_response", "response": {"subtype": "success", "request_id": id, "response": response}}))
            .await;
        request
    }

    pub(super) async fn initialize(&mut self) {
        self.acknowledge("initialize", json!({"claude_code_version": "2.1.330"})).await;
    }

    /// Reads a prompt and returns its uuid.
    pub(super) async fn prompt(&mut self) -> String {
        let frame = self.read().await.unwrap();
        assert_eq!(frame["type"], "user", "{frame}");
        frame["uuid"].as_str().unwrap().to_owned()
    }

    pub(super) async fn result(&mut self, uuid: &str) {
        self.write(json!({"type": "result", "subtype": "success", "is_error": false, "result": "done", "user_message_uuids": [uuid]}))
            .await;
    }

    pub(super) async fn ask(&mut self, id: &str, tool: &str) {
        self.write(json!({"type": "control_request", "request_id": id,
            "request": {"subtype": "can_use_tool", "tool_name": tool, "input": {"a": 1}, "tool_use_id": "t"}}))
            .await;
    }

    /// Closes the output and exits.
    pub(super) async fn exit(&mut self, exit: Exit) {
        if let Some(mut output) = self.output.take() {
            let _ = output.shutdown().await;
        }
        self.exit.send_replace(Some(exit));
    }
}
