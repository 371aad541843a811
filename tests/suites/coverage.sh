#!/usr/bin/env bash
# Line coverage of the core over all Rust tests and scenarios. The simulated `claude` that they start is instrumented too:
# it is part of the core. Fails below 95 %.
set -euo pipefail

minimum=95
bash tests/install/coverage.sh
# A target folder of its own: instrumented objects must not mix with the ordinary ones.
export CARGO_TARGET_DIR=$MADRIGAL_TARGET/coverage
eval "$(cargo llvm-cov show-env --sh 2>/dev/null)"
export MADRIGAL_BIN=$CARGO_TARGET_DIR/debug/madrigal
cargo llvm-cov clean --profraw-only
cargo build --workspace --lib --bins --tests --examples
bash tests/suites/rust_tests.sh --workspace

cargo llvm-cov report --ignore-filename-regex '/(bindings|tests|benches)/' | awk '{ print $1, $(NF - 3), $NF }' | column -t
lines=$(cargo llvm-cov report --json --summary-only --ignore-filename-regex '/(bindings|tests|benches)/' |
  grep -oE '"lines":\{[^}]*\}' | tail -1 | sed 's/.*"percent":\([0-9.]*\).*/\1/')
echo "line coverage of the core: $lines % (at least $minimum %)"
awk "BEGIN { exit !($lines >= $minimum) }"
