defmodule ClaudeCodeSDK.Orchestrator.Call do
  @moduledoc false
  # One call of an orchestrator: what its caller gave, and what the orchestrator knows of it so far. Only data; the
  # orchestrator acts.

  alias ClaudeCodeSDK.Orchestrator.Task

  # What it was told may hold secrets, also in the report of a crash.
  @derive {Inspect, only: [:id, :ahead, :next]}
  defstruct [
    # Given by the caller.
    :flow,
    # The enumerable that tasks come from, where they are not in the flow.
    :from,
    tasks: [],
    functions: %{},
    told: %{},
    # How many outcomes may wait for a caller that takes them one by one; `nil`: it takes all at the end.
    ahead: nil,
    # Known to the orchestrator.
    id: nil,
    caller: nil,
    monitor: nil,
    source: nil,
    # A question for the next task that is not passed on before outcomes were taken.
    held: nil,
    # Who waits for the end, or for outcomes.
    waiting: nil,
    prompts: %{},
    refs: %{},
    next: 0,
    outcomes: [],
    ended: nil
  ]

  @type t :: %__MODULE__{}

  @doc "The call with the tasks it brings in their places."
  @spec begun(t(), pos_integer(), pid(), reference()) :: t()
  def begun(call, id, caller, monitor) do
    Enum.reduce(
      call.tasks,
      %{call | id: id, caller: caller, monitor: monitor, tasks: []},
      &made(&2, :next, &1)
    )
  end

  @doc "A task took its place: the next one, or the one of its step. `nil`: one that could not be made, or is not made yet."
  @spec made(t(), :next | non_neg_integer(), Task.t() | nil) :: t()
  def made(call, :next, task), do: made(%{call | next: call.next + 1}, call.next, task)
  def made(call, _place, nil), do: call

  def made(call, place, task) do
    refs = if task.ref, do: Map.put(call.refs, place, task.ref), else: call.refs
    %{call | prompts: Map.put(call.prompts, place, task.prompt), refs: refs}
  end

  @doc "An outcome came: the call, and the `ref` of the task, whose functions are not needed any more."
  @spec outcome(t(), map()) :: {t(), pos_integer() | nil}
  def outcome(call, wire) do
    {prompt, prompts} = Map.pop(call.prompts, wire["index"])
    {ref, refs} = Map.pop(call.refs, wire["index"])
    outcomes = [{wire, prompt} | call.outcomes]
    {%{call | prompts: prompts, refs: refs, outcomes: outcomes}, ref}
  end

  @doc "Whether the next task has to wait until outcomes were taken."
  @spec full?(t()) :: boolean()
  def full?(%{ahead: nil}), do: false
  def full?(%{ahead: ahead, outcomes: outcomes}), do: length(outcomes) >= ahead
end
