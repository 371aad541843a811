#!/usr/bin/env bash
# Format, lints, tests and documented examples of all crates; the scenarios have a suite of their own. Goes on after a step
# that fails, so that one run shows everything.
set -uo pipefail

failed=()
step() { echo "== $*" && "$@" || failed+=("$*"); }

step cargo fmt --all --check
step cargo clippy --workspace --all-targets --quiet -- -D warnings
step cargo clippy -p madrigal --no-default-features --quiet -- -D warnings
RUSTDOCFLAGS="-D warnings" step cargo doc --workspace --no-deps --quiet
step bash tests/suites/rust_tests.sh --workspace --exclude madrigal-conformance --exclude madrigal-real
step cargo test --workspace --doc --quiet

[ ${#failed[@]} = 0 ] || { printf 'failed: %s\n' "${failed[@]}"; exit 1; }
