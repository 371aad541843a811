// The steps of a scenario for authentication, through the public interface: a manager, and what its host keeps and gives out.

import { resolve } from "node:path";
import { AuthManager } from "madrigal";
import { camelKeys, snakeKeys } from "./names.mjs";

/** What does not count, unless a scenario sets it. */
const unset = [
  "CI",
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_AUTH_TOKEN",
  "CLAUDE_CODE_OAUTH_TOKEN",
  "CLAUDE_AGENT_API_KEY",
  "CLAUDE_AGENT_AUTH_TOKEN",
  "CLAUDE_AGENT_OAUTH_TOKEN",
  "DBUS_SESSION_BUS_ADDRESS",
  "XDG_RUNTIME_DIR",
];

/** The managers of a scenario: one at a time, and beside it those that have names. */
export class Authority {
  /** All that the program of the last set-up drew. */
  shown = "";
  #token;
  #fails;
  #new;
  #raise;
  #manager;
  /** Those that have names. */
  named = {};

  /** @param raised Is told what a function of the host throws. */
  constructor({ token_store: { holds = null, fails = {} } = {}, new_tokens: tokens = [] }, raised) {
    this.#token = holds && camelKeys(holds);
    this.#fails = { ...fails };
    this.#new = [...tokens];
    this.#raise = (text) => {
      const error = Object.assign(new Error(text), { code: "callback" });
      raised(error);
      throw error;
    };
  }

  /** Opens a manager, after closing the one before, or beside all others under a name. Who gives a credential to what names nobody. */
  async open(given, name, place) {
    if (name !== undefined) this.named[name] = this.#made(given, place);
    else {
      await this.#manager?.close();
      this.#manager = this.#made(given, place);
    }
    return this.#manager;
  }

  #made({ store, setup, env = {}, ...given }, { cliPath, env: placed, folder }) {
    return new AuthManager({
      cliPath,
      cliLogin: false,
      interactive: true,
      ...camelKeys(given),
      env: {
        ...Object.fromEntries(unset.map((name) => [name, ""])),
        ...placed,
        HOME: folder,
        CLAUDE_CONFIG_DIR: folder,
        ...env,
      },
      ...(store !== undefined && { store: this.#place(store, folder) }),
      ...(setup !== undefined && { setup: setup === "host" ? () => this.#next() : setup }),
      ...(given.terminal === "host" && { onSetupOutput: (text) => (this.shown += text) }),
    });
  }

  /** Calls a method; what it gives, in the form in which it crosses. */
  async call(name, of, { credential, fingerprint }, types = []) {
    this.shown = "";
    const manager = of === undefined ? this.#manager : this.named[of];
    const calls = {
      ensure_authenticated: () => manager.ensureAuthenticated(),
      setup_token: () => manager.setupToken(),
      refresh_token: () => manager.refreshToken(),
      get_token: async () => ({ token: await manager.getToken() }),
      set_credential: () => manager.setCredential(credential ?? null),
      refused: () => manager.refused(fingerprint),
      clear: () => manager.clear(),
      status: () => manager.status(),
    };
    const call = calls[name]();
    for (const text of types) manager.setupInput(text);
    return wire((await call) ?? null);
  }

  async close() {
    for (const manager of [this.#manager, ...Object.values(this.named)]) await manager?.close();
  }

  #place(store, folder) {
    if (store === "host") return this.#store();
    return typeof store === "object" ? { file: resolve(folder, store.file) } : store;
  }

  #store() {
    return {
      load: () => this.#unlessFailing("load", () => this.#token),
      save: async (token) => this.#unlessFailing("save", () => (this.#token = token)),
      clear: async () => this.#unlessFailing("clear", () => (this.#token = null)),
    };
  }

  #unlessFailing(method, work) {
    const left = this.#fails[method] ?? 0;
    if (left === 0) return work();
    this.#fails[method] = Math.max(left - 1, -1);
    return this.#raise("the store is down");
  }

  async #next() {
    const token = this.#new.shift();
    return token?.raise === undefined ? token : this.#raise(token.raise);
  }
}

function wire(value) {
  if (value === null || !("expiresAt" in value)) return value;
  const { expiresAt, ...facts } = value;
  const end = expiresAt?.toISOString().replace(".000Z", "Z") ?? null;
  return { ...snakeKeys(facts), expires_at: end };
}
