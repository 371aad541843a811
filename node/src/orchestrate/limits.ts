// The settings of the policies: how often, how much, how long, and what is tried again. They are checked in the core; `null`
// turns a limit off, and what is left out has its default.

/** A limit of starts without defaults: what is left out is not limited. */
export interface Quota {
  /** Starts in any minute. Default: no limit. */
  perMinute?: number | null;
  /** Starts in any hour. Default: no limit. */
  perHour?: number | null;
  /** Tokens in any minute; exact in both modes. Default: no limit. */
  tokensPerMinute?: number | null;
  /**
   * `null`, the default: exact windows. Otherwise the size of a token bucket, which is also the most that start at once; in any
   * span T at most burst + rate x T start then.
   */
  burst?: number | null;
  /** The least time between two starts, in milliseconds. Default 0, at most a day. */
  minGapMs?: number;
}

/** How often something may start, for each provider, credential and model. */
export interface RateLimit extends Quota {
  /** Starts in any minute. Default 60. */
  perMinute?: number | null;
  /** Starts in any hour. Default 1000. */
  perHour?: number | null;
  /** A limit for all keys of a tenant together. Default: none. */
  tenant?: Quota | null;
  /** A limit for all keys together. Default: none. */
  global?: Quota | null;
}

/** When a circuit breaker opens, for how long, and what closes it again. */
export interface Circuit {
  /** Failures in a row that open it. Default 5. */
  failureThreshold?: number;
  /** Successes in a row, of one probe after the other, that close it again. Default 2. */
  successThreshold?: number;
  /** How long it stays open the first time, in milliseconds; doubles each time until it has been healthy. Default 60 000. */
  timeoutMs?: number;
  /** The longest it stays open unless a server asks for more, in milliseconds. Default 300 000. */
  maxTimeoutMs?: number;
  /** The share of the open time that chance may take away, from 0 to 1. Default 0.2. */
  jitter?: number;
  /**
   * The share of failures that opens it, above 0 and up to 1, among at least `minSamples` in `windowMs`. `null`: only failures in a
   * row count. Default 0.5.
   */
  failureRate?: number | null;
  /** How many samples a share needs. Default 10. */
  minSamples?: number;
  /** The time over which the share is counted, in milliseconds. Default 60 000. */
  windowMs?: number;
  /** How long a probe may go without a verdict before it counts as failed, in milliseconds. Default 120 000. */
  probeMs?: number;
  /** How long it must be closed for the next opening to be a first one again, in milliseconds. Default 60 000. */
  healthyMs?: number;
  /** Whether, after it closed, permits at one time grow from 1 with each success instead of all at once. Default true. */
  slowStart?: boolean;
}

/** Limits of money, in US dollars. What is left out is not limited. */
export interface Budget {
  /** For one run, with all its attempts. */
  runUsd?: number | null;
  /** For all runs of one call, such as a pipeline. */
  flowUsd?: number | null;
  /** For each key (provider, credential, model) in any hour. */
  keyHourUsd?: number | null;
  /** For each key in any day. */
  keyDayUsd?: number | null;
  /** For everything, ever. */
  totalUsd?: number | null;
  /** How long the charge of a run whose cost is not known stays open to correction, in milliseconds. Default an hour, 3 600 000. */
  uncertainTtlMs?: number;
  /**
   * A file in which all that is held and spent is written down, so that the limits of keys and `totalUsd` go on after a restart. For one
   * orchestrator at a time. Default: none.
   */
  ledger?: string | null;
}

/** How often, how soon and by whom failed work is tried again. */
export interface RetryPolicy {
  /** Attempts of a run, the first included. Default 3. */
  maxAttempts?: number;
  /** The first backoff after the API wanted fewer requests, in milliseconds. Default 1000. */
  throttleBaseMs?: number;
  /** The first backoff after the API or the network failed, in milliseconds. Default 250. */
  networkBaseMs?: number;
  /** The first backoff after a program could not be started, in milliseconds. Default 50. */
  spawnBaseMs?: number;
  /** The longest backoff, in milliseconds; a server may ask for more. Default 20 000. */
  maxDelayMs?: number;
  /** Retries for each first attempt of a key within a minute, as a share from 0 to 1. Default 0.2. */
  budgetShare?: number;
  /** Retries of a key within a minute that are free. Default 12. */
  budgetFree?: number;
  /** Retries of a key within a minute, at most. Default 100. */
  budgetCap?: number;
  /**
   * How often the program itself retries a failed call of the API. Above 0 such failures are its business, and a run that still
   * failed is not tried again; 0 makes them that of the orchestrator. Default 10.
   */
  programRetries?: number;
}

/** How much memory must be left for another program to start. Linux only. */
export interface MemoryLimit {
  /** What must be left when it runs, in MB (2^20 bytes). Default 1024. */
  minAvailableMb?: number;
  /** What a program takes that is not ready yet, in MB. Default 150. */
  runMb?: number;
}

/** How the number of places follows what the API says. */
export interface Adaptive {
  /** As few as that. Default 1. */
  min?: number;
  /** The share of the places that is left when the API wants fewer requests, between 0 and 1. Default 0.7. */
  decrease?: number;
  /** How long after that it is not lowered again, in milliseconds. Default 5000. */
  cooldownMs?: number;
}

/** When tasks of the class `sheddable` are refused. */
export interface Shedding {
  /** How long one may wait, in milliseconds. Default 5000. */
  targetMs?: number;
  /** For how long everybody has to have waited longer, in milliseconds; more than `targetMs`. Default 30 000. */
  intervalMs?: number;
}

/** When an attempt whose first token is late gets a second one beside it. Whichever is answered first goes on. */
export interface Hedge {
  /** Later than so many in a hundred of the last 200 first tokens for the same provider, credential and model; 50 to 99. Default 95. */
  percentile?: number;
  /** Never earlier than this, in milliseconds. Default 10 000. */
  minDelayMs?: number;
  /** How many first tokens must be known before it is judged what is late; 1 to 200. Default 20. */
  minSamples?: number;
  /** The most second attempts, as a share of those that could have one. Default 0.05. */
  maxShare?: number;
}

/** Who goes first: somebody loses something when it is late; somebody waits for it; the default; may be dropped. */
export type Class = "critical_plus" | "critical" | "normal" | "sheddable";

/** How many programs are kept ready, for how long, and whether one may serve more than one run. */
export interface Pool {
  /** How many are kept ready for each kind of start that repeats. Default 1. */
  minIdle?: number;
  /** How many may be ready at a time, all kinds together; at least 1 and `minIdle`. Default: `maxConcurrent`. */
  maxIdle?: number | null;
  /**
   * How old one may become before it is replaced, in milliseconds; a kind of start that nobody asks for during this time is forgotten.
   * Default 600 000.
   */
  maxAgeMs?: number;
  /** How much memory those that are ready may take together, in MiB. Default 2048. */
  maxMemoryMb?: number;
  /**
   * Whether one may serve run after run, and forgets each by `/clear`. Only runs without tools can: the options of the orchestrator must
   * say `tools: []` and have nothing else that acts. Default false.
   */
  recycle?: boolean;
  /** With `recycle`: after how many further runs it is ended all the same. Default 50. */
  maxReuses?: number;
}
