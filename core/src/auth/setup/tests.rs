//! A script in the program's place, on real pseudo-terminals: one for the program, one for the person.

use std::{fs::File, io::Read as _, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};

use super::ProgramSetup;
use crate::{ErrorKind, store::PrivateDir};

const TOKEN: &str = "sk-ant-oat01-test0123456789-TEST_test0123456789-TEST_test0123456789AA";

/// A terminal with somebody at it who types this, and what was shown to them.
struct Sitter {
    ours: std::os::fd::OwnedFd,
    path: PathBuf,
    /// Kept open, so that the terminal outlives those who use it.
    _theirs: File,
}

impl Sitter {
    fn new(columns: u16) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let path = PathBuf::from(ptsname(&ours, Vec::new()).unwrap().into_string().unwrap());
        let theirs = File::options().read(true).write(true).open(&path).unwrap();
        tcsetwinsize(&theirs, Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        Self { ours, path, _theirs: theirs }
    }

    fn types(&self, keys: &str) {
        rustix::io::write(&self.ours, keys.as_bytes()).unwrap();
    }

    fn saw(&self) -> String {
        rustix::io::ioctl_fionbio(&self.ours, true).unwrap();
        let mut seen = Vec::new();
        let _ = File::from(self.ours.try_clone().unwrap()).read_to_end(&mut seen);
        String::from_utf8_lossy(&seen).into_owned()
    }

    fn is_as_before(&self) -> bool {
        tcgetattr(&self._theirs)
            .unwrap()
            .local_modes
            .contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }
}

fn setup(script: &str, sitter: &Sitter) -> (PrivateDir, ProgramSetup) {
    let folder = PrivateDir::new().unwrap();
    let program = folder.path().join("claude");
    std::fs::write(&program, format!("#!/bin/sh\n[ \"$1\" = setup-token ] || exit 64\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let setup = ProgramSetup {
        cli_path: Some(program),
        terminal: sitter.path.clone().into(),
        ..ProgramSetup::default()
    };
    (folder, setup)
}

#[tokio::test]
async fn a_person_logs_in() {
    let sitter = Sitter::new(50);
    let script = format!(
        r#"[ -t 0 ] && [ -t 1 ] && [ -z "$ANTHROPIC_API_KEY" ] && [ "$BROWSER" = false ] || exit 65
        printf 'Paste code here > '; read code; [ "$code" = test-code ] || exit 66
        printf '\r\n\033[32m{}\r\n{}\033[0m\r\n\r\nStore it securely.\r\n'"#,
        &TOKEN[..50],
        &TOKEN[50..]
    );
    let (_folder, setup) = setup(&script, &sitter);
    sitter.types("test-code\n");
    assert_eq!(setup.run().await.unwrap().expose(), TOKEN);
    let saw = sitter.saw();
    assert!(
        saw.contains("Paste code here") && saw.contains("Store it securely") && !saw.contains("TEST"),
        "{saw}"
    );
    assert!(sitter.is_as_before());
}

#[tokio::test]
async fn a_program_that_stays_is_ended_when_the_token_is_there() {
    let sitter = Sitter::new(120);
    let (_folder, setup) = setup(
        &format!("trap '' TERM; echo {TOKEN}; echo; echo 'Press a key'; while :; do sleep 1; done"),
        &sitter,
    );
    assert_eq!(setup.run().await.unwrap().expose(), TOKEN);
}

#[tokio::test]
async fn a_refused_login_says_what_the_program_said() {
    let sitter = Sitter::new(120);
    let (_folder, setup) = setup("echo 'OAuth error: Invalid code'; exit 1", &sitter);
    let error = setup.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.message().contains("Invalid code") && error.message().contains("exited with 1"), "{error}");
    assert!(sitter.is_as_before());
}

#[tokio::test]
async fn a_single_last_word_is_quoted() {
    let sitter = Sitter::new(120);
    let (_folder, setup) = setup("printf 'Refused.\\r\\n'; exit 2", &sitter);
    let error = setup.run().await.unwrap_err();
    assert!(error.message().contains("exited with 2") && error.message().contains("Refused."), "{error}");
}

#[tokio::test]
async fn what_the_person_typed_is_in_no_error() {
    let sitter = Sitter::new(60);
    // As the terminal echoes it, masked but for its end, and wrapped.
    let script = r#"read code; printf 'Got %s\r\n*****%s\r\n' "$code" "${code#test-cana}"
        printf 'Invalid code: test-canary\r\n-0123#can\r\nary-4567 (400)'; exit 1"#;
    let (_folder, setup) = setup(script, &sitter);
    sitter.types("test-canary-0123#canary-4567\n");
    let error = setup.run().await.unwrap_err();
    let told = format!("{error} {error:?} {}", error.message());
    assert!(told.contains("Invalid code") && told.contains("(400)"), "{told}");
    for part in ["canary", "0123", "4567", "ary"] {
        assert!(!told.contains(part), "{part}: {told}");
    }
}

#[tokio::test]
async fn a_token_of_a_wrong_kind_is_none() {
    let sitter = Sitter::new(120);
    let (_folder, setup) = setup("echo sk-ant-sid01-canary0123456789canary0123456789; echo", &sitter);
    let error = setup.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_in_time() {
    let sitter = Sitter::new(120);
    let (_folder, setup) = setup("echo waiting; sleep 600", &sitter);
    let error = ProgramSetup { limit: Duration::from_millis(300), ..setup }.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(sitter.saw().contains("waiting") && sitter.is_as_before());
}

#[tokio::test]
async fn control_c_gives_up() {
    let sitter = Sitter::new(120);
    let (_folder, setup) = setup("sleep 600", &sitter);
    let run = tokio::spawn(async move { setup.run().await });
    // Typed once the terminal hands on keys: before that, it would make a signal of it.
    while sitter.is_as_before() {
        tokio::task::yield_now().await;
    }
    sitter.types("\u{3}");
    assert_eq!(run.await.unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(sitter.is_as_before());
}

#[tokio::test]
async fn without_a_terminal_it_says_what_to_do() {
    let sitter = Sitter::new(120);
    let (folder, setup) = setup("exit 0", &sitter);
    for terminal in [folder.path().join("missing"), folder.path().join("claude"), "/dev/null".into()] {
        let error = ProgramSetup { terminal: terminal.into(), ..setup.clone() }.run().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.message().contains("madrigal auth setup-token"), "{error}");
    }
}
