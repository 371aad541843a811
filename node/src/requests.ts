// The requests that can be made of a running program, under the official names. Each is one `control` command: what the
// program calls its fields is written here and nowhere else in the package.

import type {
  AccountInfo,
  AgentInfo,
  ModelInfo,
  RewindFilesResult,
  SDKControlGetContextUsageResponse,
  SDKControlGetSettingsResponse,
  SDKControlGetUsageResponse,
  SDKControlInitializeResponse,
  SDKControlInterruptResponse,
  SDKControlReadFileResponse,
  SDKControlReloadOutputStylesResponse,
  SDKControlReloadPluginsResponse,
  SDKControlReloadSkillsResponse,
  SideQuestionAnswer,
  SlashCommand,
  TaskOutput,
} from "./controls.js";
import { McpRequests } from "./mcp-requests.js";
import type { PermissionMode } from "./messages.js";
import type { SdkPluginConfig } from "./option-types.js";
import type { SDKControlListPermissionRulesResponse } from "./permission-rules.js";

/**
 * What can be asked of a running program, at any time, also in the middle of a turn. All reject with `ControlError` when the
 * program refuses, `TimeoutError` after `timeouts.controlMs`, `ClosedError` when the session is over.
 *
 * @example
 * const q = query({ prompt: "Tidy up", options: { enableFileCheckpointing: true } });
 * console.log(await q.mcpServerStatus(), (await q.getContextUsage()).totalTokens);
 */
export abstract class Requests extends McpRequests {
  /** What the program said about itself when it started: commands, models, account. */
  abstract initializationResult(): Promise<SDKControlInitializeResponse>;

  /**
   * Ends the current turn; the conversation can go on. Prompts that wait for their turn stay, unless `cancelQueued`.
   * Resolves with the program's receipt.
   */
  abstract interrupt(options?: { cancelQueued?: boolean }): Promise<SDKControlInterruptResponse>;

  /**
   * Puts another agent in the lead; with `null` none leads any more, also not that of the option `agent`. From the next turn on its
   * prompt, model and tools count, and the conversation stays. Of a turn that runs the prompt stays, but requests it still makes go
   * to the new model. A `model` and a `systemPrompt` that were chosen for the session stay. Needs `enableAgentSwitching`.
   * Rejects with `InvalidOptionsError` without that option, and with `InvalidArgumentError` for a name that is none of the session's
   * agents: `context.suggestions` has those that may have been meant.
   */
  abstract setAgent(agent: string | null, options?: { timeoutMs?: number }): Promise<void>;

  /** Changes the model from now on; without one, back to the default. Resolves with the model the program took. */
  setModel(model?: string | null): Promise<{ model?: string } | null> {
    return this.control({ subtype: "set_model", model: model ?? null });
  }

  /** Changes how permissions are decided from now on. */
  setPermissionMode(mode: PermissionMode): Promise<{ mode?: PermissionMode } | null> {
    return this.control({ subtype: "set_permission_mode", mode });
  }

  /** How many tokens the model may think with; `null` sets no limit. Models that think adaptively may ignore it. */
  async setMaxThinkingTokens(
    maxThinkingTokens: number | null,
    thinkingDisplay?: "summarized" | "omitted" | "highlights" | null,
  ): Promise<void> {
    await this.control({
      subtype: "set_max_thinking_tokens",
      max_thinking_tokens: maxThinkingTokens,
      ...(thinkingDisplay !== undefined && { thinking_display: thinkingDisplay }),
    });
  }

  /** Merges settings over those of the command line; `null` for a key takes it away again. */
  async applyFlagSettings(settings: Record<string, unknown>): Promise<void> {
    await this.control({ subtype: "apply_flag_settings", settings });
  }

  /** Changes a settings file. */
  async updateSettings(
    source: "localSettings" | "userSettings",
    settings: Record<string, unknown>,
  ): Promise<void> {
    await this.control({ subtype: "update_settings", source, settings });
  }

