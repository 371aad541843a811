//! A line and what it waits for, shared by handles: one lock around both, and the future that waits.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use super::{Decision, Entered, Line, Place, Resources};
use crate::resilience::{Clock, Moment, Refusal, Sleep};

pub(crate) struct Shared<R: Resources> {
    state: Mutex<State<R>>,
    pub(crate) clock: Arc<dyn Clock>,
}

pub(crate) struct State<R: Resources> {
    pub(crate) resources: R,
    pub(crate) line: Line<R>,
}

impl<R: Resources> Shared<R> {
    pub(crate) fn new(resources: R, longest: usize, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { resources, line: Line::new(longest) }), clock })
    }

    /// The critical section. Whoever can go after it, goes.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State<R>, Moment) -> T) -> T {
        let now = self.clock.now();
        let (out, woken) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let out = act(&mut state, now);
            let State { resources, line } = &mut *state;
            line.pump(resources, now);
            (out, line.take_woken())
        };
        for waker in woken {
            waker.wake();
        }
        out
    }

    pub(crate) fn ask(&self, ask: &R::Ask) -> Decision<R::Grant> {
        self.with(|state, now| state.line.ask(&mut state.resources, ask, now))
    }

    pub(crate) fn wait(self: &Arc<Self>, ask: R::Ask) -> Wait<R> {
        Wait { shared: Arc::clone(self), ask: Some(ask), place: None, sleep: None }
    }
}

/// Waits for its turn. Dropped, it leaves no trace: its place is free, and what it was granted meanwhile is given back.
pub(crate) struct Wait<R: Resources> {
    shared: Arc<Shared<R>>,
    ask: Option<R::Ask>,
    place: Option<Place>,
    sleep: Option<(Moment, Sleep)>,
}

// Nothing in it is pinned in place: the sleep is a box.
impl<R: Resources> Unpin for Wait<R> {}

impl<R: Resources> Future for Wait<R> {
    type Output = Result<R::Grant, Refusal>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(ask) = this.ask.take() {
            let entered = this.shared.with(|state, now| state.line.enter(&mut state.resources, ask, now));
            match entered {
                Entered::Decided(decision) => return Poll::Ready(decision),
                Entered::Waiting(place) => this.place = Some(place),
            }
        }
        let Some(place) = this.place else { return Poll::Pending };
        loop {
            let next = this.shared.with(|State { resources, line }, now| {
                line.pump(resources, now);
                match line.decision(place) {
                    Some(decision) => Err(decision),
                    None => Ok(line.listen(place, context.waker(), now)),
                }
            });
            let alarm = match next {
                Err(decision) => {
                    this.place = None;
                    return Poll::Ready(decision);
                }
                Ok(alarm) => alarm,
            };
            let Some(alarm) = alarm else {
                this.sleep = None;
                return Poll::Pending;
            };
            if this.sleep.as_ref().is_none_or(|(until, _)| *until != alarm) {
                this.sleep = Some((alarm, this.shared.clock.sleep_until(alarm)));
            }
            let Some((_, sleep)) = &mut this.sleep else { return Poll::Pending };
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            this.sleep = None;
        }
    }
}

impl<R: Resources> Drop for Wait<R> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.shared.with(|state, now| state.line.leave(&mut state.resources, place, now));
        }
    }
}
