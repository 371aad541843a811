// The session store of a scenario: the one in memory, behind one that lacks methods, fails and hangs as it is told.

import { setTimeout as pause } from "node:timers/promises";
import { InMemorySessionStore } from "madrigal";
import { matches } from "./match.mjs";
import { camel } from "./names.mjs";

const methods = ["append", "load", "list_sessions", "list_session_summaries", "delete", "list_subkeys"];
/** How long `stored` waits. */
const PATIENCE_MS = 10_000;

/** A key in the words of the package. */
const key = ({ project_key, session_id, subpath }) => ({
  projectKey: project_key,
  sessionId: session_id,
  ...(subpath !== undefined && { subpath }),
});

export class ScenarioStore {
  memory = new InMemorySessionStore();
  /** What it threw last. */
  raised = undefined;

  constructor({ holds = [], lacks = [], fails = {}, hangs = [] }) {
    this.holds = holds;
    this.left = { ...fails };
    this.store = Object.fromEntries(
      methods
        .filter((method) => !lacks.includes(method))
        .map((method) => [camel(method), (...args) => this.call(method, args, hangs.includes(method))]),
    );
  }

  /** Puts in what is there from the beginning. */
  async filled() {
    for (const { key: where, entries } of this.holds.splice(0)) await this.memory.append(key(where), entries);
    return this.store;
  }

  async call(method, args, hangs) {
    if (hangs) await new Promise(() => {});
    if (this.left[method]) {
      this.left[method]--;
      this.raised = new Error("the store is down");
      throw this.raised;
    }
    return this.memory[camel(method)](...args);
  }

  /** Waits until what is under a key matches. */
  async stored(where, reply) {
    for (const end = performance.now() + PATIENCE_MS; ; await pause(5)) {
      const entries = await this.memory.load(key(where));
      if (matches(reply, entries)) return;
      if (performance.now() > end)
        throw new Error(`${JSON.stringify(where)} has ${JSON.stringify(entries)?.slice(0, 2000)}`);
    }
  }
}
