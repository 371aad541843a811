#!/usr/bin/env bash
# The Python package: linters, types and tests, on the debug build of the shared target folder.
set -euo pipefail

bash tests/install/python.sh
export VIRTUAL_ENV=$MADRIGAL_ROOT/.tools/venv
export PATH=$VIRTUAL_ENV/bin:$PATH
# Without arguments: everything but the cases on the real `claude`, which are the suite `real`.
[ $# -gt 0 ] || set -- --ignore=tests/test_real.py
exec bash python/tests/run "$@"
