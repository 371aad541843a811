defmodule ClaudeCodeSDK.Orchestrator.Progress do
  @moduledoc """
  Something happened to a task. `ClaudeCodeSDK.Orchestrator.subscribe/1` says who is told.

  | Field | Holds |
  |---|---|
  | `sequence` | counts without gaps |
  | `flow`, `kind` | the call it belongs to, from 1, and what that call is: `"parallel"`, `"pipeline"`, `"race"`, ... |
  | `index`, `name` | the task in that call |
  | `stage` | what happened; one that this version does not know is a string |
  | `data` | more about it, under atom keys |

  The stages, in this order but for what repeats, with their `data`:

  | Stage | Means | `data` |
  |---|---|---|
  | `:queued` | it was taken up | |
  | `:waiting` | it has to wait until it is let in | `reason`, `retry_after_ms` |
  | `:admitted` | it was let in | `provider`, who answers as the limits count it; `credential`, whose: its fingerprint, or the name that a fallback gives it, `nil` where only the program knows it |
  | `:started` | its program is running | `attempt`, from 1; `start`, as in the outcome |
  | `:hedge` | the model is late: a second attempt is started beside the first, and whichever is answered first goes on | `attempt`, from 2; `after_ms` |
  | `:delta` | it said something | `text` |
  | `:tool` | it uses a tool | `tool`, `id` |
  | `:api_retry` | the program waits to ask the model again | `attempt`, `after_ms`, `status` |
  | `:retry` | it failed and will be started again | `attempt`, `after_ms`, `resume`, `error` |
  | `:fallback` | it failed and goes to the next of its fallbacks | `model`, `error` |
  | `:budget` | a limit of money came near, by this task or another that ended about now | `scope`, `account`, `percent`, `limit_usd`, `spent_usd`, `held_usd` |
  | `:done` | it has its outcome | `status`, `cost_usd`, `duration_ms` |
  | `:dropped` | of no task (`flow` is 0, `kind` is `"pool"`): a program was taken out of the pool | `pid`, that of the system; `reason` |

  `error` is a `ClaudeCodeSDK.Error`; `status` of `:done` is that of the outcome.
  """

  alias ClaudeCodeSDK.Error
  alias ClaudeCodeSDK.Orchestrator.Outcome

  defstruct [:sequence, :flow, :kind, :index, :name, :stage, data: %{}]

  @typedoc "What happened."
  @type stage ::
          :queued
          | :waiting
          | :admitted
          | :started
          | :hedge
          | :delta
          | :tool
          | :api_retry
          | :retry
          | :fallback
          | :budget
          | :done
          | :dropped
          | String.t()

  @typedoc "Something that happened to a task."
  @type t :: %__MODULE__{
          sequence: non_neg_integer(),
          flow: non_neg_integer(),
          kind: String.t(),
          index: non_neg_integer(),
          name: String.t() | nil,
          stage: stage(),
          data: %{atom() => term()}
        }

  @stages ~w(queued waiting admitted started hedge delta tool api_retry retry fallback budget done dropped)a
  @stage_names Map.new(@stages, &{Atom.to_string(&1), &1})
  @data ~w(reason retry_after_ms attempt text tool id after_ms status resume error model cost_usd duration_ms
           scope account percent limit_usd spent_usd held_usd start pid provider credential)a
  @data_names Map.new(@data, &{Atom.to_string(&1), &1})

  @doc false
  @spec from_wire(map()) :: t()
  def from_wire(wire) do
    %__MODULE__{
      sequence: wire["sequence"],
      flow: wire["flow"],
      kind: wire["kind"],
      index: wire["index"],
      name: wire["name"],
      stage: Map.get(@stage_names, wire["stage"], wire["stage"]),
      data: for({name, value} <- wire, key = @data_names[name], into: %{}, do: data(key, value))
    }
  end

  defp data(:error, wire), do: {:error, Error.from_wire(wire)}
  defp data(:status, word) when is_binary(word), do: {:status, Outcome.status(word)}
  defp data(:start, word), do: {:start, Outcome.start(word)}
  defp data(key, value), do: {key, value}
end
