defmodule ClaudeCodeSDK.ContentExtractor do
  @moduledoc """
  The text in messages, whatever form their content has: a string, or a list of blocks. Tool calls and tool results show
  as short marks in brackets.
  """

  alias ClaudeCodeSDK.Message

  @mark_length 50

  @doc """
  The text of an assistant, user or result message, or of a map with a `"content"`; `nil` when there is none.

      iex> {:ok, message} = ClaudeCodeSDK.Message.from_json(
      ...>   ~s({"type":"assistant","message":{"content":[{"type":"text","text":"Hi"}]}}))
      iex> ClaudeCodeSDK.ContentExtractor.extract_text(message)
      "Hi"
  """
  @spec extract_text(Message.t() | map()) :: String.t() | nil
  def extract_text(%Message{type: type, data: %{message: %{"content" => content}}})
      when type in [:assistant, :user],
      do: extract_content_text(content)

  def extract_text(%Message{type: :result, data: %{result: text}}) when is_binary(text), do: text
  def extract_text(%{"content" => content}), do: extract_content_text(content)
  def extract_text(_other), do: nil

  @doc """
  The text of a message's content; blocks are joined with spaces.

      iex> ClaudeCodeSDK.ContentExtractor.extract_content_text([
      ...>   %{"type" => "text", "text" => "Looking:"},
      ...>   %{"type" => "tool_use", "name" => "Bash", "input" => %{"command" => "ls"}}
      ...> ])
      "Looking: [Tool: Bash command: ls]"
  """
  @spec extract_content_text(term()) :: String.t()
  def extract_content_text(content) when is_binary(content), do: content

  def extract_content_text(blocks) when is_list(blocks) do
    blocks |> Enum.map(&block_text/1) |> Enum.reject(&is_nil/1) |> Enum.join(" ")
  end

  def extract_content_text(other), do: inspect(other)

  @doc "Whether a message has any text."
  @spec has_text?(Message.t() | map()) :: boolean()
  def has_text?(message), do: extract_text(message) not in [nil, ""]

  @doc "The texts of all messages that have one, joined with `separator`."
  @spec extract_all_text(Enumerable.t(), String.t()) :: String.t()
  def extract_all_text(messages, separator \\ "\n") do
    messages
    |> Stream.map(&extract_text/1)
    |> Stream.reject(&(&1 in [nil, ""]))
    |> Enum.join(separator)
  end

  @doc """
  The start of the text, at most `max_length` characters.

      iex> ClaudeCodeSDK.ContentExtractor.summarize(%{"content" => "a long story"}, 9)
      "a long..."
  """
  @spec summarize(Message.t() | map(), pos_integer()) :: String.t()
  def summarize(message, max_length \\ 100) do
    case extract_text(message) do
      nil -> "[No text content]"
      text -> shorten(text, max_length)
    end
  end

  defp block_text(%{"text" => text}) when is_binary(text), do: text

  defp block_text(%{"type" => "tool_use"} = block) do
    "[Tool: #{block["name"] || "unknown"}#{first_input(block["input"])}]"
  end

  defp block_text(%{"type" => "tool_result", "tool_use_id" => id, "content" => text})
       when is_binary(text) and text != "",
       do: "[Tool Result #{id}: #{shorten(text, @mark_length)}]"

  defp block_text(%{"type" => "tool_result"} = block) do
    "[Tool Result: #{block["tool_use_id"] || "unknown"}]"
  end

  defp block_text(_other), do: nil

  defp first_input(input) when is_map(input) and map_size(input) > 0 do
    {key, value} = Enum.at(input, 0)
    if is_binary(value) and byte_size(value) < 20, do: " #{key}: #{value}", else: " #{key}: ..."
  end

  defp first_input(_none), do: ""

  defp shorten(text, max_length) do
    if String.length(text) <= max_length do
      text
    else
      String.slice(text, 0, max(max_length - 3, 0)) <> "..."
    end
  end
end
