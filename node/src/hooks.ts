// Hooks: functions of this process that the program calls when something happens. What they get is in `hook-inputs.ts`,
// what they may answer here.

import type { HookInput } from "./hook-inputs.js";
import type { PermissionUpdate } from "./permission.js";

/** What a hook can be called for. */
export const HOOK_EVENTS = [
  "PreToolUse",
  "PostToolUse",
  "PostToolUseFailure",
  "PostToolBatch",
  "Notification",
  "UserPromptSubmit",
  "UserPromptExpansion",
  "SessionStart",
  "SessionEnd",
  "Stop",
  "StopFailure",
  "SubagentStart",
  "SubagentStop",
  "PreCompact",
  "PostCompact",
  "PreModelSwitch",
  "PostModelSwitch",
  "PermissionRequest",
  "PermissionDenied",
  "Setup",
  "TeammateIdle",
  "TaskCreated",
  "TaskCompleted",
  "Elicitation",
  "ElicitationResult",
  "ConfigChange",
  "WorktreeCreate",
  "WorktreeRemove",
  "InstructionsLoaded",
  "CwdChanged",
  "FileChanged",
  "DirectoryAdded",
  "MessageDisplay",
] as const;

/** What a hook can be called for. */
export type HookEvent = (typeof HOOK_EVENTS)[number];

/** What a `PreToolUse` hook says about a tool. */
export type HookPermissionDecision = "allow" | "deny" | "ask" | "defer";

/** Text for the model, from most events. */
export interface AdditionalContext<Event extends HookEvent> {
  hookEventName: Event;
  additionalContext?: string;
}

/** `defer` ends the turn and leaves the tool to the host: the result has `deferred_tool_use`. */
export interface PreToolUseHookSpecificOutput extends AdditionalContext<"PreToolUse"> {
  permissionDecision?: HookPermissionDecision;
  permissionDecisionReason?: string;
  updatedInput?: Record<string, unknown>;
}

/** May replace what the model sees of the tool's output. */
export interface PostToolUseHookSpecificOutput extends AdditionalContext<"PostToolUse"> {
  classifierContext?: string;
  updatedToolOutput?: unknown;
  updatedMCPToolOutput?: unknown;
}

/** May name the session and hide the prompt. */
export interface UserPromptSubmitHookSpecificOutput extends AdditionalContext<"UserPromptSubmit"> {
  sessionTitle?: string;
  suppressOriginalPrompt?: boolean;
}

/** May hide the prompt the command became. */
export interface UserPromptExpansionHookSpecificOutput extends AdditionalContext<"UserPromptExpansion"> {
  suppressOriginalPrompt?: boolean;
}

/** May begin the conversation, name it, and watch files. */
export interface SessionStartHookSpecificOutput extends AdditionalContext<"SessionStart"> {
  initialUserMessage?: string;
  sessionTitle?: string;
  watchPaths?: string[];
  reloadSkills?: boolean;
}

/** Says whether the model may change. */
export interface PreModelSwitchHookSpecificOutput {
  hookEventName: "PreModelSwitch";
  permissionDecision?: "allow" | "deny" | "ask";
  permissionDecisionReason?: string;
}

/** Decides in place of `canUseTool`; whichever answers first wins. */
export interface PermissionRequestHookSpecificOutput {
  hookEventName: "PermissionRequest";
  decision:
    | { behavior: "allow"; updatedInput?: Record<string, unknown>; updatedPermissions?: PermissionUpdate[] }
    | { behavior: "deny"; message?: string; interrupt?: boolean };
}

/** Lets the model try again. */
export interface PermissionDeniedHookSpecificOutput {
  hookEventName: "PermissionDenied";
  retry?: boolean;
}

/** Answers in place of `onElicitation`. */
export interface ElicitationHookSpecificOutput {
  hookEventName: "Elicitation";
  action?: "accept" | "decline" | "cancel";
  content?: Record<string, unknown>;
}

/** Changes what the server is answered. */
export interface ElicitationResultHookSpecificOutput {
  hookEventName: "ElicitationResult";
  action?: "accept" | "decline" | "cancel";
  content?: Record<string, unknown>;
}

/** Which files to watch from now on. */
export interface CwdChangedHookSpecificOutput {
  hookEventName: "CwdChanged";
  watchPaths?: string[];
}

