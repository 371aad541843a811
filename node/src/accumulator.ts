// With `includePartialMessages` a block of content arrives in pieces; here they grow back into blocks, the text of each
// readable at any time, those of a subagent kept apart from those of the main conversation.

import type { ContentBlock, Delta } from "./content.js";
import type { SDKAssistantMessage, SDKMessage, SDKPartialAssistantMessage } from "./messages.js";

/** A block that will not change any more. */
export interface CompleteBlock {
  block: ContentBlock;
  /** The id of the message of the model it belongs to. */
  messageId: string;
  /** In a subagent: the tool call that started it. */
  parentToolUseId: string | null;
}

type Growing = Record<string, unknown>;

/** Who speaks: the main conversation, or a subagent. */
interface Speaker {
  messageId: string;
  blocks: Map<number, Growing>;
  inputs: Map<number, string>;
  /** Blocks that were handed out and whose assistant message is still to come. */
  streamed: number;
}

/** The block that a first delta belongs to, when its beginning was missed. */
const beginnings: Record<string, Growing> = {
  text_delta: { type: "text", text: "" },
  citations_delta: { type: "text", text: "" },
  thinking_delta: { type: "thinking", thinking: "" },
  signature_delta: { type: "thinking", thinking: "" },
  input_json_delta: { type: "tool_use", id: "", name: "", input: {} },
};

/**
 * Puts blocks together. Each is handed out once: when its last piece or its assistant message arrives, whichever is first.
 *
 * @example
 * const blocks = new Accumulator();
 * for await (const message of query({ prompt: "Count.", options: { includePartialMessages: true } })) {
 *   for (const { block } of blocks.add(message)) console.log(block);
 *   console.log(blocks.text());
 * }
 */
export class Accumulator {
  readonly #speakers = new Map<string | null, Speaker>();

  /** Takes note of a message; gives the blocks it completes. */
  add(message: SDKMessage): CompleteBlock[] {
    if (message.type === "stream_event") return this.#event(message);
    if (message.type === "assistant") return this.#said(message);
    // What an interrupt cut short will not be completed.
    if (message.type === "result") this.#speakers.delete(null);
    return [];
  }

  /** The text that grows now: of the main conversation, or of the subagent that a tool call started. */
  text(parentToolUseId: string | null = null): string {
    return this.growing(parentToolUseId)
      .map((block) => (block.type === "text" ? block.text : ""))
      .join("");
  }

  /** The blocks that grow now. The input of a tool comes with its end. */
  growing(parentToolUseId: string | null = null): ContentBlock[] {
    const blocks = [...(this.#speakers.get(parentToolUseId)?.blocks ?? [])];
    return blocks.sort(([a], [b]) => a - b).map(([, block]) => ({ ...block }) as unknown as ContentBlock);
  }

  #said({ message, parent_tool_use_id: parent }: SDKAssistantMessage): CompleteBlock[] {
    let speaker = this.#speaker(parent);
    // Another message than the one that grew: its blocks are new, and those of the other will not end.
    if (speaker.messageId !== message.id) speaker = this.#begin(parent, message.id);
    const known = Math.min(speaker.streamed, message.content.length);
    speaker.streamed -= known;
    return message.content.slice(known).map((block) => {
      // Said before its last piece came: it is complete, and must not come out again.
      const first = Math.min(...speaker.blocks.keys());
      speaker.blocks.delete(first);
      speaker.inputs.delete(first);
      return { block, messageId: message.id, parentToolUseId: parent };
    });
  }

  #event({ event, parent_tool_use_id: parent, ...rest }: SDKPartialAssistantMessage): CompleteBlock[] {
    const speaker = this.#speaker(parent);
    const from = rest.abandoned_blocks?.from_block_index;
    if (from !== undefined)
      for (const index of [...speaker.blocks.keys()]) if (index >= from) speaker.blocks.delete(index);
    switch (event.type) {
      case "message_start":
        this.#begin(parent, event.message.id);
        break;
      case "content_block_start":
        speaker.blocks.set(event.index, { ...event.content_block });
        speaker.inputs.delete(event.index);
        break;
      case "content_block_delta":
        grow(speaker, event.index, event.delta);
        break;
      case "content_block_stop": {
        const block = speaker.blocks.get(event.index);
        if (block === undefined) break;
        const whole = withInput(block, speaker.inputs.get(event.index)) as unknown as ContentBlock;
        speaker.blocks.delete(event.index);
        speaker.inputs.delete(event.index);
        speaker.streamed++;
        return [{ block: whole, messageId: speaker.messageId, parentToolUseId: parent }];
      }
    }
    return [];
  }

  #speaker(parent: string | null): Speaker {
    return this.#speakers.get(parent) ?? this.#begin(parent, "");
  }

  #begin(parent: string | null, messageId: string): Speaker {
    const speaker = { messageId, blocks: new Map(), inputs: new Map(), streamed: 0 };
    this.#speakers.set(parent, speaker);
    return speaker;
  }
}

function grow(speaker: Speaker, index: number, delta: Delta): void {
  const beginning = beginnings[delta.type];
  if (beginning === undefined) return;
  const block = speaker.blocks.get(index) ?? { ...beginning };
  speaker.blocks.set(index, block);
  const add = (field: string, piece: string) => {
    block[field] = `${block[field] ?? ""}${piece}`;
  };
  if (delta.type === "text_delta") add("text", delta.text);
  else if (delta.type === "thinking_delta") add("thinking", delta.thinking);
  else if (delta.type === "signature_delta") add("signature", delta.signature);
  else if (delta.type === "input_json_delta")
    speaker.inputs.set(index, (speaker.inputs.get(index) ?? "") + delta.partial_json);
  else block["citations"] = [...((block["citations"] as unknown[] | null | undefined) ?? []), delta.citation];
}

/** The input of a tool is whole only at its end; one that is no JSON stays a text. */
function withInput(block: Growing, text: string | undefined): Growing {
  if (!text) return block;
  try {
    return { ...block, input: JSON.parse(text) };
  } catch {
    return { ...block, input: text };
  }
}
