// A token in a real keyring, on a D-Bus of its own: `tests/keyring/session` starts it, and ends it with its input.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { AuthError, AuthManager, InvalidOptionsError, query } from "madrigal";
import { folder, nothing } from "./set-up.mjs";
import { playing, root } from "./simulator.mjs";

const TOKEN = "sk-ant-oat01-test-test-test-in-the-keyring";
const telling = [
  { await: { type: "user" } },
  { init: {} },
  { result: { result: "$env.CLAUDE_CODE_OAUTH_TOKEN" } },
];

/** Calls `work` with the variables of a place where there is a keyring, or none. */
async function within(args, work) {
  const session = spawn(join(root, "tests/keyring/session"), args, { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const [address] = await once(createInterface(session.stdout), "line");
    const HOME = mkdtempSync(join(folder, "home-"));
    await work({ DBUS_SESSION_BUS_ADDRESS: address, HOME });
  } finally {
    const ended = once(session, "exit");
    session.stdin.end();
    await ended;
  }
}

const manager = (place, options) =>
  new AuthManager({ ...nothing, env: { ...nothing.env, ...place }, setup: () => TOKEN, ...options });

async function said(options) {
  for await (const message of query({ prompt: "Who?", options }))
    if (message.type === "result") return message.result;
}

test("a token in the keyring is used by the next query, with a manager and without", async () => {
  await within([], async (place) => {
    for (const [options, name] of [
      [{}, "keyring"],
      [{ store: "keyring" }, "keyring"],
      [{ store: { keyring: "blue" } }, "keyring, account blue"],
    ]) {
      const first = manager(place, options);
      assert.equal((await first.setupToken()).source, name);
      await first.close();
      const auth = manager(place, options);
      const { store, source, tokenPresent } = await auth.status();
      assert.deepEqual([store, source, tokenPresent], [name, name, true]);
      assert.equal(await said(playing(telling, { auth })), TOKEN);
      const usual = await said(playing(telling, { env: place }));
      assert.equal(usual === TOKEN, name === "keyring");
      await auth.clear();
      assert.equal((await auth.status()).tokenPresent, false);
      await auth.close();
    }
    assert.equal(existsSync(join(place.HOME, ".claude_sdk/token.json")), false);
  });
});

test("a keyring that is not there is an error for who chose it, and the file for others", async () => {
  await within(["--bare"], async (place) => {
    const chosen = manager(place, { store: "keyring" });
    await assert.rejects(chosen.setupToken(), (error) => {
      assert.ok(error instanceof AuthError);
      assert.equal(error.context.keyring, "no_service");
      assert.match(error.message, /GNOME Keyring/);
      return true;
    });
    await chosen.close();
    const auto = manager(place, {});
    await auto.setupToken();
    assert.equal((await auto.status()).store, `file ${join(place.HOME, ".claude_sdk/token.json")}`);
    await auto.close();
  });
  for (const store of [{ keyring: 7 }, { keyring: "a", file: "b" }, "cupboard"])
    assert.throws(() => new AuthManager({ store }), InvalidOptionsError);
});
