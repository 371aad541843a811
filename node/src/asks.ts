// The questions of one session: runs the function that answers, sends the answer, aborts what the program withdraws, and
// keeps what a function threw until the stream comes to it, so that the reader gets the very same object.

import { elicit, type QuestionContext, showDialog, wrong } from "./elicitation.js";
import { engine } from "./engine.js";
import { fromWire, InvalidArgumentError, isCode, native, type WireError } from "./errors.js";
import type { HookInput } from "./hook-inputs.js";
import { respell } from "./options.js";
import { type CanUseToolRequest, permissionContext } from "./permission.js";
import type { Provided } from "./provided.js";
import { askStore, type StoreRequest } from "./session-store.js";
import { type AnyTool, call, type ToolContext } from "./tools.js";

type Request = Record<string, unknown>;

/** Kinds whose failure is told in another way than by an error of the stream. */
const unseen = ["tool_call"];

/** The questions of one session. */
export class Asks {
  readonly #session: number;
  readonly #provided: Provided;
  readonly #open = new Map<string, AbortController>();
  readonly #thrown = new Map<string, unknown>();
  #storeThrew: string | undefined;

  constructor(session: number, provided: Provided) {
    this.#session = session;
    this.#provided = provided;
  }

  /** Replaces the tools of a server; gives those it had. */
  setTools(server: string, tools: Map<string, AnyTool> | undefined): Map<string, AnyTool> | undefined {
    const old = this.#provided.tools.get(server);
    if (tools === undefined) this.#provided.tools.delete(server);
    else this.#provided.tools.set(server, tools);
    return old;
  }

  /** Runs the function that is asked for and answers. Never rejects. */
  async answer(ask: string, kind: string, request: Request): Promise<void> {
    const controller = new AbortController();
    this.#open.set(ask, controller);
    try {
      this.#send(ask, { result: await this.#ask(ask, kind, request, controller.signal) });
    } catch (error) {
      this.#refuse(ask, kind, error);
    }
  }

  /** The program no longer wants to know. */
  cancel(ask: string): void {
    const controller = this.#open.get(ask);
    this.#open.delete(ask);
    controller?.abort();
  }

  /** The session is over. */
  cancelAll(): void {
    for (const ask of [...this.#open.keys()]) this.cancel(ask);
  }

  /** The exception for an error of the stream, or of the whole session. */
  error(wire: WireError): unknown {
    const ask = String(wire.context?.["ask"]);
    if (wire.code !== "callback" || !this.#thrown.has(ask)) return respell(fromWire(wire));
    const thrown = this.#thrown.get(ask);
    this.#thrown.delete(ask);
    return thrown;
  }

  #ask(ask: string, kind: string, request: Request, signal: AbortSignal): Promise<unknown> {
    const context: QuestionContext = { signal, requestId: ask, request };
    switch (kind) {
      case "can_use_tool":
        return this.#permit(ask, request as CanUseToolRequest, signal);
      case "hook_callback":
        return this.#hook(request, signal);
      case "tool_call":
        return this.#call(ask, request, signal);
      case "session_store":
        return this.#store(request as unknown as StoreRequest);
      case "elicitation":
        return elicit(given(this.#provided.onElicitation, kind), request, context);
      case "request_user_dialog":
        return showDialog(given(this.#provided.onUserDialog, kind), request, context);
      default:
        throw unknown(kind);
    }
  }

  async #permit(ask: string, request: CanUseToolRequest, signal: AbortSignal): Promise<object> {
    const decide = given(this.#provided.canUseTool, "can_use_tool");
    const result = await decide(request.tool_name, request.input, permissionContext(ask, request, signal));
    if (result?.behavior === "allow" || result?.behavior === "deny") return result;
    throw wrong("canUseTool", '{ behavior: "allow" } or { behavior: "deny", message }', result);
  }

  async #hook(request: Request, signal: AbortSignal): Promise<object> {
    const name = String(request["callback_id"]);
    const callback = given(this.#provided.hooks.get(name), `the hook ${name}`);
    const toolUseID = request["tool_use_id"] ?? undefined;
    const output =
      (await callback(request["input"] as HookInput, toolUseID as string | undefined, { signal })) ?? {};
    if (typeof output === "object" && !Array.isArray(output)) return output;
    throw wrong("the hook", "an object, or nothing,", output);
  }

  async #call(ask: string, request: Request, signal: AbortSignal): Promise<object> {
    const [server, name] = [String(request["server"]), String(request["tool"])];
    const tool = given(this.#provided.tools.get(server)?.get(name), `the tool ${name} of ${server}`);
    const _meta = (request["meta"] ?? {}) as Record<string, unknown>;
    const toolUseID = _meta["claudecode/toolUseId"];
    const progress: ToolContext["progress"] = (progress, more = {}) =>
      this.#submit(ask, "progress", { progress, ...more });
    const extra: ToolContext = {
      signal,
      requestId: ask,
      _meta,
      ...(typeof toolUseID === "string" && { toolUseID }),
      progress,
      async sendNotification({ method, params = {} }) {
        if (method !== "notifications/progress")
          throw wrong("a tool", "a notification with the method notifications/progress", method);
        const { progressToken: _, ...rest } = params;
        progress(rest["progress"] as number, rest);
      },
    };
    return call(tool, (request["arguments"] ?? {}) as Record<string, unknown>, extra);
  }

  async #store(request: StoreRequest): Promise<unknown> {
    const store = given(this.#provided.stores, "the session store");
    return askStore(await store(request), request);
  }

  #refuse(ask: string, kind: string, error: unknown): void {
    if (!this.#open.has(ask)) return;
    if (!unseen.includes(kind)) this.#thrown.set(ask, error);
    if (kind === "session_store") this.#forgetStore(ask);
    try {
      this.#send(ask, { error: { message: error instanceof Error ? error.message : String(error) } });
    } catch {
      // The session is over, and its reader is told.
    }
  }

  /** A store that stays down throws again and again, and only the last time can become an error of the session. */
  #forgetStore(ask: string): void {
    if (this.#storeThrew !== undefined) this.#thrown.delete(this.#storeThrew);
    this.#storeThrew = ask;
  }

  /** Sends an answer; nothing when the question was withdrawn or the session is over. */
  #send(ask: string, answer: object): void {
    this.#submit(ask, "answer", answer);
    this.#open.delete(ask);
  }

  #submit(ask: string, command: string, fields: object): void {
    if (!this.#open.has(ask)) return;
    const text = JSON.stringify({ command, ask, ...fields });
    try {
      native(() => engine.submit(this.#session, text));
    } catch (error) {
      if (!isCode(error, "closed")) throw error;
    }
  }
}

/** A function that is asked for. The engine asks only for what was provided. */
function given<T>(provided: T | undefined, what: string): T {
  if (provided === undefined) throw unknown(what);
  return provided;
}

function unknown(what: string): InvalidArgumentError {
  return new InvalidArgumentError({
    code: "invalid_argument",
    message: `nothing was provided for ${what}`,
    operation: "answer",
  });
}
