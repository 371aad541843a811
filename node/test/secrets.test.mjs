// A canary in the place of each secret: neither the log at its lowest level nor an error has it.

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { AuthManager, onLog, Session } from "madrigal";
import { folder, nothing, program } from "./set-up.mjs";
import { playing, root } from "./simulator.mjs";

const CANARY = "test-canary";
const TOKEN = "sk-ant-oat01-test-canary-of-setup-test-canary-of-setup";

const told = (value) => inspect(value, { depth: 9, showHidden: true });

/** All log lines of what this does. */
async function logged(does) {
  const lines = [];
  onLog("trace", (line) => lines.push(told(line)));
  await does();
  // Lines come behind what they are about.
  await new Promise(setImmediate);
  onLog("off");
  return lines;
}

const clean = (texts) => {
  for (const text of texts) assert.ok(!text.includes(CANARY), text);
};

test("a run that is told all its secrets", async () => {
  const file = `${root}/tests/conformance/scenarios/secrets_in_errors.json`;
  const { cli, options } = JSON.parse(readFileSync(file, "utf8"));
  const { env, mcp_servers: mcpServers, settings } = options;
  const [stderr, errors] = [[], []];
  const log = await logged(async () => {
    const note = (line) => stderr.push(line);
    const given = { env, mcpServers, settings: JSON.stringify(settings), stderr: note };
    const session = await Session.open(playing(cli, given));
    const turn = session.send("hi");
    for (let times = 0; times < 2; times++)
      await turn.result().catch((error) => errors.push(told(error), error.stack, String(error)));
    errors.push(told(session));
    await session.close();
  });
  assert.ok(errors.length >= 4 && stderr.join("").includes("token ..."), told([errors, stderr]));
  // What the program called its question, and why the session ended.
  for (const line of ["subtype", "an answer nobody waits for", "program is gone"])
    assert.ok(
      log.some((text) => text.includes(line)),
      told(log),
    );
  clean([...log, ...errors, ...stderr]);
});

for (const accepted of [true, false])
  test(`a login that is ${accepted ? "accepted" : "refused"}`, async () => {
    const home = join(folder, `home-${accepted}`);
    mkdirSync(home);
    const file = join(home, "token.json");
    const says = accepted
      ? `printf '\\r\\n\\033[32m%s\\033[0m\\r\\n' '${TOKEN}'`
      : "echo no: $code, $TEST_TOKEN; exit 1";
    const said = [];
    let shown = "";
    const log = await logged(async () => {
      const auth = new AuthManager({
        ...nothing,
        env: { ...nothing.env, TEST_TOKEN: "test-canary-of-env" },
        store: { file },
        cliPath: program(`stty -echo; printf 'Paste it here: '; read code; ${says}`),
        onSetupOutput: (text) => {
          shown += text;
        },
      });
      auth.setupInput("test-canary-7Hk2Zu\n");
      const done = auth.setupToken().catch((error) => error);
      said.push(told(await done), told(auth), told(await auth.status()));
    });
    assert.match(shown, /Paste it here/);
    const kept = readdirSync(home).filter((name) => readFileSync(join(home, name), "utf8").includes(CANARY));
    if (accepted) {
      assert.match(shown, /sk-ant-oat01-test-ca\*\*\*/);
      assert.deepEqual(kept, ["token.json"]);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      said.push(shown);
    } else {
      assert.match(said[0], /no: \.\.\., \.\.\./);
      assert.deepEqual([kept, existsSync(file)], [[], false]);
    }
    clean([...log, ...said]);
  });
