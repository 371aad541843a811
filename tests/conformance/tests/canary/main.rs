//! A canary in the place of every secret: none is found again where people and logs can see it.
//!
//! Each input has a canary of its own; the program, the host and the clock then do their worst. Whatever the host sees of that (but for
//! messages, which are the program's own words) is searched for the one word all canaries have in common.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test that cannot go on must stop

mod callbacks;
mod keyring;
mod late;
mod place;
mod seen;
mod setup;
mod stores;
mod told;
