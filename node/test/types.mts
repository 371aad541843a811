// A program that uses the whole package, for the type checker only: what it accepts, and what it must not.

import {
  AbortError,
  AgentBuilder,
  type AgentDefinition,
  AuthManager,
  type AuthStatus,
  agentPresets,
  type CallToolResult,
  type CanUseTool,
  CircuitBreaker,
  CLINotFoundError,
  CostBudget,
  type Credential,
  createSdkMcpServer,
  type ErrorCode,
  foldSessionSummary,
  getSessionMessages,
  type HookCallback,
  InMemorySessionStore,
  listSessions,
  loadAgents,
  MadrigalError,
  mergeAgents,
  type Options,
  Orchestrator,
  type OrchestratorConfig,
  type Outcome,
  optionPreset,
  type Query,
  query,
  RateLimiter,
  type SDKMessage,
  type SDKResultMessage,
  type SDKUserMessage,
  Session,
  type SessionKey,
  type SessionStore,
  type SessionStoreEntry,
  type SessionSummaryEntry,
  type Step,
  SYSTEM_PROMPT_DYNAMIC_BOUNDARY,
  sessionStoreConformance,
  structured,
  suggestModels,
  type Task,
  type TokenStore,
  tool,
  validateAgents,
  withAgents,
  withModel,
} from "madrigal";
import { z as z3 } from "zod/v3";
import { z } from "zod/v4";

const canUseTool: CanUseTool = async (toolName, input, { signal, suggestions, toolUseID }) => {
  if (signal.aborted || toolName !== "Bash")
    return { behavior: "deny", message: `not ${toolUseID}`, interrupt: true };
  return { behavior: "allow", updatedInput: { ...input, safe: true }, updatedPermissions: suggestions ?? [] };
};

const watch: HookCallback = async (input, toolUseID, { signal }) => {
  if (signal.aborted || input.hook_event_name !== "PreToolUse") return {};
  return {
    systemMessage: `${toolUseID}: ${input.tool_name}`,
    hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision: "deny" },
  };
};

const said = (text: string): CallToolResult => ({ content: [{ type: "text", text }] });
const calc = createSdkMcpServer({
  name: "calc",
  tools: [
    tool("add", "Adds", { a: z.number(), b: z.number().optional() }, async ({ a, b }, { progress }) => {
      progress(1, { total: 2 });
      return said((a + (b ?? 0)).toFixed());
    }),
    tool("shout", "Shouts", { text: z3.string() }, ({ text }) => said(text.toUpperCase())),
    tool("whole", "A whole object", z.object({ list: z.array(z.string()) }), ({ list }) => said(list.join())),
    tool("plain", "JSON Schema", { type: "object", properties: {} }, (args) => said(String(args["a"]))),
    tool("none", "No arguments", {}, () => said("")),
  ],
});

