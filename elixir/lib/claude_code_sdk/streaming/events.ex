defmodule ClaudeCodeSDK.Streaming.Events do
  @moduledoc false
  # The API's events, flattened to the small maps of ClaudeCodeSDK.Streaming. Pure: what comes out depends only on the
  # frame and on the text so far.

  @doc "The events of one message, and the text of the block being written."
  @spec of(ClaudeCodeSDK.Message.t(), String.t()) :: {[map()], String.t()}
  def of(%{type: :stream_event, data: %{parent_tool_use_id: nil, event: event}}, text),
    do: event(event, text)

  def of(_message, text), do: {[], text}

  defp event(%{"type" => "content_block_delta", "delta" => delta}, text), do: delta(delta, text)

  defp event(%{"type" => "message_start", "message" => message}, _text) do
    {[
       %{
         type: :message_start,
         model: message["model"],
         role: message["role"],
         usage: message["usage"]
       }
     ], ""}
  end

  defp event(%{"type" => "content_block_start", "content_block" => block}, _text),
    do: {[block_start(block)], ""}

  # The text stays until the next block or message starts: the end of the message tells it once more.
  defp event(%{"type" => "content_block_stop"}, text),
    do: {[%{type: :content_block_stop, final_text: text}], text}

  defp event(%{"type" => "message_delta", "delta" => delta}, text) do
    stop = %{
      type: :message_delta,
      stop_reason: delta["stop_reason"],
      stop_sequence: delta["stop_sequence"]
    }

    {[stop], text}
  end

  defp event(%{"type" => "message_stop"}, text),
    do: {[%{type: :message_stop, final_text: text}], text}

  defp event(%{"type" => "error", "error" => error}, text),
    do: {[%{type: :error, error: error}], text}

  defp event(_unknown, text), do: {[], text}

  defp delta(%{"type" => "text_delta", "text" => piece}, text) do
    text = text <> piece
    {[%{type: :text_delta, text: piece, accumulated: text}], text}
  end

  defp delta(%{"type" => "input_json_delta", "partial_json" => json}, text) do
    {[%{type: :tool_input_delta, json: json}], text}
  end

  defp delta(%{"type" => "thinking_delta", "thinking" => thinking}, text) do
    {[%{type: :thinking_delta, thinking: thinking}], text}
  end

  defp delta(_unknown, text), do: {[], text}

  defp block_start(%{"type" => "text"}), do: %{type: :text_block_start}

  defp block_start(%{"type" => "tool_use"} = block),
    do: %{type: :tool_use_start, name: block["name"], id: block["id"]}

  defp block_start(%{"type" => "thinking"}), do: %{type: :thinking_start}
  defp block_start(block), do: %{type: :unknown_block_start, block_type: block["type"]}
end
