//! Who is asking at the same time: how many requests are being answered, and answers that wait for company. Tests see by it
//! how many programs run side by side, without looking at a clock.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Barrier;

use super::script::Step;

/// The requests that are being answered.
#[derive(Debug, Default)]
pub(super) struct Company {
    present: Arc<AtomicUsize>,
    /// Those that wait for each other, by the place of their step.
    waiting: Mutex<HashMap<usize, Arc<Barrier>>>,
}

/// A request that is being answered, until this is dropped.
#[derive(Debug)]
pub(super) struct Present(Arc<AtomicUsize>);

impl Company {
    /// Adds a request. Says how many there are now, itself among them.
    pub(super) fn enter(&self) -> (Present, usize) {
        let count = self.present.fetch_add(1, Ordering::SeqCst) + 1;
        (Present(Arc::clone(&self.present)), count)
    }

    /// Waits until as many requests have come to this step as it wants together.
    pub(super) async fn gather(&self, step: &Step) {
        let Some(count) = step.together else { return };
        let barrier = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            // Steps stay where they are as long as their script is served.
            let place = std::ptr::from_ref(step).addr();
            Arc::clone(waiting.entry(place).or_insert_with(|| Arc::new(Barrier::new(count))))
        };
        barrier.wait().await;
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_step_waits_for_as_many_as_it_wants() {
        let company = Company::default();
        let step = Step { together: Some(2), ..Step::default() };
        let mut first = std::pin::pin!(company.gather(&step));
        tokio::select! {
            biased;
            () = &mut first => panic!("alone it waits"),
            () = std::future::ready(()) => {}
        }
        company.gather(&step).await;
        first.await;
        company.gather(&Step::default()).await;
    }

    #[test]
    fn who_is_answered_is_not_counted_any_more() {
        let company = Company::default();
        let (first, one) = company.enter();
        let (_second, two) = company.enter();
        drop(first);
        assert_eq!((one, two, company.enter().1), (1, 2, 2));
    }
}
