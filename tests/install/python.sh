#!/usr/bin/env bash
# The virtual environment of the Python suite, in .tools/venv. Made once; filled again when the requirements change.
set -euo pipefail

venv=$MADRIGAL_ROOT/.tools/venv
wanted=$MADRIGAL_ROOT/tests/install/requirements.txt
cmp -s "$wanted" "$venv/installed.txt" && "$venv/bin/python" -c '' 2>/dev/null && exit 0

python=$(command -v python3.11 || command -v python3) || { echo "Python 3.10 or later is needed" >&2; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$python is too old: 3.10 or later" >&2; exit 1; }
# Debian splits `venv` off; its absence shows only in ensurepip.
"$python" -c 'import ensurepip, venv' 2>/dev/null || bash "$MADRIGAL_ROOT/tests/install/system.sh" no-such-command=python3-venv
rm -rf "$venv"
mkdir -p "${venv%/*}"
"$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted"
cp "$wanted" "$venv/installed.txt"
