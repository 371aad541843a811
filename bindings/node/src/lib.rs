//! The native half of the package: strings, wakes and lifetimes. What crosses, and why it crosses this way, is in
//! `docs/boundary.md`; everything that decides anything is in the core and the bridge, or in TypeScript (`node/src`).
//!
//! Nothing here is called by users: `node/src/native.ts` is the only caller.

mod environment;
mod error;
mod invoke;
mod session;
mod text;
mod wake;
