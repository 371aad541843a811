defmodule ClaudeCodeSDK.Accumulator do
  @moduledoc """
  Puts deltas together again.

  With the option `include_partial_messages` a block of content arrives in pieces; here they grow back into blocks, the text of
  each readable at any time, those of a subagent kept apart from those of the main conversation. Give it every message, in
  order:

      ClaudeCodeSDK.query("Count to ten.", include_partial_messages: true)
      |> Stream.transform(ClaudeCodeSDK.Accumulator.new(), &ClaudeCodeSDK.Accumulator.add(&2, &1))
      |> Enum.each(fn complete -> IO.inspect(complete.block) end)

  A block is handed out once: when its last piece arrives, or with the `:assistant` message when there were no pieces (without
  partial messages, from subagents).
  """

  alias ClaudeCodeSDK.{Content, JSON, Message}

  defmodule CompleteBlock do
    @moduledoc """
    A complete block of content.

    | Field | Holds |
    |---|---|
    | `block` | the block, a struct of `ClaudeCodeSDK.Content` |
    | `message_id` | the message of the model it belongs to |
    | `parent_tool_use_id` | the tool call whose subagent said it; `nil` for the main conversation |
    | `agent_id` | the subagent, where the program names it |
    """
    @enforce_keys [:block, :message_id]
    defstruct [:block, :message_id, :parent_tool_use_id, :agent_id]

    @typedoc "A complete block."
    @type t :: %__MODULE__{
            block: ClaudeCodeSDK.Content.t(),
            message_id: String.t(),
            parent_tool_use_id: String.t() | nil,
            agent_id: String.t() | nil
          }
  end

  defstruct speakers: %{}

  @typedoc "What has been put together so far."
  @opaque t :: %__MODULE__{speakers: %{(String.t() | nil) => map()}}

  # The message that somebody is in the middle of. `streamed`: blocks of it that were handed out and that the program will
  # say once more, whole.
  @speaker %{message_id: "", blocks: %{}, inputs: %{}, streamed: 0}

  # The block that a first delta belongs to, when its beginning was missed.
  @beginnings %{
    "text_delta" => %{"type" => "text", "text" => ""},
    "citations_delta" => %{"type" => "text", "text" => ""},
    "thinking_delta" => %{"type" => "thinking", "thinking" => ""},
    "signature_delta" => %{"type" => "thinking", "thinking" => ""},
    "input_json_delta" => %{"type" => "tool_use", "id" => "", "name" => "", "input" => %{}}
  }
  # Which delta adds to which field of the block.
  @grows %{
    "text_delta" => "text",
    "thinking_delta" => "thinking",
    "signature_delta" => "signature"
  }

  @doc "Nothing put together yet."
  @spec new() :: t()
  def new, do: %__MODULE__{}

  @doc """
  Takes a message; gives the blocks it completes, in the form `Stream.transform/3` expects.

      iex> alias ClaudeCodeSDK.{Accumulator, Message}
      iex> events = [
      ...>   ~s({"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}),
      ...>   ~s({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}),
      ...>   ~s({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo"}})
      ...> ]
      iex> blocks = Enum.reduce(events, Accumulator.new(), fn event, blocks ->
      ...>   {:ok, message} = Message.from_json(~s({"type":"stream_event","event":\#{event}}))
      ...>   {[], blocks} = Accumulator.add(blocks, message)
      ...>   blocks
      ...> end)
      iex> Accumulator.text(blocks)
      "Hello"
      iex> {:ok, stop} = Message.from_json(
      ...>   ~s({"type":"stream_event","event":{"type":"content_block_stop","index":0}}))
      iex> {[complete], _blocks} = Accumulator.add(blocks, stop)
      iex> complete.block.text
      "Hello"
  """
  @spec add(t(), Message.t()) :: {[CompleteBlock.t()], t()}
  def add(%__MODULE__{} = blocks, %Message{type: :stream_event, raw: raw}) do
    parent = raw["parent_tool_use_id"]
    speaker = blocks |> speaker(parent) |> abandon(raw["abandoned_blocks"])
    {complete, speaker} = event(raw["event"] || %{}, speaker)
    {complete(complete, speaker, raw), put_in(blocks.speakers[parent], speaker)}
  end

  def add(%__MODULE__{} = blocks, %Message{type: :assistant, raw: %{"message" => said} = raw}) do
    parent = raw["parent_tool_use_id"]
    {complete, speaker} = blocks |> speaker(parent) |> said(said)
    {complete(complete, speaker, raw), put_in(blocks.speakers[parent], speaker)}
  end

  # What an interrupt cut short will not be completed.
  def add(%__MODULE__{} = blocks, %Message{type: :result}),
    do: {[], %{blocks | speakers: Map.delete(blocks.speakers, nil)}}

  def add(%__MODULE__{} = blocks, %Message{}), do: {[], blocks}

  @doc """
  The text that grows now, `""` when none does: of the main conversation, or of the subagent that a tool call started.
  """
  @spec text(t(), String.t() | nil) :: String.t()
  def text(%__MODULE__{} = blocks, parent_tool_use_id \\ nil) do
    for %{"type" => "text"} = block <- ordered(blocks, parent_tool_use_id),
        into: "",
        do: block["text"] || ""
  end

  @doc "The blocks that grow now, as far as they are; the input of a tool call comes when it is complete."
  @spec growing(t(), String.t() | nil) :: [Content.t()]
  def growing(%__MODULE__{} = blocks, parent_tool_use_id \\ nil),
    do: blocks |> ordered(parent_tool_use_id) |> Content.from_json()

  defp ordered(blocks, parent) do
    blocks |> speaker(parent) |> Map.fetch!(:blocks) |> Enum.sort() |> Enum.map(&elem(&1, 1))
  end

  defp speaker(blocks, parent), do: Map.get(blocks.speakers, parent, @speaker)

  defp complete(complete, speaker, raw) do
    for block <- Content.from_json(complete) do
      %CompleteBlock{
        block: block,
        message_id: speaker.message_id,
        parent_tool_use_id: raw["parent_tool_use_id"],
        agent_id: raw["agent_id"]
      }
    end
  end

  # Another message than the one that grew: its blocks are new, and those of the other will not end.
  defp said(%{message_id: id} = speaker, said) do
    speaker = if (said["id"] || "") == id, do: speaker, else: begin(said)
    content = if is_binary(said["content"]), do: [text_block(said)], else: said["content"] || []
    known = min(speaker.streamed, length(content))
    fresh = Enum.drop(content, known)

    # Said before its last piece came: it is complete, and must not come out again.
    begun = speaker.blocks |> Map.keys() |> Enum.sort() |> Enum.take(length(fresh))
    {fresh, drop(%{speaker | streamed: speaker.streamed - known}, begun)}
  end

  defp text_block(said), do: %{"type" => "text", "text" => said["content"]}

  defp begin(said), do: %{@speaker | message_id: said["id"] || ""}

  defp drop(speaker, indexes) do
    %{
      speaker
      | blocks: Map.drop(speaker.blocks, indexes),
        inputs: Map.drop(speaker.inputs, indexes)
    }
  end

  defp abandon(speaker, %{"from_block_index" => first}),
    do: drop(speaker, for({index, _block} <- speaker.blocks, index >= first, do: index))

  defp abandon(speaker, _none), do: speaker

  defp event(%{"type" => "message_start"} = event, _speaker),
    do: {[], begin(event["message"] || %{})}

  defp event(%{"type" => "content_block_start", "index" => index} = event, speaker) do
    speaker = drop(speaker, [index])
    {[], put_in(speaker.blocks[index], event["content_block"] || %{})}
  end

  defp event(%{"type" => "content_block_delta", "index" => index, "delta" => delta}, speaker),
    do: {[], grow(speaker, index, delta)}

  defp event(%{"type" => "content_block_stop", "index" => index}, speaker)
       when is_map_key(speaker.blocks, index) do
    block = with_input(speaker.blocks[index], speaker.inputs[index])
    {[block], drop(%{speaker | streamed: speaker.streamed + 1}, [index])}
  end

  defp event(_other, speaker), do: {[], speaker}

  defp grow(speaker, index, %{"type" => kind} = delta) when is_map_key(@beginnings, kind) do
    block = Map.get(speaker.blocks, index, @beginnings[kind])
    {block, inputs} = grown(kind, delta, block, index, speaker.inputs)
    %{speaker | blocks: Map.put(speaker.blocks, index, block), inputs: inputs}
  end

  defp grow(speaker, _index, _unknown), do: speaker

  defp grown("input_json_delta", delta, block, index, inputs) do
    piece = delta["partial_json"] || ""
    {block, Map.update(inputs, index, piece, &(&1 <> piece))}
  end

  defp grown("citations_delta", delta, block, _index, inputs) do
    {Map.put(block, "citations", (block["citations"] || []) ++ [delta["citation"]]), inputs}
  end

  defp grown(kind, delta, block, _index, inputs) do
    field = @grows[kind]
    {Map.put(block, field, (block[field] || "") <> (delta[field] || "")), inputs}
  end

  # The input of a tool is whole only at its end; one that is no JSON, as one that was cut off, stays a text.
  defp with_input(block, none) when none in [nil, ""], do: block

  defp with_input(block, text) do
    case JSON.decode(text) do
      {:ok, input} -> Map.put(block, "input", input)
      {:error, _} -> Map.put(block, "input", text)
    end
  end
end
