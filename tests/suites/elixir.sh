#!/usr/bin/env bash
# The Elixir package: format, warnings and tests, on the debug build of the shared target folder.
set -euo pipefail

bash tests/install/system.sh elixir=elixir,erlang-dev
exec bash elixir/test/run "$@"
