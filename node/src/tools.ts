// Tools of this process: the model calls them through the program, and an MCP server of the engine hands the calls over.

import { InvalidArgumentError } from "./errors.js";
import type {
  CallToolResult,
  McpSdkServerConfigWithInstance,
  McpServerConfig,
  McpServerConfigForProcessTransport,
  ToolAnnotations,
} from "./mcp.js";
import {
  type AnyZodRawShape,
  check,
  type InferInput,
  type JsonSchema,
  jsonSchema,
  type ZodLike,
} from "./schema.js";

/** What a tool accepts: names with zod schemas, a zod object, or JSON Schema. */
export type ToolSchema = AnyZodRawShape | ZodLike | JsonSchema;

/** What is known about a call. */
export interface ToolContext {
  /** Aborted when the program gives the call up; the answer no longer matters then. */
  signal: AbortSignal;
  /** The number of this call. */
  requestId: string;
  /** What the program says about the call. */
  _meta: Record<string, unknown>;
  /** The id of the tool call. */
  toolUseID?: string;
  /** Says how far the work is: `progress` grows up to `total`, when that is known. */
  progress(progress: number, more?: { total?: number; message?: string }): void;
  /** Progress in the form MCP has it: `{ method: "notifications/progress", params: { progress, total, message } }`. */
  sendNotification(notification: { method: string; params?: Record<string, unknown> }): Promise<void>;
}

/** A tool; {@link tool} makes one. */
export interface SdkMcpToolDefinition<Schema extends ToolSchema = ToolSchema> {
  name: string;
  description: string;
  inputSchema: Schema;
  /** JSON Schema of `structuredContent`. */
  outputSchema?: JsonSchema;
  annotations?: ToolAnnotations;
  _meta?: Record<string, unknown>;
  handler(args: InferInput<Schema>, extra: ToolContext): CallToolResult | Promise<CallToolResult>;
}

/** What else can be said about a tool. */
export interface ToolExtras {
  annotations?: ToolAnnotations;
  /** JSON Schema of `structuredContent`. */
  outputSchema?: JsonSchema;
  /** Words by which the model finds the tool. */
  searchHint?: string;
  /** The model sees the tool without having to search for it. */
  alwaysLoad?: boolean;
}

/**
 * A tool the model can call. Arguments are checked with zod before the handler sees them; an exception of the handler, and
 * arguments that do not fit, are an error the model reads.
 *
 * @example
 * const add = tool("add", "Adds two numbers", { a: z.number(), b: z.number() }, async ({ a, b }) => ({
 *   content: [{ type: "text", text: String(a + b) }],
 * }));
 */
export function tool<Schema extends ToolSchema>(
  name: string,
  description: string,
  inputSchema: Schema,
  handler: (args: InferInput<Schema>, extra: ToolContext) => CallToolResult | Promise<CallToolResult>,
  extras: ToolExtras = {},
): SdkMcpToolDefinition<Schema> {
  const { annotations, outputSchema, searchHint, alwaysLoad } = extras;
  const meta = {
    ...(searchHint !== undefined && { "anthropic/searchHint": searchHint }),
    ...(alwaysLoad && { "anthropic/alwaysLoad": true }),
  };
  return {
    name,
    description,
    inputSchema,
    handler,
    ...(annotations && { annotations }),
    ...(outputSchema && { outputSchema }),
    ...(Object.keys(meta).length > 0 && { _meta: meta }),
  };
}

/** A tool with whatever schema. */
// biome-ignore lint/suspicious/noExplicitAny: tools with different schemas stand in one list
export type AnyTool = SdkMcpToolDefinition<any>;

/** Tools under one name; {@link createSdkMcpServer} makes it. */
export class ToolServer {
  readonly name: string;
  readonly version: string;
  readonly instructions: string | undefined;
  readonly tools: readonly AnyTool[];

  /** @internal */
  constructor(options: CreateSdkMcpServerOptions) {
    this.name = options.name;
    this.version = options.version ?? "1.0.0";
    this.instructions = options.instructions;
    this.tools = (options.tools ?? []).map((one) =>
      options.alwaysLoad ? { ...one, _meta: { ...one._meta, "anthropic/alwaysLoad": true } } : one,
    );
  }
}

/** What {@link createSdkMcpServer} takes. */
export interface CreateSdkMcpServerOptions {
  name: string;
  /** Default `1.0.0`. */
  version?: string;
  /** Told to the model. */
  instructions?: string;
  tools?: AnyTool[];
  /** The model sees all tools without having to search for them. */
  alwaysLoad?: boolean;
}

/**
 * Tools for `mcpServers`. The model knows them as `mcp__NAME__TOOL`, where the name is the key in `mcpServers`.
 *
 * @example
 * const calc = createSdkMcpServer({ name: "calc", tools: [add] });
 * query({ prompt: "2 + 2?", options: { mcpServers: { calc }, allowedTools: ["mcp__calc"] } });
 */
export function createSdkMcpServer(options: CreateSdkMcpServerOptions): McpSdkServerConfigWithInstance {
  return { type: "sdk", name: options.name, instance: new ToolServer(options) };
}

/** The tools as the engine lists them to the program. */
export function listed(tools: readonly AnyTool[]): object[] {
  return tools.map(({ name, description, inputSchema, outputSchema, annotations, _meta }) => ({
    name,
    description,
    inputSchema: jsonSchema(inputSchema),
    ...(outputSchema && { outputSchema }),
    ...(annotations && { annotations }),
    ...(_meta && { _meta }),
  }));
}

/** Calls a tool. */
export async function call(
  tool: AnyTool,
  args: Record<string, unknown>,
  extra: ToolContext,
): Promise<CallToolResult> {
  const checked = await check(tool.inputSchema, args);
  if ("problem" in checked) throw new Error(`the arguments of ${tool.name} do not fit: ${checked.problem}`);
  const result = await tool.handler(checked.value, extra);
  if (Array.isArray(result?.content)) return result;
  throw new InvalidArgumentError({
    code: "invalid_argument",
    message: `expected { content: [...] } from the tool ${tool.name}, not ${JSON.stringify(result)}`,
    operation: tool.name,
  });
}

/** The servers as the program may see them. */
export function withoutInstances(
  servers: Record<string, McpServerConfig>,
): Record<string, McpServerConfigForProcessTransport> {
  return Object.fromEntries(
    Object.entries(servers).map(([name, server]) => [
      name,
      server.type === "sdk" ? ({ type: "sdk", name } as const) : server,
    ]),
  );
}
