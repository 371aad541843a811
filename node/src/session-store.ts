// A session store: transcripts kept by this process, wherever it likes. What a store is, and how the engine asks it. All that
// is decided (when to append, how to resume, what a list shows) is decided in the engine.

import { wrong } from "./elicitation.js";
import { invalid, isObject } from "./invalid.js";

/** Under what entries are stored: a session of a project, or with `subpath` something that belongs to it, such as a subagent. */
export interface SessionKey {
  /** Stands for a directory: see {@link projectKey}. */
  projectKey: string;
  sessionId: string;
  /** With `/` between its parts: `subagents/agent-1`. */
  subpath?: string;
}

/** One line of a transcript. A store keeps it as it is. */
export interface SessionStoreEntry {
  type: string;
  /** Missing in some kinds of lines. */
  uuid?: string;
  timestamp?: string;
  [key: string]: unknown;
}

/** What a list shows of a session, kept beside its entries so that listing need not load them. */
export interface SessionSummaryEntry {
  sessionId: string;
  /** When the store wrote it, in milliseconds since 1970, by the clock of `listSessions`. */
  mtime: number;
  /** Made by {@link foldSessionSummary}; a store keeps it as it is. */
  data: Record<string, unknown>;
}

/** When entries go to the store: with each result, 500 entries or 1 MiB (`batched`), or as they come. */
export type SessionStoreFlush = "batched" | "eager";

/**
 * Keeps transcripts. `append` and `load` are needed; without the others, what needs them is refused.
 *
 * Calls for one key come one after the other, those for several keys can come at once. An `append` that fails is tried again
 * (twice), so entries whose `uuid` is there already must not be kept twice. {@link sessionStoreConformance} checks a store.
 *
 * @example
 * class Shelf implements SessionStore {
 *   readonly #lines = new Map<string, SessionStoreEntry[]>();
 *   async append(key: SessionKey, entries: SessionStoreEntry[]) {
 *     const lines = (await this.load(key)) ?? [];
 *     const known = new Set(lines.map(({ uuid }) => uuid).filter(Boolean));
 *     lines.push(...entries.filter(({ uuid }) => uuid === undefined || !known.has(uuid)));
 *     this.#lines.set(JSON.stringify([key.projectKey, key.sessionId, key.subpath]), lines);
 *   }
 *   async load(key: SessionKey) {
 *     return this.#lines.get(JSON.stringify([key.projectKey, key.sessionId, key.subpath])) ?? null;
 *   }
 * }
 */
export interface SessionStore {
  /** Adds entries behind those that are there, in order. */
  append(key: SessionKey, entries: SessionStoreEntry[]): Promise<void>;
  /** All entries in order; `null` when nothing was ever stored under the key. */
  load(key: SessionKey): Promise<SessionStoreEntry[] | null>;
  /** The sessions of a project in any order, with the milliseconds since 1970 when each was last written. */
  listSessions?(projectKey: string): Promise<{ sessionId: string; mtime: number }[]>;
  /** The summaries of the sessions of a project, in any order. */
  listSessionSummaries?(projectKey: string): Promise<SessionSummaryEntry[]>;
  /** Removes what is under the key; without `subpath`, all transcripts of the session. What is not there is no error. */
  delete?(key: SessionKey): Promise<void>;
  /** The subpaths under which the session has entries. */
  listSubkeys?(key: { projectKey: string; sessionId: string }): Promise<string[]>;
}

/** What the engine asks of a store. */
export interface StoreRequest {
  method: string;
  key?: WireKey;
  project_key?: string;
  entries?: SessionStoreEntry[];
  /** Of the conformance checks: which of several stores. */
  store?: number;
}

interface WireKey {
  project_key: string;
  session_id: string;
  subpath?: string | null;
}

/** The store a request is for. */
export type Stores = (request: StoreRequest) => SessionStore | Promise<SessionStore>;

/** Our names of the methods, by those of the engine. */
const methods = {
  append: "append",
  load: "load",
  list_sessions: "listSessions",
  list_session_summaries: "listSessionSummaries",
  delete: "delete",
  list_subkeys: "listSubkeys",
};

/** What the engine is told about a store. Throws `InvalidOptionsError` when it is none. */
export function storeWire(store: SessionStore): { session_store: { methods: string[] } } {
  const has = (name: string) => typeof (store as unknown as Record<string, unknown>)[name] === "function";
  if (!isObject(store) || !has("append") || !has("load"))
    throw invalid("sessionStore", "expected an object with the methods append and load");
  const own = Object.entries(methods).filter(([, name]) => has(name));
  return { session_store: { methods: own.map(([wire]) => wire) } };
}

/** Asks a store. */
export async function askStore(store: SessionStore, request: StoreRequest): Promise<unknown> {
  const { method, key, project_key: project = "", entries = [] } = request;
  switch (method) {
    case "append":
      await store.append(keyFrom(key), entries);
      return null;
    case "load":
      return (await store.load(keyFrom(key))) ?? null;
    case "list_sessions":
      return list(await store.listSessions?.(project), "listSessions").map(sessionWire);
    case "list_session_summaries":
      return list(await store.listSessionSummaries?.(project), "listSessionSummaries").map(summaryWire);
    case "delete":
      await store.delete?.(keyFrom(key));
      return null;
    case "list_subkeys": {
      const { projectKey, sessionId } = keyFrom(key);
      return list(await store.listSubkeys?.({ projectKey, sessionId }), "listSubkeys");
    }
    default:
      throw wrong("the engine", "a method of a session store", method);
  }
}

/** A key as the engine has it. */
export function keyWire({ projectKey, sessionId, subpath }: SessionKey): WireKey {
  return { project_key: projectKey, session_id: sessionId, ...(subpath !== undefined && { subpath }) };
}

/** A summary as the engine has it. */
export function summaryWire(summary: SessionSummaryEntry): object {
  return { ...sessionWire(summary), data: summary.data };
}

function keyFrom(wire: WireKey | undefined): SessionKey {
  const { project_key: projectKey = "", session_id: sessionId = "", subpath } = wire ?? {};
  return { projectKey, sessionId, ...(typeof subpath === "string" && { subpath }) };
}

/** Clocks of files have fractions of a millisecond; the engine counts whole ones. */
function sessionWire({ sessionId, mtime }: { sessionId: string; mtime: number }): object {
  return { session_id: sessionId, mtime: Math.floor(mtime) };
}

function list<T>(value: T[] | undefined, method: string): T[] {
  if (Array.isArray(value)) return value;
  throw wrong(`${method} of the session store`, "a list", value);
}
