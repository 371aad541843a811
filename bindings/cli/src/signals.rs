//! Signals, listened to from the moment of asking: none is lost between two waits.

#[cfg(unix)]
mod system {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// Ctrl-C presses.
    pub(crate) struct Interrupts(Option<Signal>);

    impl Interrupts {
        /// Listens from now on; Ctrl-C no longer ends this process by itself.
        pub(crate) fn listen() -> Self {
            Self(signal(SignalKind::interrupt()).ok())
        }

        /// The next one.
        pub(crate) async fn next(&mut self) {
            match &mut self.0 {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        }
    }

    /// Listens from now on for a request to end: Ctrl-C or SIGTERM.
    pub(crate) fn end() -> impl Future<Output = ()> {
        let mut interrupts = Interrupts::listen();
        let mut terminate = Interrupts(signal(SignalKind::terminate()).ok());
        async move {
            tokio::select! {
                () = interrupts.next() => {}
                () = terminate.next() => {}
            }
        }
    }
}

#[cfg(not(unix))]
mod system {
    /// Ctrl-C presses.
    pub(crate) struct Interrupts;

    impl Interrupts {
        /// Listens while somebody waits.
        pub(crate) fn listen() -> Self {
            Self
        }

        /// The next one.
        pub(crate) async fn next(&mut self) {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending().await
            }
        }
    }

    /// A request to end: Ctrl-C.
    pub(crate) async fn end() {
        Interrupts.next().await;
    }
}

pub(crate) use system::{Interrupts, end};
