// Log lines of the engine, for whatever logger the program uses.

import { engine, type Listener, listen } from "./engine.js";
import { native } from "./errors.js";

/** How much is logged. */
export type LogLevel = "off" | "error" | "warn" | "info" | "debug" | "trace";

/** A line of the engine's log. */
export interface LogLine {
  level: LogLevel;
  /** The part of the engine it comes from. */
  target: string;
  message: string;
  fields: Record<string, unknown>;
  /** How many lines before this one were dropped because nobody took them. */
  dropped?: number;
}

let hand = (_: LogLine): void => {};

/** The number of the log. */
const log: Listener = {
  id: 0,
  onWake(): void {
    const lines = engine.logs();
    if (lines === null) return;
    for (const line of JSON.parse(lines) as LogLine[]) queueMicrotask(() => hand(line));
  },
};

/**
 * Hands the engine's log lines at or above `level` to `listener`. One listener for all sessions of the process: a later call
 * replaces the earlier one, and `"off"` ends it.
 *
 * @example
 * onLog("info", ({ level, message, fields }) => console.error(level, message, fields));
 */
export function onLog(level: LogLevel, listener: (line: LogLine) => void = () => {}): void {
  native(() => engine.setLogLevel(level));
  hand = listener;
  listen(log);
}
