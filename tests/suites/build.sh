#!/usr/bin/env bash
# Everything the Rust suites and the other languages share, built once: the commands, the libraries and their tests.
set -euo pipefail

bash tests/install/system.sh cc=gcc,libc6-dev dbus-daemon=dbus-daemon gnome-keyring-daemon=gnome-keyring
command -v cargo >/dev/null || { echo "Rust 1.91 or later with cargo is needed" >&2; exit 1; }
cargo build --workspace --lib --bins --tests --examples
