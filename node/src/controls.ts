// What the program answers to requests, in its own words. Only fields that were seen or are published are named; what a
// newer program adds is there at run time.

import type { McpServerStatus } from "./mcp.js";
import type { EffortLevel, ModelUsage, PermissionMode } from "./messages.js";

/** A request to the running program: `subtype` and its fields, with the program's own names. */
export type ControlRequest = { subtype: string } & Record<string, unknown>;

/** The answer to an interrupt. */
export interface SDKControlInterruptResponse {
  /** The ids of the prompts that still wait for their turn. */
  still_queued?: string[];
  /** With `cancelQueued`: the ids of those that were dropped. */
  cancelled?: string[];
  [key: string]: unknown;
}

/** The official package calls it {@link SDKControlInterruptResponse}. */
export type InterruptReceipt = SDKControlInterruptResponse;

/** A slash command. */
export interface SlashCommand {
  /** Without the slash. */
  name: string;
  description: string;
  argumentHint: string;
  aliases?: string[];
  builtin?: boolean;
}

/** A model that can be chosen. */
export interface ModelInfo {
  /** What `setModel` takes. */
  value: string;
  resolvedModel?: string;
  displayName: string;
  description: string;
  supportsEffort?: boolean;
  supportedEffortLevels?: EffortLevel[];
  supportsAdaptiveThinking?: boolean;
  supportsFastMode?: boolean;
  supportsAutoMode?: boolean;
}

/** A kind of subagent the model can start. */
export interface AgentInfo {
  name: string;
  description: string;
  model?: string;
}

/** Whose account is used. */
export interface AccountInfo {
  email?: string;
  organization?: string;
  subscriptionType?: string;
  tokenSource?: string;
  apiKeySource?: string;
  apiProvider?: string;
}

/** What the program says about itself when it starts. */
export interface SDKControlInitializeResponse {
  commands: SlashCommand[];
  agents: AgentInfo[];
  models: ModelInfo[];
  account: AccountInfo;
  output_style: string;
  available_output_styles: string[];
  pid?: number;
  claude_code_version?: string;
  current_permission_mode?: PermissionMode;
  session_state?: string;
  capabilities?: string[];
  hooks_applied?: boolean;
  [key: string]: unknown;
}

/** How full the model's context is. */
export interface SDKControlGetContextUsageResponse {
  categories: {
    name: string;
    tokens: number;
    color?: string;
    kind?: "used" | "free" | "buffer" | "deferred";
    isDeferred?: boolean;
  }[];
  totalTokens: number;
  maxTokens: number;
  rawMaxTokens: number;
  percentage: number;
  model: string;
  memoryFiles: { path: string; type: string; tokens: number }[];
  mcpTools: { name: string; serverName: string; tokens: number; isLoaded?: boolean }[];
  agents: { agentType: string; source: string; tokens: number }[];
  autoCompactThreshold?: number;
  isAutoCompactEnabled?: boolean;
  [key: string]: unknown;
}

/** How much of a limit of the subscription is used. */
export interface RateLimitWindow {
  /** In percent. */
  utilization: number | null;
  /** ISO 8601. */
  resets_at: string | null;
}

/** Cost and limits. */
export interface SDKControlGetUsageResponse {
  session: {
    total_cost_usd: number;
    total_api_duration_ms: number;
    total_duration_ms: number;
    total_lines_added: number;
    total_lines_removed: number;
    model_usage: Record<string, ModelUsage>;
  };
  subscription_type: string | null;
  rate_limits_available: boolean;
  rate_limits: Record<string, RateLimitWindow | null | unknown> | null;
  behaviors: Record<string, unknown> | null;
  [key: string]: unknown;
}

/** A file as the program reads it. */
export interface SDKControlReadFileResponse {
  contents: string;
  absPath: string;
  truncated?: boolean;
  encoding?: "base64";
  /** Bytes that are no UTF-8 were replaced. */
  lossy?: boolean;
}

/** What is installed after plugins were read again. */
export interface SDKControlReloadPluginsResponse {
  commands: SlashCommand[];
  agents: AgentInfo[];
  plugins: { name: string; path: string; source?: string; version?: string }[];
  mcpServers: McpServerStatus[];
  error_count: number;
  held?: boolean;
  cache_impact?: Record<string, unknown>;
}

/** The skills after they were read again. */
export interface SDKControlReloadSkillsResponse {
  skills: SlashCommand[];
}

/** The output styles after they were read again. */
export interface SDKControlReloadOutputStylesResponse {
  available_output_styles: string[];
}

/** The contents of a resource of an MCP server. */
export interface SDKControlMcpReadResourceResponse {
  contents: {
    uri: string;
    mimeType?: string;
    text?: string;
    blob?: string;
    _meta?: Record<string, unknown>;
  }[];
}

/** What a rewind did, or with `dryRun` would do. */
export interface RewindFilesResult {
  canRewind: boolean;
  error?: string;
  filesChanged?: string[];
  insertions?: number;
  deletions?: number;
  skippedLinks?: number;
}

/** The settings in effect and where they come from. */
export interface SDKControlGetSettingsResponse {
  effective: Record<string, unknown>;
  sources: unknown;
  applied: unknown;
  [key: string]: unknown;
}

/** The output of a background task so far. */
export interface TaskOutput {
  output: string;
  total_bytes: number;
  truncated: boolean;
}

/** The answer to a question beside the conversation. */
export interface SideQuestionAnswer {
  response: string | null;
  synthetic?: boolean;
  [key: string]: unknown;
}
