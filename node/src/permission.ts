// Permission questions: the official `canUseTool` shape on the outside, the program's own words on the wire.

import type { PermissionMode } from "./messages.js";

/** Where a permission update is kept. */
export type PermissionUpdateDestination =
  | "userSettings"
  | "projectSettings"
  | "localSettings"
  | "session"
  | "cliArg";

/** What a permission rule says about the calls it matches. */
export type PermissionBehavior = "allow" | "deny" | "ask";

/** How a person decided, for statistics of the program: this once, from now on, or not at all. */
export type PermissionDecisionClassification = "user_temporary" | "user_permanent" | "user_reject";

/** A permission rule, such as `{ toolName: "Bash", ruleContent: "git log:*" }`. */
export interface PermissionRuleValue {
  toolName: string;
  ruleContent?: string;
}

/** A change of the permissions. */
export type PermissionUpdate =
  | {
      type: "addRules" | "replaceRules" | "removeRules";
      rules: PermissionRuleValue[];
      behavior: PermissionBehavior;
      destination: PermissionUpdateDestination;
    }
  | { type: "setMode"; mode: PermissionMode; destination: PermissionUpdateDestination }
  | {
      type: "addDirectories" | "removeDirectories";
      directories: string[];
      destination: PermissionUpdateDestination;
    };

/** The answer: run the tool (with other input or new permissions, when given), or refuse it. */
export type PermissionResult =
  | {
      behavior: "allow";
      updatedInput?: Record<string, unknown>;
      updatedPermissions?: PermissionUpdate[];
      toolUseID?: string;
      decisionClassification?: PermissionDecisionClassification;
    }
  | {
      behavior: "deny";
      message: string;
      /** Also ends the turn. */
      interrupt?: boolean;
      toolUseID?: string;
      decisionClassification?: PermissionDecisionClassification;
    };

/** What is known about a permission question. */
export interface PermissionContext {
  /** Aborted when the program withdraws the question; the answer no longer matters then. */
  signal: AbortSignal;
  /** The id of the tool call. */
  toolUseID: string;
  /** The number of this question. */
  requestId: string;
  /** Changes that would make the question unnecessary next time. */
  suggestions?: PermissionUpdate[];
  blockedPath?: string;
  decisionReason?: string;
  title?: string;
  displayName?: string;
  description?: string;
  agentID?: string;
  mcpServer?: { name: string; source?: string };
  /** One key must not be enough to agree. */
  defaultToNo?: boolean;
  /** Nothing that agrees from now on may be offered. */
  suppressAlwaysAllowRule?: boolean;
  /** The rule of the user that asks, whatever else would decide. */
  matchedAskRule?: { source: string; toolName: string; ruleContent?: string };
  /** The whole question in the program's own words, with what is not listed here. */
  request: CanUseToolRequest;
}

/**
 * Decides whether a tool may run. An exception refuses the tool with the exception's message, and is thrown, as the same
 * object, from the iteration of the query; the session goes on.
 */
export type CanUseTool = (
  toolName: string,
  input: Record<string, unknown>,
  context: PermissionContext,
) => PermissionResult | Promise<PermissionResult>;

/** A permission question in the words of the program. */
export interface CanUseToolRequest {
  tool_name: string;
  input: Record<string, unknown>;
  tool_use_id: string;
  permission_suggestions?: PermissionUpdate[];
  blocked_path?: string;
  decision_reason?: string;
  title?: string;
  display_name?: string;
  description?: string;
  agent_id?: string;
  mcp_server?: { name: string; source?: string };
  default_to_no?: boolean;
  suppress_always_allow_rule?: boolean;
  matched_ask_rule?: { source: string; toolName: string; ruleContent?: string };
  [field: string]: unknown;
}

/** The context that belongs to a request; what the program did not say is left out. */
export function permissionContext(
  ask: string,
  request: CanUseToolRequest,
  signal: AbortSignal,
): PermissionContext {
  const context: Record<string, unknown> = {
    signal,
    toolUseID: request.tool_use_id,
    requestId: ask,
    request,
  };
  const optional = {
    suggestions: request.permission_suggestions,
    blockedPath: request.blocked_path,
    decisionReason: request.decision_reason,
    title: request.title,
    displayName: request.display_name,
    description: request.description,
    agentID: request.agent_id,
    mcpServer: request.mcp_server,
    defaultToNo: request.default_to_no,
    suppressAlwaysAllowRule: request.suppress_always_allow_rule,
    matchedAskRule: request.matched_ask_rule,
  };
  for (const [name, value] of Object.entries(optional)) {
    if (value !== undefined && value !== null) context[name] = value;
  }
  return context as unknown as PermissionContext;
}
