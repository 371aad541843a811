// A program for a set-up: a script that does on `setup-token` what a test says.

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that is gone with this process. */
export const folder = mkdtempSync(join(tmpdir(), "madrigal-auth-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
let programs = 0;

/** The path of a program that does this. */
export function program(does) {
  const path = join(folder, `claude-${++programs}`);
  const script = [
    "#!/bin/sh",
    "case $1 in",
    "  setup-token) ;;",
    "  --version) echo '2.1.330 (Claude Code)'; exit ;;",
    "  *) exit 2 ;;",
    "esac",
    does,
    "",
  ];
  writeFileSync(path, script.join("\n"));
  chmodSync(path, 0o755);
  return path;
}

/** One that asks for the code `heron` and gives a token, in color. */
export const giving = (token) =>
  program(`printf 'Open the page.\\r\\nPaste code here: '
read code
[ "$code" = heron ] || { echo 'Login failed'; exit 1; }
printf '\\r\\n\\033[32m%s\\033[0m\\r\\n' '${token}'`);

/** One that waits for a person who never comes. Draws its process id. */
export const hanging = () => program("echo pid $$.; exec sleep 600");

/** Nothing of this machine counts. */
export const nothing = {
  cliLogin: false,
  interactive: false,
  env: Object.fromEntries(
    [
      "CI",
      "ANTHROPIC_API_KEY",
      "ANTHROPIC_AUTH_TOKEN",
      "CLAUDE_CODE_OAUTH_TOKEN",
      "CLAUDE_AGENT_API_KEY",
      "CLAUDE_AGENT_AUTH_TOKEN",
      "CLAUDE_AGENT_OAUTH_TOKEN",
      "DBUS_SESSION_BUS_ADDRESS",
      "XDG_RUNTIME_DIR",
    ].map((name) => [name, ""]),
  ),
};
