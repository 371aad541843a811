// Questions that are not about permission: an MCP server that wants to know something from the user, and dialogs of the
// program itself.

import { InvalidArgumentError } from "./errors.js";

/** What an MCP server wants to know. */
export interface ElicitationRequest {
  serverName: string;
  message: string;
  mode?: "form" | "url";
  url?: string;
  elicitationId?: string;
  /** JSON Schema of the form. */
  requestedSchema?: Record<string, unknown>;
  title?: string;
  displayName?: string;
  description?: string;
}

/** The answer to a server. */
export interface ElicitationResult {
  action: "accept" | "decline" | "cancel";
  /** With `accept`: the filled form. */
  content?: Record<string, unknown>;
  [key: string]: unknown;
}

/** What is known about a question. */
export interface QuestionContext {
  /** Aborted when the program withdraws the question; the answer no longer matters then. */
  signal: AbortSignal;
  /** The number of this question. */
  requestId: string;
  /** The whole question in the program's own words, with what is not listed here. */
  request: Record<string, unknown>;
}

/**
 * Answers MCP servers. `null` cancels. An exception cancels, too, and is thrown, as the same object, from the iteration of
 * the query.
 */
export type OnElicitation = (
  request: ElicitationRequest,
  context: QuestionContext,
) => ElicitationResult | null | Promise<ElicitationResult | null>;

/** A dialog of the program. */
export interface UserDialogRequest {
  /** One of `supportedDialogKinds`. */
  dialogKind: string;
  payload: Record<string, unknown>;
  toolUseID?: string;
}

/** What the user did with a dialog. */
export type UserDialogResult = { behavior: "completed"; result: unknown } | { behavior: "cancelled" };

/** Shows dialogs of the program. `null` cancels; an exception does what it does in {@link OnElicitation}. */
export type OnUserDialog = (
  request: UserDialogRequest,
  context: QuestionContext,
) => UserDialogResult | null | Promise<UserDialogResult | null>;

type Wire = Record<string, unknown>;

/** Asks the function and checks what it says. */
export async function elicit(ask: OnElicitation, wire: Wire, context: QuestionContext): Promise<object> {
  const names = {
    serverName: "mcp_server_name",
    message: "message",
    mode: "mode",
    url: "url",
    elicitationId: "elicitation_id",
    requestedSchema: "requested_schema",
    title: "title",
    displayName: "display_name",
    description: "description",
  };
  const result = await ask(renamed<ElicitationRequest>(wire, names), context);
  if (result === null) return { action: "cancel" };
  if (!["accept", "decline", "cancel"].includes(result?.action))
    throw wrong("onElicitation", '{ action: "accept" | "decline" | "cancel", content? } or null', result);
  return result;
}

/** The same for a dialog. */
export async function showDialog(ask: OnUserDialog, wire: Wire, context: QuestionContext): Promise<object> {
  const names = { dialogKind: "dialog_kind", payload: "payload", toolUseID: "tool_use_id" };
  const result = await ask(renamed<UserDialogRequest>(wire, names), context);
  if (result === null) return { behavior: "cancelled" };
  if (result?.behavior !== "completed" && result?.behavior !== "cancelled")
    throw wrong("onUserDialog", '{ behavior: "completed", result } or { behavior: "cancelled" }', result);
  return result;
}

function renamed<T>(wire: Wire, names: Record<string, string>): T {
  const found = Object.entries(names).map(([ours, theirs]) => [ours, wire[theirs]]);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined && value !== null)) as T;
}

/** The complaint about what a function returned. */
export function wrong(operation: string, expected: string, got: unknown): InvalidArgumentError {
  return new InvalidArgumentError({
    code: "invalid_argument",
    message: `expected ${expected} from ${operation}, not ${JSON.stringify(got)}`,
    operation,
  });
}
