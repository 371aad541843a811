//! A session over a program that says what the input says. Time is virtual: a session that does not end is found at once.

use std::{
    future::IntoFuture as _,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use madrigal::{
    Options, Permission, Result, Session,
    hook::{HookEvent, HookOutput, HookRule},
    tools::{Tool, ToolResult, ToolServer},
    transport::{BoxFuture, Connection, Exit, Launch, Process, Signal, StopLadder, Transport},
};
use serde_json::json;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// What a session made of an input.
pub(super) struct Seen {
    /// The lines of messages, and the codes of errors, in order.
    pub(super) items: Vec<std::result::Result<String, &'static str>>,
    /// What was written to the program.
    pub(super) written: Vec<u8>,
}

/// Keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl AsyncWrite for Kept {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A process that has exited as soon as somebody asks.
struct Gone;

impl Process for Gone {
    fn id(&self) -> Option<u32> {
        None
    }

    fn signal(&self, _: Signal) {}

    fn stop(&self, _: StopLadder) {}

    fn wait(&self) -> BoxFuture<'_, Exit> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Exit::Code(0)
        })
    }

    fn stderr_tail(&self) -> String {
        String::new()
    }
}

struct Program(Mutex<Option<Connection>>);

impl Transport for Program {
    fn connect(&self, _: Launch) -> BoxFuture<'_, Result<Connection>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(std::future::ready(Ok(connection.expect("one connection"))))
    }
}

fn session(program: Program) -> Result<Session> {
    let schema = json!({"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]});
    let tool = Tool::new("add", "Adds", schema, |call| async move {
        Ok(ToolResult::text(call.arguments["a"].to_string()))
    });
    let decide = |request: madrigal::PermissionRequest| async move {
        let even = request.tool_name.len().is_multiple_of(2);
        Ok(if even { Permission::allow() } else { Permission::deny("no") })
    };
    Session::builder(Options::default())
        .can_use_tool(decide)
        .hook(HookRule::on(HookEvent::PreToolUse), |_| async { Ok(HookOutput::default()) })
        .tool_server(ToolServer::new("calc", "1.0.0").tool(tool))
        .transport(program)
        .start()
}

/// Runs a session to its end, while a request of ours is under way. `initialize` is answered before the input comes.
pub(super) fn run(input: &[u8]) -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let written = Kept::default();
    let mut items = Vec::new();
    runtime.expect("a runtime").block_on(async {
        let (output, mut program) = tokio::io::duplex(1 << 20);
        let connection =
            Connection { input: Box::new(written.clone()), output: Box::new(output), process: Arc::new(Gone) };
        let mut session = session(Program(Mutex::new(Some(connection)))).expect("options that fit");
        let input = input.to_vec();
        let says = tokio::spawn(async move {
            let ready = "{\"type\":\"control_response\",\"response\":{\"subtype\":\"success\",\"request_id\":\"madrigal-1\",\
                         \"response\":{\"claude_code_version\":\"2.1.330\"}}}\n";
            // The session may end before all was said.
            let _ = program.write_all(ready.as_bytes()).await;
            for line in input.split_inclusive(|byte| *byte == b'\n') {
                if program.write_all(line).await.is_err() {
                    return;
                }
                // Answers are made in tasks of their own.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        let asking = tokio::spawn(session.handle().get_usage().into_future());
        let everything = async {
            while let Some(item) = session.next().await {
                items.push(item.map(|message| message.raw().to_owned()).map_err(|error| error.kind().code()));
            }
        };
        tokio::time::timeout(Duration::from_secs(36_000), everything).await.expect("the session ends");
        asking.await.expect("no panic").map(drop).unwrap_or_default();
        says.await.expect("no panic");
    });
    let written = written.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Seen { items, written }
}
