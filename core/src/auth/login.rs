//! Whether the program has a login of its own. Its file says so at once; where there is none, as on macOS, the program is asked.

use std::{path::Path, time::Duration};

use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use super::Environment;
use crate::transport::{BoxFuture, ChildTransport, Launch, StopLadder, Transport as _, locate};

/// How long `claude auth status` may take.
const LIMIT: Duration = Duration::from_secs(15);

/// Set for a program that is asked. One that is itself asked so asks nobody: where `claude` is another name for a program that uses this
/// crate, each would start the next without end.
const ASKED: &str = "MADRIGAL_LOGIN_ASKED";

/// Variables with credentials.
const VARIABLES: [&str; 3] = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];

/// Whether the program is logged in by itself.
pub(super) fn present<'a>(env: &'a Environment, cli_path: Option<&'a Path>) -> BoxFuture<'a, bool> {
    Box::pin(async move { in_file(env) || asked(env, cli_path).await })
}

/// Whether `.credentials.json` of the program's directory has a login.
fn in_file(env: &Environment) -> bool {
    let folder = env
        .get("CLAUDE_CONFIG_DIR")
        .map(Into::into)
        .or_else(|| env.get("HOME").map(|home| Path::new(home).join(".claude")));
    let text = folder.and_then(|folder| std::fs::read(folder.join(".credentials.json")).ok());
    text.and_then(|text| serde_json::from_slice::<Value>(&text).ok()).is_some_and(|value| {
        value["claudeAiOauth"]["accessToken"].as_str().is_some_and(|token| !token.is_empty())
    })
}

/// What `claude auth status` says. Run in the root directory, so that no repository has a say, and without the credentials that
/// were looked at already.
async fn asked(env: &Environment, cli_path: Option<&Path>) -> bool {
    if std::env::var_os(ASKED).is_some() {
        return false;
    }
    let Ok(program) = locate(cli_path) else { return false };
    let handed_on = ["HOME", "CLAUDE_CONFIG_DIR"]
        .into_iter()
        .filter_map(|name| Some((name.into(), env.get(name)?.into())));
    let launch = Launch {
        program,
        args: vec!["auth".into(), "status".into()],
        env: handed_on.chain([(ASKED.into(), "1".into())]).collect(),
        env_remove: VARIABLES.map(Into::into).to_vec(),
        cwd: Some("/".into()),
        ..Launch::default()
    };
    let Ok(mut connection) = ChildTransport.connect(launch).await else { return false };
    drop(connection.input);
    let mut answer = Vec::new();
    let mut output = connection.output.as_mut().take(64 * 1024);
    let read = tokio::time::timeout(LIMIT, output.read_to_end(&mut answer)).await;
    connection.process.stop(StopLadder::NOW);
    matches!(read, Ok(Ok(_)))
        && serde_json::from_slice::<Value>(&answer).is_ok_and(|value| value["loggedIn"] == true)
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;
    use crate::store::PrivateDir;

    #[tokio::test]
    async fn a_login_is_in_the_file_or_said_by_the_program() {
        let folder = PrivateDir::new().unwrap();
        let home = folder.path().to_str().unwrap();
        let env = Environment::of([("HOME", home)]);
        let program = folder.path().join("claude");
        // It finds the home it was asked about, no credential of ours, and no repository.
        let sees = r#"[ "$1 $2" = "auth status" ] && [ -z "$ANTHROPIC_API_KEY$CLAUDE_CODE_OAUTH_TOKEN" ] && [ "$PWD" = / ] || exit 65"#;
        for (says, logged_in) in [
            (format!(r#"[ "$HOME" = '{home}' ] && echo '{{"loggedIn": true}}'"#), true),
            (r#"echo '{"loggedIn": false}'; exit 1"#.to_owned(), false),
            ("echo nonsense".to_owned(), false),
            ("exit 3".to_owned(), false),
        ] {
            fs::write(&program, format!("#!/bin/sh\n{sees}\n{says}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            assert_eq!(present(&env, Some(&program)).await, logged_in, "{says}");
        }
        assert!(!present(&env, Some(&folder.path().join("none"))).await);

        fs::create_dir(folder.path().join(".claude")).unwrap();
        let file = folder.path().join(".claude/.credentials.json");
        for (text, logged_in) in [
            (r#"{"claudeAiOauth": {"accessToken": "test-test"}}"#, true),
            (r#"{"claudeAiOauth": {"accessToken": ""}}"#, false),
            ("nonsense", false),
        ] {
            fs::write(&file, text).unwrap();
            assert_eq!(present(&env, Some(&program)).await, logged_in, "{text}");
        }
    }
}
