#!/usr/bin/env bash
# Debian packages that the suites need, installed only when one of their commands is missing: a run on a machine that has
# them asks the network for nothing. Arguments: COMMAND=PACKAGE, several packages joined by commas.
set -euo pipefail

packages=()
for pair in "$@"; do
  command -v "${pair%%=*}" >/dev/null 2>&1 && continue
  IFS=, read -ra names <<<"${pair#*=}"
  packages+=("${names[@]}")
done
[ ${#packages[@]} -gt 0 ] || exit 0

command -v apt-get >/dev/null || { echo "missing: ${packages[*]}; install them and run again" >&2; exit 1; }
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo -n)
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}")
# The package lists are absent or old on a new machine: fetch them only when the first try fails.
"${install[@]}" || { "${as_root[@]}" apt-get update -q && "${install[@]}"; }
