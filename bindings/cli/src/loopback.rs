//! `madrigal loopback`: the loopback API as a process, for tests in any language.
//!
//! It lives as long as its input is open, so that it cannot outlive the test that started it.

use std::{io::Read as _, thread};

use madrigal::testing::loopback::{Loopback, Script};
use serde_json::json;
use tokio::sync::oneshot;

use crate::{args::LoopbackArguments, exit, output, signals};

pub(crate) fn run(arguments: &LoopbackArguments) -> u8 {
    match serve(arguments) {
        Ok(()) => 0,
        Err(error) => {
            output::explain(&error);
            exit::code(&error)
        }
    }
}

fn serve(arguments: &LoopbackArguments) -> madrigal::Result<()> {
    let script = match &arguments.script {
        Some(path) => Script::from_file(path)?,
        None => Script::echo(),
    };
    let api = Loopback::start_on(arguments.port, script)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        madrigal::Error::new(madrigal::ErrorKind::SpawnFailed, "could not start a runtime").caused_by(&error)
    })?;
    runtime.block_on(async {
        // Before the line that says we are there: whoever reads it may send a signal at once.
        let stopped = stop_signal();
        let line =
            if arguments.json { json!({"url": api.url(), "env": api.env()}).to_string() } else { api.url() };
        if output::print(&format!("{line}\n")) {
            stopped.await;
        }
    });
    Ok(())
}

/// Resolves at the end of the input, at Ctrl-C and at a request to terminate.
fn stop_signal() -> impl Future<Output = ()> {
    let (ended, end) = oneshot::channel();
    thread::spawn(move || {
        let mut buffer = [0; 1024];
        while matches!(std::io::stdin().read(&mut buffer), Ok(read) if read > 0) {}
        let _ = ended.send(());
    });
    let signal = signals::end();
    async move {
        tokio::select! {
            _ = end => {}
            () = signal => {}
        }
    }
}
