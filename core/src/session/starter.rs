//! Starts the program of a session: at first, and again when it is resumed because it stalled.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::{
    Options, Result,
    transport::{BoxFuture, Connection, StderrLine, Transport},
};

/// What a session that was cut short is asked: the words that the program itself uses when it goes on with an interrupted turn
/// (seen on 2.1.330 with `CLAUDE_CODE_RESUME_INTERRUPTED_TURN`).
pub(crate) const CONTINUE: &str = "Continue from where you left off.";

/// The options of a program that goes on with this session.
pub(crate) fn resuming(options: &Options, session: &str) -> Options {
    Options {
        resume: Some(session.to_owned()),
        session_id: None,
        continue_session: false,
        fork_session: false,
        resume_session_at: None,
        resume_drops_turn: None,
        ..options.clone()
    }
}

/// The process id of the program that runs now; 0 when there is none.
#[derive(Clone, Debug, Default)]
pub(super) struct CurrentPid(Arc<AtomicU32>);

impl CurrentPid {
    pub(super) fn get(&self) -> Option<u32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|pid| *pid > 0)
    }
}

/// All that starting takes besides the options.
pub(super) struct Starter {
    pub(super) program: PathBuf,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) on_stderr: Option<StderrLine>,
    /// The host answers permission questions.
    pub(super) permissions: bool,
    /// The host keeps the transcript.
    pub(super) mirrors: bool,
    pub(super) pid: CurrentPid,
}

impl Starter {
    pub(super) fn connect(&self, options: &Options) -> BoxFuture<'static, Result<Connection>> {
        let mut launch = options.launch(self.program.clone(), self.permissions);
        launch.on_stderr.clone_from(&self.on_stderr);
        if self.mirrors {
            launch.args.push("--session-mirror".into());
        }
        let (transport, current) = (self.transport.clone(), self.pid.clone());
        Box::pin(async move {
            let program = launch.program.clone();
            let connection = transport.connect(launch).await.map_err(|error| error.operation("open"))?;
            let pid = connection.process.id();
            // Never the environment or a prompt: a log is read by many.
            tracing::debug!(program = %program.display(), pid, "started the claude program");
            current.0.store(pid.unwrap_or_default(), Ordering::Relaxed);
            Ok(connection)
        })
    }
}
