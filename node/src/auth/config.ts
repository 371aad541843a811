// How an auth manager is made: what the engine is told, and the functions that stay here.

import type { MadrigalError } from "../errors.js";
import { invalid, isObject } from "../invalid.js";
import { inSnake, named } from "../orchestrate/spelling.js";
import type { Credential } from "./credential.js";
import { isStore, type Setup, type TokenStore } from "./token-store.js";

/** A token was renewed by itself; or it could not be, the old one stays, and it is tried again so many milliseconds later. */
export type Refresh =
  | { credential: Credential; error?: never }
  | { credential?: never; error: MadrigalError; nextMs: number };

/** How an auth manager is made. All of it may be left out. */
export interface AuthManagerOptions {
  /** What it is called in its status; limits and budgets count a credential by its fingerprint. */
  name?: string;
  /** A key or token that comes before all others. */
  credential?: string;
  /** Variables that count besides those of this process; `""` is as if the variable was not set. */
  env?: Record<string, string | undefined>;
  /**
   * Where the token of a set-up is kept: in the keyring of the desktop (`keyring`, or an account of one's own in it), in
   * `~/.claude_sdk/token.json` (`file`) or another file that only its owner can read, in this manager alone (`memory`), or in a store of
   * your own. The default `auto` is the keyring where there is one, else the file; a token in the file stays there.
   *
   * The keyring is, on Linux, the Secret Service (GNOME Keyring, KWallet, KeePassXC), on macOS the login keychain.
   * One that is locked is opened by the desktop's own question, which comes when the token is needed and `interactive` allows it. With
   * `keyring` one that stays locked, is not there or does not answer is an `AuthError` that says what to do (`context.keyring`: `locked`, `no_bus`, `no_service`, ...).
   */
  store?: "auto" | "keyring" | { keyring: string } | "file" | { file: string } | "memory" | TokenStore;
  /** How a new token is got: `claude setup-token` with a person (`program`, the default), or a function. */
  setup?: "program" | Setup;
  /**
   * Where the person of `claude setup-token` sits: at the terminal of this process (`process`), or with you (`host`): what the program
   * draws is given to `onSetupOutput`, and what the person types is handed over with `setupInput`. Default: `host` with
   * `onSetupOutput`, else `process`.
   */
  terminal?: "process" | "host";
  /** How long a set-up may take, in milliseconds. Default 120 000. */
  setupTimeoutMs?: number;
  /** Whether a token is renewed before it ends. Default: yes. */
  autoRefresh?: boolean;
  /** How long before, in milliseconds. Default 86 400 000, a day. */
  refreshBeforeExpiryMs?: number;
  /** Whether a person may be asked when there is no credential. Default: unless `CI` is set. */
  interactive?: boolean;
  /** Whether the login of the program counts. Default: yes. */
  cliLogin?: boolean;
  /** The `claude` program. Default: as for queries. */
  cliPath?: string;
  /** Gets what the program draws during a set-up, as it comes: text with the escape sequences of a terminal, the token hidden. */
  onSetupOutput?: (text: string) => void;
  /** Is told when a token was renewed by itself, or could not be. */
  onRefresh?: (refresh: Refresh) => void;
}

/** What stays in this process. */
export interface AuthHost {
  store: TokenStore | undefined;
  setup: Setup | undefined;
  onSetupOutput: AuthManagerOptions["onSetupOutput"];
  onRefresh: AuthManagerOptions["onRefresh"];
  /** Whether what a person types is handed over. */
  typed: boolean;
}

const names = named(
  "name",
  "credential",
  "env",
  "store",
  "setup",
  "terminal",
  "setupTimeoutMs",
  "autoRefresh",
  "refreshBeforeExpiryMs",
  "interactive",
  "cliLogin",
  "cliPath",
  "onSetupOutput",
  "onRefresh",
);

const is = {
  text: (value: unknown) => typeof value === "string",
  flag: (value: unknown) => typeof value === "boolean",
  call: (value: unknown) => typeof value === "function",
  ms: (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0,
};

/** What each option must be. A complaint never shows what it is: it may be a credential. */
const shapes: [(keyof AuthManagerOptions)[], (value: unknown) => boolean, string][] = [
  [["name", "credential", "cliPath"], is.text, "a text"],
  [["autoRefresh", "interactive", "cliLogin"], is.flag, "true or false"],
  [["setupTimeoutMs", "refreshBeforeExpiryMs"], is.ms, "whole milliseconds, 0 or more"],
  [["onSetupOutput", "onRefresh"], is.call, "a function"],
  [["terminal"], (value) => value === "process" || value === "host", "`process` or `host`"],
  [
    ["setup"],
    (value) => value === "program" || is.call(value),
    "`program`, or a function that gives a token",
  ],
  [["env"], isVariables, "an object of texts"],
  [
    ["store"],
    isPlace,
    "`auto`, `keyring`, { keyring: account }, `file`, { file: path }, `memory`, or an object with the methods load, save and clear",
  ],
];

/** The options as the engine has them, and what stays here. Throws `InvalidOptionsError`. */
export function authWire(options: AuthManagerOptions): { wire: object; host: AuthHost } {
  if (!isObject(options)) throw invalid("options", "expected an object");
  for (const [fields, fits, expected] of shapes)
    for (const field of fields)
      if (options[field] !== undefined && !fits(options[field])) throw invalid(field, `expected ${expected}`);
  const { store, setup, onSetupOutput, onRefresh, env, terminal, ...plain } = options;
  const typed = (terminal ?? (onSetupOutput ? "host" : "process")) === "host";
  if (typed !== (onSetupOutput !== undefined))
    throw invalid(
      "terminal",
      typed ? "`host` needs onSetupOutput" : "`process` and onSetupOutput exclude each other",
    );
  const wire = inSnake(plain, names, "");
  if (store !== undefined) wire["store"] = isStore(store) ? "host" : store;
  if (setup !== undefined) wire["setup"] = typeof setup === "function" ? "host" : setup;
  if (typed) wire["terminal"] = "host";
  if (env !== undefined)
    wire["env"] = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
  const host = {
    store: isStore(store) ? store : undefined,
    setup: typeof setup === "function" ? setup : undefined,
    onSetupOutput,
    onRefresh,
    typed,
  };
  return { wire, host };
}

function isVariables(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((one) => one === undefined || is.text(one));
}

function isPlace(value: unknown): boolean {
  if (!isObject(value)) return ["auto", "keyring", "file", "memory"].includes(value as string);
  if (isStore(value)) return true;
  const [[kind, place] = [], ...more] = Object.entries(value);
  return (kind === "file" || kind === "keyring") && is.text(place) && more.length === 0;
}
