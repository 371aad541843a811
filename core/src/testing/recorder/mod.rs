//! Records a real session to a cassette: a program that stands between the host and `claude`, passes every byte on and writes
//! down what was said. The cassette is played again by the [simulator](super::simulator), without `claude`.
//!
//! Like the simulator it is reached through an executable whose `main` calls [`main_from_env`] first:
//!
//! * `madrigal record --out FILE -- CLAUDE [arguments as for claude]`;
//! * started as `claude` would be, with `MADRIGAL_RECORD` (the cassette) in its environment, and `MADRIGAL_RECORD_CLI` (the
//!   program; default `claude`). So it can be given as `cli_path` from every language.

#[cfg(unix)]
mod pass;
mod scrub;

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use serde_json::{Value, json};

use scrub::Scrub;

/// The variable that turns an executable into the recorder: where the cassette goes.
pub const VARIABLE: &str = "MADRIGAL_RECORD";
/// The variable that names the program to record.
pub const PROGRAM: &str = "MADRIGAL_RECORD_CLI";

/// What the recorder was told to do.
struct Job {
    cassette: String,
    program: String,
    args: Vec<String>,
}

/// Records the session this process was started for and returns its exit code, that of the program; `None` when it was
/// started for something else. Call it first in `main`, before [`simulator::main_from_env`](super::simulator::main_from_env).
///
/// ```no_run
/// if let Some(code) = madrigal::testing::recorder::main_from_env() {
///     std::process::exit(code);
/// }
/// ```
pub fn main_from_env() -> Option<i32> {
    let args: Vec<String> =
        std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let job = match args.first().map(String::as_str) {
        Some("record") => from_command(&args[1..])?,
        Some(first) if first.starts_with('-') => Job {
            cassette: std::env::var(VARIABLE).ok()?,
            program: std::env::var(PROGRAM).unwrap_or_else(|_| "claude".to_owned()),
            args,
        },
        _ => return None,
    };
    Some(run(&job))
}

/// `--out FILE -- CLAUDE ARGS`; anything else is for the command line to explain.
fn from_command(args: &[String]) -> Option<Job> {
    let (cassette, rest) = match args {
        [flag, file, rest @ ..] if flag == "--out" => (file.clone(), rest),
        [flag, rest @ ..] => (flag.strip_prefix("--out=")?.to_owned(), rest),
        [] => return None,
    };
    match rest {
        [dashes, program, args @ ..] if dashes == "--" => {
            Some(Job { cassette, program: program.clone(), args: args.to_vec() })
        }
        _ => None,
    }
}

#[cfg(unix)]
fn run(job: &Job) -> i32 {
    match Cassette::create(Path::new(&job.cassette)) {
        Ok(cassette) => pass::run(&job.program, &job.args, cassette),
        Err(error) => complain(&format!("could not write the cassette {}: {error}", job.cassette)),
    }
}

#[cfg(not(unix))]
fn run(_: &Job) -> i32 {
    complain("this system has no signals and pipes as recording needs them")
}

fn complain(problem: &str) -> i32 {
    // Nobody may be there to read it.
    drop(writeln!(std::io::stderr(), "madrigal record: {problem}"));
    97
}

/// What was said, one line for each frame, with who said it and when.
struct Cassette {
    file: Mutex<File>,
    started: Instant,
    scrub: Mutex<Scrub>,
}

impl Cassette {
    /// Readable by its owner only: what people say to a model is theirs.
    fn create(path: &Path) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = Mutex::new(options.open(path)?);
        Ok(Self { file, started: Instant::now(), scrub: Mutex::new(Scrub::from_env()) })
    }

    /// Writes down one line; what is no frame is left out.
    fn line(&self, direction: &str, line: &[u8]) {
        let Ok(mut frame @ Value::Object(_)) = serde_json::from_slice(line) else { return };
        self.scrub.lock().unwrap_or_else(PoisonError::into_inner).clean(&mut frame);
        let time = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let entry = format!("{}\n", json!({"dir": direction, "t_ms": time, "frame": frame}));
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk must not end the session that is recorded.
        drop(file.write_all(entry.as_bytes()));
    }
}