/** Which files to watch from now on. */
export interface FileChangedHookSpecificOutput {
  hookEventName: "FileChanged";
  watchPaths?: string[];
}

/** Where the worktree is. */
export interface WorktreeCreateHookSpecificOutput {
  hookEventName: "WorktreeCreate";
  worktreePath: string;
}

/** What is shown instead. */
export interface MessageDisplayHookSpecificOutput {
  hookEventName: "MessageDisplay";
  displayContent?: string;
}

/** Text for the model after a tool failed. */
export type PostToolUseFailureHookSpecificOutput = AdditionalContext<"PostToolUseFailure">;
/** Text for the model after its tools ran. */
export type PostToolBatchHookSpecificOutput = AdditionalContext<"PostToolBatch">;
/** Text for the model after a notification. */
export type NotificationHookSpecificOutput = AdditionalContext<"Notification">;
/** Text for the model when it wants to end. */
export type StopHookSpecificOutput = AdditionalContext<"Stop">;
/** Text for a subagent. */
export type SubagentStartHookSpecificOutput = AdditionalContext<"SubagentStart">;
/** Text for the model when a subagent ended. */
export type SubagentStopHookSpecificOutput = AdditionalContext<"SubagentStop">;
/** Text for the new model. */
export type PostModelSwitchHookSpecificOutput = AdditionalContext<"PostModelSwitch">;
/** Text for the model. */
export type SetupHookSpecificOutput = AdditionalContext<"Setup">;

/** What belongs to one event only. */
export type HookSpecificOutput =
  | PreToolUseHookSpecificOutput
  | PostToolUseHookSpecificOutput
  | PostToolUseFailureHookSpecificOutput
  | PostToolBatchHookSpecificOutput
  | NotificationHookSpecificOutput
  | UserPromptSubmitHookSpecificOutput
  | UserPromptExpansionHookSpecificOutput
  | SessionStartHookSpecificOutput
  | SetupHookSpecificOutput
  | StopHookSpecificOutput
  | SubagentStartHookSpecificOutput
  | SubagentStopHookSpecificOutput
  | PreModelSwitchHookSpecificOutput
  | PostModelSwitchHookSpecificOutput
  | PermissionRequestHookSpecificOutput
  | PermissionDeniedHookSpecificOutput
  | ElicitationHookSpecificOutput
  | ElicitationResultHookSpecificOutput
  | CwdChangedHookSpecificOutput
  | FileChangedHookSpecificOutput
  | WorktreeCreateHookSpecificOutput
  | MessageDisplayHookSpecificOutput;

/** What a hook answers; `{}` goes on. */
export interface SyncHookJSONOutput {
  /** `false` ends the turn. */
  continue?: boolean;
  /** Why, with `continue: false`. */
  stopReason?: string;
  suppressOutput?: boolean;
  decision?: "approve" | "block";
  reason?: string;
  /** Shown to the user as an `informational` message. */
  systemMessage?: string;
  terminalSequence?: string;
  hookSpecificOutput?: HookSpecificOutput;
}

/** The program goes on at once; the hook's work is its own affair. */
export interface AsyncHookJSONOutput {
  async: true;
  /** Seconds. */
  asyncTimeout?: number;
}

/** What a hook answers. */
export type HookJSONOutput = SyncHookJSONOutput | AsyncHookJSONOutput;

/**
 * A hook. Nothing returned means `{}`. An exception lets the program go on, or block with `onFailure: "block"`, and is
 * thrown, as the same object, from the iteration of the query.
 *
 * @param input What happened; `hook_event_name` says which event it is.
 * @param toolUseID The id of the tool call, or one made up for events that have none.
 * @param options `signal` is aborted when the program no longer waits for the answer.
 */
export type HookCallback = (
  input: HookInput,
  toolUseID: string | undefined,
  options: { signal: AbortSignal },
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook that returns nothing is fine
) => HookJSONOutput | void | Promise<HookJSONOutput | void>;

/** Hooks and what they are for. */
export interface HookCallbackMatcher {
  /** A tool, or a pattern of tools (`Edit|Write`). Default: all. */
  matcher?: string;
  hooks: HookCallback[];
  /** Seconds the program waits for each. */
  timeout?: number;
  /** What happens to what the hook watches when the hook fails. Default `continue`. */
  onFailure?: "continue" | "block";
}

/** What `hooks` takes. */
export type Hooks = Partial<Record<HookEvent, HookCallbackMatcher[]>>;
