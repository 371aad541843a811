// Who a program works for. How a credential is found, kept and renewed is decided in the engine; here are the calls.

import { unfit } from "../orchestrate/given.js";
import { known } from "./choice.js";
import type { AuthManagerOptions } from "./config.js";
import {
  type AuthStatus,
  type Credential,
  credentialFrom,
  statusFrom,
  type WireCredential,
  type WireStatus,
} from "./credential.js";
import { Keeper } from "./keeper.js";

/** How a call is given up. */
export interface AuthCallOptions {
  /** Gives the call up; it rejects with `AbortError`. */
  signal?: AbortSignal;
}

/**
 * Finds the credential of a program's runs, keeps the token of a set-up, and renews it before it ends.
 *
 * A credential is looked for in this order, and the first that works is used: the option `credential`; the variables
 * `ANTHROPIC_API_KEY`, `ANTHROPIC_AUTH_TOKEN` and `CLAUDE_CODE_OAUTH_TOKEN` (or their `CLAUDE_AGENT_...` aliases); the stored token; the login
 * of the program itself; and, when a person may be asked, a set-up. `status` says what was found where, and why the rest is not used.
 *
 * What is started with the option `auth` gets that credential and no other, and is not started without one. A credential the API
 * refuses is not used again until it changes. A token is returned by `getToken` only; nothing else shows it.
 *
 * A manager keeps neither the process nor, when nobody has it any more, itself alive.
 *
 * @example
 * await using auth = new AuthManager();
 * await auth.ensureAuthenticated();
 * for await (const message of query({ prompt: "What is 2 + 2?", options: { auth } })) console.log(message);
 */
export class AuthManager {
  readonly #keeper: Keeper;
  /** What it is called in its status; limits and budgets count a credential by its fingerprint. */
  readonly name: string | undefined;

  /** Nothing is looked at yet. Throws `InvalidOptionsError`, naming the option. */
  constructor(options: AuthManagerOptions = {}) {
    this.#keeper = Keeper.open(options);
    this.name = options.name;
    known(this, this.#keeper.id);
  }

  /**
   * Makes sure that there is a credential. Resolved by the first call, and known from then on until it ends. Where there is none and a
   * person may be asked, they are, as by `setupToken`. Rejects with `AuthError`, which says what to do, when there is none.
   */
  async ensureAuthenticated(options: AuthCallOptions = {}): Promise<Credential> {
    return credentialFrom(await this.#call<WireCredential>("ensure_authenticated", options));
  }

  /**
   * Gets a new token and stores it, whatever is there. Rejects with `AuthError` without a terminal, when the login was refused, and when no
   * token was shown, with `TimeoutError` after `setupTimeoutMs`, and with what the store or the function `setup` throws. The old token
   * stays in these cases.
   *
   * @example
   * const auth = new AuthManager({ onSetupOutput: (text) => process.stderr.write(text) });
   * process.stdin.on("data", (typed) => auth.setupInput(String(typed)));
   * const { method, hint } = await auth.setupToken({ signal: AbortSignal.timeout(60_000) });
   */
  async setupToken(options: AuthCallOptions = {}): Promise<Credential> {
    return credentialFrom(await this.#call<WireCredential>("setup_token", options));
  }

  /**
   * Gets a new token in place of the stored one. Of several that ask at once, here and in other processes, one does it for all. Rejects as
   * `setupToken` does.
   */
  async refreshToken(options: AuthCallOptions = {}): Promise<Credential> {
    return credentialFrom(await this.#call<WireCredential>("refresh_token", options));
  }

  /** The token or key itself. Rejects with `AuthError` when there is none, and when only the program has it (its own login, a cloud). */
  async getToken(options: AuthCallOptions = {}): Promise<string> {
    return (await this.#call<{ token: string }>("get_token", options)).token;
  }

  /**
   * Uses another credential in place of the option `credential`, from the next run on; `null` takes it away, so that the other places
   * count again.
   *
   * @example
   * const auth = new AuthManager({ credential: "sk-ant-api03-test-one" });
   * await auth.setCredential("sk-ant-api03-test-two");
   */
  async setCredential(credential: string | null, options: AuthCallOptions = {}): Promise<void> {
    if (credential !== null && typeof credential !== "string") throw unfit("credential", "a text, or null");
    await this.#call("set_credential", options, { credential });
  }

  /** The API refused the credential with this fingerprint: it is not used until it changes. Runs with `auth` say so by themselves. */
  async refused(fingerprint: string, options: AuthCallOptions = {}): Promise<void> {
    if (typeof fingerprint !== "string") throw unfit("fingerprint", "a text");
    await this.#call("refused", options, { fingerprint });
  }

  /** Forgets the token, here and in its store. Variables and the login of the program are not touched. */
  async clear(options: AuthCallOptions = {}): Promise<void> {
    await this.#call("clear", options);
  }

  /**
   * What is known, looked up anew; nobody is asked. Rejects with `AuthError` for two providers at once, and for a cloud whose variables are
   * half set.
   *
   * @example
   * const { authenticated, source, considered } = await auth.status();
   * for (const { source, verdict, reason } of considered) console.log(`${source}: ${verdict} (${reason})`);
   */
  async status(options: AuthCallOptions = {}): Promise<AuthStatus> {
    return statusFrom(await this.#call<WireStatus>("status", options));
  }

  /** What the person of a set-up typed, with the end of the line. Throws `InvalidArgumentError` without `onSetupOutput`. */
  setupInput(text: string): void {
    if (typeof text !== "string") throw unfit("text", "a text");
    if (!this.#keeper.type(text))
      throw unfit("terminal", "`host`: the person sits at the terminal of this process");
  }

  /**
   * Gives up its calls and forgets it. The token stays in its store, and what runs keeps its credential. Nothing more can be started
   * with it.
   */
  async close(): Promise<void> {
    this.#keeper.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #call<T>(command: string, { signal }: AuthCallOptions, fields: object = {}): Promise<T> {
    return this.#keeper.call(command, fields, signal);
  }
}
