//! A real keyring (GNOME Keyring on a D-Bus of its own, started by `tests/keyring/session`), and a made-up one for what a real one does only
//! when a person sits before a screen.

#![cfg(all(feature = "keyring", target_os = "linux"))]

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    pin::Pin,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_core::Stream as _;
use zbus::{Connection, Message, MessageStream, OwnedObjectPath, Variant, connection};

use super::*;
use crate::{
    auth::{AuthConfig, AuthManager, AuthSource, AutoTokenStore, NewToken, TokenSetup, Verdict},
    store::PrivateDir,
};

/// A D-Bus that ends with it.
struct Bus {
    session: Child,
    address: String,
    home: PrivateDir,
}

impl Bus {
    fn start(arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/keyring/session");
        let mut session = Command::new(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(session.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        assert!(!address.is_empty(), "tests/keyring/session has no bus: see what it printed");
        Self { session, address: address.trim().to_owned(), home: PrivateDir::new().unwrap() }
    }

    fn env(&self) -> Environment {
        let home = self.home.path().to_str().unwrap();
        Environment::of([("DBUS_SESSION_BUS_ADDRESS", self.address.as_str()), ("HOME", home)])
    }

    fn store(&self) -> KeyringTokenStore {
        KeyringTokenStore::within("default", &self.env())
    }

    fn auto(&self) -> AutoTokenStore {
        AutoTokenStore::within(&self.env()).unwrap()
    }

    fn file(&self) -> FileTokenStore {
        FileTokenStore::within(&self.env()).unwrap()
    }

    fn has(&self, name: &str) -> bool {
        self.home.path().join(".claude_sdk").join(name).exists()
    }

    async fn connect(&self) -> Connection {
        connection::Builder::address(self.address.as_str()).build().await.unwrap()
    }

    /// How many secrets have the attributes that are documented.
    async fn items(&self, place: &Place) -> usize {
        let attributes = HashMap::from([("application", "madrigal"), ("account", place.account.as_str())]);
        let (service, root) = ("org.freedesktop.secrets", "/org/freedesktop/secrets");
        let interface = "org.freedesktop.Secret.Service";
        let reply = self.connect().await;
        let reply =
            reply.call_method(Some(service), root, Some(interface), "SearchItems", &(attributes,)).await;
        let reply = reply.unwrap();
        let (open, _): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) = reply.body().deserialize().unwrap();
        open.len()
    }

    async fn lock(&self) {
        let path = OwnedObjectPath::try_from("/org/freedesktop/secrets/collection/login").unwrap();
        let (service, root) = ("org.freedesktop.secrets", "/org/freedesktop/secrets");
        let interface = "org.freedesktop.Secret.Service";
        let bus = self.connect().await;
        bus.call_method(Some(service), root, Some(interface), "Lock", &(vec![path],)).await.unwrap();
    }

    /// A manager that finds nothing of this machine.
    fn manager(&self, interactive: bool, store: Option<Arc<dyn TokenStore>>) -> AuthManager {
        let home = self.home.path().display().to_string();
        let mut env = [("DBUS_SESSION_BUS_ADDRESS", self.address.clone()), ("HOME", home)]
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec();
        let none = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "CI"];
        env.extend(none.map(|name| (name.to_owned(), String::new())));
        AuthManager::new(AuthConfig {
            env: env.into_iter().collect(),
            interactive: Some(interactive),
            cli_login: false,
            store,
            ..AuthConfig::default()
        })
        .unwrap()
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        drop(self.session.stdin.take());
        self.session.wait().unwrap();
    }
}

fn token(text: &str) -> StoredToken {
    StoredToken::new(format!("sk-ant-oat01-{text}-test-test-test").as_str().into(), SystemTime::now())
        .unwrap()
}

fn word(error: &Error) -> &str {
    assert_eq!(error.kind(), crate::ErrorKind::Auth);
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    error.context()["keyring"].as_str().unwrap()
}

