//! The keyring of a Linux desktop: the Secret Service of freedesktop.org, over the session's D-Bus. GNOME Keyring, KWallet and KeePassXC
//! speak it. Only what a token needs of it is here; why this is not a library is in `docs/adr/0014-a-client-of-the-secret-service.md`.
//!
//! A connection lives as long as one operation: a token is read once in the life of a program, and a keyring may be restarted.

use std::{collections::HashMap, future::poll_fn, num::NonZeroUsize, pin::Pin};

use futures_core::Stream as _;
use serde::de::DeserializeOwned;
use zbus::{
    Connection, DynamicType, MatchRule, Message, MessageStream, ObjectPath, OwnedObjectPath, OwnedVariant,
    Type, Variant, connection, message,
};

use super::{Place, Trouble};

const NAME: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const SESSION: &str = "org.freedesktop.Secret.Session";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// The path that stands for none.
const NOTHING: &str = "/";

/// What a secret is on the bus: session, parameters, value, content type.
type Wire = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// What the keyring has, if it has one. A locked keyring is not asked to be opened.
pub(super) async fn load(place: &Place) -> Result<Option<Vec<u8>>, Trouble> {
    let service = Service::connect(place).await?;
    let found = service.search(place).await?;
    let Some(item) = found.open.first() else {
        found.not_locked()?;
        service.open_collection().await?;
        return Ok(None);
    };
    let session = service.session().await?;
    let (_, _, value, _): Wire = service.call(item.as_str(), ITEM, "GetSecret", &(&session,)).await?;
    service.end(&session).await;
    Ok(Some(value))
}

/// Replaces what is there, or keeps it anew in the collection that the user chose as the usual one.
pub(super) async fn save(place: &Place, secret: &[u8]) -> Result<(), Trouble> {
    let service = Service::connect(place).await?;
    let found = service.search(place).await?;
    found.not_locked()?;
    let session = service.session().await?;
    let wire = (&session, &[] as &[u8], secret, "text/plain");
    if let Some(item) = found.open.first() {
        service.call_only(item.as_str(), ITEM, "SetSecret", &(wire,)).await?;
    } else {
        let collection = service.open_collection().await?;
        let properties: HashMap<&str, Variant<'_>> = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Variant::from(place.label.as_str())),
            ("org.freedesktop.Secret.Item.Attributes", Variant::from(attributes(place))),
        ]);
        let (_, prompt): (OwnedObjectPath, OwnedObjectPath) =
            service.call(collection.as_str(), COLLECTION, "CreateItem", &(properties, wire, true)).await?;
        // Open a moment ago, so it was locked since.
        if prompt.as_str() != NOTHING {
            service.dismiss(&prompt).await;
            return Err(Trouble::Locked { stored: false });
        }
    }
    service.end(&session).await;
    Ok(())
}

/// Forgets it, wherever it is.
pub(super) async fn clear(place: &Place) -> Result<(), Trouble> {
    let service = Service::connect(place).await?;
    let found = service.search(place).await?;
    found.not_locked()?;
    for item in &found.open {
        let (prompt,): (OwnedObjectPath,) = service.call(item.as_str(), ITEM, "Delete", &()).await?;
        if prompt.as_str() != NOTHING {
            service.dismiss(&prompt).await;
            return Err(Trouble::Locked { stored: true });
        }
    }
    Ok(())
}

/// Opens what is locked; the desktop asks the person.
pub(super) async fn unlock(place: &Place) -> Result<(), Trouble> {
    let service = Service::connect(place).await?;
    let mut locked = service.search(place).await?.locked;
    let collection = service.collection().await?;
    if service.is_locked(&collection).await? {
        locked.push(collection);
    }
    if locked.is_empty() {
        return Ok(());
    }
    let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) =
        service.call(ROOT, SERVICE, "Unlock", &(locked,)).await?;
    if prompt.as_str() == NOTHING { Ok(()) } else { service.ask(&prompt).await }
}

fn attributes(place: &Place) -> HashMap<&str, &str> {
    HashMap::from([("application", place.application), ("account", place.account.as_str())])
}

struct Found {
    open: Vec<OwnedObjectPath>,
    locked: Vec<OwnedObjectPath>,
}

impl Found {
    /// Nothing of ours is locked away, unless the same is open elsewhere.
    fn not_locked(&self) -> Result<(), Trouble> {
        if self.open.is_empty() && !self.locked.is_empty() {
            return Err(Trouble::Locked { stored: true });
        }
        Ok(())
    }
}

struct Service(Connection);

impl Service {
    async fn connect(place: &Place) -> Result<Self, Trouble> {
        let bus = place.bus.as_deref().ok_or(Trouble::NoBus(None))?;
        match connection::Builder::address(bus).build().await {
            Ok(connection) => Ok(Self(connection)),
            Err(error) => Err(Trouble::NoBus(Some(error.to_string()))),
        }
    }

