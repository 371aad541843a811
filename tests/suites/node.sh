#!/usr/bin/env bash
# The Node.js package: types and tests, on the debug build of the shared target folder.
set -euo pipefail

bash tests/install/node.sh
exec bash node/test/run
