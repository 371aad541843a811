//! The file of a token between processes: a writer that is killed at any moment leaves the old token or the new one, and two that
//! renew at once renew once. The processes are this test program, started again.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests stop when they cannot go on")]
#![allow(clippy::print_stdout, reason = "its words are for the test that started it")]

use std::{
    fs::{self, OpenOptions},
    io::{BufRead, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use madrigal::{
    Result,
    auth::{
        AuthConfig, AuthManager, FileTokenStore, NewToken, Secret, StoredToken, TokenSetup, TokenStore as _,
    },
    transport::BoxFuture,
};

/// The file, for a process that plays the other part of a test.
const FILE: &str = "MADRIGAL_TEST_TOKEN_FILE";

/// How often a writer is killed.
const KILLS: u64 = 60;

fn token(number: u64) -> StoredToken {
    let text = format!("sk-ant-oat01-test-test-test-{number:08}");
    StoredToken::new(text.as_str().into(), SystemTime::now()).unwrap()
}

fn number(token: &StoredToken) -> u64 {
    token.token.expose().rsplit('-').next().unwrap().parse().unwrap()
}

/// A directory that is gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("madrigal-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("sdk/token.json")
    }

    /// What lies beside the token.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.join("sdk")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// This program again, for the other part of a test.
fn play(test: &str, file: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(FILE, file);
    for name in ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"] {
        command.env(name, "");
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// Reads until a line that ends with this word; what is before it in the line is the test program's own.
fn hears(output: &mut impl BufRead, word: &str) -> String {
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        if let Some((_, said)) = line.trim_end().split_once(word) {
            return said.to_owned();
        }
        line.clear();
    }
    panic!("the process ended before it said {word}");
}

/// The file, in a process that plays the other part of a test.
fn file() -> Option<PathBuf> {
    std::env::var_os(FILE).map(PathBuf::from)
}

async fn writes_without_end(file: PathBuf) {
    let store = FileTokenStore::new(file);
    let mut next = store.load().await.unwrap().map_or(0, |token| number(&token));
    loop {
        next += 1;
        store.save(&token(next)).await.unwrap();
        println!("saved={next}");
    }
}

#[tokio::test]
async fn a_writer_that_is_killed_loses_no_token() {
    if let Some(file) = file() {
        return writes_without_end(file).await;
    }
    let folder = Folder::new("killed-writer");
    let store = FileTokenStore::new(folder.file());
    store.save(&token(0)).await.unwrap();
    let mut random = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos().into();
    let seed = random;
    for kill in 0..KILLS {
        let mut writer = play("a_writer_that_is_killed_loses_no_token", &folder.file());
        let mut said = BufReader::new(writer.stdout.take().unwrap());
        let first: u64 = hears(&mut said, "saved=").parse().unwrap();
        // Somewhere in one of the next writes: which moment is what is tried, so it need not be the same each time.
        random = u64::wrapping_add(
            u64::wrapping_mul(random, 6_364_136_223_846_793_005),
            1_442_695_040_888_963_407,
        );
        let until = Instant::now() + Duration::from_micros((random >> 33) % 4_000);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let mut rest = String::new();
        said.read_to_string(&mut rest).unwrap();
        let last = rest.lines().filter_map(|line| line.strip_prefix("saved=")?.parse().ok()).next_back();
        let last: u64 = last.unwrap_or(first);
        let found = store.load().await.unwrap_or_else(|error| panic!("kill {kill} of {seed}: {error}"));
        let found = number(&found.unwrap_or_else(|| panic!("kill {kill} of {seed}: the token is gone")));
        assert!(found == last || found == last + 1, "kill {kill} of {seed}: told of {last}, found {found}");
    }
    // What they left has tokens in it as well.
    let left = folder.names().iter().filter(|name| name.as_str() != "token.json").count();
    let survivor = folder.file().with_file_name(format!(".token.json.{}", "0".repeat(32)));
    fs::write(&survivor, "half of a token").unwrap();
    store.save(&token(1)).await.unwrap();
    assert!(survivor.exists(), "one that may still be written is left alone");
    store.clear().await.unwrap();
    assert_eq!(folder.names(), Vec::<String>::new(), "{left} were left by the killed");
}

/// Hands out a token and notes that it did.
struct Desk(PathBuf);

impl TokenSetup for Desk {
    fn new_token(&self) -> BoxFuture<'_, Result<NewToken>> {
        let mut notes =
            OpenOptions::new().create(true).append(true).open(self.0.with_extension("made")).unwrap();
        writeln!(notes, "{}", std::process::id()).unwrap();
        let text = format!("sk-ant-oat01-test-test-test-{:08}", std::process::id());
        Box::pin(async move { Ok(Secret::from(text.as_str()).into()) })
    }
}

async fn renews_once_it_is_told(file: PathBuf) {
    let manager = AuthManager::new(AuthConfig {
        store: Some(Arc::new(FileTokenStore::new(&file))),
        setup: Some(Arc::new(Desk(file))),
        cli_login: false,
        ..AuthConfig::default()
    });
    let manager = manager.unwrap();
    manager.ensure_authenticated().await.unwrap();
    println!("ready=");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    println!("renewed={}", manager.refresh_token().await.unwrap().fingerprint());
}

#[tokio::test]
async fn two_processes_that_renew_at_once_renew_once() {
    if let Some(file) = file() {
        return renews_once_it_is_told(file).await;
    }
    let folder = Folder::new("two-renew");
    let store = FileTokenStore::new(folder.file());
    let old = token(0);
    store.save(&old).await.unwrap();
    let mut processes: Vec<_> = (0..2)
        .map(|_| {
            let mut process = play("two_processes_that_renew_at_once_renew_once", &folder.file());
            let said = BufReader::new(process.stdout.take().unwrap());
            (process, said)
        })
        .collect();
    for (_, said) in &mut processes {
        hears(said, "ready=");
    }
    // Both know the old token, and both are told before either can begin.
    let lock = store.lock().await.unwrap();
    for (process, _) in &mut processes {
        process.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    drop(lock);
    let renewed: Vec<_> = processes.iter_mut().map(|(_, said)| hears(said, "renewed=")).collect();
    for (mut process, _) in processes {
        assert!(process.wait().unwrap().success());
    }
    let stored = store.load().await.unwrap().unwrap();
    assert_ne!(stored.token, old.token);
    assert_eq!(renewed, [stored.token.fingerprint(), stored.token.fingerprint()]);
    let made = fs::read_to_string(folder.file().with_extension("made")).unwrap();
    assert_eq!(made.lines().count(), 1, "one of them got the token: {made}");
}