    async fn search(&self, place: &Place) -> Result<Found, Trouble> {
        let (open, locked) = self.call(ROOT, SERVICE, "SearchItems", &(attributes(place),)).await?;
        Ok(Found { open, locked })
    }

    /// The collection that new secrets go to.
    async fn collection(&self) -> Result<OwnedObjectPath, Trouble> {
        let (path,): (OwnedObjectPath,) = self.call(ROOT, SERVICE, "ReadAlias", &("default",)).await?;
        if path.as_str() == NOTHING { Err(Trouble::NoCollection) } else { Ok(path) }
    }

    /// The same, when it is open.
    async fn open_collection(&self) -> Result<OwnedObjectPath, Trouble> {
        let collection = self.collection().await?;
        if self.is_locked(&collection).await? {
            return Err(Trouble::Locked { stored: false });
        }
        Ok(collection)
    }

    async fn is_locked(&self, collection: &OwnedObjectPath) -> Result<bool, Trouble> {
        let (locked,): (OwnedVariant,) =
            self.call(collection.as_str(), PROPERTIES, "Get", &(COLLECTION, "Locked")).await?;
        bool::try_from(locked).map_err(Trouble::of)
    }

    /// How secrets cross the bus: as they are. It is a socket of this user on this machine, and whoever can listen there can ask for
    /// the secret.
    async fn session(&self) -> Result<OwnedObjectPath, Trouble> {
        let (_, session): (OwnedVariant, OwnedObjectPath) =
            self.call(ROOT, SERVICE, "OpenSession", &("plain", Variant::from(""))).await?;
        Ok(session)
    }

    /// It would end with the connection, too.
    async fn end(&self, session: &OwnedObjectPath) {
        let _ = self.call_only(session.as_str(), SESSION, "Close", &()).await;
    }

    /// Has the desktop ask the person, and waits for the answer.
    async fn ask(&self, prompt: &OwnedObjectPath) -> Result<(), Trouble> {
        let path: ObjectPath<'_> = prompt.into();
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .interface(PROMPT)
            .member("Completed")
            .path(path)
            .build()
            .map_err(Trouble::of)?;
        // Listening begins before the question, so that no answer is too quick.
        let mut answers =
            MessageStream::for_match_rule(rule, &self.0, NonZeroUsize::new(1)).await.map_err(Trouble::of)?;
        self.call_only(prompt.as_str(), PROMPT, "Prompt", &("",)).await?;
        match poll_fn(|context| Pin::new(&mut answers).poll_next(context)).await {
            Some(answer) => {
                let body = answer.map_err(Trouble::of)?;
                let (dismissed, _): (bool, OwnedVariant) = body.body().deserialize().map_err(Trouble::of)?;
                if dismissed { Err(Trouble::Dismissed) } else { Ok(()) }
            }
            None => Err(Trouble::Failed("it went away while it asked".into())),
        }
    }

    async fn dismiss(&self, prompt: &OwnedObjectPath) {
        let _ = self.call_only(prompt.as_str(), PROMPT, "Dismiss", &()).await;
    }

    async fn call<T>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &(impl serde::Serialize + DynamicType),
    ) -> Result<T, Trouble>
    where
        T: DeserializeOwned + Type,
    {
        let reply = self.send(path, interface, method, body).await?;
        reply.body().deserialize_ignore_signature().map_err(Trouble::of)
    }

    async fn call_only(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &(impl serde::Serialize + DynamicType),
    ) -> Result<(), Trouble> {
        self.send(path, interface, method, body).await.map(drop)
    }

    async fn send(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &(impl serde::Serialize + DynamicType),
    ) -> Result<Message, Trouble> {
        self.0.call_method(Some(NAME), path, Some(interface), method, body).await.map_err(Trouble::of)
    }
}

impl Trouble {
    fn of(error: zbus::Error) -> Self {
        use zbus::fdo;
        match &error {
            zbus::Error::MethodError(name, ..)
                if name.as_str() == "org.freedesktop.Secret.Error.IsLocked" =>
            {
                Self::Locked { stored: false }
            }
            zbus::Error::MethodError(name, ..)
                if name.as_str().starts_with("org.freedesktop.DBus.Error.Spawn") =>
            {
                Self::NoService(error.to_string())
            }
            zbus::Error::FDO(what) => match what.as_ref() {
                fdo::Error::ServiceUnknown(_)
                | fdo::Error::NameHasNoOwner(_)
                | fdo::Error::SpawnExecFailed(_)
                | fdo::Error::SpawnForkFailed(_)
                | fdo::Error::SpawnChildExited(_)
                | fdo::Error::SpawnChildSignaled(_)
                | fdo::Error::SpawnFailed(_)
                | fdo::Error::SpawnServiceNotFound(_) => Self::NoService(error.to_string()),
                _ => Self::Failed(error.to_string()),
            },
            _ => Self::Failed(error.to_string()),
        }
    }
}
