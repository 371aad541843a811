#!/usr/bin/env bash
# The shared scenarios in Rust; the other languages run them in their own suites.
set -euo pipefail

if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run -p madrigal-conformance --no-fail-fast --status-level fail --final-status-level fail
else
  cargo test -p madrigal-conformance --no-fail-fast --tests --quiet
fi
