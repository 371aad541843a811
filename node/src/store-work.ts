// Work on a session store that needs no program. The engine does it and asks the store.

import { Channel } from "./channel.js";
import type { SessionStore, Stores } from "./session-store.js";
import { storeWire } from "./session-store.js";

/** What to import. */
export interface ImportSessionToStoreOptions {
  /** Only among the sessions of this directory and of the worktrees of its repository. Default: everywhere. */
  dir?: string;
  /** Also the transcripts of its subagents. Default: true. */
  includeSubagents?: boolean;
  /** How many entries are appended at once. Default: 500. */
  batchSize?: number;
  /** The folder of the program, in place of `CLAUDE_CONFIG_DIR` and `~/.claude`. */
  configDir?: string;
}

/** What a check of a store found. */
export interface SessionStoreCheck {
  /** What is checked. */
  check: string;
  passed: boolean;
  /** What the store does instead. */
  error: string | null;
}

/** Carries out an operation on one store. */
export async function workOn<T>(store: SessionStore, operation: object): Promise<T> {
  return Channel.work({ operation, ...storeWire(store) }, () => store);
}

/**
 * Copies a session from disk into a store, its subagents included. Entries that are there already are absorbed by the
 * store, so it can be done again.
 *
 * @example
 * await importSessionToStore(sessionId, store, { dir: process.cwd() });
 */
export async function importSessionToStore(
  sessionId: string,
  store: SessionStore,
  options: ImportSessionToStoreOptions = {},
): Promise<void> {
  const { dir, includeSubagents, batchSize, configDir = process.env["CLAUDE_CONFIG_DIR"] } = options;
  await workOn(store, {
    operation: "import_session_to_store",
    session_id: sessionId,
    directory: dir,
    include_subagents: includeSubagents,
    batch_size: batchSize,
    config_dir: configDir,
  });
}

/**
 * Checks that a store does what sessions rely on. Methods that it does not have are not checked.
 *
 * @param makeStore Gives a fresh, empty store each time it is called.
 * @example
 * for (const { check, passed, error } of await sessionStoreConformance(() => new InMemorySessionStore()))
 *   assert.ok(passed, `${check}: ${error}`);
 */
export async function sessionStoreConformance(
  makeStore: () => SessionStore | Promise<SessionStore>,
): Promise<SessionStoreCheck[]> {
  const first = await makeStore();
  const made = new Map<number | undefined, SessionStore | Promise<SessionStore>>();
  const stores: Stores = ({ store: number }) => {
    const store = made.get(number) ?? (made.size === 0 ? first : makeStore());
    made.set(number, store);
    return store;
  };
  return Channel.work({ operation: { operation: "session_store_conformance" }, ...storeWire(first) }, stores);
}
