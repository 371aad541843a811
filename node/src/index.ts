// What the package offers: the official names, and ours beside them.

export type { Exit } from "./channel.js";
export type { ControlRequest, InterruptReceipt } from "./conversation.js";
export {
  AbortError,
  AuthError,
  CallbackError,
  CancelledError,
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
  ProcessExitedError,
  ProtocolError,
  type Retry,
  SpawnFailedError,
  TimeoutError,
  type WireError,
} from "./errors.js";
export { type LogLevel, type LogLine, onLog } from "./log.js";
export type * from "./messages.js";
export type { Limits, Options, Timeouts } from "./options.js";
export type {
  CanUseTool,
  CanUseToolRequest,
  PermissionContext,
  PermissionResult,
  PermissionRuleValue,
  PermissionUpdate,
  PermissionUpdateDestination,
} from "./permission.js";
export { type Prompt, Query, query } from "./query.js";
export { Session, Turn } from "./session.js";
