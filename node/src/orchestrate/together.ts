// Tasks whose answers count together: the first that is good, what most of them say, or one that is made of all.

import { wrong } from "../elicitation.js";
import type { WireError } from "../errors.js";
import type { Call } from "./call.js";
import type { MapReduceOptions, RaceOptions, VoteOptions } from "./call-options.js";
import { all, count, needed, word } from "./given.js";
import type { Hub } from "./hub.js";
import type { Outcome, WireOutcome } from "./outcome.js";
import type { MapReduceOutcome, RaceOutcome, VoteOutcome } from "./results.js";
import type { Task } from "./task.js";

interface WireRace {
  winner: number | null;
  outcomes: WireOutcome[];
}

/** The first that is good. */
export function race(hub: Hub, tasks: Iterable<Task>, options: RaceOptions): Promise<RaceOutcome> {
  return hub.call(
    [options.signal],
    (call) => {
      const accept = options.accept && needed("accept", options.accept);
      if (accept)
        call.deciding.accept = ({ outcome }) =>
          call.decided(async () => Boolean(await accept(call.outcome(outcome))));
      const stagger = count("staggerMs", options.staggerMs, 0);
      return { kind: "race", tasks: listed(call, tasks), ask: accept !== undefined, stagger_ms: stagger };
    },
    ({ winner, outcomes }: WireRace, call) => won(winner, call.outcomes(outcomes)),
  );
}

interface WireVote {
  ballot: string | null;
  winner: number | null;
  agreement: number;
  counts: Record<string, number>;
  outcomes: WireOutcome[];
  error: WireError | null;
}

/** What most of them say. */
export function vote(hub: Hub, tasks: Iterable<Task>, options: VoteOptions): Promise<VoteOutcome> {
  return hub.call(
    [options.signal],
    (call) => {
      const ballot = options.ballot && needed("ballot", options.ballot);
      if (ballot)
        call.deciding.ballot = ({ outcome }) =>
          call.decided(async () => said(await ballot(call.outcome(outcome))));
      const quorum = word("quorum", options.quorum, ["majority", "unanimous", "plurality"]);
      return { kind: "vote", tasks: listed(call, tasks), quorum, ask: ballot !== undefined };
    },
    ({ ballot, winner, agreement, counts, outcomes, error }: WireVote, call) => ({
      ...(ballot !== null && { ballot }),
      ...won(winner, call.outcomes(outcomes)),
      agreement,
      counts,
      ...call.error(error),
    }),
  );
}

interface WireMapReduce {
  outcome: WireOutcome | null;
  mapped: WireOutcome[];
  reduced: WireOutcome[];
  error: WireError | null;
}

/** One that is made of all. */
export function mapReduce(
  hub: Hub,
  tasks: Iterable<Task>,
  options: MapReduceOptions,
): Promise<MapReduceOutcome> {
  return hub.call(
    [options?.signal],
    (call) => {
      const reduce = needed("reduce", options?.reduce);
      call.deciding.reduce = async ({ outcomes }) => call.task(await reduce(call.outcomes(outcomes)));
      return { kind: "map_reduce", tasks: listed(call, tasks), fan_in: count("fanIn", options.fanIn, 2) };
    },
    ({ outcome, mapped, reduced, error }: WireMapReduce, call) => ({
      ...(outcome !== null && { outcome: call.outcome(outcome) }),
      mapped: call.outcomes(mapped),
      reduced: call.outcomes(reduced),
      ...call.error(error),
    }),
  );
}

/** Outcomes, and the one among them that won. */
function won(winner: number | null, outcomes: Outcome[]): RaceOutcome {
  const one = outcomes.find(({ index }) => index === winner);
  return one?.status === "succeeded" ? { winner: one, outcomes } : { outcomes };
}

function said(ballot: string | null | undefined): string | null {
  if (ballot === undefined || ballot === null || typeof ballot === "string") return ballot ?? null;
  throw wrong("ballot", "a text or null", ballot);
}

function listed(call: Call, tasks: Iterable<Task>): object[] {
  return all(tasks, "tasks").map((task) => call.task(task));
}