const options: Options = {
  hooks: { PreToolUse: [{ matcher: "Bash", hooks: [watch, () => {}], timeout: 5, onFailure: "block" }] },
  mcpServers: { calc, other: { command: "server" }, far: { type: "http", url: "http://127.0.0.1" } },
  onElicitation: async ({ message }, { signal }) =>
    signal.aborted ? null : { action: "accept", content: { message } },
  onUserDialog: ({ dialogKind }) => ({ behavior: "completed", result: dialogKind }),
  agents: { reviewer: { description: "Reviews", prompt: "Review.", tools: ["Read"] } },
  thinking: { type: "enabled", budgetTokens: 1024 },
  outputFormat: { type: "json_schema", schema: { type: "object" } },
  workspace: "hardened",
  traceContext: { traceparent: "00-0-0-00" },
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
      if (message.subtype === "task_updated") return message.patch.status ?? "";
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
  console.log((await q.getContextUsage()).totalTokens, (await q.mcpServerStatus())[0]?.status);
  console.log((await q.rewindFiles("uuid", { dryRun: true })).filesChanged, (await q.accountInfo()).email);
  await q.setTools("calc", calc.instance.tools.slice(1));
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

export async function value(session: Session): Promise<number> {
  const result = await session.send("2 + 2?").result();
  const { sum } = structured<{ sum: number }>(result);
  const read = structured(result, z.object({ sum: z.number() }));
  const old = await session.send("3 + 3?").structured(z3.object({ sum: z3.number() }));
  await session.within(2_000).setModel("opus");
  return sum + read.sum + old.sum;
}

export const prompt: Options = {
  systemPrompt: ["The same.", SYSTEM_PROMPT_DYNAMIC_BOUNDARY, "Not the same."],
  betas: ["context-1m-2025-08-07", "another"],
  sandbox: { enabled: true, network: { allowedDomains: ["example.com"] }, later: true },
};

class Shelf implements SessionStore {
  summary: SessionSummaryEntry | undefined;
  async append(key: SessionKey, entries: SessionStoreEntry[]): Promise<void> {
    this.summary = foldSessionSummary(this.summary, key, entries, { mtime: 1 });
  }
  async load({ subpath }: SessionKey): Promise<SessionStoreEntry[] | null> {
    return subpath === undefined ? null : [{ type: "user", uuid: "u", more: 1 }];
  }
}

export async function keep(): Promise<void> {
  const sessionStore: SessionStore = new InMemorySessionStore();
  const kept: Options = { sessionStore, sessionStoreFlush: "eager", loadTimeoutMs: 1_000, resume: "id" };
  for await (const message of query({ prompt: "hi", options: kept }))
    if (message.type === "system" && message.subtype === "mirror_error") console.log(message.key?.session_id);
  for (const { sessionId } of await listSessions({ sessionStore, dir: "/", limit: 1 }))
    console.log((await getSessionMessages(sessionId, { sessionStore }))[0]?.uuid);
  for (const { check, passed } of await sessionStoreConformance(() => new Shelf()))
    console.log(check, passed);
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
// @ts-expect-error: not an event
export const event: Options = { hooks: { PreTool: [] } };
// @ts-expect-error: the handler gets numbers
tool("add", "Adds", { a: z.number() }, ({ a }) => said(a.toUpperCase()));
// @ts-expect-error: a value of another type
export const text4: string = structured<{ sum: number }>(undefined).sum;
// @ts-expect-error: a store must be able to load
export const shelf: SessionStore = { async append() {} };

const config: OrchestratorConfig = {
  maxConcurrent: 8,
  rateLimit: { perMinute: 60, perHour: null, global: { perMinute: 500 } },
  circuitBreaker: null,
  budget: { keyHourUsd: 10, runUsd: 0.5 },
  retry: { programRetries: 0 },
  options: { model: "sonnet", canUseTool },
  fallbacks: [{ model: "haiku", env: { A: "b" } }],
};
// @ts-expect-error: what ends a task is the signal of its call
export const signalled: OrchestratorConfig = { options: { signal: new AbortController().signal } };
// @ts-expect-error: settings have the names of this package
export const snake: OrchestratorConfig = { max_concurrent: 8 };

function told(outcome: Outcome): string {
  if (outcome.status === "succeeded") {
    const nothing: undefined = outcome.error;
    return outcome.text + String(nothing);
  }
  const status: "failed" | "rejected" | "timed_out" | "cancelled" | "skipped" = outcome.status;
  return `${status}: ${outcome.error.code} ${outcome.error.retryAfter}`;
}

export async function orchestrated(): Promise<void> {
  await using orchestrator = new Orchestrator(config);
  const tasks: Task[] = ["a", { prompt: "b", options: { mcpServers: { calc } }, retry: { maxAttempts: 2 } }];
  async function* later(): AsyncGenerator<Task> {
    yield* tasks;
  }
  for (const outcome of await orchestrator.parallel(later(), { onError: { tolerate: 1 } })) told(outcome);
  for await (const outcome of orchestrator.asCompleted(new Set(tasks))) told(outcome);
  const steps: Step[] = ["a", async (before) => `${before?.text}`];
  const { signal } = new AbortController();
  await orchestrator.pipeline(steps, { useContext: false, signal });
  const { winner } = await orchestrator.race(tasks, { accept: ({ text }) => text.length > 3 });
  const { counts } = await orchestrator.vote(tasks, { quorum: "plurality", ballot: async () => null });
  const { outcome } = await orchestrator.mapReduce(tasks, { reduce: (all) => all.map(told).join() });
  const { done } = await orchestrator.until("a", { rounds: 2, judge: () => ({ prompt: "again" }) });
  const facts: [string | undefined, number | undefined, Outcome | undefined, boolean] = [
    winner?.text,
    counts["yes"],
    outcome,
    done,
  ];
  for await (const event of orchestrator.progress())
    if (event.stage === "retry") console.log(facts, event.afterMs, event.error.code, event.name);
  // @ts-expect-error: a race decides nothing by votes
  await orchestrator.race(tasks, { ballot: () => "a" });
}

export async function limited(): Promise<number> {
  using limiter = new RateLimiter({ perMinute: null, burst: 5, global: { perHour: 1 } });
  const acquired = limiter.tryAcquire({ key: { model: "opus" }, class: "sheddable" });
  const wait: number | undefined = acquired.permit === undefined ? acquired.retryAfterMs : 0;
  (await limiter.checkAndWait({ timeoutMs: wait ?? 1 })).settleTokens(5);
  limiter.feedback({ type: "throttled" });
  // @ts-expect-error: how long it is closed has to be said
  limiter.feedback({ type: "closed" });
  using breaker = new CircuitBreaker({ failureRate: null });
  const phase: "closed" | "open" | "half_open" = breaker.state;
  using budget = new CostBudget(
    { totalUsd: 5 },
    { onMark: ({ percent, limitUsd }) => `${percent} ${limitUsd}` },
  );
  budget.reserve(1, { spender: { flow: phase } }).settle(0.5);
  budget.limit({ run: "a" }, null);
  return breaker.call(async () => budget.state().accounts.keyHour?.spentUsd ?? 0);
}

class Vault implements TokenStore {
  kept: string | undefined;
  load() {
    return this.kept === undefined ? null : { token: this.kept };
  }
  async save({ token, createdAt }: { token: string; createdAt?: string | null }): Promise<void> {
    this.kept = createdAt === null ? "" : token;
  }
  clear(): void {
    this.kept = undefined;
  }
}

export async function authenticated(): Promise<string> {
  await using auth = new AuthManager({
    store: new Vault(),
    setup: async ({ signal }) => ({ token: String(signal.aborted), expiresAt: new Date() }),
    env: { ...process.env, CI: undefined },
    onRefresh: ({ credential, error }) => console.log(credential?.expiresAt?.getTime(), error?.code),
  });
  const { method, expiresAt }: Credential = await auth.ensureAuthenticated({
    signal: AbortSignal.timeout(1),
  });
  const { considered }: AuthStatus = await auth.status();
  query({ prompt: "hi", options: { auth: method === "cloud" ? false : auth } });
  const task: Task = { prompt: "hi", options: { auth } };
  await new Orchestrator({ options: { auth }, fallbacks: [{ auth }] }).run(task);
  // @ts-expect-error: a manager, or false
  query({ prompt: "hi", options: { auth: true } });
  // @ts-expect-error: a store must be able to forget
  new AuthManager({ store: { load: () => null, save() {} } });
  return `${expiresAt?.toISOString()} ${considered[0]?.verdict}`;
}

export async function specialists(session: Session): Promise<string> {
  const reviewer: AgentDefinition = new AgentBuilder("a").effort("low").field("memory", "user").build().agent;
  const agents = mergeAgents({ reviewer }, { reviewer: { model: null, tools: ["Read"] } });
  const { agents: loaded } = await loadAgents({ scope: "user" });
  const options: Options = withAgents(optionPreset("chat", { model: null, maxTurns: 2 }), agents);
  withAgents(withModel(options, "opus", ["sonnet"]), [...loaded, ...agentPresets("testing")]);
  const { known, suggestions } = suggestModels("opsu", await session.supportedModels());
  // @ts-expect-error: no such preset
  optionPreset("develpment");
  // @ts-expect-error: no such family
  agentPresets("securty");
  // @ts-expect-error: tools are a list
  new AgentBuilder("a").tools("Read");
  return known ? "" : `${suggestions[0]} ${validateAgents(agents)[0]?.field}`;
}
