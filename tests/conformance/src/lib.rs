//! Scenario files shared by every language; see the README beside this crate.
