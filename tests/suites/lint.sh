#!/usr/bin/env bash
# Rules of the house that no compiler knows: what may depend on what, what must not be in the tree, one version everywhere.
# Each check prints what breaks it and nothing else.
set -uo pipefail

good=0
bad=0
check() {
  local about=$1 found
  shift
  found=$("$@" 2>&1)
  if [ -z "$found" ]; then good=$((good + 1)); echo "ok: $about"; else bad=$((bad + 1)); printf 'NOT OK: %s\n' "$about"; head -n 20 <<<"$found" | cut -c 1-240; fi
}

code=('*.rs' '*.py' '*.pyi' '*.ts' '*.mts' '*.cts' '*.js' '*.mjs' '*.cjs' '*.ex' '*.exs')
hosted=(bindings/python bindings/node bindings/elixir)

scripts() { git ls-files -z | xargs -0 -r grep -IlE --max-count=1 '^#!.*\bbash$' --; }
shell_scripts() { scripts | xargs -r shellcheck --severity=style --external-sources; }
counted() {
  local sample wanted got
  while IFS='|' read -r wanted sample; do
    got=$(printf '%b\n' "$sample" | awk -f tests/count.awk)
    [ "$got" = "$wanted" ] || echo "count.awk read \"$sample\" as \"$got\", not \"$wanted\""
  done <<'SAMPLES'
33 1|     Summary [   0.512s] 34 tests run: 33 passed (1 slow), 1 failed, 0 skipped
5 0|test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
12 2|==== 1 failed, 12 passed, 1 error in 3.21s ====
7 0|7 passed in 0.10s
9 1|# tests 10\n# pass 9\n# fail 1
13 1|2 doctests, 13 tests, 1 failure, 1 excluded
1 0|1 test, 0 failures
4 3|4 passed, 3 failed
SAMPLES
}

core_dependencies() { grep -nE '^(pyo3|napi|rustler|uniffi|madrigal-)' core/Cargo.toml; }
core_words() { git grep -nIiE '\b(pyo3|napi|rustler|uniffi|asyncio|libuv|GenServer)\b' -- core/src; }
bindings_use_the_bridge() {
  local crate
  for crate in "${hosted[@]}"; do
    grep -q '^madrigal-bridge' "$crate/Cargo.toml" || echo "$crate does not depend on madrigal-bridge"
    grep -HnE '^madrigal[ .=]' "$crate/Cargo.toml"
    git grep -nE '\bmadrigal::' -- "$crate/src"
  done
  git grep -nE '\b(pyo3|napi|rustler)(::|\b *=)' -- bindings/bridge bindings/cli
}

