//! Panics in what is waited for, which may be a function of the host. What a panic says was printed where it happened; it goes nowhere else.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

/// It panicked, and is not polled again.
#[derive(Debug)]
pub(crate) struct Panicked;

/// What comes of it. What a panic left half-done is its own.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut work = pin!(work);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(_) => Poll::Ready(Err(Panicked)),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_and_all_else_is_as_it_was() {
        assert_eq!(caught(async { 1 }).await.unwrap(), 1);
        let later = async {
            tokio::task::yield_now().await;
            panic!("a test panics on purpose");
        };
        let Err(Panicked) = caught::<()>(later).await else { panic!("no panic") };
    }
}
