//! The native half of the Elixir package: strings, wakes and lifetimes, nothing else (`docs/boundary.md`).
//!
//! Every function here returns within microseconds, except the `_big` ones and `shutdown`, which run on dirty
//! schedulers. The native side never sends data to a process, only wakes: a process that is slow or gone costs nothing.

// The code that rustler's macros write into each module, and the calls that build terms, are unsafe.
#![allow(unsafe_code)]

mod decode;
mod encode;
mod environment;
mod error;
mod handle;
mod json;
mod log;
mod session;
mod strings;
mod wake;

/// As much JSON as a normal scheduler reads or writes in one call: about 100 us.
const QUICK_BYTES: usize = 64 * 1024;

/// The words that cross as atoms. Nothing the program says ever becomes an atom.
mod atoms {
    rustler::atoms! { ok, error, nil, big, more, now, graceful, madrigal_wake }
}

rustler::init!("Elixir.ClaudeCodeSDK.Native");
