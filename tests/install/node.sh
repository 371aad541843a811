#!/usr/bin/env bash
# The development packages of a Node.js folder (argument, default `node`), as its lock file says; again only when it changes.
set -euo pipefail

cd "$MADRIGAL_ROOT/${1:-node}"
command -v npm >/dev/null || { echo "Node.js 20 or later with npm is needed" >&2; exit 1; }
cmp -s package-lock.json node_modules/.installed-lock && exit 0
# Not `npm ci`: it refuses a lock file that lacks packages of other platforms, and a mirror may not have them all.
npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
cp package-lock.json node_modules/.installed-lock
