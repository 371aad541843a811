// What the program may ask this process for: permission, hooks, tools, answers. The functions stay here; the engine gets
// their names.

import type { Auth } from "./auth/choice.js";
import { choice } from "./auth/choice.js";
import type { OnElicitation, OnUserDialog } from "./elicitation.js";
import { HOOK_EVENTS, type HookCallback } from "./hooks.js";
import { invalid, isObject } from "./invalid.js";
import type { McpServerConfig } from "./mcp.js";
import type { Options } from "./option-types.js";
import type { CanUseTool } from "./permission.js";
import { type Stores, storeWire } from "./session-store.js";
import { type AnyTool, listed, ToolServer } from "./tools.js";

/** The functions, by the names the engine has for them. */
export interface Provided {
  canUseTool: CanUseTool | undefined;
  onElicitation: OnElicitation | undefined;
  onUserDialog: OnUserDialog | undefined;
  stores: Stores | undefined;
  /** Held, so that a manager nobody else has lives as long as what it serves. */
  auth: Auth | undefined;
  hooks: Map<string, HookCallback>;
  /** By server and name. */
  tools: Map<string, Map<string, AnyTool>>;
}

type Name =
  | "canUseTool"
  | "onElicitation"
  | "onUserDialog"
  | "hooks"
  | "mcpServers"
  | "sessionStore"
  | "auth";
type Functions = { [N in Name]: Options[N] | undefined };

/** Nothing but a store, for work that needs no program. */
export function onlyStores(stores: Stores): Provided {
  const none = { canUseTool: undefined, onElicitation: undefined, onUserDialog: undefined };
  return { ...none, stores, auth: undefined, hooks: new Map(), tools: new Map() };
}

/** The functions of the options, and what the engine is told about them beside `options`. */
export function provided(options: Functions): { provided: Provided; wire: object; mcpServers: unknown } {
  const { canUseTool, onElicitation, onUserDialog, sessionStore, auth } = options;
  const asks = [];
  if (canUseTool) asks.push("can_use_tool");
  if (onElicitation) asks.push("elicitation");
  if (onUserDialog) asks.push("request_user_dialog");
  const hooks = new Map<string, HookCallback>();
  const tools = new Map<string, Map<string, AnyTool>>();
  const registered = options.hooks === undefined ? undefined : registerHooks(options.hooks, hooks);
  const { servers, others } = splitServers(options.mcpServers, tools);
  return {
    provided: {
      canUseTool,
      onElicitation,
      onUserDialog,
      stores: sessionStore === undefined ? undefined : () => sessionStore,
      auth,
      hooks,
      tools,
    },
    wire: {
      asks,
      ...(registered && { hooks: registered }),
      ...(servers.length > 0 && { tool_servers: servers }),
      ...(sessionStore !== undefined && storeWire(sessionStore)),
      ...choice(auth, "auth"),
    },
    mcpServers: others,
  };
}

/** A list of tools by name. Throws when two have the same. */
export function byName(tools: readonly AnyTool[], path: string): Map<string, AnyTool> {
  const found = new Map<string, AnyTool>();
  for (const [index, tool] of tools.entries()) {
    if (!isObject(tool) || typeof tool.name !== "string" || typeof tool.handler !== "function")
      throw invalid(`${path}[${index}]`, "expected what tool() returns");
    if (!isObject(tool.inputSchema))
      throw invalid(
        `${path}[${index}].inputSchema`,
        "expected names with zod schemas, a zod object, or JSON Schema",
      );
    if (found.has(tool.name)) throw invalid(`${path}[${index}]`, `a second tool with the name ${tool.name}`);
    found.set(tool.name, tool);
  }
  return found;
}

function registerHooks(hooks: NonNullable<Options["hooks"]>, callbacks: Map<string, HookCallback>): object {
  if (!isObject(hooks)) throw invalid("hooks", "expected an object of events");
  const wire: Record<string, object[]> = {};
  for (const [event, matchers] of Object.entries(hooks)) {
    if (matchers === undefined) continue;
    if (!(HOOK_EVENTS as readonly string[]).includes(event))
      throw invalid(`hooks.${event}`, `unknown event; known are ${[...HOOK_EVENTS].sort().join(", ")}`);
    if (!Array.isArray(matchers))
      throw invalid(`hooks.${event}`, "expected a list of { matcher?, hooks: [...] }");
    wire[event] = matchers.map((matcher, index) => {
      const path = `hooks.${event}[${index}]`;
      const {
        matcher: pattern,
        hooks: functions,
        timeout,
        onFailure,
        ...unknown
      } = isObject(matcher) ? matcher : {};
      for (const name of Object.keys(unknown)) throw invalid(`${path}.${name}`, "unknown field");
      if (!Array.isArray(functions) || functions.some((one) => typeof one !== "function"))
        throw invalid(`${path}.hooks`, "expected a list of functions");
      if (timeout !== undefined && !(timeout > 0))
        throw invalid(`${path}.timeout`, "expected seconds above 0");
      const names = functions.map((callback) => {
        const name = `h${callbacks.size + 1}`;
        callbacks.set(name, callback);
        return name;
      });
      return {
        callbacks: names,
        ...(pattern !== undefined && { matcher: pattern }),
        ...(timeout !== undefined && { timeout_ms: Math.ceil(timeout * 1000) }),
        ...(onFailure !== undefined && { on_failure: onFailure }),
      };
    });
  }
  return wire;
}

/** Parts the servers of this process from those the program runs or reaches. */
function splitServers(
  servers: Options["mcpServers"] | undefined,
  tools: Map<string, Map<string, AnyTool>>,
): { servers: object[]; others: unknown } {
  if (!isObject(servers)) return { servers: [], others: servers };
  const ours: object[] = [];
  const others: Record<string, McpServerConfig> = {};
  for (const [name, server] of Object.entries(servers)) {
    if (!isObject(server) || server.type !== "sdk") {
      others[name] = server;
      continue;
    }
    const { instance } = server;
    if (!(instance instanceof ToolServer))
      throw invalid(
        `mcpServers.${name}.instance`,
        "expected what createSdkMcpServer() of this package returns",
      );
    tools.set(name, byName(instance.tools, `mcpServers.${name}.tools`));
    const { version, instructions } = instance;
    ours.push({
      name,
      version,
      ...(instructions !== undefined && { instructions }),
      tools: listed(instance.tools),
    });
  }
  return { servers: ours, others: Object.keys(others).length > 0 ? others : undefined };
}
