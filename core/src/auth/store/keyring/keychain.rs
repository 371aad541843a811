//! The keyring of macOS: the login keychain, through the store of `keyring-core` for it. It blocks, so each operation has a thread; the
//! caller stops waiting for it after its limit.
//!
//! The tests run the same functions on Linux, with the store that `keyring-core` makes up.

use keyring_core::{Entry, Error as Refusal, api::CredentialStoreApi};

use super::{Place, Trouble};

/// What it has, if it has one. The system itself asks the person when it is locked, or when another program kept it.
pub(super) async fn load(place: &Place) -> Result<Option<Vec<u8>>, Trouble> {
    within(place, |entry| match entry.get_secret() {
        Err(Refusal::NoEntry) => Ok(None),
        secret => secret.map(Some),
    })
    .await
}

/// Keeps it, in the place of what is there.
pub(super) async fn save(place: &Place, secret: &[u8]) -> Result<(), Trouble> {
    let secret = zeroize::Zeroizing::new(secret.to_vec());
    within(place, move |entry| entry.set_secret(&secret)).await
}

/// Forgets it.
pub(super) async fn clear(place: &Place) -> Result<(), Trouble> {
    within(place, |entry| match entry.delete_credential() {
        Err(Refusal::NoEntry) => Ok(()),
        done => done,
    })
    .await
}

/// Has the system ask the person for the password.
pub(super) async fn unlock(_: &Place) -> Result<(), Trouble> {
    #[cfg(target_os = "macos")]
    blocking(|| {
        let opened = security_framework::os::macos::keychain::SecKeychain::default()
            .and_then(|mut keychain| keychain.unlock(None));
        opened.map_err(|error| trouble(&Refusal::PlatformFailure(Box::new(error))))
    })
    .await?;
    Ok(())
}

/// Does this with the entry of the place: `application` is the service, `account` the user.
async fn within<T: Send + 'static>(
    place: &Place,
    work: impl FnOnce(&Entry) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Trouble> {
    let place = place.clone();
    blocking(move || {
        let entry = system().and_then(|store| store.build(place.application, &place.account, None));
        entry.and_then(|entry| work(&entry)).map_err(|refusal| trouble(&refusal))
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => Err(Trouble::Failed("its library came to no end".into())),
    }
}

#[cfg(not(test))]
fn system() -> Result<impl std::ops::Deref<Target = impl CredentialStoreApi>, Refusal> {
    apple_native_keyring_store::keychain::Store::new()
}

/// What the store says is wrong, as a person is told. The words of the system are kept; what it holds is not among them.
fn trouble(refusal: &Refusal) -> Trouble {
    #[cfg(target_os = "macos")]
    if let Refusal::PlatformFailure(error) = refusal {
        // SecBase.h: errSecAuthFailed, errSecInteractionNotAllowed, errSecInteractionRequired; errSecUserCanceled.
        match error.downcast_ref::<security_framework::base::Error>().map(|error| error.code()) {
            Some(-25293 | -25308 | -25315) => return Trouble::Locked { stored: false },
            Some(-128) => return Trouble::Dismissed,
            _ => {}
        }
    }
    match refusal {
        Refusal::NoStorageAccess(error) => Trouble::NoAccess(error.to_string()),
        Refusal::BadEncoding(_) | Refusal::BadDataFormat(..) | Refusal::BadStoreFormat(_) => {
            Trouble::Corrupt(None)
        }
        Refusal::PlatformFailure(error) => Trouble::Failed(error.to_string()),
        other => Trouble::Failed(other.to_string()),
    }
}

#[cfg(test)]
fn system() -> Result<std::sync::Arc<keyring_core::mock::Store>, Refusal> {
    static MADE_UP: std::sync::OnceLock<std::sync::Arc<keyring_core::mock::Store>> =
        std::sync::OnceLock::new();
    if let Some(store) = MADE_UP.get() {
        return Ok(store.clone());
    }
    let store = keyring_core::mock::Store::new()?;
    Ok(MADE_UP.get_or_init(|| store).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(account: &str) -> Place {
        Place { bus: None, application: "madrigal", account: account.to_owned(), label: String::new() }
    }

    /// The next thing that is asked of this entry fails so.
    fn refuses(place: &Place, refusal: Refusal) {
        let entry = system().unwrap().build(place.application, &place.account, None).unwrap();
        entry.as_any().downcast_ref::<keyring_core::mock::Cred>().unwrap().set_error(refusal);
    }

    fn words(error: &str) -> keyring_core::error::PlatformError {
        error.into()
    }

    #[tokio::test]
    async fn what_is_kept_is_there_until_it_is_forgotten() {
        let (here, other) = (place("kept"), place("kept elsewhere"));
        assert_eq!(load(&here).await.unwrap(), None);
        clear(&here).await.unwrap();
        for secret in [b"one".as_slice(), b"two"] {
            save(&here, secret).await.unwrap();
            assert_eq!(load(&here).await.unwrap().as_deref(), Some(secret));
        }
        assert_eq!(load(&other).await.unwrap(), None);
        unlock(&here).await.unwrap();
        clear(&here).await.unwrap();
        assert_eq!(load(&here).await.unwrap(), None);
    }

    #[tokio::test]
    async fn each_refusal_is_told_by_its_kind() {
        let place = place("refused");
        let not_ours = || Refusal::BadDataFormat(b"sk-ant-oat01-test".to_vec(), words("it is cut"));
        for (refusal, word) in [
            (Refusal::NoStorageAccess(words("no logon session")), "no_access"),
            (not_ours(), "corrupt"),
            (Refusal::PlatformFailure(words("error 5")), "failed"),
            (Refusal::TooLong("secret".into(), 2560), "failed"),
        ] {
            refuses(&place, refusal);
            let trouble = load(&place).await.unwrap_err();
            let error = trouble.error("keyring", None);
            assert_eq!(error.context()["keyring"], word, "{error}");
            assert!(!error.to_string().contains("sk-ant"), "{error}");
            assert_eq!(trouble.is_absence(), word == "no_access");
        }
        refuses(&place, not_ours());
        assert!(matches!(save(&place, b"mine").await, Err(Trouble::Corrupt(_))));
        refuses(&place, Refusal::PlatformFailure(words("error 5")));
        assert!(matches!(clear(&place).await, Err(Trouble::Failed(why)) if why == "error 5"));
    }
}
