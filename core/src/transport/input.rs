//! The program's input: our end of its stdin.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{io::AsyncWrite, net::unix::pipe::Sender};

use super::spawn::NotForCopies;

/// Shutting it down, or dropping it, ends the program's input, also when a forked copy of this process lives on.
pub(super) struct Input(Option<Open>);

struct Open {
    // Dropped first: see there.
    _cover: NotForCopies,
    pipe: Sender,
}

impl Input {
    pub(super) fn new(pipe: Sender) -> Self {
        Self(Some(Open { _cover: NotForCopies::new(&pipe), pipe }))
    }

    fn pipe(&mut self) -> io::Result<Pin<&mut Sender>> {
        match &mut self.0 {
            Some(open) => Ok(Pin::new(&mut open.pipe)),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl AsyncWrite for Input {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.pipe()?.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.pipe()?.poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A pipe keeps nothing back.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0 = None;
        Poll::Ready(Ok(()))
    }
}