#[tokio::test]
async fn a_token_is_kept_replaced_and_forgotten() {
    let bus = Bus::start(&[]);
    let (store, other) = (bus.store(), KeyringTokenStore::within("other", &bus.env()));
    assert_eq!(store.load().await.unwrap(), None);
    store.clear().await.unwrap();
    other.save(&token("other")).await.unwrap();
    assert!(!bus.has("token.keyring"), "sessions use the usual account only");
    for text in ["one", "two"] {
        store.save(&token(text)).await.unwrap();
        assert_eq!(bus.store().load().await.unwrap().unwrap().token, token(text).token);
    }
    assert!(bus.has("token.keyring") && !bus.has("token.json"));
    assert_eq!(bus.items(&store.place).await, 1, "replaced, not added");
    store.clear().await.unwrap();
    assert_eq!(store.load().await.unwrap(), None);
    assert!(!bus.has("token.keyring"));
    assert_eq!(other.load().await.unwrap().unwrap().token, token("other").token);
}

#[tokio::test]
async fn what_is_no_token_is_reported_and_left() {
    let bus = Bus::start(&[]);
    let store = bus.store();
    secret_service::save(&store.place, b"{\"token\": \"canary").await.unwrap();
    for error in [store.load().await.unwrap_err(), store.save(&token("x")).await.unwrap_err()] {
        assert_eq!((word(&error), &error.context()["corrupt"]), ("corrupt", &Value::Bool(true)));
    }
    assert_eq!(word(&bus.auto().load().await.unwrap_err()), "corrupt");
    store.clear().await.unwrap();
    store.save(&token("x")).await.unwrap();
}

#[tokio::test]
async fn a_locked_keyring_is_an_error_until_it_is_unlocked() {
    let bus = Bus::start(&[]);
    let store = bus.store();
    store.save(&token("canary")).await.unwrap();
    bus.lock().await;
    for error in [
        store.load().await.unwrap_err(),
        store.save(&token("canary")).await.unwrap_err(),
        store.clear().await.unwrap_err(),
    ] {
        assert_eq!(word(&error), "locked");
        assert!(error.message().contains("unlock it"), "{error}");
    }
    // Nobody can be asked here: there is no screen.
    assert_eq!(word(&store.unlock().await.unwrap_err()), "dismissed");
    // Status tells and asks nobody; a start says what to do.
    let auth = bus.manager(false, None);
    let status = auth.status().await.unwrap();
    assert_eq!((status.authenticated, status.store.as_str()), (false, "keyring"));
    assert!(
        status
            .considered
            .iter()
            .any(|place| place.verdict == Verdict::Invalid && place.reason.contains("locked"))
    );
    assert_eq!(word(&auth.ensure_authenticated().await.unwrap_err()), "locked");
    let asked = bus.manager(true, Some(Arc::new(bus.store())));
    for expected in ["dismissed", "locked"] {
        assert_eq!(word(&asked.ensure_authenticated().await.unwrap_err()), expected, "asked once only");
    }
}

/// Writes down that it was asked.
struct Counted(std::path::PathBuf);

impl TokenSetup for Counted {
    fn new_token(&self) -> BoxFuture<'_, Result<NewToken>> {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(&self.0).unwrap();
        file.write_all(b"x").unwrap();
        Box::pin(std::future::ready(Ok(NewToken { token: token("new").token, expires_at: None })))
    }
}

#[tokio::test]
async fn two_processes_that_renew_at_once_renew_once() {
    if let (Ok(address), Ok(home)) = (std::env::var("MADRIGAL_TEST_BUS"), std::env::var("MADRIGAL_TEST_HOME"))
    {
        return renews(&address, &home).await;
    }
    let bus = Bus::start(&[]);
    bus.store().save(&token("old")).await.unwrap();
    let mut children = ["one", "two"].map(|_| {
        Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "auth::store::keyring::tests::two_processes_that_renew_at_once_renew_once",
                "--nocapture",
            ])
            .env("MADRIGAL_TEST_BUS", &bus.address)
            .env("MADRIGAL_TEST_HOME", bus.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    });
    let mut says = children.each_mut().map(|child| BufReader::new(child.stdout.take().unwrap()).lines());
    let mut until = |word: &str| {
        for lines in &mut says {
            lines.find(|line| line.as_ref().unwrap().contains(word)).unwrap().unwrap();
        }
    };
    until("knows sk-ant-oat01-old-test-test-test");
    for child in &mut children {
        child.stdin.take().unwrap().write_all(b"now\n").unwrap();
    }
    until("has sk-ant-oat01-new-test-test-test");
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(std::fs::read(bus.home.path().join("asked")).unwrap(), b"x");
}

