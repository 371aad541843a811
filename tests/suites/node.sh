#!/usr/bin/env bash
# The Node.js package: types and tests, on the debug build of the shared target folder.
set -euo pipefail

bash tests/install/node.sh
# Without arguments: everything but the cases on the real `claude`, which are the suite `real`.
if [ $# = 0 ]; then
  for file in node/test/*.test.mjs; do [ "$file" = node/test/real.test.mjs ] || set -- "$@" "${file#node/}"; done
fi
exec bash node/test/run "$@"
