//! A person logs in: the code they type and the token that comes of it stay where they belong, also when the login goes wrong.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use madrigal::{
    ErrorKind, Result,
    auth::{AuthConfig, AuthManager, FileTokenStore, HostTerminal, ProgramSetup},
};

use crate::{
    place::{Place, holders},
    seen::{CANARY, Seen},
};

/// What is typed; none of it is a word of the program.
const CODE: &str = "test-canary-7Hk2Zu#test-canary-Q9wzXv";

/// Longer than a line of a terminal with a hundred columns.
fn token(of: &str) -> String {
    format!("sk-ant-oat01-{}AA", format!("test-canary-of-{of}_0123456789-").repeat(4))
}

/// A login: the program that is run for it, and who sits before it.
struct Login<'a> {
    place: &'a Place,
    seen: Seen,
    drawn: Arc<Mutex<String>>,
    limit: Duration,
}

impl<'a> Login<'a> {
    fn new(place: &'a Place) -> Self {
        Self { place, seen: Seen::default(), drawn: Arc::default(), limit: Duration::from_secs(60) }
    }

    fn home(&self) -> std::path::PathBuf {
        self.place.0.join("home")
    }

    /// A manager that gets its token from a program that does this, with this typed.
    fn manager(&self, does: &str, typed: &str) -> AuthManager {
        let path = self.place.before(&format!("stty raw -echo 2>/dev/null\n{does}\nexit 7"));
        let drawn = Arc::clone(&self.drawn);
        let terminal = HostTerminal::new(move |text| drawn.lock().unwrap().push_str(text));
        terminal.type_text(typed);
        let setup = ProgramSetup {
            cli_path: Some(path),
            env: vec![("TEST_SERVICE_TOKEN".into(), "test-canary-of-the-environment".into())],
            limit: self.limit,
            terminal: terminal.clone().into(),
            ..ProgramSetup::default()
        };
        self.seen.text("a set-up", format!("{setup:?} {terminal:?}"));
        let config = AuthConfig {
            env: [("TEST_OTHER_TOKEN".into(), "test-canary-of-manager-env".into())].into(),
            store: Some(Arc::new(FileTokenStore::new(self.home().join("token.json")))),
            setup: Some(Arc::new(setup)),
            cli_login: false,
            ..AuthConfig::default()
        };
        self.seen.text("the options of a manager", format!("{config:?}"));
        AuthManager::new(config).unwrap()
    }

    async fn run(&self, does: &str, typed: &str) -> Result<AuthManager> {
        let manager = self.manager(does, typed);
        let done = manager.setup_token().await;
        self.seen.text("a manager", format!("{manager:?}"));
        let credential = done.inspect_err(|error| self.seen.error(error))?;
        self.seen.text("a credential", format!("{credential:?} {}", credential.to_json()));
        self.seen.text("its hint", credential.secret.as_ref().unwrap().hint());
        self.seen.text("its status", serde_json::json!(manager.status().await?).to_string());
        Ok(manager)
    }

    /// What the person saw; also as if no line were wrapped.
    fn drawn(&self) -> String {
        let drawn = self.drawn.lock().unwrap().clone();
        self.seen.text("the screen", drawn.clone());
        self.seen.text("the screen in one line", drawn.replace(['\r', '\n'], ""));
        drawn
    }
}

/// The token in colours and wrapped, again as a redraw does, and as the title of the window.
fn shows(token: &str) -> String {
    let (one, two) = token.split_at(94);
    format!(
        "printf '\\r\\n\\033[32m{one}\\r\\n{two}\\033[0m\\r\\n\\r\\n{one}\\r\\n{two} \\r\\nStore it.\\r\\n\\033]0;{token}\\007 end\\r\\n'\nexit 0"
    )
}

/// Takes the code as `$code`.
fn reads() -> String {
    format!("printf 'Paste it here > '\ncode=$(dd bs=1 count={} 2>/dev/null)", CODE.len())
}

#[tokio::test]
async fn a_login_that_goes_well() {
    let place = Place::new();
    let login = Login::new(&place);
    // Another one takes the place of the first, of which nothing is left.
    for of in ["setup", "again"] {
        let does = format!("{}\n{}", reads(), shows(&token(of)));
        let manager = login.run(&does, &format!("{CODE}\n")).await.unwrap();
        assert_eq!(manager.get_token().await.unwrap().expose(), token(of));
        // Where it belongs, and nowhere beside it.
        assert_eq!(holders(&login.home()), [("token.json".to_owned(), 0o600)]);
        let kept = fs::read_to_string(login.home().join("token.json")).unwrap();
        assert!(kept.contains(&token(of)) && kept.matches(CANARY).count() == 4, "{kept}");
    }
    let drawn = login.drawn();
    assert!(drawn.contains("sk-ant-oat01-test-ca**") && drawn.contains("Store it."), "{drawn}");
    login.manager("", "").clear().await.unwrap();
    assert_eq!(holders(&login.home()), []);
    login.seen.is_clean(12);
}

#[tokio::test]
async fn a_login_that_goes_wrong() {
    let place = Place::new();
    for (code, does, says) in [
        (CODE, "printf 'Invalid code: %s\\r\\n' \"$code\"; exit 1", "Invalid code: ..."),
        (CODE, "printf 'test-canary-7Hk2Zu#te\\r\\nst-canary-Q9wzXv is wrong\\r\\n'; exit 1", "... is wrong"),
        // Of what was not typed.
        ("", "printf 'no %s is known\\r\\n' \"$TEST_SERVICE_TOKEN\"; exit 3", "no ... is known"),
        ("", "printf 'no test-canary-of-manager-env is known\\r\\n'; exit 3", "no ... is known"),
        ("", "printf 'got sk-ant-oat09-test-canary-of-another-kind\\r\\n'; exit 0", "got sk-ant-..."),
        ("", "printf 'got sk-ant-oat01-test-canary\\r\\n'; exit 0", "got sk-ant-..."),
    ] {
        let login = Login::new(&place);
        let takes = if code.is_empty() { String::new() } else { reads() };
        let error = login.run(&format!("{takes}\n{does}"), code).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
        assert!(error.to_string().contains(says), "{does}: {error}");
        assert_eq!(holders(&login.home()), [], "{does}");
        login.seen.is_clean(5);
    }
}

#[tokio::test]
async fn a_login_that_hangs() {
    let place = Place::new();
    // Until it was long enough to say something.
    for limit in [500, 5_000, 50_000] {
        let login = Login { limit: Duration::from_millis(limit), ..Login::new(&place) };
        let does = format!("{}\nprintf 'Invalid code: %s\\r\\n' \"$code\"; exec sleep 600", reads());
        let error = login.run(&does, CODE).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        login.seen.is_clean(5);
        if error.to_string().contains("Invalid code: ...") {
            return;
        }
    }
    panic!("the program said nothing");
}

#[tokio::test]
async fn a_login_that_is_given_up() {
    let place = Place::new();
    let login = Login::new(&place);
    let error = login.run("exec sleep 600", &format!("{CODE}\u{3}")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    // A place that cannot be written is told before anybody types anything, or behind it; the token is in no word of that.
    fs::remove_dir_all(login.home()).unwrap();
    fs::write(login.home(), "no directory").unwrap();
    let error = login
        .run(&format!("{}\n{}", reads(), shows(&token("setup"))), &format!("{CODE}\n"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("token.json"), "{error}");
    login.drawn();
    assert!(
        Path::new(&login.home()).is_file() && !fs::read_to_string(login.home()).unwrap().contains(CANARY)
    );
    login.seen.is_clean(10);
}