# Hosts that documentation and recordings may name; anything else in a link is a mistake or a download. Names below `.test` and
# `.invalid` belong to nobody (RFC 2606).
hosts='[a-z]+|127\.0\.0\.1|localhost|\[::1\]|(([a-z-]+\.)*(anthropic|claude)\.(com|ai)|json-schema\.org|(www\.)?apache\.org|opensource\.org|rustup\.rs|github\.com|([a-z.-]+\.)?example(\.com|\.org|\.test)?|[a-z.-]+\.(invalid|test))'
foreign_links() { git grep -nIoE "https?://[^/ \"'\`)>]+" -- . ':!*Cargo.lock' ':!tests/frames' ':!fuzz/corpus' | grep -vE "https?://([^@ ]*@)?($hosts)(:[0-9\$\{\}a-zA-Z_#()]*)?$" | grep -vE 'https?://[^A-Za-z0-9]'; }
package_hosts() { git grep -nIE '\b(crates|npmj[s]|registry\.npm|p[y]pi|debian|he[x])\.(io|org|com|pm|dev)\b|files\.pythonhosted' -- . ':!*Cargo.lock' ':!fuzz/corpus'; }
# `/home/user` and `/workspace` stand for a user's folders in examples and recordings.
machine_paths() { git grep -nIE '(^|[^A-Za-z0-9_./$}-])/(root|work|Users/[a-z]+|home/[a-z]+)/' -- . ':!tests/frames' ':!fuzz/corpus' | grep -v '/home/user/'; }
# Damaged input is what the corpus is for.
binaries() { git ls-files -z -- . ':!fuzz/corpus' | xargs -0 -r grep -ILe . -- | while read -r file; do [ -s "$file" ] && echo "$file"; done; }
# A store without an optional method says so the way the official interface does.
unfinished() { git grep -nE '\b(todo|unimplemented)!\(|NotImplementedError|raise "not implemented|\b(FIXME|XXX)\b' -- "${code[@]}" ':!tests/suites' | grep -vE '^python/src/madrigal/store.py:.*(_left_out|this session store has no)'; }
# A test that another test starts as its host carries that as its reason.
skipped_tests() { git grep -nE '#\[ignore(\]| = "[^r]| = "r[^u])|pytest\.mark\.(skip|xfail)\b|@tag :?skip|\b(it|test|describe)\.(skip|todo)\(' -- "${code[@]}"; }
known_failures() { git ls-files -z 'tests/conformance/known_failing/*.txt' | xargs -0 -r grep -HnvE '^\s*(#|$)'; }
vague_names() { git ls-files | grep -E '(^|/)(utils?|helpers?|common|misc)(\.[a-z]+)?(/|$)'; }
long_files() { git ls-files -z -- "${code[@]}" | xargs -0 wc -l | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines; one idea a file" }'; }
why_first() {
  git ls-files -- '*.rs' '*.ts' '*.ex' | while read -r file; do
    [ "$(wc -l <"$file")" -lt 10 ] || head -n 3 "$file" | grep -qE '^\s*(//|/\*|#|@moduledoc|defmodule)' || echo "$file does not begin with what it is for"
  done
}
executable() { git ls-files -s | awk '$1 == "100644" { print $4 }' | grep -E '^(tests/run|\.ci/run|benches/run|python/tests/run|node/test/run|elixir/test/run)$'; }
one_version() {
  local version
  version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
  [ -f node/package.json ] && ! grep -q "\"version\": \"$version\"" node/package.json && echo "node/package.json is not at $version"
  [ -f elixir/mix.exs ] && ! grep -qE "version.*\"$version\"" elixir/mix.exs && echo "elixir/mix.exs is not at $version"
  [ -f python/pyproject.toml ] && grep -E '^version *=' python/pyproject.toml | grep -v "\"$version\"" && echo "python/pyproject.toml is not at $version"
  grep -E '^madrigal.*version = "' Cargo.toml | grep -v "version = \"$version\"" && echo "a workspace dependency is not at $version"
}
changed_lock() { cargo tree --locked --quiet --workspace >/dev/null; }
# Nobody runs it there, but it shall not fail to compile. Where Rust was installed without rustup there is nothing to check it with.
other_unix() {
  command -v rustup >/dev/null || return 0
  rustup target add aarch64-apple-darwin >/dev/null 2>&1
  cargo check --quiet --package madrigal --target aarch64-apple-darwin
}

bash tests/install/system.sh shellcheck=shellcheck git=git >/dev/null 2>&1
check "shell scripts are clean" shell_scripts
check "the counter of this script reads every runner" counted
check "the core depends on no host language" core_dependencies
check "the core names no host language's machinery" core_words
check "bindings reach the core only through the bridge" bindings_use_the_bridge
check "links lead to known hosts" foreign_links
check "no package index is named" package_hosts
check "no path of one machine" machine_paths
check "no binary file" binaries
check "nothing unfinished behind a public name" unfinished
check "no skipped test" skipped_tests
check "no scenario is known to fail" known_failures
check "file names say what is inside" vague_names
check "files hold one idea" long_files
check "files begin with why they exist" why_first
check "scripts that people run are executable" executable
check "one version everywhere" one_version
check "the lock file is up to date" changed_lock
check "the core compiles for macOS without a warning" other_unix

echo "longest files:"
git ls-files -z -- "${code[@]}" | xargs -0 wc -l | grep -v ' total$' | sort -rn | head -5
echo "$good passed, $bad failed"
[ $bad = 0 ]
