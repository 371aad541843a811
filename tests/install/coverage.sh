#!/usr/bin/env bash
# What measures line coverage: the compiler's own llvm-tools and cargo-llvm-cov, in .tools/coverage when the machine has none.
set -euo pipefail

rustup component add llvm-tools 2>/dev/null || [ -x "$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/llvm-cov" ] ||
  { echo "llvm-tools are needed: rustup component add llvm-tools" >&2; exit 1; }
command -v cargo-llvm-cov >/dev/null || [ -x "$MADRIGAL_ROOT/.tools/coverage/bin/cargo-llvm-cov" ] ||
  CARGO_TARGET_DIR=$MADRIGAL_TARGET/tools cargo install --quiet --locked --debug --root "$MADRIGAL_ROOT/.tools/coverage" cargo-llvm-cov@0.9.1
