//! What callers of the manager see, with stores and set-ups made up and the clock stood still.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use super::{
    AuthConfig, AuthManager, FileTokenStore, MemoryTokenStore, Method, NewToken, Secret, StoredToken,
    TokenSetup, TokenStore, Verdict,
};
use crate::{
    Error, ErrorKind, Result,
    resilience::{Clock as _, VirtualClock},
    store::PrivateDir,
    transport::BoxFuture,
};

/// Hands out token after token.
#[derive(Default)]
struct Desk {
    made: AtomicUsize,
    person: bool,
    closed: bool,
}

fn token(number: usize) -> String {
    format!("sk-ant-oat01-test-test-test-test-{number}")
}

impl TokenSetup for Desk {
    fn new_token(&self) -> BoxFuture<'_, Result<NewToken>> {
        let number = self.made.fetch_add(1, Ordering::SeqCst) + 1;
        let closed = self.closed;
        Box::pin(async move {
            // Others get their turn: what is not single-flight shows.
            tokio::task::yield_now().await;
            if closed {
                Err(Error::new(ErrorKind::Auth, "refused"))
            } else {
                Ok(Secret::from(token(number).as_str()).into())
            }
        })
    }

    fn is_interactive(&self) -> bool {
        self.person
    }
}

/// Nothing of this machine's counts.
fn alone() -> BTreeMap<String, String> {
    let home = "/nonexistent".to_owned();
    let mut env: BTreeMap<String, String> =
        ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "CI"]
            .into_iter()
            .map(|name| (name.to_owned(), String::new()))
            .collect();
    env.insert("HOME".into(), home);
    env
}

fn config(store: &Arc<impl TokenStore>, desk: &Arc<Desk>, clock: &VirtualClock) -> AuthConfig {
    AuthConfig {
        env: alone(),
        store: Some(store.clone()),
        setup: Some(desk.clone()),
        clock: Some(Arc::new(clock.clone())),
        cli_login: false,
        ..AuthConfig::default()
    }
}

struct Scene {
    store: Arc<MemoryTokenStore>,
    desk: Arc<Desk>,
    clock: VirtualClock,
}

impl Scene {
    fn new(desk: Desk) -> Self {
        let clock = VirtualClock::new();
        clock.set_wall(Duration::from_secs(1_800_000_000));
        Self { store: Arc::new(MemoryTokenStore::new()), desk: Arc::new(desk), clock }
    }

    fn manager(&self) -> AuthManager {
        AuthManager::new(config(&self.store, &self.desk, &self.clock)).unwrap()
    }

    fn made(&self) -> usize {
        self.desk.made.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn many_who_ask_at_once_get_one_token() {
    let scene = Scene::new(Desk::default());
    let manager = scene.manager();
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let manager = manager.clone();
            tokio::spawn(async move { manager.get_token().await.unwrap() })
        })
        .collect();
    for answer in asked {
        assert_eq!(answer.await.unwrap().expose(), token(1));
    }
    let renewals: Vec<_> = (0..20)
        .map(|_| {
            let manager = manager.clone();
            tokio::spawn(async move { manager.refresh_token().await.unwrap() })
        })
        .collect();
    for answer in renewals {
        assert_eq!(answer.await.unwrap().secret.unwrap().expose(), token(2));
    }
    assert_eq!(scene.made(), 2);
}

#[tokio::test]
async fn it_is_there_after_a_restart() {
    let scene = Scene::new(Desk::default());
    scene.manager().setup_token().await.unwrap();
    let credential = scene.manager().ensure_authenticated().await.unwrap();
    assert_eq!((credential.method, credential.source.as_str()), (Method::OauthToken, "memory"));
    assert_eq!((credential.secret.unwrap().expose().to_owned(), scene.made()), (token(1), 1));
}

