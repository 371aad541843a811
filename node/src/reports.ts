// What some answers of the model carry beside the answer: how full its context is, and what the session has cost.

import type { ModelUsage } from "./content.js";

/** One part of what fills the context. */
export interface SDKContextUsageCategory {
  name: string;
  tokens: number;
  kind: "used" | "free" | "buffer" | "deferred";
}

/** How full the model's context is. */
export interface SDKContextUsage {
  model: string;
  total_tokens: number;
  raw_max_tokens: number;
  percentage: number;
  over_limit?: { tokens_over: number; kind: "hard_limit" | "compaction_window" };
  categories: SDKContextUsageCategory[];
  mcp_tools: { name: string; server_name: string; tokens: number }[];
  memory_files: { path: string; type: string; tokens: number }[];
  agents: { agent_type: string; source: string; tokens: number }[];
  skills?: { name: string; source: string; plugin_name?: string; tokens: number }[];
}

/** A limit of the subscription, and how much of it is used. */
export interface SDKUsageLimit {
  kind: string;
  group: string;
  percent: number;
  /** ISO 8601. */
  resets_at: string | null;
  scope?: { model?: { display_name: string } | null; surface?: { display_name: string } | null } | null;
  severity: string;
  is_active: boolean;
}

/** What the session has cost, and how much of the limits is used. */
export interface SDKUsageReport {
  session: {
    total_cost_usd: number;
    total_api_duration_ms: number;
    total_duration_ms: number;
    total_lines_added: number;
    total_lines_removed: number;
    model_usage: Record<string, ModelUsage>;
  };
  rate_limits: {
    limits: SDKUsageLimit[] | null;
    extra_usage?: {
      is_enabled: boolean;
      monthly_limit: number | null;
      used_credits: number | null;
      utilization: number | null;
      currency?: string | null;
    } | null;
  } | null;
}
