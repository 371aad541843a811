// The end of a turn.

import type { ModelUsage, Usage } from "./content.js";
import type { FastModeDisabledReason, FastModeState, Head, OfPrompts, SDKMessageOrigin } from "./head.js";

/** Why a turn ended. */
export type TerminalReason =
  | "completed"
  | "api_error"
  | "model_error"
  | "prompt_too_long"
  | "image_error"
  | "blocking_limit"
  | "rapid_refill_breaker"
  | "malformed_tool_use_exhausted"
  | "aborted_streaming"
  | "aborted_tools"
  | "stop_hook_prevented"
  | "hook_stopped"
  | "tool_deferred"
  | "tool_deferred_unavailable"
  | "max_turns"
  | "background_requested"
  | "budget_exhausted"
  | "structured_output_retry_exhausted"
  | "turn_setup_failed";

/** Why the program did not even start. */
export type SDKStartupFailureReason =
  | "org_pin_api_key_conflict"
  | "provider_not_allowed"
  | "org_verify_failed"
  | "org_pin_mismatch"
  | "managed_settings_invalid"
  | "remote_settings_required_unavailable"
  | "gateway_signin_required"
  | "gateway_access_denied"
  | "proxy_invalid"
  | "temp_dir_unusable"
  | "cwd_unavailable"
  | "shell_tool_missing"
  | "session_held_by_background"
  | "worktree_resume_refused"
  | "worktree_unverified"
  | "cli_version_too_old"
  | "bypass_root"
  | "org_config_required_unavailable"
  | "org_config_refused"
  | "sandbox_required_unavailable"
  | "initialize_not_first"
  | "config_file_invalid"
  | "managed_settings_not_delivered"
  | "initialize_fields_not_delivered";

/** A tool that was refused. */
export interface SDKPermissionDenial {
  tool_name: string;
  tool_use_id: string;
  tool_input: Record<string, unknown>;
}

/** A tool call that a hook left to the host. */
export interface SDKDeferredToolUse {
  id: string;
  name: string;
  input: Record<string, unknown>;
}

interface ResultHead extends Head, OfPrompts {
  type: "result";
  /** Whether the turn failed. `subtype` does not say so: a failed call of the model's API is a `success`, too. */
  is_error: boolean;
  duration_ms: number;
  duration_api_ms: number;
  num_turns: number;
  stop_reason: string | null;
  /** Summed over the life of the process and the sessions it resumed. */
  total_cost_usd: number;
  /** Of this turn, without subagents. */
  usage: Usage;
  /** Summed over the life of the process. */
  modelUsage: Record<string, ModelUsage>;
  /** What this turn added to `modelUsage`. */
  model_usage_since_last_result?: Record<string, ModelUsage>;
  permission_denials: SDKPermissionDenial[];
  /** An interrupt is `aborted_streaming` or `aborted_tools`. */
  terminal_reason?: TerminalReason;
  /** Counts from 0. */
  result_index?: number;
  queued_turn_count?: number;
  origin?: SDKMessageOrigin;
  begun_message_ids?: string[];
  subagent_stats?: unknown;
  safety_stops?: unknown;
  credential_expires_at?: string;
  fast_mode_state?: FastModeState;
  fast_mode_disabled_reason?: FastModeDisabledReason;
  /** Milliseconds from the start of the turn to the first byte of the model. */
  ttft_ms?: number;
  ttft_stream_ms?: number;
  time_to_request_ms?: number;
  first_content_frame_ms?: number;
}

/** The end of a turn that has a final text. */
export interface SDKResultSuccess extends ResultHead {
  subtype: "success";
  /** The final text, or what the model's API complained about. */
  result: string;
  /** With `outputFormat`: the value. Absent when the model answered with text only. */
  structured_output?: unknown;
  deferred_tool_use?: SDKDeferredToolUse;
  /** The name of a command that ran without the model. */
  local_command?: string;
  /** The HTTP status when the model's API failed; `null` when it was not reached. */
  api_error_status?: number | null;
  api_error_type?: string;
  api_error?: string;
}

/** The end of a turn that was cut short. */
export interface SDKResultError extends ResultHead {
  subtype:
    | "error_during_execution"
    | "error_max_turns"
    | "error_max_budget_usd"
    | "error_max_structured_output_retries";
  errors: string[];
  /** Why the program did not even start. */
  startup_failure_reason?: SDKStartupFailureReason;
  invalid_config_file?: { path: string; is_global: boolean; backup_searched: boolean; backup_path?: string };
}

/** The end of a turn. */
export type SDKResultMessage = SDKResultSuccess | SDKResultError;
