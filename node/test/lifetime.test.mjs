// Whatever happens to the host, its programs are gone: and a host with nothing to do ends.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { query, Session } from "madrigal";
import { answering, gone, playing } from "./simulator.mjs";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
const path = (name) => fileURLToPath(new URL(name, import.meta.url));

async function host(how, name = "host.mjs") {
  const child = spawn(process.execPath, [path(name), how], { stdio: ["ignore", "pipe", "pipe"] });
  const exit = once(child, "exit");
  const [line] = await Promise.race([
    once(child.stdout, "data"),
    exit.then(([code]) => [`exit ${code}: ${child.stderr.read()}`]),
  ]);
  return { child, exit, pids: JSON.parse(line) };
}

const ends = { idle: 0, exit: 3, throw: 1, reject: 1 };
for (const [how, code] of Object.entries(ends)) {
  test(`a host that ends by ${how} leaves nothing behind`, async () => {
    const { exit, pids } = await host(how);
    assert.equal((await exit)[0], code);
    await gone(pids);
  });
}

for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"]) {
  test(`a host that is ended by ${signal} while it waits takes its program along`, async () => {
    const { child, exit, pids } = await host("wait");
    const [program, tool] = pids;
    try {
      child.kill(signal);
      assert.equal((await exit)[1], signal);
      await gone([program]);
    } finally {
      // The real program ends its tools when it is told to end; the simulator does not.
      process.kill(tool);
    }
  });
}

for (const how of ["exit", "throw", "SIGKILL"]) {
  test(`a host of an orchestrator that ends by ${how} takes its programs along`, async () => {
    const { child, exit, pids } = await host(how, "orchestrator-host.mjs");
    if (how === "SIGKILL") child.kill(how);
    await exit;
    assert.ok(pids[0] > 0);
    await gone(pids);
  });
}

test("a call keeps the process alive to its end; an orchestrator and who watches it do not", async () => {
  const { child, exit } = await host("end", "orchestrator-host.mjs");
  const [code] = await exit;
  assert.equal(code, 0, String(child.stderr.read()));
});

test("a worker that is terminated mid-stream takes its programs along", async () => {
  for (let time = 0; time < 30; time++) {
    const worker = new Worker(path("worker.mjs"));
    const [pid] = await once(worker, "message");
    await worker.terminate();
    await gone([pid]);
  }
});

test("a worker that ends by itself with an idle session takes its program along", async () => {
  const worker = new Worker(path("worker.mjs"), { workerData: "idle" });
  const exited = once(worker, "exit");
  const [pid] = await once(worker, "message");
  const [code] = await exited;
  assert.equal(code, 0);
  await gone([pid]);
});

test("a thousand sessions, opened and closed, leave nothing behind", async () => {
  const options = playing(answering);
  const some = async (count) => {
    const opened = await Promise.all(Array.from({ length: count }, () => Session.open(options)));
    assert.equal((await opened[0].send("2 + 2?").result()).result, "4");
    await Promise.all(opened.map((session) => session.close()));
    await gone(
      opened.map(({ pid }) => pid),
      0,
    );
  };
  const used = () => {
    collect();
    return { files: files(), threads: threads(), memory: process.memoryUsage().rss };
  };
  for (let round = 0; round < 5; round++) await some(20);
  const before = used();
  for (let round = 0; round < 50; round++) await some(20);
  const after = used();
  assert.deepEqual(after.files, before.files);
  assert.equal(after.threads, before.threads);
  const grown = (after.memory - before.memory) / 2 ** 20;
  assert.ok(grown < 16, `the process grew by ${grown} MB`);
});

test("a session nobody uses any more is closed", async () => {
  const pids = await Promise.all(
    [0, 1, 2].map(async () => {
      const session = await Session.open(playing(answering));
      return session.pid;
    }),
  );
  const end = performance.now() + 10_000;
  for (;;) {
    collect();
    try {
      return await gone(pids, 100);
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
});

test("a reader that waits is not collected", async () => {
  const cli = [{ await: { type: "user" } }, { pause_ms: 100 }, { result: {} }];
  const result = (async () => {
    for await (const message of query({ prompt: "hi", options: playing(cli) }))
      if (message.type === "result") return message;
  })();
  const timer = setInterval(collect, 10);
  assert.equal((await result).is_error, false);
  clearInterval(timer);
});

/** What the open descriptors lead to. */
function files() {
  return readdirSync("/proc/self/fd")
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/g, "N");
      } catch {
        return "";
      }
    })
    .filter(Boolean)
    .sort();
}

function threads() {
  return readdirSync("/proc/self/task").length;
}
