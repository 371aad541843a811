// A session store in memory: for tests, and as the example of what a store does.

import type { SessionKey, SessionStore, SessionStoreEntry, SessionSummaryEntry } from "./session-store.js";
import { foldSessionSummary } from "./store-summary.js";

interface Transcript {
  key: SessionKey;
  entries: SessionStoreEntry[];
  uuids: Set<string>;
  mtime: number;
  /** Of a whole session only. */
  summary?: SessionSummaryEntry;
}

/** Keeps transcripts in memory; they are gone with it. Has every method of a {@link SessionStore}. */
export class InMemorySessionStore implements SessionStore {
  readonly #transcripts = new Map<string, Transcript>();
  #last = 0;

  async append(key: SessionKey, entries: SessionStoreEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const name = named(key);
    const found = this.#transcripts.get(name) ?? { key: { ...key }, entries: [], uuids: new Set(), mtime: 0 };
    this.#transcripts.set(name, found);
    const fresh = entries.filter(({ uuid }) => {
      const known = typeof uuid === "string" && found.uuids.has(uuid);
      if (typeof uuid === "string") found.uuids.add(uuid);
      return !known;
    });
    found.mtime = this.#now();
    found.entries.push(...structuredClone(fresh));
    if (key.subpath === undefined)
      found.summary = foldSessionSummary(found.summary, key, fresh, { mtime: found.mtime });
  }

  async load(key: SessionKey): Promise<SessionStoreEntry[] | null> {
    const found = this.#transcripts.get(named(key));
    return found === undefined ? null : structuredClone(found.entries);
  }

  async listSessions(projectKey: string): Promise<{ sessionId: string; mtime: number }[]> {
    return this.#sessions(projectKey).map(({ key, mtime }) => ({ sessionId: key.sessionId, mtime }));
  }

  async listSessionSummaries(projectKey: string): Promise<SessionSummaryEntry[]> {
    return this.#sessions(projectKey).flatMap(({ summary }) => structuredClone(summary) ?? []);
  }

  async delete(key: SessionKey): Promise<void> {
    for (const [name, { key: other }] of this.#transcripts)
      if (name === named(key) || (key.subpath === undefined && named(mainOf(other)) === named(key)))
        this.#transcripts.delete(name);
  }

  async listSubkeys(key: { projectKey: string; sessionId: string }): Promise<string[]> {
    const session = named(mainOf(key));
    const all = [...this.#transcripts.values()].filter(({ key: other }) => named(mainOf(other)) === session);
    return all.flatMap(({ key: { subpath } }) => subpath ?? []);
  }

  /** The entries under a key; none when nothing was stored there. */
  getEntries(key: SessionKey): SessionStoreEntry[] {
    return structuredClone(this.#transcripts.get(named(key))?.entries ?? []);
  }

  /** How many sessions it holds; subagents do not count. */
  get size(): number {
    return [...this.#transcripts.values()].filter(({ key }) => key.subpath === undefined).length;
  }

  /** Forgets everything. */
  clear(): void {
    this.#transcripts.clear();
  }

  #sessions(projectKey: string): Transcript[] {
    const all = [...this.#transcripts.values()];
    return all.filter(({ key }) => key.projectKey === projectKey && key.subpath === undefined);
  }

  /** The time, later with each call, so that of two sessions one is the newer. */
  #now(): number {
    this.#last = Math.max(Date.now(), this.#last + 1);
    return this.#last;
  }
}

function named({ projectKey, sessionId, subpath }: SessionKey): string {
  return JSON.stringify([projectKey, sessionId, subpath ?? null]);
}

function mainOf({ projectKey, sessionId }: SessionKey): SessionKey {
  return { projectKey, sessionId };
}
