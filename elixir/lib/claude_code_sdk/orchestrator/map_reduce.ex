defmodule ClaudeCodeSDK.Orchestrator.MapReduce do
  @moduledoc """
  How `ClaudeCodeSDK.Orchestrator.map_reduce/3` ended: the `outcome` that brings all answers together (`nil` when there is none),
  the outcomes of the tasks (`mapped`), those of the steps between (`reduced`), and the `error` when there is no answer.
  """

  alias ClaudeCodeSDK.Error
  alias ClaudeCodeSDK.Orchestrator.Outcome

  defstruct [:outcome, :error, mapped: [], reduced: []]

  @typedoc "What came of it."
  @type t :: %__MODULE__{
          outcome: Outcome.t() | nil,
          mapped: [Outcome.t()],
          reduced: [Outcome.t()],
          error: Error.t() | nil
        }

  @doc false
  @spec from_wire(map(), %{non_neg_integer() => term()}) :: t()
  def from_wire(wire, prompts) do
    %__MODULE__{
      outcome: wire["outcome"] |> List.wrap() |> Outcome.list(prompts) |> List.first(),
      mapped: Outcome.list(wire["mapped"], prompts),
      reduced: Outcome.list(wire["reduced"], prompts),
      error: wire["error"] && Error.from_wire(wire["error"])
    }
  end
end
