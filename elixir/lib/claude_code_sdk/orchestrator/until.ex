defmodule ClaudeCodeSDK.Orchestrator.Until do
  @moduledoc """
  How `ClaudeCodeSDK.Orchestrator.until/4` ended: whether the last answer was found good (`done`), the `outcomes` of all rounds,
  and otherwise the `error`: the rounds were used up, a round was not answered, or the judge failed.
  """

  alias ClaudeCodeSDK.Error
  alias ClaudeCodeSDK.Orchestrator.Outcome

  defstruct [:error, done: false, outcomes: []]

  @typedoc "What came of it."
  @type t :: %__MODULE__{
          done: boolean(),
          outcomes: [Outcome.t()],
          error: Error.t() | nil
        }

  @doc false
  @spec from_wire(map(), %{non_neg_integer() => term()}) :: t()
  def from_wire(wire, prompts) do
    %__MODULE__{
      done: wire["done"],
      outcomes: Outcome.list(wire["outcomes"], prompts),
      error: wire["error"] && Error.from_wire(wire["error"])
    }
  end
end
