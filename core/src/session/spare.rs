//! What the pool needs of a session that nobody else does: to know what it is started with, to start it before anybody wants
//! it, and to give it its host later.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Ask, AskKind, End, Host, Provided, Session, SessionBuilder, SessionHandle, actor::Command,
    host::SharedHost,
};
use crate::{Error, ErrorKind, Message, Options, Result, auth::AuthSource, transport::BoxFuture};

/// Starts the same program again and again, for whoever comes.
#[derive(Clone, Debug)]
pub(crate) struct Ahead {
    pub(crate) options: Options,
    pub(crate) provided: Provided,
    /// What the host that comes will answer: the program is told when it starts.
    pub(crate) asks: Vec<AskKind>,
    /// Who gives the program its credential: that it was started before its run makes no difference.
    pub(crate) auth: AuthSource,
}

impl Ahead {
    pub(crate) fn builder(&self) -> SessionBuilder {
        Session::builder(self.options.clone())
            .provide(self.provided.clone())
            .auth(self.auth.clone())
            .host(Arc::new(Nobody(self.asks.clone())))
    }
}

/// Stands for the host that has not come yet. Nothing is asked before there is a prompt.
#[derive(Debug)]
struct Nobody(Vec<AskKind>);

impl Host for Nobody {
    fn asks(&self) -> &[AskKind] {
        &self.0
    }

    fn answer(&self, _: Ask) -> BoxFuture<'static, Result<Value>> {
        Box::pin(async { Err(Error::new(ErrorKind::Callback, "nobody is there yet to answer this")) })
    }
}

impl SessionBuilder {
    /// How to start what this builder starts; `None` when a start belongs to one run: a transport of its own, a store, somebody
    /// who reads stderr.
    pub(crate) fn ahead(&self) -> Option<Ahead> {
        // A manager is to be told by the session when its credential is refused.
        let own = self.transport.is_some()
            || self.store.is_some()
            || self.on_stderr.is_some()
            || matches!(self.auth, AuthSource::Manager(_));
        (!own).then(|| Ahead {
            options: self.options.clone(),
            provided: self.provided.clone(),
            asks: self.callbacks.kinds(self.host.as_deref()),
            auth: self.auth.clone(),
        })
    }

    /// Its host, for a session that runs already.
    pub(crate) fn into_host(self) -> Option<SharedHost> {
        self.callbacks.into_host(self.host)
    }
}

impl SessionHandle {
    /// From now on this host answers. It must answer what was said when the program was started.
    pub(crate) fn adopt(&self, host: Option<SharedHost>) {
        let _ = self.commands.send(Command::Adopt(host));
    }
}

impl Session {
    /// What was said and not read, without waiting, and the end when it has ended.
    pub(crate) fn unread(&mut self) -> (Vec<Result<Message>>, Option<End>) {
        self.reader.drain()
    }
}
