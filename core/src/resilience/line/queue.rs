//! The queues of one class: first come, first served within a key, and turns between keys. Deficit round robin (Shreedhar and
//! Varghese, 1995) with every run costing one: a key gets as many runs in a row as its weight, then the next key has its turn.

use std::collections::{HashMap, VecDeque};

use super::Place;
use crate::resilience::Key;

#[derive(Default)]
pub(super) struct Turns {
    queues: HashMap<Key, Queue>,
    order: VecDeque<Key>,
    waiting: usize,
}

#[derive(Default)]
struct Queue {
    places: VecDeque<Place>,
    /// Runs that are left of this turn; 0 when the turn has not begun.
    left: u32,
}

impl Turns {
    pub(super) fn push(&mut self, key: &Key, place: Place) {
        self.waiting += 1;
        match self.queues.get_mut(key) {
            Some(queue) => queue.places.push_back(place),
            None => {
                self.order.push_back(key.clone());
                self.queues.insert(key.clone(), Queue { places: VecDeque::from([place]), left: 0 });
            }
        }
    }

    pub(super) fn remove(&mut self, key: &Key, place: Place) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        // Places are numbered as they come, so each queue is sorted.
        if let Ok(at) = queue.places.binary_search(&place) {
            queue.places.remove(at);
            self.waiting -= 1;
        }
        if queue.places.is_empty() {
            self.queues.remove(key);
            self.order.retain(|other| other != key);
        }
    }

    /// How many wait, of all keys.
    pub(super) const fn len(&self) -> usize {
        self.waiting
    }

    pub(super) fn waiting(&self, key: &Key) -> usize {
        self.queues.get(key).map_or(0, |queue| queue.places.len())
    }

    pub(super) fn keys(&self) -> usize {
        self.order.len()
    }

    pub(super) fn nth(&self, key: &Key, at: usize) -> Option<Place> {
        self.queues.get(key)?.places.get(at).copied()
    }

    pub(super) fn newest(&self) -> Option<Place> {
        self.queues.values().filter_map(|queue| queue.places.back().copied()).max()
    }

    /// Whose turn it is.
    pub(super) fn turn(&self) -> Option<&Key> {
        self.order.front()
    }

    /// One of the key was served; its turn may be over.
    pub(super) fn served(&mut self, key: &Key, weight: u32) {
        // A key that has no more waiters left the order already.
        let Some(queue) = self.queues.get_mut(key) else { return };
        if queue.left == 0 {
            queue.left = weight.max(1);
        }
        queue.left -= 1;
        if queue.left == 0 {
            self.rotate();
        }
    }

    /// The key whose turn it is can do nothing with it.
    pub(super) fn pass(&mut self) {
        if let Some(queue) = self.order.front().and_then(|key| self.queues.get_mut(key)) {
            queue.left = 0;
        }
        self.rotate();
    }

    fn rotate(&mut self) {
        if !self.order.is_empty() {
            self.order.rotate_left(1);
        }
    }
}