  /** The settings in effect. */
  getSettings(): Promise<SDKControlGetSettingsResponse> {
    return this.control({ subtype: "get_settings" });
  }

  /** The slash commands the program started with. */
  async supportedCommands(): Promise<SlashCommand[]> {
    return (await this.initializationResult()).commands ?? [];
  }

  /** The models the program started with. */
  async supportedModels(): Promise<ModelInfo[]> {
    return (await this.initializationResult()).models ?? [];
  }

  /** The models that can be chosen now. */
  async listModels(): Promise<ModelInfo[]> {
    const { models } = await this.control<{ models: ModelInfo[] }>({ subtype: "list_models" });
    return models;
  }

  /** The subagents the program started with. */
  async supportedAgents(): Promise<AgentInfo[]> {
    return (await this.initializationResult()).agents ?? [];
  }

  /** Whose account is used. */
  async accountInfo(): Promise<AccountInfo> {
    return (await this.initializationResult()).account ?? {};
  }

  /**
   * Brings files back to what they were before a prompt. Needs `enableFileCheckpointing`.
   *
   * @param userMessageId The uuid of the prompt, such as that of `Turn.uuid`.
   * @param options `dryRun`: only says what would change.
   */
  rewindFiles(userMessageId: string, options: { dryRun?: boolean } = {}): Promise<RewindFilesResult> {
    return this.control({
      subtype: "rewind_files",
      user_message_id: userMessageId,
      ...(options.dryRun !== undefined && { dry_run: options.dryRun }),
    });
  }

  /** How full the model's context is. `"full"` counts exactly, with calls of the model's API. */
  getContextUsage(options: { detail?: "summary" | "full" } = {}): Promise<SDKControlGetContextUsageResponse> {
    return this.control({
      subtype: "get_context_usage",
      ...(options.detail !== undefined && { detail: options.detail }),
    });
  }

  /** Cost and limits. The official package has it as `usage_EXPERIMENTAL_MAY_CHANGE_DO_NOT_RELY_ON_THIS_API_YET`. */
  getUsage(options: { skipBehaviors?: boolean } = {}): Promise<SDKControlGetUsageResponse> {
    return this.control({
      subtype: "get_usage",
      ...(options.skipBehaviors !== undefined && { skip_behaviors: options.skipBehaviors }),
    });
  }

  /** The official name of {@link getUsage}. */
  usage_EXPERIMENTAL_MAY_CHANGE_DO_NOT_RELY_ON_THIS_API_YET(
    options: { skipBehaviors?: boolean } = {},
  ): Promise<SDKControlGetUsageResponse> {
    return this.getUsage(options);
  }

  /** What the session has cost, as a text for people. */
  getSessionCost(): Promise<{ text: string }> {
    return this.control({ subtype: "get_session_cost" });
  }

  /** A file as the program reads it. Rejects with `ControlError` when it refuses, for instance because there is none. */
  readFile(
    path: string,
    options: { maxBytes?: number; encoding?: "utf-8" | "base64" } = {},
  ): Promise<SDKControlReadFileResponse> {
    return this.control({
      subtype: "read_file",
      path,
      ...(options.maxBytes !== undefined && { max_bytes: options.maxBytes }),
      ...(options.encoding !== undefined && { encoding: options.encoding }),
    });
  }

  /** Tells the program that a file was read at `mtime` (milliseconds), so that it may be edited without reading it. */
  async seedReadState(path: string, mtime: number): Promise<void> {
    await this.control({ subtype: "seed_read_state", path, mtime });
  }

  /** Asks the model something beside the conversation, which does not hear of it. */
  sideQuestion(question: string): Promise<SideQuestionAnswer> {
    return this.control({ subtype: "side_question", question });
  }

  /** Ends a background task. */
  async stopTask(taskId: string): Promise<void> {
    await this.control({ subtype: "stop_task", task_id: taskId });
  }

