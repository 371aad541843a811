#!/usr/bin/env bash
# Format, lints, tests and documented examples of all crates; the scenarios have a suite of their own.
set -euo pipefail

cargo fmt --all --check
cargo clippy --workspace --all-targets --quiet -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
bash tests/suites/rust_tests.sh --workspace --exclude madrigal-conformance
cargo test --workspace --doc --quiet
