// What messages are made of: content blocks, usage, and the events by which the model's API streams them. The names of
// fields are those of the API.

/** Text. */
export interface TextBlock {
  type: "text";
  text: string;
  citations?: unknown[] | null;
}

/** What the model thought. */
export interface ThinkingBlock {
  type: "thinking";
  thinking: string;
  signature?: string;
}

/** What the model thought, unreadable. */
export interface RedactedThinkingBlock {
  type: "redacted_thinking";
  data: string;
}

/** The model calls a tool. */
export interface ToolUseBlock {
  type: "tool_use";
  id: string;
  name: string;
  input: Record<string, unknown>;
}

/** What a tool answered. */
export interface ToolResultBlock {
  type: "tool_result";
  tool_use_id: string;
  content?: string | ContentBlock[];
  is_error?: boolean;
}

/** Where an image or document comes from. */
export interface Source {
  type: string;
  media_type?: string;
  data?: string;
  url?: string;
  file_id?: string;
}

/** A picture. */
export interface ImageBlock {
  type: "image";
  source: Source;
}

/** A document, such as a PDF. */
export interface DocumentBlock {
  type: "document";
  source: Source;
  title?: string | null;
  context?: string | null;
}

/** The model calls a tool that runs beside it, such as a web search. */
export interface ServerToolUseBlock {
  type: "server_tool_use" | "mcp_tool_use";
  id: string;
  name: string;
  input: Record<string, unknown>;
  server_name?: string;
}

/** What such a tool answered. */
export interface ServerToolResultBlock {
  type:
    | "web_search_tool_result"
    | "web_fetch_tool_result"
    | "code_execution_tool_result"
    | "bash_code_execution_tool_result"
    | "text_editor_code_execution_tool_result"
    | "tool_search_tool_result"
    | "mcp_tool_result";
  tool_use_id: string;
  content?: unknown;
  is_error?: boolean;
}

/** A tool the search for tools found. */
export interface ToolReferenceBlock {
  type: "tool_reference";
  tool_name: string;
}

/** Something a user searched for, with its source. */
export interface SearchResultBlock {
  type: "search_result";
  source: string;
  title: string;
  content: ContentBlock[];
}

/** A file in the container of code that runs beside the model. */
export interface ContainerUploadBlock {
  type: "container_upload";
  file_id: string;
}

/** A piece of content of a message. Newer programs may write types that are not in this list; they are handed on. */
export type ContentBlock =
  | TextBlock
  | ThinkingBlock
  | RedactedThinkingBlock
  | ToolUseBlock
  | ToolResultBlock
  | ImageBlock
  | DocumentBlock
  | ServerToolUseBlock
  | ServerToolResultBlock
  | ToolReferenceBlock
  | SearchResultBlock
  | ContainerUploadBlock;

/** How many tokens a call or a turn used. */
export interface Usage {
  input_tokens: number;
  output_tokens: number;
  cache_creation_input_tokens?: number | null;
  cache_read_input_tokens?: number | null;
  cache_creation?: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number } | null;
  server_tool_use?: { web_search_requests?: number; web_fetch_requests?: number } | null;
  service_tier?: string | null;
  [key: string]: unknown;
}

/** The official name of {@link Usage} where no field is null. */
export type NonNullableUsage = Usage;

/** Use and cost of one model, summed over the life of the process. */
export interface ModelUsage {
  inputTokens: number;
  outputTokens: number;
  cacheReadInputTokens: number;
  cacheCreationInputTokens: number;
  webSearchRequests: number;
  costUSD: number;
  contextWindow: number;
  maxOutputTokens?: number;
  thinkingTokens?: number;
  canonicalModel?: string;
  provider?: string;
  costBasis?: string;
}

/** The model's own message, as its API gives it. */
export interface APIAssistantMessage {
  id: string;
  type: "message";
  role: "assistant";
  model: string;
  content: ContentBlock[];
  stop_reason: string | null;
  stop_sequence?: string | null;
  usage: Usage;
}

/** An event of the model's streaming API. */
export type StreamEvent =
  | { type: "message_start"; message: APIAssistantMessage }
  | { type: "content_block_start"; index: number; content_block: ContentBlock }
  | { type: "content_block_delta"; index: number; delta: Delta }
  | { type: "content_block_stop"; index: number }
  | {
      type: "message_delta";
      delta: { stop_reason: string | null; stop_sequence?: string | null };
      usage?: Partial<Usage>;
    }
  | { type: "message_stop" }
  | { type: "ping" }
  | { type: "error"; error: { type: string; message: string } };

/** What was added to a content block. */
export type Delta =
  | { type: "text_delta"; text: string }
  | { type: "thinking_delta"; thinking: string }
  | { type: "signature_delta"; signature: string }
  | { type: "input_json_delta"; partial_json: string }
  | { type: "citations_delta"; citation: unknown };
