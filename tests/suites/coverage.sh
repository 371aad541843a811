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
# A failed test fails this suite too, after the figures.
tested=0
bash tests/suites/rust_tests.sh --workspace || tested=$?

# Programs that tests kill leave a torn profile: those are left out, not the run.
report=(cargo llvm-cov report --failure-mode all --ignore-filename-regex '/(bindings|tests|benches)/')
"${report[@]}" 2>/dev/null | awk '$8 ~ /^[0-9]+$/ { printf "%-50s %6s lines, %5s missed, %s\n", $1, $8, $9, $10 }'
lines=$("${report[@]}" --json --summary-only 2>/dev/null |
  grep -oE '"lines":\{[^}]*\}' | tail -1 | sed 's/.*"percent":\([0-9.]*\).*/\1/')
echo "line coverage of the core: $lines % (at least $minimum %)"
awk "BEGIN { exit !($lines >= $minimum) }" && exit "$tested"
