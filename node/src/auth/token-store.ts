// Where the token of a set-up is kept by this process, and how the engine asks for it. When to save, load and lock is decided in the
// engine. No complaint shows what a store or a set-up gave: it may be a token.

import { InvalidArgumentError } from "../errors.js";
import { isObject } from "../invalid.js";

/** A token as it is kept. All of it is JSON. */
export interface StoredToken {
  /** The token itself. */
  token: string;
  /** When it ends, as ISO 8601; `null` or left out: that is not known. */
  expiry?: string | null;
  /** For whom it is. Default `anthropic`. */
  provider?: string;
  /** When it was made, as ISO 8601. */
  createdAt?: string | null;
}

/**
 * Keeps the token of a set-up, in a place of your own such as a vault. Each method may be asynchronous.
 *
 * What a method throws is thrown by the call that needed it, so it must not hold the token. A store that cannot be read is told by
 * `status().warnings`, and the other places for a credential count.
 *
 * @example
 * const vault = new Map<string, string>();
 * const store: TokenStore = {
 *   load: () => JSON.parse(vault.get("claude") ?? "null"),
 *   save: (token) => void vault.set("claude", JSON.stringify(token)),
 *   clear: () => void vault.delete("claude"),
 * };
 * await using auth = new AuthManager({ store });
 */
export interface TokenStore {
  /** The token; `null` or nothing when there is none. */
  load(): StoredToken | null | undefined | Promise<StoredToken | null | undefined>;
  /** Keeps a token in place of the one that is there. */
  save(token: StoredToken): void | Promise<void>;
  /** Forgets the token. There may be none. */
  clear(): void | Promise<void>;
}

/** A new token of a set-up, with its end when that is known. */
export interface NewToken {
  token: string;
  /** A date, or a text as ISO 8601. Default: in a year for a token of `claude setup-token`, else in 30 days. */
  expiresAt?: Date | string | null;
}

/** Gets a new token, in place of `claude setup-token`. The signal is aborted when nobody waits for it any more. */
export type Setup = (context: { signal: AbortSignal }) => string | NewToken | Promise<string | NewToken>;

/** Whether a value can keep tokens. */
export function isStore(value: unknown): value is TokenStore {
  const methods = ["load", "save", "clear"] as const;
  return isObject(value) && methods.every((name) => typeof (value as TokenStore)[name] === "function");
}

/** Asks a store. */
export async function askTokenStore(store: TokenStore, request: Record<string, unknown>): Promise<unknown> {
  switch (request["method"]) {
    case "load": {
      const token = (await store.load()) ?? null;
      if (token === null) return null;
      if (!isObject(token))
        throw unlike("load of the token store", "a token { token, expiry?, provider? }, or null");
      const { createdAt, ...rest } = token;
      return createdAt === undefined ? rest : { ...rest, created_at: createdAt };
    }
    case "save": {
      const { created_at: createdAt, ...rest } = request["token"] as StoredToken & {
        created_at?: string | null;
      };
      await store.save({ ...rest, createdAt: createdAt ?? null });
      return null;
    }
    case "clear":
      await store.clear();
      return null;
    default:
      throw unlike("the engine", "a method of a token store");
  }
}

/** Has a set-up give a token. */
export async function newToken(setup: Setup, signal: AbortSignal): Promise<object> {
  const given = await setup({ signal });
  const { token, expiresAt = null } = typeof given === "string" ? { token: given } : (given ?? {});
  const end = expiresAt instanceof Date ? iso(expiresAt) : expiresAt;
  if (typeof token !== "string" || (end !== null && typeof end !== "string"))
    throw unlike("setup", "a token, or { token, expiresAt? }");
  return { token, expires_at: end };
}

function iso(date: Date): string {
  if (Number.isNaN(date.getTime())) throw unlike("setup", "an expiresAt that is a time");
  return date.toISOString();
}

function unlike(what: string, expected: string): InvalidArgumentError {
  return new InvalidArgumentError({
    code: "invalid_argument",
    message: `expected ${expected} from ${what}`,
    operation: "answer",
  });
}
