// The permission rules in effect, as `listPermissionRules` gives them.

import type { PermissionBehavior } from "./permission.js";

/** What a rule means, for people: three pieces of one sentence. */
export interface SDKPermissionRuleDescription {
  prefix: string;
  emphasis?: string;
  suffix?: string;
}

/** A rule and where it comes from. */
export interface SDKPermissionRuleEntry {
  behavior: PermissionBehavior;
  source:
    | "userSettings"
    | "projectSettings"
    | "localSettings"
    | "flagSettings"
    | "policySettings"
    | "cliArg"
    | "command"
    | "session"
    | "mcpMount"
    | "toolsNarrowing"
    | "mcpServerPolicy"
    | "hostCredential";
  /** As it stands in settings: `Bash(git log:*)`. */
  rule: string;
  description?: SDKPermissionRuleDescription;
  editability: "persistent" | "session" | "readonly";
  /** Something else overrules it. */
  notInEffect?: boolean;
}

/** A directory tools may use. */
export interface SDKPermissionWorkspaceDirectory {
  path: string;
  source: string;
}

/** A settings file that could not be read, or a value in it that is not allowed. */
export interface SDKSettingsParseError {
  file?: string;
  path: string;
  message: string;
}

/** All permission rules. */
export interface SDKControlPermissionRulesState {
  rules: SDKPermissionRuleEntry[];
  workspaceDirectories: SDKPermissionWorkspaceDirectory[];
  originalCwd: string;
  /** Only rules of the administrator count. */
  managedOnly: boolean;
  errors?: SDKSettingsParseError[];
  /** The program does not tell. */
  withheld?: boolean;
}

/** The answer of `listPermissionRules`. */
export interface SDKControlListPermissionRulesResponse {
  state: SDKControlPermissionRulesState;
}
