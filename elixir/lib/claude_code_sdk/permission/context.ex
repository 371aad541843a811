defmodule ClaudeCodeSDK.Permission.Context do
  @moduledoc """
  What a `can_use_tool` callback is asked: may this tool run with this input?

  | Field | Holds |
  |---|---|
  | `tool_name` | such as `"Bash"` |
  | `tool_input` | the input, with string keys |
  | `session_id` | the session that asks, when it is known |
  | `suggestions` | rules the program proposes, to be returned as `updated_permissions` |
  | `blocked_path` | the path that led to the question, if one did |
  | `request` | the whole question as the program wrote it |
  """

  defstruct [
    :tool_name,
    :tool_input,
    :session_id,
    :blocked_path,
    :signal,
    suggestions: [],
    request: %{}
  ]

  @typedoc "The question."
  @type t :: %__MODULE__{
          tool_name: String.t(),
          tool_input: map(),
          session_id: String.t() | nil,
          blocked_path: String.t() | nil,
          suggestions: [map()],
          request: map()
        }

  @doc """
  Makes a question, for tests of callbacks.

      iex> ClaudeCodeSDK.Permission.Context.new(tool_name: "Bash", tool_input: %{"command" => "ls"}).tool_name
      "Bash"
  """
  @spec new(keyword()) :: t()
  def new(fields), do: struct!(__MODULE__, fields)

  @doc false
  @spec from_request(map(), String.t() | nil) :: t()
  def from_request(request, session_id) do
    %__MODULE__{
      tool_name: request["tool_name"],
      tool_input: request["input"] || %{},
      session_id: session_id,
      blocked_path: request["blocked_path"],
      suggestions: request["permission_suggestions"] || [],
      request: request
    }
  end
end
