//! Strings that come again and again. The frames of a stream repeat the same keys, types and ids, so within one batch
//! each is made once: that saves the making, and the memory the reader's garbage collector would have to copy.

use std::cell::RefCell;

use rustler::{Env, NewBinary, Term};

type Raw = rustler::sys::ErlNifTerm;

/// The longest string worth keeping: a UUID fits.
const LONGEST: usize = 40;
/// A power of two.
const SLOTS: usize = 64;

#[derive(Clone, Copy)]
struct Slot {
    bytes: [u8; LONGEST],
    // Longer than any string that is kept: the slot is free.
    length: usize,
    term: Raw,
}

/// One string a slot, chosen by a cheap hash; a newcomer takes the place of an older one.
pub(crate) struct Strings<'a> {
    env: Env<'a>,
    slots: Option<RefCell<Box<[Slot; SLOTS]>>>,
}

impl<'a> Strings<'a> {
    /// For many texts of one kind.
    pub(crate) fn kept(env: Env<'a>) -> Self {
        // The term is never read while the length says that the slot is free.
        let term = rustler::types::map::map_new(env).as_c_arg();
        let free = Slot { bytes: [0; LONGEST], length: usize::MAX, term };
        Self { env, slots: Some(RefCell::new(Box::new([free; SLOTS]))) }
    }

    /// For one text.
    pub(crate) fn fresh(env: Env<'a>) -> Self {
        Self { env, slots: None }
    }

    pub(crate) fn term(&self, text: &str) -> Raw {
        let bytes = text.as_bytes();
        let Some(slots) = self.slots.as_ref().filter(|_| bytes.len() <= LONGEST) else {
            return self.make(bytes);
        };
        let mut slots = slots.borrow_mut();
        let slot = &mut slots[place(bytes)];
        if slot.length != bytes.len() || slot.bytes[..bytes.len()] != *bytes {
            slot.bytes[..bytes.len()].copy_from_slice(bytes);
            slot.length = bytes.len();
            slot.term = self.make(bytes);
        }
        slot.term
    }

    fn make(&self, bytes: &[u8]) -> Raw {
        Term::from(NewBinary::from_slice(self.env, bytes)).as_c_arg()
    }
}

fn place(bytes: &[u8]) -> usize {
    let word = |part: &[u8]| part.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
    let (first, last) = match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (word(bytes), 0),
    };
    let mixed = (first ^ last.rotate_left(23) ^ bytes.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> (64 - SLOTS.trailing_zeros())) as usize
}
