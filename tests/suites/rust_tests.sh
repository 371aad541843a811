#!/usr/bin/env bash
# Runs the tests of the packages that the arguments choose: with cargo-nextest when the machine has it (a process a test,
# quicker), otherwise with plain cargo. Both must pass.
set -euo pipefail

if cargo nextest --version >/dev/null 2>&1; then
  exec cargo nextest run "$@" --no-fail-fast --status-level fail --final-status-level fail
fi
exec cargo test "$@" --no-fail-fast --tests --quiet
