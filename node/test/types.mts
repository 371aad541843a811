// A program that uses the whole package, for the type checker only: what it accepts, and what it must not.

import {
  AbortError,
  type CanUseTool,
  CLINotFoundError,
  type ErrorCode,
  MadrigalError,
  type Options,
  type Query,
  query,
  type SDKMessage,
  type SDKResultMessage,
  type SDKUserMessage,
  Session,
} from "madrigal";

const canUseTool: CanUseTool = async (toolName, input, { signal, suggestions, toolUseID }) => {
  if (signal.aborted || toolName !== "Bash")
    return { behavior: "deny", message: `not ${toolUseID}`, interrupt: true };
  return { behavior: "allow", updatedInput: { ...input, safe: true }, updatedPermissions: suggestions ?? [] };
};

const options: Options = {
  model: "sonnet",
  systemPrompt: { type: "preset", preset: "claude_code", append: "Be brief." },
  tools: ["Bash"],
  permissionMode: "acceptEdits",
  extraArgs: { "strict-mcp-config": null },
  env: { ...process.env, NAME: "value" },
  timeouts: { turnMs: 60_000, idleMs: null },
  abortController: new AbortController(),
  canUseTool,
  stderr: (line) => console.error(line),
};

export function text(message: SDKMessage): string {
  switch (message.type) {
    case "assistant":
      return message.message.content.map((block) => (block.type === "text" ? block.text : "")).join("");
    case "stream_event":
      return message.event.type === "content_block_delta" && message.event.delta.type === "text_delta"
        ? message.event.delta.text
        : "";
    case "system":
      return message.subtype === "init" ? message.model : message.subtype;
    case "result":
      return message.subtype === "success" ? message.result : message.errors.join("\n");
    default:
      return "";
  }
}

export async function ask(): Promise<void> {
  const q: Query = query({ prompt: "hi", options });
  const generator: AsyncGenerator<SDKMessage, void> = q;
  for await (const message of generator) console.log(text(message));
  await q.interrupt();
  await q.setModel();
  await q.setPermissionMode("plan");
  const usage: { totalTokens: number } = await q.control({ subtype: "get_context_usage" });
  console.log(usage.totalTokens, q.exit, q.pid);
  q.close();
}

async function* prompts(): AsyncGenerator<SDKUserMessage> {
  yield { type: "user", message: { role: "user", content: "hi" } };
}

export async function talk(): Promise<SDKResultMessage | undefined> {
  for await (const message of query({ prompt: prompts() })) text(message);
  await using session = await Session.open({ model: "opus" });
  for await (const message of session.send("hi")) text(message);
  return session.send([{ type: "text", text: "and?" }]).result();
}

export function code(error: unknown): ErrorCode | string {
  if (error instanceof AbortError || error instanceof CLINotFoundError) return error.code;
  return error instanceof MadrigalError && error.retry === "after" ? `${error.retryAfter}` : "";
}

// @ts-expect-error: an unknown option
query({ prompt: "hi", options: { modle: "opus" } });
// @ts-expect-error: a prompt is a text or a stream
query({ prompt: 5 });
// @ts-expect-error: a denial needs a message
export const silent: CanUseTool = () => ({ behavior: "deny" });
// @ts-expect-error: not a mode
export const mode: Options = { permissionMode: "maybe" };