/// What each of the two does.
#[allow(clippy::print_stdout, reason = "it talks to the test")]
async fn renews(address: &str, home: &str) {
    let env = Environment::of([("DBUS_SESSION_BUS_ADDRESS", address), ("HOME", home)]);
    let none = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];
    let auth = AuthManager::new(AuthConfig {
        env: none.map(|name| (name.to_owned(), String::new())).into(),
        store: Some(Arc::new(KeyringTokenStore::within("default", &env))),
        setup: Some(Arc::new(Counted(Path::new(home).join("asked")))),
        auto_refresh: false,
        ..AuthConfig::default()
    });
    let auth = auth.unwrap();
    println!("knows {}", auth.get_token().await.unwrap().expose());
    std::io::stdin().read_line(&mut String::new()).unwrap();
    auth.refresh_token().await.unwrap();
    println!("has {}", auth.get_token().await.unwrap().expose());
}

#[tokio::test]
async fn where_there_is_no_keyring_it_is_said_and_the_file_is_used() {
    let bus = Bus::start(&["--bare"]);
    assert_eq!(word(&bus.store().load().await.unwrap_err()), "no_service");
    assert_eq!(word(&bus.store().unlock().await.unwrap_err()), "no_service");
    let home = bus.home.path().to_str().unwrap();
    for address in ["", "unix:path=/nowhere/at/all"] {
        let env = Environment::of([("DBUS_SESSION_BUS_ADDRESS", address), ("HOME", home)]);
        let store = KeyringTokenStore::within("default", &env);
        for error in [
            store.load().await.unwrap_err(),
            store.save(&token("canary")).await.unwrap_err(),
            store.clear().await.unwrap_err(),
            store.unlock().await.unwrap_err(),
        ] {
            assert_eq!(word(&error), "no_bus");
            assert!(error.message().contains("`file`"), "{error}");
        }
        let auth = bus.manager(false, Some(Arc::new(store)));
        assert_eq!(word(&auth.ensure_authenticated().await.unwrap_err()), "no_bus");
        let auto = AutoTokenStore::within(&env).unwrap();
        auto.clear().await.unwrap();
        auto.unlock().await.unwrap();
        assert_eq!(auto.load().await.unwrap(), None);
        auto.save(&token("file")).await.unwrap();
        assert_eq!(auto.load().await.unwrap().unwrap().token, token("file").token);
        assert_eq!(auto.name(), bus.file().name());
    }
    assert!(bus.has("token.json") && !bus.has("token.keyring"));
}

#[tokio::test]
async fn without_a_choice_the_keyring_is_used_and_a_token_in_the_file_stays_there() {
    let bus = Bus::start(&[]);
    let auto = bus.auto();
    assert_eq!(auto.load().await.unwrap(), None);
    assert_eq!(auto.name(), "keyring");
    auto.save(&token("one")).await.unwrap();
    assert!(bus.has("token.keyring") && !bus.has("token.json"));
    assert_eq!(bus.auto().load().await.unwrap().unwrap().token, token("one").token);
    auto.clear().await.unwrap();
    assert!(!bus.has("token.keyring"));
    bus.file().save(&token("file")).await.unwrap();
    assert_eq!(auto.load().await.unwrap().unwrap().token, token("file").token);
    auto.save(&token("new")).await.unwrap();
    assert_eq!(auto.name(), bus.file().name());
    assert_eq!(bus.file().load().await.unwrap().unwrap().token, token("new").token);
    assert_eq!(bus.store().load().await.unwrap(), None);
}

#[tokio::test]
async fn a_token_that_cannot_go_into_the_keyring_is_not_lost() {
    let bus = Bus::start(&[]);
    bus.store().load().await.unwrap();
    bus.lock().await;
    let auto = bus.auto();
    auto.unlock().await.unwrap();
    auto.save(&token("one")).await.unwrap();
    assert_eq!(auto.name(), bus.file().name());
    assert_eq!(auto.load().await.unwrap().unwrap().token, token("one").token);
}

