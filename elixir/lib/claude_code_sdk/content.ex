defmodule ClaudeCodeSDK.Content do
  # One struct for each kind of block, so that code can match on kinds and a field that is misspelt does not compile.
  @kinds [
    {Text, "text", [:text], [:citations],
     "Text of the model, and what in it is quoted from where."},
    {Thinking, "thinking", [:thinking], [:signature], "The model's reasoning."},
    {RedactedThinking, "redacted_thinking", [:data], [],
     "Reasoning that only the model can read."},
    {ToolUse, "tool_use", [:id, :name, :input], [], "The model calls a tool."},
    {ToolResult, "tool_result", [:tool_use_id], [:content, :is_error],
     "What a tool gave back: a text or a list of blocks."},
    {ServerToolUse, "server_tool_use", [:id, :name, :input], [],
     "The model calls a tool that runs at the API."},
    {McpToolUse, "mcp_tool_use", [:id, :name, :input], [:server_name],
     "The model calls a tool of a server that the API reaches."},
    {McpToolResult, "mcp_tool_result", [:tool_use_id], [:content, :is_error],
     "What a tool of a server that the API reaches gave back."},
    {Image, "image", [:source], [],
     "A picture: `%{\"type\" => \"base64\", \"media_type\" => ..., \"data\" => ...}`, or where it is."},
    {Document, "document", [:source], [:title, :context], "A document, such as a PDF."},
    {SearchResult, "search_result", [:source, :title, :content], [],
     "A passage that a search found, to be cited."},
    {ToolReference, "tool_reference", [:tool_name], [],
     "A tool that a search among tools found."},
    {ContainerUpload, "container_upload", [:file_id], [], "A file in the container of the API."}
  ]

  # Results of tools that run at the API all have this form; `type` tells them apart.
  @server_results ~w(advisor_tool_result web_search_tool_result web_fetch_tool_result code_execution_tool_result
                     bash_code_execution_tool_result text_editor_code_execution_tool_result tool_search_tool_result)

  @moduledoc """
  The blocks of which messages are made, as `ClaudeCodeSDK.Message.content_blocks/1` gives them.

  | Struct | Block | Fields |
  |---|---|---|
  #{Enum.map_join(@kinds, "\n", fn {name, type, needed, optional, _about} -> "| `ClaudeCodeSDK.Content.#{inspect(name)}` | `#{type}` | #{Enum.map_join(needed ++ optional, ", ", &"`#{&1}`")} |" end)}
  | `ClaudeCodeSDK.Content.ServerToolResult` | #{Enum.map_join(@server_results, ", ", &"`#{&1}`")} | `type`, `tool_use_id`, `content` |
  | `ClaudeCodeSDK.Content.Unknown` | all others | `type` |

  Each has the whole block, with string keys, in `raw`: nothing is left out of it.
  """

  for {name, type, needed, optional, about} <- @kinds do
    defmodule Module.concat(__MODULE__, name) do
      @moduledoc "A block of the type `#{type}`. #{about} See `ClaudeCodeSDK.Content`."
      defstruct needed ++ optional ++ [:raw]
    end
  end

  defmodule ServerToolResult do
    @moduledoc "What a tool that runs at the API gave back; `type` says which kind of result it is. See `ClaudeCodeSDK.Content`."
    defstruct [:type, :tool_use_id, :content, :raw]
  end

  defmodule Unknown do
    @moduledoc "A block of a kind that has no struct here, or that lacks what its kind must have; `raw` is the whole of it."
    defstruct [:type, :raw]
  end

  @typedoc "A block of a message: a struct of the table above."
  @type t :: struct()

  @doc """
  The blocks of a message's content; a text is one block.

      iex> [block] = ClaudeCodeSDK.Content.from_json([%{"type" => "tool_use", "id" => "t", "name" => "Bash", "input" => %{}}])
      iex> {block.__struct__, block.name}
      {ClaudeCodeSDK.Content.ToolUse, "Bash"}

      iex> [block] = ClaudeCodeSDK.Content.from_json([%{"type" => "hologram", "depth" => 3}])
      iex> {block.__struct__, block.raw["depth"]}
      {ClaudeCodeSDK.Content.Unknown, 3}
  """
  @spec from_json(String.t() | [term()] | term()) :: [t()]
  def from_json(text) when is_binary(text), do: [block(%{"type" => "text", "text" => text})]
  def from_json(blocks) when is_list(blocks), do: Enum.map(blocks, &block/1)
  def from_json(nil), do: []
  def from_json(other), do: [block(other)]

  for {name, type, needed, optional, _about} <- @kinds do
    @needed Enum.map(needed, &Atom.to_string/1)
    @fields for field <- needed ++ optional, do: {field, Atom.to_string(field)}
    defp block(%{"type" => unquote(type)} = raw),
      do: block(raw, unquote(Module.concat(__MODULE__, name)), unquote(@needed), unquote(@fields))
  end

  defp block(%{"type" => type} = raw) when type in @server_results do
    fields = [type: "type", tool_use_id: "tool_use_id", content: "content"]
    block(raw, __MODULE__.ServerToolResult, ["tool_use_id", "content"], fields)
  end

  defp block(%{"type" => type} = raw), do: %__MODULE__.Unknown{type: type, raw: raw}
  defp block(raw), do: %__MODULE__.Unknown{raw: raw}

  defp block(raw, module, needed, fields) do
    if Enum.all?(needed, &is_map_key(raw, &1)),
      do: struct!(module, [{:raw, raw} | for({field, name} <- fields, do: {field, raw[name]})]),
      else: %__MODULE__.Unknown{type: raw["type"], raw: raw}
  end
end
