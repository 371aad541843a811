// The stand-in for the `claude` program, and how the tests see whether a process is alive.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** The `madrigal` command, which is the simulator, too. */
export const simulator = [
  process.env.MADRIGAL_BIN,
  ...["debug", "release"].map((profile) => join(root, "target", profile, "madrigal")),
].find((path) => path !== undefined && existsSync(path));

const folder = mkdtempSync(join(tmpdir(), "madrigal-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** Options that make the program play `cli`, the steps of a scenario. */
export function playing(cli, options = {}, scenario = {}) {
  const file = join(folder, `${process.pid}-${++files}.json`);
  writeFileSync(
    file,
    JSON.stringify({ name: "test", about: "A test", mode: "session", host: [], ...scenario, cli }),
  );
  return simulating(file, options);
}

/** Options that make the program play a scenario file. */
export function simulating(file, options = {}) {
  if (simulator === undefined) throw new Error("build the simulator first: cargo build -p madrigal-cli");
  return {
    pathToClaudeCodeExecutable: simulator,
    ...options,
    env: { ...options.env, MADRIGAL_SIMULATE: file },
  };
}

/** The steps of a program that answers each prompt at once. */
export const answering = [
  { loop: [{ await: { type: "user" } }, { init: {} }, { text: { text: "4" } }, { result: {} }] },
];

/** What the program says about a turn, without its notes on where the prompt is in its queue. */
export const said = (messages) => messages.filter(({ type }) => type !== "command_lifecycle");

/** Whether a process runs. One that only waits to be collected by its parent does not. */
export function alive(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !["Z", "X"].includes(stat.slice(stat.lastIndexOf(")") + 2)[0]);
  } catch {
    return false;
  }
}

/** Resolves when the processes are gone, rejects when that takes longer than `limit` ms. */
export async function gone(pids, limit = 10_000) {
  const end = performance.now() + limit;
  for (const pid of pids) {
    while (alive(pid)) {
      if (performance.now() > end) throw new Error(`process ${pid} is still alive after ${limit} ms`);
      await pause(5);
    }
  }
}
