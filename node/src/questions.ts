// What a question of a program comes to: which of the functions that were provided is asked, and what it is given.

import { elicit, type QuestionContext, showDialog, wrong } from "./elicitation.js";
import { InvalidArgumentError } from "./errors.js";
import type { HookInput } from "./hook-inputs.js";
import { type CanUseToolRequest, permissionContext } from "./permission.js";
import type { Provided } from "./provided.js";
import { askStore, type StoreRequest } from "./session-store.js";
import { call, type ToolContext } from "./tools.js";

/** A question of the engine. */
export interface Question {
  /** Its number. */
  ask: string;
  kind: string;
  request: Record<string, unknown>;
  /** Whose it is, where several tasks run behind one handle. */
  ref: number | undefined;
  /** Aborted when the answer no longer matters. */
  signal: AbortSignal;
  progress: ToolContext["progress"];
}

/** Asks the function the question is for. */
export function answered(provided: Provided, question: Question): Promise<unknown> {
  const { ask, kind, request, signal } = question;
  const context: QuestionContext = { signal, requestId: ask, request };
  switch (kind) {
    case "can_use_tool":
      return permit(provided, question);
    case "hook_callback":
      return hook(provided, question);
    case "tool_call":
      return callTool(provided, question);
    case "session_store":
      return useStore(provided, request as unknown as StoreRequest);
    case "elicitation":
      return elicit(given(provided.onElicitation, kind), request, context);
    case "request_user_dialog":
      return showDialog(given(provided.onUserDialog, kind), request, context);
    default:
      throw unknown(kind);
  }
}

async function permit(provided: Provided, { ask, request, signal }: Question): Promise<object> {
  const decide = given(provided.canUseTool, "can_use_tool");
  const asked = request as CanUseToolRequest;
  const result = await decide(asked.tool_name, asked.input, permissionContext(ask, asked, signal));
  if (result?.behavior === "allow" || result?.behavior === "deny") return result;
  throw wrong("canUseTool", '{ behavior: "allow" } or { behavior: "deny", message }', result);
}

async function hook(provided: Provided, { request, signal }: Question): Promise<object> {
  const name = String(request["callback_id"]);
  const callback = given(provided.hooks.get(name), `the hook ${name}`);
  const toolUseID = request["tool_use_id"] ?? undefined;
  const output =
    (await callback(request["input"] as HookInput, toolUseID as string | undefined, { signal })) ?? {};
  if (typeof output === "object" && !Array.isArray(output)) return output;
  throw wrong("the hook", "an object, or nothing,", output);
}

async function callTool(provided: Provided, { ask, request, signal, progress }: Question): Promise<object> {
  const [server, name] = [String(request["server"]), String(request["tool"])];
  const tool = given(provided.tools.get(server)?.get(name), `the tool ${name} of ${server}`);
  const _meta = (request["meta"] ?? {}) as Record<string, unknown>;
  const toolUseID = _meta["claudecode/toolUseId"];
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

async function useStore(provided: Provided, request: StoreRequest): Promise<unknown> {
  const store = given(provided.stores, "the session store");
  return askStore(await store(request), request);
}

/** A function that is asked for. The engine asks only for what was provided. */
function given<T>(provided: T | undefined, what: string): T {
  if (provided === undefined) throw unknown(what);
  return provided;
}

/** The complaint about a question nobody is there for. */
export function unknown(what: string): InvalidArgumentError {
  return new InvalidArgumentError({
    code: "invalid_argument",
    message: `nothing was provided for ${what}`,
    operation: "answer",
  });
}
