// Tasks one after the other: steps that know what came before, and one session that is asked until its answer is good.

import { wrong } from "../elicitation.js";
import type { WireError } from "../errors.js";
import type { PipelineOptions, Step, UntilOptions, Verdict } from "./call-options.js";
import { all, count, needed } from "./given.js";
import type { Hub } from "./hub.js";
import type { Outcome, WireOutcome } from "./outcome.js";
import type { UntilOutcome } from "./results.js";
import type { Task } from "./task.js";

/** Steps, each with what the one before said. */
export function pipeline(hub: Hub, steps: Iterable<Step>, options: PipelineOptions): Promise<Outcome[]> {
  const { useContext, stopOnError, signal } = options;
  return hub.call(
    [signal],
    (call) => {
      const listed = all(steps, "steps");
      const wire = listed.map((step) => {
        if (typeof step !== "function") return call.place(step);
        call.skip();
        return { ask: true };
      });
      call.deciding.step = async ({ index, before }) => {
        const step = needed("step", listed[index]);
        return call.task(await step(before === null ? undefined : call.outcome(before)));
      };
      return { kind: "pipeline", steps: wire, use_context: useContext, stop_on_error: stopOnError };
    },
    ({ outcomes }: { outcomes: WireOutcome[] }, call) => call.outcomes(outcomes),
  );
}

interface WireUntil {
  done: boolean;
  outcomes: WireOutcome[];
  error: WireError | null;
}

/** One session, again and again. */
export function until(hub: Hub, task: Task, options: UntilOptions): Promise<UntilOutcome> {
  return hub.call(
    [options?.signal],
    (call) => {
      const judge = needed("judge", options?.judge);
      call.deciding.judge = async ({ outcome, round }) => verdict(await judge(call.outcome(outcome), round));
      return { kind: "until", task: call.task(task), rounds: count("rounds", options.rounds ?? 0) };
    },
    ({ done, outcomes, error }: WireUntil, call) => ({
      done,
      outcomes: call.outcomes(outcomes),
      ...call.error(error),
    }),
  );
}

function verdict(said: Verdict): object {
  if (said !== null && typeof said === "object") {
    if ("done" in said && said.done === true) return { done: true };
    if ("prompt" in said) return { prompt: said.prompt };
  }
  throw wrong("judge", "{ done: true } or { prompt }", said);
}
