//! A token in a real keyring: there, and nowhere else. (The file of a token: `setup`.)

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use madrigal::{
    Result,
    auth::{
        AuthConfig, AuthManager, AutoTokenStore, Environment, KeyringTokenStore, NewToken, Secret,
        TokenSetup, TokenStore,
    },
    transport::BoxFuture,
};
use serde_json::json;

use crate::{
    place::{Place, holders, options, run},
    seen::Seen,
};

/// A way to get a token.
struct Giver;

impl TokenSetup for Giver {
    fn new_token(&self) -> BoxFuture<'_, Result<NewToken>> {
        Box::pin(std::future::ready(Ok(Secret::from("sk-ant-oat01-test-canary-of-keyring").into())))
    }
}

/// A keyring on a bus of its own; gone when dropped.
struct Keyring(Child, String);

impl Keyring {
    fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../keyring/session");
        let mut child = Command::new(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self(child, address.trim().to_owned())
    }

    /// Where it keeps what it has.
    fn folder(&self) -> PathBuf {
        let socket = self.1.strip_prefix("unix:path=").unwrap().split(',').next().unwrap();
        Path::new(socket).parent().unwrap().parent().unwrap().to_owned()
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_token_in_the_keyring_is_nowhere_else() {
    let keyring = Keyring::start();
    let place = Place::new();
    let seen = Seen::default();
    let home = place.0.display().to_string();
    let env = Environment::of([("DBUS_SESSION_BUS_ADDRESS", keyring.1.as_str()), ("HOME", &home)]);
    let steps = json!([{"await": {"type": "user"}}, {"init": {}}, {"result": {}}]);
    let stores: [Arc<dyn TokenStore>; 3] = [
        Arc::new(KeyringTokenStore::within("default", &env)),
        Arc::new(KeyringTokenStore::within("other", &env)),
        Arc::new(AutoTokenStore::within(&env).unwrap()),
    ];
    for store in stores {
        let config = AuthConfig {
            store: Some(store.clone()),
            setup: Some(Arc::new(Giver)),
            cli_login: false,
            ..AuthConfig::default()
        };
        let auth = AuthManager::new(config).unwrap();
        auth.setup_token().await.unwrap();
        seen.text("a manager", format!("{auth:?} {}", json!(auth.status().await.unwrap())));
        seen.text("a stored token", format!("{:?}", store.load().await.unwrap()));
        // It is there, and a run gets it.
        assert_eq!(
            store.load().await.unwrap().unwrap().token.expose(),
            "sk-ant-oat01-test-canary-of-keyring"
        );
        run(&seen, options(&place.0, place.talker(), &steps), &auth).await;
        // Neither beside the usual file, in the note that it is there, nor in plain words where the keyring keeps it.
        assert_eq!(holders(&place.0.join(".claude_sdk")), []);
        assert_eq!(holders(&keyring.folder()), []);
    }
    let names: Vec<_> =
        fs::read_dir(place.0.join(".claude_sdk")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(names.iter().any(|name| name == "token.keyring"), "{names:?}");
    // That is what was searched.
    let kept = keyring.folder().join("home/.local/share/keyrings/login.keyring");
    assert!(fs::metadata(&kept).unwrap().len() > 0);
    seen.is_clean(20);
}