#[tokio::test]
async fn a_run_without_a_manager_finds_the_token_by_its_note() {
    let bus = Bus::start(&[]);
    let run = || async {
        let mut options = crate::Options::default();
        for (name, value) in
            [("DBUS_SESSION_BUS_ADDRESS", bus.address.as_str()), ("HOME", bus.home.path().to_str().unwrap())]
        {
            options.env.insert(name.to_owned(), value.to_owned());
        }
        AuthSource::Automatic.give(&mut options).await.unwrap();
        options.env.get("CLAUDE_CODE_OAUTH_TOKEN").cloned()
    };
    assert_eq!(run().await, None);
    bus.auto().save(&token("one")).await.unwrap();
    assert_eq!(run().await.unwrap(), token("one").token.expose());
    std::fs::remove_file(bus.home.path().join(".claude_sdk/token.keyring")).unwrap();
    assert_eq!(run().await, None, "no session asks D-Bus for what nobody put there");
}

#[tokio::test]
async fn one_process_at_a_time_changes_it() {
    let bus = Bus::start(&["--bare"]);
    let held = bus.store().lock().await.unwrap();
    let (keyring, file) = (bus.store(), bus.file());
    let waiters = [
        tokio::spawn(async move { keyring.lock().await.map(drop) }),
        tokio::spawn(async move { file.lock().await.map(drop) }),
    ];
    tokio::task::yield_now().await;
    assert!(waiters.iter().all(|waiter| !waiter.is_finished()));
    drop(held);
    for waiter in waiters {
        waiter.await.unwrap().unwrap();
    }
}

/// A keyring whose only collection is locked, and whose person answers like this, or not at all.
async fn made_up(bus: &Bus, answer: Option<bool>) -> Connection {
    let service = bus.connect().await;
    service.request_name("org.freedesktop.secrets").await.unwrap();
    let (ours, mut calls) = (service.clone(), MessageStream::from(&service));
    tokio::spawn(async move {
        let mut locked = true;
        while let Some(Ok(call)) =
            std::future::poll_fn(|context| Pin::new(&mut calls).poll_next(context)).await
        {
            let header = call.header();
            let path = |text| OwnedObjectPath::try_from(text).unwrap();
            let (here, nowhere) = (path("/org/freedesktop/secrets/collection/made_up"), path("/"));
            let nothing = Vec::<OwnedObjectPath>::new();
            let done = match header.member().map(|name| name.as_str()) {
                Some("SearchItems") => ours.reply(&header, &(&nothing, &nothing)).await,
                Some("ReadAlias") => ours.reply(&header, &(here,)).await,
                Some("Get") => ours.reply(&header, &(Variant::from(locked),)).await,
                Some("Unlock") => ours.reply(&header, &(nothing, path("/prompt"))).await,
                Some("Prompt") => {
                    ours.reply(&header, &()).await.unwrap();
                    let Some(dismissed) = answer else { continue };
                    locked = dismissed;
                    let signal = Message::signal("/prompt", "org.freedesktop.Secret.Prompt", "Completed");
                    ours.send(&signal.build(&(dismissed, Variant::from(""))).unwrap()).await
                }
                // It never answers.
                Some("OpenSession") => continue,
                _ => ours.reply(&header, &(nowhere,)).await,
            };
            done.unwrap();
        }
    });
    service
}

#[tokio::test]
async fn the_person_is_asked_and_the_answer_counts() {
    for (answer, expected) in
        [(Some(false), None), (Some(true), Some("dismissed")), (None, Some("nobody_answered"))]
    {
        let bus = Bus::start(&["--bare"]);
        let keyring = made_up(&bus, answer).await;
        let mut store = bus.store();
        if answer.is_none() {
            store.person_limit = Duration::from_millis(50);
        }
        assert_eq!(word(&store.load().await.unwrap_err()), "locked");
        let unlocked = store.unlock().await;
        assert_eq!(unlocked.as_ref().err().map(word), expected);
        if expected.is_none() {
            assert_eq!(store.load().await.unwrap(), None);
        }
        drop(keyring);
    }
}

#[tokio::test]
async fn one_that_says_nothing_is_not_waited_for() {
    let bus = Bus::start(&["--bare"]);
    let _keyring = made_up(&bus, Some(false)).await;
    let mut store = bus.store();
    store.unlock().await.unwrap();
    store.limit = Duration::from_millis(50);
    assert_eq!(word(&store.save(&token("canary")).await.unwrap_err()), "silent");
}
