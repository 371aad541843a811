//! A stream repeats itself: the same keys, types and session id in every line. Making such a string once saves its
//! allocation and, since a Python string remembers its hash, most of the work of putting it into a dict.

use std::sync::{Mutex, MutexGuard};

use pyo3::{prelude::*, types::PyString};

/// Longer strings are seldom repeated.
const LONGEST: usize = 40;
const SLOTS: usize = 1024;

/// Strings seen before, one for each slot; a newer string takes over the slot of an older one.
#[derive(Default)]
pub(crate) struct Keys(Vec<Option<(Box<str>, Py<PyString>)>>);

static SHARED: Mutex<Keys> = Mutex::new(Keys(Vec::new()));

/// The shared strings, or `None` while they are in use further up this stack: making a Python object may run the
/// garbage collector, and with it any code.
pub(crate) fn shared() -> Option<MutexGuard<'static, Keys>> {
    SHARED.try_lock().ok()
}

impl Keys {
    /// The Python string for `text`, the same object as last time when it is still here.
    pub(crate) fn get<'py>(&mut self, py: Python<'py>, text: &str) -> Bound<'py, PyString> {
        if text.len() > LONGEST {
            return PyString::new(py, text);
        }
        if self.0.is_empty() {
            self.0.resize_with(SLOTS, || None);
        }
        let slot = &mut self.0[slot_of(text)];
        if let Some((known, string)) = slot
            && **known == *text
        {
            return string.bind(py).clone();
        }
        let string = PyString::new(py, text);
        *slot = Some((text.into(), string.clone().unbind()));
        string
    }
}

/// FNV-1a over 8 bytes at a time: short strings, no adversary (a collision costs an allocation, nothing else).
fn slot_of(text: &str) -> usize {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ text.len() as u64;
    for chunk in text.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(PRIME);
        hash ^= hash >> 32;
    }
    hash as usize % SLOTS
}
