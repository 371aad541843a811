defmodule ClaudeCodeSDK.Error do
  @moduledoc """
  The one error of this package. Match on its `code`; the same words mean the same in every language Madrigal speaks.

  | Field | Holds |
  |---|---|
  | `code` | what went wrong, an atom of `codes/0` |
  | `message` | for people: what was expected and what to do |
  | `operation` | what was being done, such as `"interrupt"`, or `""` |
  | `retry` | whether the same call can succeed: `:never`, `:now`, or `{:after, milliseconds}` |
  | `context` | facts with stable string keys: `"exit_code"`, `"stderr"`, `"field"`, ... |
  | `causes` | what led to it, outermost first, as texts |
  """

  @codes ~w(invalid_options invalid_argument cli_not_found cli_version spawn_failed process_exited protocol auth control
            timeout cancelled closed callback structured_output turn_failed rate_limited circuit_open budget_exceeded overloaded
            overflow internal)a

  @by_name Map.new(@codes, &{Atom.to_string(&1), &1})

  defexception code: :internal,
               message: "",
               operation: "",
               retry: :never,
               context: %{},
               causes: []

  @typedoc "What went wrong."
  @type code ::
          :invalid_options
          | :invalid_argument
          | :cli_not_found
          | :cli_version
          | :spawn_failed
          | :process_exited
          | :protocol
          | :auth
          | :control
          | :timeout
          | :cancelled
          | :closed
          | :callback
          | :structured_output
          | :turn_failed
          | :rate_limited
          | :circuit_open
          | :budget_exceeded
          | :overloaded
          | :overflow
          | :internal

  @typedoc "The error."
  @type t :: %__MODULE__{
          code: code(),
          message: String.t(),
          operation: String.t(),
          retry: :never | :now | {:after, non_neg_integer()},
          context: %{String.t() => term()},
          causes: [String.t()]
        }

  @doc """
  All codes.

      iex> :cli_not_found in ClaudeCodeSDK.Error.codes()
      true
  """
  @spec codes() :: [code()]
  def codes, do: @codes

  @impl true
  def message(%__MODULE__{operation: "", message: message}), do: message
  def message(%__MODULE__{operation: operation, message: message}), do: "#{operation}: #{message}"

  @doc false
  @spec new(code(), String.t(), keyword()) :: t()
  def new(code, message, fields \\ []),
    do: struct!(%__MODULE__{code: code, message: message}, fields)

  @doc false
  # The form in which the core hands over errors.
  @spec from_wire(map() | nil) :: t()
  def from_wire(%{"code" => code} = wire) do
    %__MODULE__{
      code: Map.get(@by_name, code, :internal),
      message: wire["message"] || code,
      operation: wire["operation"] || "",
      retry: retry(wire["retry"]),
      context: wire["context"] || %{},
      causes: wire["causes"] || []
    }
  end

  def from_wire(_), do: new(:internal, "the engine reported an error that cannot be read")

  defp retry(%{"verdict" => "now"}), do: :now
  defp retry(%{"verdict" => "after", "after_ms" => ms}), do: {:after, ms}
  defp retry(_), do: :never

  @doc false
  # The result of a native function.
  @spec wrap({:ok, term()} | {:error, map()}) :: {:ok, term()} | {:error, t()}
  def wrap({:ok, _} = result), do: result
  def wrap({:error, wire}), do: {:error, from_wire(wire)}
end
