#!/usr/bin/env bash
# The cases of tests/real in every language: the real `claude`, in the pinned version, against the loopback API.
set -uo pipefail

bash tests/install/claude.sh || exit 1
# Signs the certificates of the service that a login ends at.
bash tests/install/system.sh openssl=openssl || exit 1
export MADRIGAL_REAL_CLI=$MADRIGAL_ROOT/.tools/claude/node_modules/.bin/claude
failed=()
part() { echo "== $1" && shift && "$@" || failed+=("$*"); }

part Rust bash tests/suites/rust_tests.sh -p madrigal-real --features real
part Python bash tests/suites/python.sh tests/test_real.py
part Node.js bash tests/suites/node.sh test/real.test.mjs
part Elixir bash tests/suites/elixir.sh --only real

[ ${#failed[@]} = 0 ] || { printf 'failed: %s\n' "${failed[@]}"; exit 1; }
