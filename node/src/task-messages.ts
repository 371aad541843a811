// Messages about what runs in the background, or in a subagent.

import type { Head } from "./head.js";

/** What a task used so far. */
export interface TaskUsage {
  total_tokens: number;
  tool_uses: number;
  duration_ms: number;
}

interface Task extends Head {
  type: "system";
  task_id: string;
  run_id?: string;
}

/** A task began. */
export interface SDKTaskStartedMessage extends Task {
  subtype: "task_started";
  description: string;
  tool_use_id?: string;
  subagent_type?: string;
  is_backgrounded?: boolean;
  spawn_depth?: number;
  parent_task_id?: string;
  task_type?: string;
  workflow_name?: string;
  prompt?: string;
  skip_transcript?: boolean;
  ambient?: boolean;
}

/** A task goes on. */
export interface SDKTaskProgressMessage extends Task {
  subtype: "task_progress";
  description: string;
  usage: TaskUsage;
  tool_use_id?: string;
  subagent_type?: string;
  last_tool_name?: string;
  summary?: string;
}

/** Something about a task changed. */
export interface SDKTaskUpdatedMessage extends Task {
  subtype: "task_updated";
  patch: {
    status?: "pending" | "running" | "completed" | "failed" | "killed" | "paused";
    description?: string;
    end_time?: number;
    total_paused_ms?: number;
    error?: string;
    is_backgrounded?: boolean;
  };
}

/** Something an MCP server has, that a task points to. */
export interface SDKMcpResourceLink {
  uri: string;
  name: string;
  title?: string;
  description?: string;
  mimeType?: string;
  /** Bytes. */
  size?: number;
  annotations?: Record<string, unknown>;
}

/** A task ended. */
export interface SDKTaskNotificationMessage extends Task {
  subtype: "task_notification";
  status: "completed" | "failed" | "stopped";
  summary: string;
  output_file: string;
  tool_use_id?: string;
  reason?: string;
  usage?: TaskUsage;
  resource_links?: SDKMcpResourceLink[];
  skip_transcript?: boolean;
  ambient?: boolean;
}

/** All background tasks there are now; replaces what earlier ones said. */
export interface SDKBackgroundTasksChangedMessage extends Head {
  type: "system";
  subtype: "background_tasks_changed";
  tasks: {
    task_id: string;
    task_type: string;
    description: string;
    run_id?: string;
    subagent_type?: string;
    parent_task_id?: string;
    ambient?: boolean;
  }[];
}
