//! The stage of a program in memory: pipes of tokio, its clock, and no process.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream},
    sync::mpsc::UnboundedReceiver,
    time::{Instant, timeout},
};

use super::{Received, process::Life};
use crate::{
    testing::{
        player::{Event, Stage, Wait},
        scenario::Sig,
    },
    transport::{Exit, Launch},
};

/// Reads what the host writes, in the background as the real program does.
pub(super) async fn listen(heard: DuplexStream, life: Arc<Life>, received: Received) {
    let mut heard = BufReader::new(heard);
    loop {
        let mut line = Vec::new();
        let read = tokio::select! {
            read = heard.read_until(b'\n', &mut line) => read,
            () = life.over() => return,
        };
        if !matches!(read, Ok(count) if count > 0) {
            life.happens(Event::End);
            return;
        }
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        if let Ok(frame) = serde_json::from_slice(&line) {
            received.lock().unwrap_or_else(PoisonError::into_inner).push(frame);
        }
        life.happens(Event::Line(line));
    }
}

pub(super) struct MemoryStage {
    events: UnboundedReceiver<Event>,
    said: DuplexStream,
    life: Arc<Life>,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    started: Instant,
}

impl MemoryStage {
    pub(super) fn new(
        events: UnboundedReceiver<Event>,
        said: DuplexStream,
        life: Arc<Life>,
        args: Vec<String>,
        launch: &Launch,
    ) -> Self {
        let text = |text: &std::ffi::OsString| text.to_string_lossy().into_owned();
        let env = launch.env.iter().map(|(name, value)| (text(name), text(value))).collect();
        Self { events, said, life, args, env, started: Instant::now() }
    }
}

impl Stage for MemoryStage {
    async fn next(&mut self, wait: Wait) -> Event {
        loop {
            let event = match wait {
                Wait::Not => self.events.try_recv().ok(),
                Wait::For(time) => timeout(time, self.events.recv()).await.ok().flatten(),
                Wait::Forever => self.events.recv().await,
            };
            match event {
                Some(Event::Interrupted) if !self.life.heeds(Sig::Int) => {}
                Some(event) => return event,
                None => return Event::Nothing,
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) {
        // A host that is gone is no error.
        let _ = self.said.write_all(bytes).await;
    }

    fn stderr(&mut self, text: &str) {
        self.life.complain(text);
    }

    async fn hang(&mut self) {
        let until = Instant::now() + Duration::from_secs(600);
        while let Ok(Some(event)) = tokio::time::timeout_at(until, self.events.recv()).await {
            if event == Event::Interrupted && self.life.heeds(Sig::Int) {
                break;
            }
        }
        self.life.end(Exit::Code(0));
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn ignore(&mut self, signal: Sig) {
        self.life.ignore(signal);
    }

    fn spawn(&mut self, _: bool, _: &[Sig]) -> Result<u32, String> {
        // Refused when the script is made.
        Err("a program in memory starts no processes".to_owned())
    }

    fn args(&self) -> &[String] {
        &self.args
    }

    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }
}
