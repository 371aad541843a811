#!/usr/bin/env bash
# Format, lints, tests and documented examples of all crates; the scenarios have a suite of their own.
set -euo pipefail

cargo fmt --all --check
cargo clippy --workspace --all-targets --quiet -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace --exclude madrigal-conformance --no-fail-fast --status-level fail --final-status-level fail
else
  cargo test --workspace --exclude madrigal-conformance --no-fail-fast --lib --bins --tests --quiet
fi
cargo test --workspace --doc --quiet
