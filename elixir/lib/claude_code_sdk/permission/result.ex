defmodule ClaudeCodeSDK.Permission.Result do
  @moduledoc """
  What a `can_use_tool` callback answers.

      alias ClaudeCodeSDK.Permission.Result

      fn
        %{tool_name: "Read"} -> Result.allow()
        %{tool_input: %{"command" => "rm" <> _}} -> Result.deny("not here", interrupt: true)
        %{tool_input: input} -> Result.allow(updated_input: Map.put(input, "dry_run", true))
      end
  """

  defstruct behavior: :allow,
            updated_input: nil,
            updated_permissions: nil,
            message: nil,
            interrupt: false

  @typedoc "The answer."
  @type t :: %__MODULE__{
          behavior: :allow | :deny,
          updated_input: map() | nil,
          updated_permissions: [map()] | nil,
          message: String.t() | nil,
          interrupt: boolean()
        }

  @doc """
  The tool runs.

    * `:updated_input` - a map that replaces the input; without it the original input runs
    * `:updated_permissions` - rules to add, in the program's own form
  """
  @spec allow(keyword()) :: t()
  def allow(options \\ []) do
    options = Keyword.validate!(options, [:updated_input, :updated_permissions])
    struct!(%__MODULE__{behavior: :allow}, options)
  end

  @doc """
  The tool does not run; the model reads `message`. With `interrupt: true` the whole turn ends.
  """
  @spec deny(String.t(), keyword()) :: t()
  def deny(message, options \\ []) when is_binary(message) do
    options = Keyword.validate!(options, [:interrupt])
    struct!(%__MODULE__{behavior: :deny, message: message}, options)
  end

  @doc """
  The answer in the program's own form.

      iex> alias ClaudeCodeSDK.Permission.Result
      iex> Result.to_json_map(Result.allow(updated_input: %{"command" => "ls"}))
      %{"behavior" => "allow", "updatedInput" => %{"command" => "ls"}}
      iex> Result.to_json_map(Result.deny("no"))
      %{"behavior" => "deny", "message" => "no", "interrupt" => false}
  """
  @spec to_json_map(t()) :: map()
  def to_json_map(%__MODULE__{behavior: :allow} = result) do
    for {key, value} <- [
          {"updatedInput", result.updated_input},
          {"updatedPermissions", result.updated_permissions}
        ],
        value != nil,
        into: %{"behavior" => "allow"},
        do: {key, value}
  end

  def to_json_map(%__MODULE__{behavior: :deny} = result) do
    %{"behavior" => "deny", "message" => result.message || "", "interrupt" => result.interrupt}
  end
end
