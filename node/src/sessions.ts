// Sessions that are on disk, in the files of the program, or in a session store: found, read and changed without starting it. The
// work is done by the core, on the thread pool; here only names change.

import { native as calling, InvalidArgumentError, promised } from "./errors.js";
import { invoke } from "./native.js";
import { respell } from "./options.js";
import type { SessionStore } from "./session-store.js";
import { workOn } from "./store-work.js";

/** Where to look. */
export interface SessionPlace {
  /**
   * Only among the sessions of this directory and of the worktrees of its repository. Default: everywhere. With `sessionStore`
   * it is the directory alone. Default then: that of this process.
   */
  dir?: string;
  /** The folder of the program, in place of `CLAUDE_CONFIG_DIR` and `~/.claude`. */
  configDir?: string;
  /** Look here instead of on disk. What a method of it is needed for that it does not have is refused. */
  sessionStore?: SessionStore;
}

/** A part of what there is. */
export interface SessionPage {
  /** At most so many. Default: all. */
  limit?: number;
  /** Leave out so many from the beginning. Default: 0. */
  offset?: number;
}

/** Which sessions. */
export interface ListSessionsOptions extends SessionPlace, SessionPage {
  /** With `dir`: also the sessions of the other worktrees of its repository. Default: true. */
  includeWorktrees?: boolean;
  /** Also sessions that programs started. Default: true. */
  includeProgrammatic?: boolean;
}

/** Which messages. */
export interface GetSessionMessagesOptions extends SessionPlace, SessionPage {
  /** Also notices, and where the conversation was summed up. Default: false. */
  includeSystemMessages?: boolean;
}

/** How to copy a session. */
export interface ForkSessionOptions extends SessionPlace {
  /** Only up to this message. */
  upToMessageId?: string;
  /** The title of the copy. */
  title?: string;
}

/** Where a session is that is looked up. */
export type GetSessionInfoOptions = SessionPlace;

/** Where a session is whose subagents are listed. */
export type ListSubagentsOptions = SessionPlace;

/** Which messages of a subagent. */
export interface GetSubagentMessagesOptions extends SessionPlace, SessionPage {}

/** Where a session is that is changed. */
export type SessionMutationOptions = SessionPlace;

/** The copy of a session. */
export interface ForkSessionResult {
  sessionId: string;
}

/** What is known of a session without reading all of it. Times are milliseconds since 1970, sizes bytes. */
export interface SDKSessionInfo {
  sessionId: string;
  /** What to show: its title, else its last prompt or summary, else its first prompt. */
  summary: string;
  lastModified: number;
  fileSize?: number;
  customTitle?: string;
  firstPrompt?: string;
  gitBranch?: string;
  cwd?: string;
  tag?: string;
  createdAt?: number;
  /** Absent when it never was. A prompt sent later takes it out of the archive. */
  archived?: boolean;
}

/** A message of a session on disk; `message` is as the API has it. */
export interface SessionMessage {
  type: "user" | "assistant" | "system";
  uuid: string;
  session_id: string;
  message: unknown;
  /** Of a subagent's message: the tool call that started the subagent. */
  parent_tool_use_id?: string | null;
  /** Of a subagent's message: the subagent that started this one. */
  parent_agent_id?: string | null;
}

const wireNames: Record<string, string> = { dir: "directory" };
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camel = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** The names of what is done in a store. The marks of the archive are files beside the transcripts, which a store has not. */
const inStore: Record<string, string> = {
  list_sessions: "list_sessions_from_store",
  get_session_info: "get_session_info_from_store",
  get_session_messages: "get_session_messages_from_store",
  list_subagents: "list_subagents_from_store",
  get_subagent_messages: "get_subagent_messages_from_store",
  rename_session: "rename_session_via_store",
  tag_session: "tag_session_via_store",
  delete_session: "delete_session_via_store",
  fork_session: "fork_session_via_store",
};

async function carryOut<T>(operation: string, given: object): Promise<T> {
  const { sessionStore, ...place } = given as SessionPlace;
  if (sessionStore !== undefined) return carryOutInStore(operation, sessionStore, place);
  // The environment of a worker is its own: the native half would not see what was set there.
  const { CLAUDE_CONFIG_DIR: configDir } = process.env;
  const request = JSON.stringify({ ...wire({ configDir, ...place }), operation });
  try {
    return JSON.parse(await promised(calling(() => invoke(request)))) as T;
  } catch (error) {
    throw respell(error);
  }
}

