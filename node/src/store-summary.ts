// What those who write a store need beside it: the key of a directory, and the summary of a session. Both are calculated in the
// engine, so that every language gives the same.

import { native, promised } from "./errors.js";
import { invoke, invokeNow } from "./native.js";
import {
  keyWire,
  type SessionKey,
  type SessionStoreEntry,
  type SessionSummaryEntry,
  summaryWire,
} from "./session-store.js";

/**
 * The summary of a session with entries added: what `listSessionSummaries` of a store gives, if it keeps it up to date with
 * each `append`. Entries of a `subpath` change nothing.
 *
 * @param previous The summary so far; `undefined` for a new session.
 * @param options `mtime`: the store's time of this write, in milliseconds since 1970. Default: that of `previous`, or 0.
 * @example
 * const key = { projectKey: "-", sessionId: "00000000-0000-4000-8000-000000000001" };
 * const summary = foldSessionSummary(undefined, key, [{ type: "custom-title", customTitle: "Plans" }], { mtime: Date.now() });
 */
export function foldSessionSummary(
  previous: SessionSummaryEntry | undefined,
  key: SessionKey,
  entries: SessionStoreEntry[],
  options: { mtime?: number } = {},
): SessionSummaryEntry {
  const request = {
    operation: "fold_session_summary",
    previous: previous === undefined ? null : summaryWire(previous),
    key: keyWire(key),
    entries,
  };
  const folded = JSON.parse(native(() => invokeNow(JSON.stringify(request))));
  return { sessionId: folded.session_id, mtime: options.mtime ?? folded.mtime, data: folded.data };
}

/** The `projectKey` under which a store has the sessions of a directory. Default: that of this process. */
export async function projectKey(directory?: string): Promise<string> {
  const request = JSON.stringify({ operation: "project_key", directory });
  return JSON.parse(await promised(native(() => invoke(request))));
}
