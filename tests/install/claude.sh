#!/usr/bin/env bash
# The real `claude`, in the version that tests/install/claude/package.json pins, into .tools/claude.
set -euo pipefail

pinned=$MADRIGAL_ROOT/tests/install/claude
into=$MADRIGAL_ROOT/.tools/claude
program=$into/node_modules/.bin/claude
if ! cmp -s "$pinned/package-lock.json" "$into/node_modules/.installed-lock"; then
  rm -rf "$into"
  mkdir -p "$into"
  cp "$pinned/package.json" "$pinned/package-lock.json" "$into/"
  npm install --no-save --prefix "$into" --no-audit --no-fund --loglevel=error
  cp "$pinned/package-lock.json" "$into/node_modules/.installed-lock"
fi
# Shows that it starts, and which version was tested.
"$program" --version
