// What the package offers: the official names, and ours beside them.

export { Accumulator, type CompleteBlock } from "./accumulator.js";
export {
  type AgentChanges,
  type AgentFamily,
  type AgentPreset,
  type Agents,
  type AgentWarning,
  agentFromMarkdown,
  agentPresets,
  agentToMarkdown,
  mergeAgents,
  type NamedAgent,
  validateAgents,
} from "./agents/agents.js";
export { AgentBuilder, type AgentExample } from "./agents/builder.js";
export * from "./agents/files.js";
export type { Auth } from "./auth/choice.js";
export type { AuthManagerOptions, Refresh } from "./auth/config.js";
export type { AuthMethod, AuthProvider, AuthStatus, AuthVerdict, Credential } from "./auth/credential.js";
export { type AuthCallOptions, AuthManager } from "./auth/manager.js";
export type { NewToken, Setup, StoredToken, TokenStore } from "./auth/token-store.js";
export type { Exit } from "./channel.js";
export type * from "./controls.js";
export type * from "./elicitation.js";
export {
  AbortError,
  AuthError,
  BudgetExceededError,
  CallbackError,
  CancelledError,
  CircuitOpenError,
  CLINotFoundError,
  CLIVersionError,
  ClosedError,
  ControlError,
  type ErrorCode,
  InternalError,
  InvalidArgumentError,
  InvalidOptionsError,
  MadrigalError,
  OverflowError,
  OverloadedError,
  ProcessExitedError,
  ProtocolError,
  RateLimitedError,
  type Retry,
  SpawnFailedError,
  StructuredOutputError,
  TimeoutError,
  TurnFailedError,
  type WireError,
} from "./errors.js";
export * from "./hook-inputs.js";
export * from "./hooks.js";
export { type LogLevel, type LogLine, onLog } from "./log.js";
export type * from "./mcp.js";
export { InMemorySessionStore } from "./memory-store.js";
export type * from "./messages.js";
export * from "./models.js";
export * from "./option-presets.js";
export * from "./option-types.js";
export type * from "./orchestrate/call-options.js";
export type { Candidate, OrchestratorConfig, TaskOptions } from "./orchestrate/config.js";
export type * from "./orchestrate/limits.js";
export { Orchestrator } from "./orchestrate/orchestrator.js";
export type { Outcome, Run, Succeeded, Unanswered } from "./orchestrate/outcome.js";
export { type Progress, type Stage, Watcher } from "./orchestrate/progress.js";
export type * from "./orchestrate/results.js";
export type { Task, TaskDetails, TaskPrompt } from "./orchestrate/task.js";
export type {
  CanUseTool,
  CanUseToolRequest,
  PermissionBehavior,
  PermissionContext,
  PermissionDecisionClassification,
  PermissionResult,
  PermissionRuleValue,
  PermissionUpdate,
  PermissionUpdateDestination,
} from "./permission.js";
export type * from "./permission-rules.js";
export * from "./policies/circuit-breaker.js";
export * from "./policies/cost-budget.js";
export type { Key } from "./policies/key.js";
export * from "./policies/rate-limiter.js";
export { type Prompt, Query, query } from "./query.js";
export type { Requests } from "./requests.js";
export type * from "./sandbox.js";
export type { AnyZodRawShape, InferInput, InferShape, JsonSchema, ZodLike } from "./schema.js";
export { Session, Turn } from "./session.js";
export type {
  SessionKey,
  SessionStore,
  SessionStoreEntry,
  SessionStoreFlush,
  SessionSummaryEntry,
} from "./session-store.js";
export * from "./sessions.js";
export { foldSessionSummary, projectKey } from "./store-summary.js";
export {
  type ImportSessionToStoreOptions,
  importSessionToStore,
  type SessionStoreCheck,
  sessionStoreConformance,
} from "./store-work.js";
export { structured } from "./structured.js";
export {
  type AnyTool,
  type CreateSdkMcpServerOptions,
  createSdkMcpServer,
  type SdkMcpToolDefinition,
  type ToolContext,
  type ToolExtras,
  type ToolSchema,
  ToolServer,
  tool,
} from "./tools.js";
export { CostMeter, type Tokens, UsageMeter } from "./usage.js";
export { startup, WarmQuery } from "./warm.js";
