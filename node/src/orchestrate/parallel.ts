// Tasks side by side: all outcomes at the end, or each as it comes.

import { isObject } from "../invalid.js";
import type { Call } from "./call.js";
import type { ParallelOptions, TaskSource } from "./call-options.js";
import { count, word } from "./given.js";
import type { Hub } from "./hub.js";
import type { Outcome, WireOutcome } from "./outcome.js";
import { Pull } from "./source.js";

/** All outcomes, in the order of the tasks. */
export function parallel(hub: Hub, tasks: TaskSource, options: ParallelOptions): Promise<Outcome[]> {
  return hub.call(
    [options.signal],
    (call) => described(call, tasks, options),
    ({ outcomes }: { outcomes: WireOutcome[] }, call) => call.outcomes(outcomes),
  );
}

/** Each outcome as it comes. No more tasks are taken while `most` outcomes are unread. */
export async function* asCompleted(
  hub: Hub,
  tasks: TaskSource,
  options: ParallelOptions,
  most: number,
): AsyncGenerator<Outcome, void, undefined> {
  const unread: Outcome[] = [];
  let [came, taken, over] = [() => {}, () => {}, false];
  const room = async () => {
    while (unread.length >= most) await new Promise<void>((resolve) => (taken = resolve));
  };
  const left = new AbortController();
  const work = hub.call(
    [options.signal, left.signal],
    (call) => {
      call.onOutcome = (outcome) => {
        unread.push(outcome);
        came();
      };
      return { ...described(call, tasks, options, room), each: true };
    },
    () => {},
  );
  const settled = work
    .catch(() => {})
    .then(() => {
      over = true;
      came();
    });
  try {
    for (;;) {
      const next = unread.shift();
      if (next !== undefined) {
        taken();
        yield next;
      } else if (over) break;
      else await new Promise<void>((resolve) => (came = resolve));
    }
    await work;
  } finally {
    left.abort();
    await settled;
  }
}

function described(call: Call, tasks: TaskSource, options: ParallelOptions, room = async () => {}): object {
  const { maxConcurrent, onError } = options;
  if (isObject(onError)) count("onError.tolerate", onError.tolerate ?? -1, 0);
  else word("onError", onError, ["collect", "fail_fast", "{ tolerate: n }"]);
  const limit = count("maxConcurrent", maxConcurrent);
  const wire = { kind: "parallel", max_concurrent: limit, on_error: onError };
  if (Array.isArray(tasks)) return { ...wire, tasks: tasks.map((task) => call.place(task)) };
  const pull = new Pull(tasks, "tasks");
  call.deciding.next_task = async () => {
    await room();
    const next = await pull.next();
    return next === undefined ? null : call.place(next.value);
  };
  call.onEnd = () => pull.stop();
  return wire;
}
