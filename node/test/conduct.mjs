// The steps of a scenario for an orchestrator: calls through the public interface, with what a host decides on the way as data.

import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { Orchestrator } from "madrigal";
import { matches } from "./match.mjs";
import { camelKeys, official, respelled, snakeKeys } from "./names.mjs";

/** How long progress may take to come. */
const LATE_MS = 10_000;

/** An orchestrator and its progress so far. */
export class Conductor {
  #seen = [];
  #came = new EventTarget();

  /**
   * @param place Adds to options what leads to a program.
   * @param managers Auth managers by their names.
   */
  constructor(config, place, managers) {
    const { options = {}, fallbacks, auth, ...settings } = config;
    const named = ({ auth, ...rest }) => ({ ...rest, ...(auth !== undefined && { auth: managers[auth] }) });
    this.orchestrator = new Orchestrator({
      ...camelKeys(settings),
      ...(fallbacks && { fallbacks: Array.isArray(fallbacks) ? fallbacks.map(named) : fallbacks }),
      options: { ...place(official(options)), ...named({ auth }) },
    });
    this.managers = managers;
    void this.#watch(this.orchestrator.progress());
  }

  async #watch(progress) {
    for await (const { error, ...event } of progress) {
      this.#seen.push({ ...snakeKeys(event), ...(error && { error: error.toJSON() }) });
      this.#came.dispatchEvent(new Event("progress"));
    }
  }

  /** Makes a call; it is given up when progress matches. */
  async flow(flow, reply, cancelWhen) {
    if (cancelWhen === undefined) {
      const said = await this.#perform(flow);
      if (reply !== undefined) assert.ok(matches(spelled(reply), said), JSON.stringify(said, null, 1));
      return;
    }
    const aborter = new AbortController();
    let at = this.#seen.length;
    const look = () => {
      for (; at < this.#seen.length; at++) if (matches(cancelWhen, this.#seen[at])) aborter.abort();
    };
    this.#came.addEventListener("progress", look);
    await this.#perform(flow, aborter.signal).catch((error) => assert.ok(aborter.signal.aborted, error));
    this.#came.removeEventListener("progress", look);
  }

  async stats(pattern) {
    const late = Date.now() + LATE_MS;
    for (;;) {
      const stats = snakeKeys(await this.orchestrator.stats());
      if (matches(pattern, stats)) return;
      assert.ok(Date.now() < late, JSON.stringify(stats));
      await setTimeout(5);
    }
  }

  /** Waits until these were seen in this order. */
  async stages(patterns) {
    let at = 0;
    const late = AbortSignal.timeout(LATE_MS);
    for (const pattern of patterns) {
      for (;;) {
        const seen = JSON.stringify(this.#seen);
        while (at >= this.#seen.length) {
          assert.ok(!late.aborted, `${JSON.stringify(pattern)} did not come behind the one before: ${seen}`);
          await this.#progress(late);
        }
        if (matches(pattern, this.#seen[at++])) break;
      }
    }
    for (const [number, { sequence }] of this.#seen.entries()) assert.equal(sequence, number);
  }

  #progress(late) {
    return new Promise((resolve) => {
      this.#came.addEventListener("progress", resolve, { once: true });
      late.addEventListener("abort", resolve, { once: true });
    });
  }

  async #perform(flow, signal) {
    const { kind, tasks: written, task: one, lazy, each, accept, ballot, reduce, judge = [], ...rest } = flow;
    const { steps, on_error: onError, rounds, ...names } = rest;
    const options = { ...camelKeys(names), ...(onError !== undefined && { onError }), signal };
    const { orchestrator, managers } = this;
    const task = (written) => taskOf(written, managers);
    const tasks = (written ?? []).map(task);
    switch (kind) {
      case "run":
        return { outcome: wire(await orchestrator.run(task(one), options)) };
      case "parallel": {
        const source = lazy ? slowly(tasks) : tasks;
        if (!each) return { outcomes: (await orchestrator.parallel(source, options)).map(wire) };
        let count = 0;
        for await (const _ of orchestrator.asCompleted(source, options)) count++;
        return { count };
      }
      case "pipeline":
        return {
          outcomes: (
            await orchestrator.pipeline(
              steps.map((one) => step(one, task)),
              options,
            )
          ).map(wire),
        };
      case "race": {
        if (accept) options.accept = ({ text }) => decided(accept[text]) === true;
        return whole(await orchestrator.race(tasks, options), ["winner"]);
      }
      case "vote": {
        if (ballot) options.ballot = async ({ text }) => decided(ballot[text]) ?? null;
        return whole(await orchestrator.vote(tasks, options), ["winner", "ballot", "error"]);
      }
      case "map_reduce": {
        options.reduce = async () => task(decided(reduce));
        return whole(await orchestrator.mapReduce(tasks, options), ["outcome", "error"]);
      }
      case "until": {
        options.judge = (_, round) => decided(judge[round - 1] ?? judge.at(-1));
        return whole(await orchestrator.until(task(one), { ...options, rounds }), ["error"]);
      }
      default:
        throw new Error(`no such call: ${kind}`);
    }
  }
}

/** A task in the words of this package, with the manager that it names. */
function taskOf(written, managers) {
  if (typeof written !== "object" || written.raise !== undefined) return written;
  const { options, auth, ...rest } = written;
  const given = { ...(options && official(options)), ...(auth !== undefined && { auth: managers[auth] }) };
  return { ...camelKeys(rest), ...((options ?? auth) !== undefined && { options: given }) };
}

function step(written, task) {
  if (written.raise !== undefined) return () => decided(written);
  return written.make === undefined ? task(written) : async () => task(decided(written.make));
}

/** What the host decides, or its failure. */
function decided(value) {
  if (value?.raise !== undefined)
    throw Object.assign(new Error(value.raise), { code: "callback", ofHost: true });
  return value;
}

async function* slowly(tasks) {
  for (const one of tasks) yield decided(one);
}

/** An outcome in the form in which it crosses. */
function wire({ error, messages, usage, structuredOutput, ...facts }) {
  const output = structuredOutput === undefined ? {} : { structured_output: structuredOutput };
  return { ...snakeKeys(facts), messages, usage, ...output, error: error?.toJSON() ?? null };
}

/** What a call gives, in the form in which it crosses. `optional` are the fields that are left out here. */
function whole(result, optional) {
  const said = { ...result };
  for (const name of optional) said[name] ??= null;
  for (const list of ["outcomes", "mapped", "reduced"]) if (said[list]) said[list] = said[list].map(wire);
  if (said.outcome) said.outcome = wire(said.outcome);
  if (said.winner) said.winner = said.winner.index;
  if (said.error) said.error = said.error.toJSON();
  return said;
}

/** A pattern whose errors speak in the words of this package. */
function spelled(pattern) {
  if (Array.isArray(pattern)) return pattern.map(spelled);
  if (typeof pattern !== "object" || pattern === null) return pattern;
  const parts = Object.entries(pattern).map(([name, part]) => [
    name,
    name === "error" && part !== null ? respelled(part) : spelled(part),
  ]);
  return Object.fromEntries(parts);
}
