//! What sessions had cost when they were last heard of. The program counts on when a session is resumed, so the cost of a run is
//! the difference to the last total of its session.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::Run;
use crate::message::{Body, Message};

/// How many sessions are remembered; then all are forgotten, and the next resume of each counts in full once.
const MOST: usize = 100_000;

#[derive(Debug, Default)]
pub(super) struct Totals(Mutex<HashMap<String, f64>>);

impl Totals {
    /// What a program that resumes this session counts from.
    pub(super) fn before(&self, resumes: Option<&str>) -> f64 {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        resumes.and_then(|session| known.get(session)).copied().unwrap_or_default()
    }

    /// Remembers what the session of a run had cost at its last result.
    pub(super) fn note(&self, run: &Run) {
        let Some(Ok(Body::Result(result))) = run.result().map(Message::body) else { return };
        let Some(total) = result.total_cost_usd else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(result.session_id.clone(), total);
    }
}
