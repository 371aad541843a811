defmodule ClaudeCodeSDK.Orchestrator.Race do
  @moduledoc """
  How `ClaudeCodeSDK.Orchestrator.race/2` ended: the first acceptable answer as `winner` (`nil` when there was none), and the
  `outcomes` of all tasks in their order. Those that were beaten are `:cancelled`.
  """

  alias ClaudeCodeSDK.Orchestrator.Outcome

  defstruct [:winner, outcomes: []]

  @typedoc "A race."
  @type t :: %__MODULE__{winner: Outcome.t() | nil, outcomes: [Outcome.t()]}

  @doc false
  @spec from_wire(map(), %{non_neg_integer() => term()}) :: t()
  def from_wire(wire, prompts) do
    outcomes = Outcome.list(wire["outcomes"], prompts)
    %__MODULE__{winner: wire["winner"] && Enum.at(outcomes, wire["winner"]), outcomes: outcomes}
  end
end
