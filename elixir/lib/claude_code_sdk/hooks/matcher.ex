defmodule ClaudeCodeSDK.Hooks.Matcher do
  @moduledoc """
  Hooks for the events whose tool matches.

  | Field | Means |
  |---|---|
  | `matcher` | a name or a pattern such as `"Write\\|Edit"`; `nil` means all |
  | `hooks` | the functions; all run |
  | `timeout_ms` | how long each may take. Default: 60 000 |
  | `on_failure` | when one raises or takes too long: `:continue` (default) or `:block` |
  """

  alias ClaudeCodeSDK.Hooks

  defstruct [:matcher, :timeout_ms, :on_failure, hooks: []]

  @typedoc "A matcher."
  @type t :: %__MODULE__{
          matcher: String.t() | nil,
          hooks: [Hooks.callback()],
          timeout_ms: pos_integer() | nil,
          on_failure: :continue | :block | nil
        }

  @doc """
  Makes one. Options: `:timeout_ms` and `:on_failure`.

      iex> ClaudeCodeSDK.Hooks.Matcher.new("Bash", [fn _, _, _ -> %{} end], timeout_ms: 5_000).timeout_ms
      5000
  """
  @spec new(String.t() | nil, [Hooks.callback()], keyword()) :: t()
  def new(matcher, hooks, options \\ []),
    do: struct!(__MODULE__, [matcher: matcher, hooks: hooks] ++ options)
end