function carryOutInStore<T>(operation: string, store: SessionStore, given: object): Promise<T> {
  const stored = inStore[operation];
  if (stored === undefined) {
    const message = "sessionStore: the archive is on disk only, a store has none";
    const context = { field: "sessionStore" };
    throw new InvalidArgumentError({ code: "invalid_argument", message, operation, context });
  }
  // These are about what is on disk.
  const {
    configDir: _,
    includeWorktrees: __,
    includeProgrammatic: ___,
    ...place
  } = given as ListSessionsOptions;
  return workOn(store, { ...wire(place), operation: stored });
}

function wire(given: object): object {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [wireNames[name] ?? snake(name), value]),
  );
}

function info(found: object): SDKSessionInfo {
  const known = Object.entries(found).filter(([, value]) => value !== null);
  return Object.fromEntries(known.map(([name, value]) => [camel(name), value])) as unknown as SDKSessionInfo;
}

/**
 * Sessions, newest first.
 *
 * @example
 * for (const { sessionId, summary } of await listSessions({ dir: process.cwd(), limit: 10 })) console.log(sessionId, summary);
 */
export async function listSessions(options: ListSessionsOptions = {}): Promise<SDKSessionInfo[]> {
  return (await carryOut<object[]>("list_sessions", options)).map(info);
}

/** What is known of one session; `undefined` when there is none with this id, or when it has nothing to show. */
export async function getSessionInfo(
  sessionId: string,
  options: GetSessionInfoOptions = {},
): Promise<SDKSessionInfo | undefined> {
  const found = await carryOut<object | null>("get_session_info", { ...options, sessionId });
  return found === null ? undefined : info(found);
}

/** The conversation of a session, oldest message first; empty when there is no such session. */
export function getSessionMessages(
  sessionId: string,
  options: GetSessionMessagesOptions = {},
): Promise<SessionMessage[]> {
  return carryOut("get_session_messages", { ...options, sessionId });
}

/** The ids of the subagents of a session. */
export function listSubagents(sessionId: string, options: ListSubagentsOptions = {}): Promise<string[]> {
  return carryOut("list_subagents", { ...options, sessionId });
}

/** The conversation of a subagent, by an id from {@link listSubagents}; oldest message first. */
export function getSubagentMessages(
  sessionId: string,
  agentId: string,
  options: GetSubagentMessagesOptions = {},
): Promise<SessionMessage[]> {
  return carryOut("get_subagent_messages", { ...options, sessionId, agentId });
}

/** Gives a session a title. */
export async function renameSession(
  sessionId: string,
  title: string,
  options: SessionMutationOptions = {},
): Promise<void> {
  await carryOut("rename_session", { ...options, sessionId, title });
}

/** Gives a session a tag; `null` takes it away. */
export async function tagSession(
  sessionId: string,
  tag: string | null,
  options: SessionMutationOptions = {},
): Promise<void> {
  await carryOut("tag_session", { ...options, sessionId, tag });
}

/** Deletes a session, its subagents and what its tools left. */
export async function deleteSession(sessionId: string, options: SessionMutationOptions = {}): Promise<void> {
  await carryOut("delete_session", { ...options, sessionId });
}

/** Puts a session into the archive: it stays, and lists may leave it out. */
export async function archiveSession(sessionId: string, options: SessionMutationOptions = {}): Promise<void> {
  await carryOut("archive_session", { ...options, sessionId });
}

/** Takes a session out of the archive. */
export async function unarchiveSession(
  sessionId: string,
  options: SessionMutationOptions = {},
): Promise<void> {
  await carryOut("unarchive_session", { ...options, sessionId });
}

/** Copies a session under a new id; the session stays as it is. */
export async function forkSession(
  sessionId: string,
  options: ForkSessionOptions = {},
): Promise<ForkSessionResult> {
  const made = await carryOut<{ session_id: string }>("fork_session", { ...options, sessionId });
  return { sessionId: made.session_id };
}
