//! The targets are plain functions: libFuzzer calls them here, `core/tests/corpus.rs` calls them with the kept corpus in the
//! ordinary suite.

pub mod targets;
