// The requests to a running program that are about MCP servers, under the official names.

import type { ControlRequest, SDKControlMcpReadResourceResponse } from "./controls.js";
import type { CallToolResult, McpServerConfig, McpServerStatus, McpSetServersResult } from "./mcp.js";
import { withoutInstances } from "./tools.js";

/** What can be asked about MCP servers. */
export abstract class McpRequests {
  /**
   * Makes any request of the program and resolves with the payload of its answer, `null` when it has none. `timeoutMs` goes
   * before `timeouts.controlMs`.
   */
  abstract control<T = Record<string, unknown> | null>(
    request: ControlRequest,
    options?: { timeoutMs?: number },
  ): Promise<T>;

  /** The MCP servers and whether they are connected. */
  async mcpServerStatus(): Promise<McpServerStatus[]> {
    const { mcpServers } = await this.control<{ mcpServers: McpServerStatus[] }>({ subtype: "mcp_status" });
    return mcpServers;
  }

  /**
   * Replaces the MCP servers that were added while the program runs, and those of this process: one that is left out is
   * removed. A server of this process must be one that was given in `mcpServers` when the session began.
   */
  async setMcpServers(servers: Record<string, McpServerConfig>): Promise<McpSetServersResult> {
    return this.control({ subtype: "mcp_set_servers", servers: withoutInstances(servers) });
  }

  /** Connects to a server again. */
  async reconnectMcpServer(serverName: string): Promise<void> {
    await this.control({ subtype: "mcp_reconnect", serverName });
  }

  /** Turns a server on or off. */
  async toggleMcpServer(serverName: string, enabled: boolean): Promise<void> {
    await this.control({ subtype: "mcp_toggle", serverName, enabled });
  }

  /** Calls a tool of a server (`mcp__server__tool`) past the model. Refused for servers of this process. */
  mcpCall(tool: string, args: Record<string, unknown> = {}): Promise<CallToolResult> {
    return this.control({ subtype: "mcp_call", tool, arguments: args });
  }

  /** Reads a resource of a server, such as `ui://panel`. */
  readMcpResource(serverName: string, uri: string): Promise<SDKControlMcpReadResourceResponse> {
    return this.control({ subtype: "mcp_read_resource", serverName, uri });
  }

  /** Overrides the permission mode for the tools of one MCP server; `null` takes the override back. */
  async setMcpPermissionModeOverride(
    serverName: string,
    mode: "default" | "auto" | null,
  ): Promise<{ warning?: string }> {
    return (await this.control({ subtype: "set_mcp_permission_mode_override", serverName, mode })) ?? {};
  }

  /** Sends a message of MCP to a server of this process, in its name; unknown servers are not complained about. */
  async mcpMessage(serverName: string, message: Record<string, unknown>): Promise<void> {
    await this.control({ subtype: "mcp_message", server_name: serverName, message });
  }
}
