#!/usr/bin/env bash
# Runs the examples of the README as a user would, each in its language, on the simulated `claude`: what stands on the first
# page must work. Also the command of the first page that needs nothing but Rust.
set -uo pipefail

place=$MADRIGAL_TARGET/examples
rm -rf "$place"
mkdir -p "$place/rust/src" "$place/node/node_modules"
good=0
bad=0

# block LANGUAGE: the first block of that language in the README.
block() { awk -v fence="\`\`\`$1" '$0 == fence { inside = 1; next } inside && /^```/ { exit } inside' README.md; }
# shows NAME TEXT COMMAND...: the command succeeds and its output holds the text.
shows() {
  local name=$1 text=$2 output
  shift 2
  if output=$("$@" 2>&1) && grep -qF -- "$text" <<<"$output"; then
    good=$((good + 1)) && echo "ok: $name"
  else
    bad=$((bad + 1)) && printf 'NOT OK: %s\n%s\n' "$name" "$output"
  fi
}

# The program asks about a tool, expects that it is denied, and answers.
export MADRIGAL_CLI_PATH=$MADRIGAL_BIN
MADRIGAL_SIMULATE=$(tr -d '\n' <<'SCENARIO'
{"name": "example", "about": "A denied tool, then the answer", "cli": [
  {"await": {"type": "user", "message": {"content": {"$contains": "2 + 2"}}}},
  {"emit": {"type": "control_request", "request_id": "r1", "request": {"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "bc"}, "tool_use_id": "t1"}}},
  {"await": {"type": "control_response", "response": {"request_id": "r1", "response": {"behavior": "deny", "message": "not here"}}}},
  {"result": {"result": "It is four."}}]}
SCENARIO
)
export MADRIGAL_SIMULATE

block rust >"$place/rust/src/main.rs"
{
  printf '[package]\nname = "example"\nversion = "0.0.0"\nedition = "2024"\n\n[workspace]\n\n'
  block toml | sed "s|\"madrigal/core\"|\"$MADRIGAL_ROOT/core\"|"
} >"$place/rust/Cargo.toml"
cp Cargo.lock "$place/rust/"
shows Rust "It is four." cargo run --quiet --manifest-path "$place/rust/Cargo.toml" --target-dir "$MADRIGAL_TARGET"

block python >"$place/example.py"
shows Python "It is four." .tools/venv/bin/python "$place/example.py"

block js >"$place/node/example.mjs"
ln -s "$MADRIGAL_ROOT/node" "$place/node/node_modules/madrigal"
shows Node.js "It is four." node "$place/node/example.mjs"

block elixir >"$place/example.exs"
shows Elixir "It is four." env -C elixir MIX_ENV=test mix run "$place/example.exs"

# The files of the packages: the program answers.
# shellcheck disable=SC2016 # $contains is a word of the simulator
MADRIGAL_SIMULATE='{"name": "example", "about": "An answer", "cli": [
  {"await": {"type": "user", "message": {"content": {"$contains": "2 + 2"}}}}, {"init": {}}, {"text": {"text": "It is four."}}, {"result": {}}]}'
for example in python/examples/*.py; do
  shows "$example" "It is four." .tools/venv/bin/python "$example"
done
for example in elixir/examples/*.exs; do
  shows "$example" "It is four." env -C elixir MIX_ENV=test mix run "../$example"
done

unset MADRIGAL_CLI_PATH MADRIGAL_SIMULATE
shows "madrigal demo" "" "$MADRIGAL_BIN" demo
echo "$good passed, $bad failed"
[ $bad = 0 ]