#[tokio::test]
async fn nobody_is_asked_where_nobody_is() {
    for (ci, interactive, asked) in
        [("", None, true), ("true", None, false), ("true", Some(true), true), ("", Some(false), false)]
    {
        let scene = Scene::new(Desk { person: true, ..Desk::default() });
        let mut config = config(&scene.store, &scene.desk, &scene.clock);
        config.env.insert("CI".into(), ci.into());
        config.interactive = interactive;
        let answer = AuthManager::new(config).unwrap().ensure_authenticated().await;
        assert_eq!((answer.is_ok(), scene.made()), (asked, usize::from(asked)), "CI={ci} {interactive:?}");
        if let Err(error) = answer {
            assert_eq!(error.kind(), ErrorKind::Auth);
            assert!(error.message().contains("setup-token"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_renewal_that_fails_leaves_the_old_token() {
    let scene = Scene::new(Desk { closed: true, ..Desk::default() });
    let old = StoredToken::new(token(9).as_str().into(), UNIX_EPOCH + scene.clock.wall()).unwrap();
    scene.store.save(&old).await.unwrap();
    let manager = scene.manager();
    assert!(manager.refresh_token().await.is_err());
    assert_eq!(manager.get_token().await.unwrap().expose(), token(9));
}

#[tokio::test]
async fn it_is_renewed_a_day_before_it_ends() {
    let scene = Scene::new(Desk::default());
    let manager = scene.manager();
    manager.ensure_authenticated().await.unwrap();
    let sleeps = async || {
        while scene.clock.next_alarm().is_none() {
            tokio::task::yield_now().await
        }
    };
    for day in 0..365 {
        assert_eq!(scene.made(), 1, "day {day}");
        for _ in 0..24 {
            sleeps().await;
            scene.clock.advance(Duration::from_secs(3600));
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        }
        if day == 363 {
            break;
        }
    }
    while scene.made() < 2 {
        tokio::task::yield_now().await;
    }
    while manager.get_token().await.unwrap().expose() != token(2) {
        tokio::task::yield_now().await;
    }
    drop(manager);
}

#[tokio::test]
async fn two_processes_that_renew_at_once_renew_once() {
    let folder = PrivateDir::new().unwrap();
    let scene = Scene::new(Desk::default());
    let managers: Vec<_> = (0..2)
        .map(|_| {
            // Each with a store of its own on the same file, as two processes have.
            let store = Arc::new(FileTokenStore::new(folder.path().join("token.json")));
            AuthManager::new(config(&store, &scene.desk, &scene.clock)).unwrap()
        })
        .collect();
    managers[0].setup_token().await.unwrap();
    assert_eq!(managers[1].get_token().await.unwrap().expose(), token(1));
    let renew = |manager: &AuthManager| {
        let manager = manager.clone();
        tokio::spawn(
            async move { manager.refresh_token().await.unwrap().secret.unwrap().expose().to_owned() },
        )
    };
    let (one, other) = (renew(&managers[0]), renew(&managers[1]));
    assert_eq!((one.await.unwrap(), other.await.unwrap()), (token(2), token(2)));
    assert_eq!(scene.made(), 2);
}

#[tokio::test]
async fn a_refused_key_is_passed_over_until_it_changes() {
    let scene = Scene::new(Desk::default());
    let mut config = config(&scene.store, &scene.desk, &scene.clock);
    config.credential = Some("test-first".into());
    config.env.insert("ANTHROPIC_API_KEY".into(), "test-second".into());
    let manager = AuthManager::new(config).unwrap();
    let first = manager.ensure_authenticated().await.unwrap();
    assert_eq!(first.source, "option");
    manager.refused(&first);
    assert_eq!(manager.ensure_authenticated().await.unwrap().source, "ANTHROPIC_API_KEY");
    let status = manager.status().await.unwrap();
    assert_eq!(status.considered[0].verdict, Verdict::Refused);
}

#[tokio::test]
async fn a_refused_token_of_the_store_is_renewed_and_not_taken_again() {
    let scene = Scene::new(Desk::default());
    scene.manager().setup_token().await.unwrap();
    let manager = scene.manager();
    let first = manager.ensure_authenticated().await.unwrap();
    manager.refused(&first);
    assert_eq!(manager.get_token().await.unwrap().expose(), token(2));
    assert_eq!(scene.made(), 2);
}

#[tokio::test]
async fn a_refused_token_is_the_reason_where_nothing_else_is_there() {
    let scene = Scene::new(Desk { person: true, ..Desk::default() });
    let mut config = config(&scene.store, &scene.desk, &scene.clock);
    (config.credential, config.interactive) = (Some("test-canary".into()), Some(false));
    let manager = AuthManager::new(config).unwrap();
    manager.refused(&manager.ensure_authenticated().await.unwrap());
    let error = manager.ensure_authenticated().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.message().contains("refused") && error.message().contains("option"), "{error}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn the_status_says_everything_but_the_secret() {
    let scene = Scene::new(Desk::default());
    let manager = scene.manager();
    let before = manager.status().await.unwrap();
    assert_eq!((before.authenticated, before.token_present, before.expires_at), (false, false, None));
    manager.setup_token().await.unwrap();
    let after = manager.status().await.unwrap();
    assert_eq!(
        (after.authenticated, after.method, after.time_until_expiry_hours),
        (true, Some("oauth_token"), Some(8760.0))
    );
    scene.clock.set_wall(scene.clock.wall() + Duration::from_secs(360 * 7));
    assert_eq!(manager.status().await.unwrap().time_until_expiry_hours, Some(8759.3));
    let shown = serde_json::to_string(&after).unwrap() + &format!("{after:?} {manager:?}");
    assert!(!shown.contains(&token(1)), "{shown}");
    manager.clear().await.unwrap();
    assert!(!manager.status().await.unwrap().authenticated);
}