  /** Puts what runs in the foreground into the background: the tool with this id, or all. Whether it did. */
  async backgroundTasks(toolUseId?: string): Promise<boolean> {
    const answer = await this.control<{ backgrounded?: boolean } | null>({
      subtype: "background_tasks",
      ...(toolUseId !== undefined && { tool_use_id: toolUseId }),
    });
    return answer?.backgrounded ?? true;
  }

  /** The output of a background task so far. */
  getTaskOutput(taskId: string): Promise<TaskOutput> {
    return this.control({ subtype: "get_task_output", task_id: taskId });
  }

  /** Takes back a prompt that still waits for its turn. Whether it was in time. */
  async cancelAsyncMessage(messageUuid: string): Promise<boolean> {
    const { cancelled } = await this.control<{ cancelled: boolean }>({
      subtype: "cancel_async_message",
      message_uuid: messageUuid,
    });
    return cancelled;
  }

  /** Gives the session a title. */
  async renameSession(title: string): Promise<void> {
    await this.control({ subtype: "rename_session", title });
  }

  /**
   * Lets the model make a title from a description; `null` when it made none.
   *
   * @param options `persist`: also gives it to the session.
   */
  async generateSessionTitle(
    description: string,
    options: { persist?: boolean } = {},
  ): Promise<string | null> {
    const { title } = await this.control<{ title: string | null }>({
      subtype: "generate_session_title",
      description,
      ...(options.persist !== undefined && { persist: options.persist }),
    });
    return title;
  }

  /** Reads plugins from disk again. */
  reloadPlugins(
    options: { holdOnCacheImpact?: boolean; addPlugins?: SdkPluginConfig[]; refuseIfBusy?: boolean } = {},
  ): Promise<SDKControlReloadPluginsResponse> {
    return this.control({
      subtype: "reload_plugins",
      ...(options.holdOnCacheImpact !== undefined && { hold_on_cache_impact: options.holdOnCacheImpact }),
      ...(options.addPlugins !== undefined && { add_plugins: options.addPlugins }),
      ...(options.refuseIfBusy !== undefined && { refuse_if_busy: options.refuseIfBusy }),
    });
  }

  /** Reads skills from disk again. */
  reloadSkills(): Promise<SDKControlReloadSkillsResponse> {
    return this.control({ subtype: "reload_skills" });
  }

  /** Reads output styles from disk again. */
  reloadOutputStyles(): Promise<SDKControlReloadOutputStylesResponse> {
    return this.control({ subtype: "reload_output_styles" });
  }

  /** The permission rules in effect. */
  listPermissionRules(): Promise<SDKControlListPermissionRulesResponse> {
    return this.control({ subtype: "list_permission_rules" });
  }

  /** The hooks in effect, those of settings files included. */
  getHooksListing(): Promise<{ events: unknown; hooks: unknown; [key: string]: unknown }> {
    return this.control({ subtype: "get_hooks_listing" });
  }

  /** The version of the program. */
  getBinaryVersion(): Promise<{ version: string; [key: string]: unknown }> {
    return this.control({ subtype: "get_binary_version" });
  }

  /** Files that fit what a user has begun to write. */
  fileSuggestions(query: string): Promise<Record<string, unknown>> {
    return this.control({ subtype: "file_suggestions", query });
  }

  /** Makes a directory known as the root of a repository. */
  registerRepoRoot(directory: string): Promise<Record<string, unknown> | null> {
    return this.control({ subtype: "register_repo_root", directory });
  }

  /** Tells the program whether anybody watches; `null` when that is not known. */
  async setHasSubscribers(hasSubscribers: boolean | null): Promise<void> {
    await this.control({ subtype: "set_has_subscribers", has_subscribers: hasSubscribers });
  }

  /** Gives the session a color. Refused by programs without a screen. */
  async setColor(color: string): Promise<void> {
    await this.control({ subtype: "set_color", color });
  }

  /** Lets the program end by itself, at once and in order. */
  async endSession(reason?: string): Promise<void> {
    await this.control({ subtype: "end_session", ...(reason !== undefined && { reason }) });
  }
}
