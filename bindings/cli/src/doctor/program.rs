//! Is there a `claude`, how was it found, and can this version be driven?

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use madrigal::{
    Error, ErrorKind, Result,
    transport::{
        CLI_PATH_VARIABLE, ChildTransport, Launch, MINIMUM_VERSION, StopLadder, Transport as _,
        check_version, locate, version_of,
    },
};
use serde_json::json;
use tokio::io::AsyncReadExt as _;

use super::{Finding, Status};

/// How long the program may take to answer a question of ours.
const LIMIT: Duration = Duration::from_secs(20);

/// Looks for the program; also returns it when it can be driven.
pub(crate) async fn look(explicit: Option<&Path>) -> (Vec<Finding>, Option<PathBuf>) {
    let program = match locate(explicit) {
        Ok(program) => program,
        Err(error) => {
            let tried = error.context().get("tried").cloned().unwrap_or_default();
            let finding = Finding::new("claude", Status::Wrong, error.message())
                .advice("npm install -g @anthropic-ai/claude-code")
                .facts(json!({"code": error.kind().code(), "tried": tried}));
            return (vec![finding], None);
        }
    };
    let how = how_found(explicit, &program);
    let found = Finding::new("claude", Status::Ok, format!("{} ({how})", program.display()))
        .facts(json!({"path": program.to_string_lossy(), "found": how}));
    let checked = version_of(&program).await.and_then(|version| check_version(&version.to_string()));
    match checked {
        Ok(version) => {
            let what = format!("{version} ({MINIMUM_VERSION} or later is needed)");
            let facts = json!({"found": version.to_string(), "needed": MINIMUM_VERSION.to_string()});
            (vec![found, Finding::new("version", Status::Ok, what).facts(facts)], Some(program))
        }
        Err(error) => {
            let mut finding = Finding::new("version", Status::Wrong, error.message())
                .facts(json!({"code": error.kind().code(), "needed": MINIMUM_VERSION.to_string()}));
            if error.kind() == ErrorKind::CliVersion {
                finding = finding.advice("claude update, or npm install -g @anthropic-ai/claude-code");
            }
            (vec![found, finding], None)
        }
    }
}

/// In words, by what `locate` looks at, in its order.
fn how_found(explicit: Option<&Path>, program: &Path) -> &'static str {
    if explicit.is_some() {
        return "named by --cli-path";
    }
    if env::var_os(CLI_PATH_VARIABLE).is_some_and(|value| !value.is_empty()) {
        return "named by MADRIGAL_CLI_PATH";
    }
    let on_path = env::var_os("PATH").is_some_and(|path| {
        env::split_paths(&path).any(|directory| program.parent() == Some(directory.as_path()))
    });
    if on_path { "found on PATH" } else { "found where installers put it; not on PATH" }
}

/// Runs the program with arguments and returns what it writes to stdout.
pub(super) async fn ask(program: &Path, args: &[&str]) -> Result<String> {
    let args = args.iter().map(Into::into).collect();
    let launch =
        Launch { program: program.into(), args, env_remove: vec!["CLAUDECODE".into()], ..Launch::default() };
    let mut connection = ChildTransport.connect(launch).await?;
    drop(connection.input);
    let mut answer = Vec::new();
    let mut output = connection.output.as_mut().take(1 << 20);
    let read = tokio::time::timeout(LIMIT, output.read_to_end(&mut answer)).await;
    connection.process.stop(StopLadder::NOW);
    match read {
        Err(_) => Err(Error::new(ErrorKind::Timeout, "the program gave no answer")),
        Ok(Err(error)) => {
            Err(Error::new(ErrorKind::ProcessExited, "no answer could be read").caused_by(&error))
        }
        Ok(Ok(_)) => Ok(String::from_utf8_lossy(&answer).into_owned()),
    }
}
