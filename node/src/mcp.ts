// MCP servers: how they are configured, what the program says about them, and what their tools answer.

import type { ToolServer } from "./tools.js";

/** What may be done with a tool of a server without asking. */
export interface McpServerToolPolicy {
  name: string;
  permission_policy?: "always_allow" | "always_ask" | "always_deny";
  org_max_permission?: "allow" | "ask" | "blocked";
}

/** A program that speaks MCP over its standard input and output. */
export interface McpStdioServerConfig {
  type?: "stdio";
  command: string;
  args?: string[];
  env?: Record<string, string>;
  /** Milliseconds. */
  timeout?: number;
  alwaysLoad?: boolean;
}

/** A server behind Server-Sent Events. */
export interface McpSSEServerConfig {
  type: "sse";
  url: string;
  headers?: Record<string, string>;
  tools?: McpServerToolPolicy[];
  /** Milliseconds. */
  timeout?: number;
  alwaysLoad?: boolean;
}

/** A server behind HTTP. */
export interface McpHttpServerConfig {
  type: "http";
  url: string;
  headers?: Record<string, string>;
  tools?: McpServerToolPolicy[];
  /** Milliseconds. */
  timeout?: number;
  alwaysLoad?: boolean;
}

/** A server in this process, as the program knows it. */
export interface McpSdkServerConfig {
  type: "sdk";
  name: string;
}

/** A server in this process, as `createSdkMcpServer` makes it. */
export interface McpSdkServerConfigWithInstance extends McpSdkServerConfig {
  instance: ToolServer;
}

/** A server the program connects to by itself. */
export type McpServerConfigForProcessTransport =
  | McpStdioServerConfig
  | McpSSEServerConfig
  | McpHttpServerConfig
  | McpSdkServerConfig;

/** A connector of the account, as it stands in the status of a server. */
export interface McpClaudeAIProxyServerConfig {
  type: "claudeai-proxy";
  url: string;
  id: string;
  /** Milliseconds. */
  timeout?: number;
}

/** How a server was given, in its status. */
export type McpServerStatusConfig = McpServerConfigForProcessTransport | McpClaudeAIProxyServerConfig;

/** What `mcpServers` takes. */
export type McpServerConfig =
  | McpStdioServerConfig
  | McpSSEServerConfig
  | McpHttpServerConfig
  | McpSdkServerConfigWithInstance;

/** A server as the program sees it. */
export interface McpServerStatus {
  name: string;
  status: "connected" | "failed" | "needs-auth" | "pending" | "disabled";
  serverInfo?: { name: string; version: string };
  error?: string;
  /** As it was given, with whatever secrets it holds. */
  config?: McpServerStatusConfig | Record<string, unknown>;
  scope?: string;
  source?: string;
  tools?: {
    name: string;
    description?: string;
    annotations?: { readOnly?: boolean; destructive?: boolean; openWorld?: boolean };
    _meta?: Record<string, unknown>;
  }[];
}

/** What `setMcpServers` changed. */
export interface McpSetServersResult {
  added: string[];
  removed: string[];
  /** By server, what went wrong. */
  errors: Record<string, string>;
}

/** Which server a tool comes from. */
export interface McpServerProvenance {
  name: string;
  source?: string;
}

/** What a tool is like; hints, not promises. */
export interface ToolAnnotations {
  title?: string;
  readOnlyHint?: boolean;
  destructiveHint?: boolean;
  idempotentHint?: boolean;
  openWorldHint?: boolean;
}

/** A piece of what a tool answers. */
export type ToolContent =
  | { type: "text"; text: string; [key: string]: unknown }
  | { type: "image"; data: string; mimeType: string; [key: string]: unknown }
  | { type: "audio"; data: string; mimeType: string; [key: string]: unknown }
  | {
      type: "resource";
      resource: { uri: string; mimeType?: string; text?: string; blob?: string; [key: string]: unknown };
      [key: string]: unknown;
    }
  | { type: "resource_link"; uri: string; name: string; [key: string]: unknown };

/** What a tool answers. */
export interface CallToolResult {
  content: ToolContent[];
  /** Replaces the text for the model when it is there. */
  structuredContent?: Record<string, unknown>;
  /** The tool failed; the model reads `content` as its error. */
  isError?: boolean;
  _meta?: Record<string, unknown>;
  [key: string]: unknown;
}
