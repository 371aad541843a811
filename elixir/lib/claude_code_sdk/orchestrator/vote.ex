defmodule ClaudeCodeSDK.Orchestrator.Vote do
  @moduledoc """
  How `ClaudeCodeSDK.Orchestrator.vote/2` ended.

  | Field | Holds |
  |---|---|
  | `ballot` | what won, `nil` when nothing did |
  | `winner` | the first outcome that says it |
  | `agreement` | the part of all that were asked who say it, from 0 to 1 |
  | `counts` | how many said what |
  | `outcomes` | what became of each, in order; those that could not change the result any more are `:cancelled` |
  | `error` | why nothing won |
  """

  alias ClaudeCodeSDK.Error
  alias ClaudeCodeSDK.Orchestrator.Outcome

  defstruct [:ballot, :winner, :error, agreement: 0.0, counts: %{}, outcomes: []]

  @typedoc "A vote."
  @type t :: %__MODULE__{
          ballot: String.t() | nil,
          winner: Outcome.t() | nil,
          agreement: float(),
          counts: %{String.t() => pos_integer()},
          outcomes: [Outcome.t()],
          error: Error.t() | nil
        }

  @doc false
  @spec from_wire(map(), %{non_neg_integer() => term()}) :: t()
  def from_wire(wire, prompts) do
    outcomes = Outcome.list(wire["outcomes"], prompts)

    %__MODULE__{
      ballot: wire["ballot"],
      winner: wire["winner"] && Enum.at(outcomes, wire["winner"]),
      agreement: wire["agreement"] / 1,
      counts: wire["counts"],
      outcomes: outcomes,
      error: wire["error"] && Error.from_wire(wire["error"])
    }
  end
end
