//! The file of a token, as others find it and as it is after a crash.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    time::SystemTime,
};

use super::{FileTokenStore, StoredToken, TokenStore as _};
use crate::{ErrorKind, store::PrivateDir};

fn token(text: &str) -> StoredToken {
    StoredToken::new(format!("sk-ant-oat01-{text}-test-test-test").as_str().into(), SystemTime::now())
        .unwrap()
}

fn store() -> (PrivateDir, FileTokenStore) {
    let folder = PrivateDir::new().unwrap();
    let store = FileTokenStore::new(folder.path().join("sdk/token.json"));
    (folder, store)
}

#[tokio::test]
async fn a_token_is_kept_and_only_its_owner_can_read_it() {
    let (_folder, store) = store();
    assert_eq!(store.load().await.unwrap(), None);
    store.clear().await.unwrap();
    for text in ["one", "two"] {
        store.save(&token(text)).await.unwrap();
        assert_eq!(store.load().await.unwrap().unwrap().token, token(text).token);
    }
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(store.path()), mode(store.path().parent().unwrap())), (0o600, 0o700));
    let left: Vec<_> = fs::read_dir(store.path().parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    store.clear().await.unwrap();
    assert_eq!(store.load().await.unwrap(), None);
}

#[tokio::test]
async fn what_others_can_read_is_refused() {
    let (_folder, store) = store();
    store.save(&token("canary")).await.unwrap();
    for mode in [0o644, 0o640, 0o602] {
        fs::set_permissions(store.path(), Permissions::from_mode(mode)).unwrap();
        let error = store.load().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.message().contains("chmod 600"), "{error}");
        assert!(store.save(&token("other")).await.is_err(), "nor is it written over");
    }
    fs::set_permissions(store.path(), Permissions::from_mode(0o600)).unwrap();
    assert_eq!(store.load().await.unwrap().unwrap().token, token("canary").token);
}

#[tokio::test]
async fn a_symbolic_link_is_not_followed() {
    let (folder, store) = store();
    let elsewhere = folder.path().join("elsewhere");
    let other = FileTokenStore::new(&elsewhere);
    other.save(&token("canary")).await.unwrap();
    fs::create_dir(store.path().parent().unwrap()).unwrap();
    symlink(&elsewhere, store.path()).unwrap();
    for error in [
        store.load().await.unwrap_err(),
        store.save(&token("x")).await.unwrap_err(),
        store.clear().await.unwrap_err(),
    ] {
        let says = error.message();
        assert!(says.contains("symbolic link") && says.contains("remove the link"), "{error}");
        assert!(!says.contains("auth clear"), "that refuses it, too: {error}");
    }
    assert!(elsewhere.exists());
}

#[tokio::test]
async fn a_broken_file_is_reported_and_left() {
    let (_folder, store) = store();
    store.save(&token("x")).await.unwrap();
    for text in ["", "{\"token\": \"canary", "[]", "{\"token\": 17}"] {
        fs::write(store.path(), text).unwrap();
        for error in [store.load().await.unwrap_err(), store.save(&token("y")).await.unwrap_err()] {
            assert_eq!(error.context()["corrupt"], true);
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
        assert_eq!(fs::read_to_string(store.path()).unwrap(), text);
    }
    store.clear().await.unwrap();
    store.save(&token("y")).await.unwrap();
}

#[tokio::test]
async fn a_directory_that_others_can_write_is_refused() {
    let (_folder, store) = store();
    store.save(&token("x")).await.unwrap();
    fs::set_permissions(store.path().parent().unwrap(), Permissions::from_mode(0o777)).unwrap();
    let error = store.save(&token("y")).await.unwrap_err();
    assert!(error.message().contains("chmod go-w"), "{error}");
}

#[tokio::test]
async fn a_file_of_another_user_is_refused() {
    let (_folder, store) = store();
    store.save(&token("x")).await.unwrap();
    // Only root can give a file away.
    if std::os::unix::fs::chown(store.path(), Some(65_534), None).is_err() {
        return;
    }
    for error in [store.load().await.unwrap_err(), store.save(&token("y")).await.unwrap_err()] {
        assert!(error.message().contains("belongs to another user (uid 65534"), "{error}");
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_is_said_to_be_none() {
    let (folder, _) = store();
    fs::write(folder.path().join("file"), "").unwrap();
    let store = FileTokenStore::new(folder.path().join("file/token.json"));
    for error in [
        store.load().await.unwrap_err(),
        store.save(&token("x")).await.unwrap_err(),
        store.clear().await.unwrap_err(),
        store.lock().await.map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.message().contains("could not be"), "{error}");
    }
    let standard = FileTokenStore::standard().unwrap();
    assert!(standard.path().ends_with(".claude_sdk/token.json") && standard.path().is_absolute());
}

#[tokio::test]
async fn a_pipe_in_its_place_is_not_waited_for() {
    let (_folder, store) = store();
    fs::create_dir(store.path().parent().unwrap()).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, store.path(), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(store.load().await.unwrap_err().message().contains("no plain file"));
}

#[tokio::test]
async fn the_lock_is_had_by_one_at_a_time() {
    let (_folder, store) = store();
    let held = store.lock().await.unwrap();
    let again = store.clone();
    let waiter = tokio::spawn(async move { again.lock().await.map(drop) });
    tokio::task::yield_now().await;
    assert!(!waiter.is_finished());
    drop(held);
    waiter.await.unwrap().unwrap();
}
