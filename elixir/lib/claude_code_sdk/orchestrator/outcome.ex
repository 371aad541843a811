defmodule ClaudeCodeSDK.Orchestrator.Outcome do
  @moduledoc """
  What became of one task. Each way of ending has its own `status`, so that nobody has to guess why there is no text.

  | Field | Holds |
  |---|---|
  | `index` | the place of the task in its call, from 0 |
  | `name` | the name of the task, `nil` when it has none |
  | `prompt` | what it was asked, as it was given; of a pipeline without the context put in front of it |
  | `status` | `:succeeded`; `:failed` as often as it may be tried; `:rejected` (not let in); `:timed_out`; `:cancelled` (not needed any more); `:skipped` (never started) |
  | `success` | whether it was answered |
  | `text` | the text of the answer, `""` when there is none |
  | `structured_output` | the value that fits `output_format`, `nil` when there is none |
  | `messages` | the messages of the last attempt, as `ClaudeCodeSDK.Message`, without `:stream_event` |
  | `session_id` | the session it ran in, by which it can be resumed |
  | `cost` | US dollars, of all attempts |
  | `usage` | tokens of all attempts |
  | `attempts` | how often it was started |
  | `start` | how its program came to be there, at the last attempt: `:cold` (started for it), `:prewarmed` (ready before), `:recycled` (used by another run before); `nil` when it was never started |
  | `duration_ms` | from being taken up to the outcome |
  | `model` | the model that served it, where it said so |
  | `credential` | whose credential its last attempt was let in with: the fingerprint, or the name that a fallback gives it; `nil` where only the program knows it, or it was not let in |
  | `fallback` | which of the fallbacks served it; 0 is the task as it was given |
  | `error` | why it was not answered, a `ClaudeCodeSDK.Error`; its `retry` says when it would be let in |
  | `errors` | the same as a list, `[]` on success |
  """

  alias ClaudeCodeSDK.{Error, Message, UsageMeter}

  defstruct [
    :name,
    :prompt,
    :status,
    :session_id,
    :model,
    :structured_output,
    :error,
    :start,
    :credential,
    index: 0,
    success: false,
    text: "",
    messages: [],
    cost: 0.0,
    usage: %{},
    attempts: 0,
    duration_ms: 0,
    fallback: 0,
    errors: []
  ]

  @typedoc "How a task ended."
  @type status :: :succeeded | :failed | :rejected | :timed_out | :cancelled | :skipped

  @typedoc "How a program came to be there."
  @type start :: :cold | :prewarmed | :recycled

  @typedoc "An outcome."
  @type t :: %__MODULE__{
          index: non_neg_integer(),
          name: String.t() | nil,
          prompt: ClaudeCodeSDK.Query.prompt() | nil,
          status: status(),
          success: boolean(),
          text: String.t(),
          structured_output: term(),
          messages: [Message.t()],
          session_id: String.t() | nil,
          cost: float(),
          usage: UsageMeter.usage(),
          attempts: non_neg_integer(),
          start: start() | nil,
          duration_ms: non_neg_integer(),
          model: String.t() | nil,
          credential: String.t() | nil,
          fallback: non_neg_integer(),
          error: Error.t() | nil,
          errors: [Error.t()]
        }

  @statuses Map.new(
              ~w(succeeded failed rejected timed_out cancelled skipped)a,
              &{Atom.to_string(&1), &1}
            )
  @starts Map.new(~w(cold prewarmed recycled)a, &{Atom.to_string(&1), &1})
  @usage Map.new(
           ~w(input_tokens output_tokens cache_creation_input_tokens cache_read_input_tokens)a,
           &{Atom.to_string(&1), &1}
         )

  @doc """
  The text, or the error.

      iex> ClaudeCodeSDK.Orchestrator.Outcome.text(%ClaudeCodeSDK.Orchestrator.Outcome{status: :succeeded, success: true, text: "4"})
      {:ok, "4"}
  """
  @spec text(t()) :: {:ok, String.t()} | {:error, Error.t()}
  def text(%__MODULE__{success: true, text: text}), do: {:ok, text}
  def text(%__MODULE__{error: error}), do: {:error, error}

  @doc false
  # The form in which the core hands over outcomes.
  @spec from_wire(map(), ClaudeCodeSDK.Query.prompt() | nil) :: t()
  def from_wire(wire, prompt) do
    error = wire["error"] && Error.from_wire(wire["error"])

    %__MODULE__{
      index: wire["index"],
      name: wire["name"],
      prompt: prompt,
      status: status(wire["status"]),
      success: wire["status"] == "succeeded",
      text: wire["text"],
      structured_output: wire["structured_output"],
      messages: Enum.map(wire["messages"], &Message.from_frame/1),
      session_id: wire["session_id"],
      cost: wire["cost_usd"] / 1,
      usage: for({name, count} <- wire["usage"], key = @usage[name], into: %{}, do: {key, count}),
      attempts: wire["attempts"],
      start: wire["start"] && start(wire["start"]),
      duration_ms: wire["duration_ms"],
      model: wire["model"],
      credential: wire["credential"],
      fallback: wire["fallback"],
      error: error,
      errors: List.wrap(error)
    }
  end

  @doc false
  # Several, with what each was asked by its index.
  @spec list([map()], %{non_neg_integer() => ClaudeCodeSDK.Query.prompt()}) :: [t()]
  def list(wires, prompts), do: Enum.map(wires, &from_wire(&1, prompts[&1["index"]]))

  @doc false
  @spec status(String.t()) :: status()
  def status(word), do: Map.fetch!(@statuses, word)

  @doc false
  @spec start(String.t()) :: start()
  def start(word), do: Map.fetch!(@starts, word)
end
