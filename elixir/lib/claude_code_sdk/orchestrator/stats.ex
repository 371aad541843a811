defmodule ClaudeCodeSDK.Orchestrator.Stats do
  @moduledoc """
  Counts over everything an orchestrator did since it started or since `ClaudeCodeSDK.Orchestrator.reset_stats/1`.

  | Field | Counts |
  |---|---|
  | `total_queries` | tasks that have an outcome |
  | `successful_queries` | those that were answered |
  | `failed_queries` | those that failed or ran out of time |
  | `rejected_queries` | those that were not let in |
  | `cancelled_queries` | those that were given up or never started |
  | `attempts` | how often something was started |
  | `hedged`, `hedges_won` | second attempts that were started beside one that was late, and those of them that were answered first |
  | `prewarmed`, `recycled` | tasks whose last attempt found a program that was started ahead, or had served another |
  | `idle` | programs that stand ready now |
  | `dropped` | programs that were taken out of the pool since the orchestrator started |
  | `total_cost_usd`, `avg_cost_per_query` | US dollars |
  | `total_duration_ms`, `avg_duration_ms` | milliseconds, of all tasks together and of one |
  """

  defstruct total_queries: 0,
            successful_queries: 0,
            failed_queries: 0,
            rejected_queries: 0,
            cancelled_queries: 0,
            attempts: 0,
            hedged: 0,
            hedges_won: 0,
            prewarmed: 0,
            recycled: 0,
            idle: 0,
            dropped: 0,
            total_cost_usd: 0.0,
            total_duration_ms: 0,
            avg_cost_per_query: 0.0,
            avg_duration_ms: 0.0

  @typedoc "Counts."
  @type t :: %__MODULE__{
          total_queries: non_neg_integer(),
          successful_queries: non_neg_integer(),
          failed_queries: non_neg_integer(),
          rejected_queries: non_neg_integer(),
          cancelled_queries: non_neg_integer(),
          attempts: non_neg_integer(),
          hedged: non_neg_integer(),
          hedges_won: non_neg_integer(),
          prewarmed: non_neg_integer(),
          recycled: non_neg_integer(),
          idle: non_neg_integer(),
          dropped: non_neg_integer(),
          total_cost_usd: float(),
          total_duration_ms: non_neg_integer(),
          avg_cost_per_query: float(),
          avg_duration_ms: float()
        }

  @doc false
  @spec from_wire(map()) :: t()
  def from_wire(wire) do
    %__MODULE__{
      total_queries: wire["total"],
      successful_queries: wire["succeeded"],
      failed_queries: wire["failed"],
      rejected_queries: wire["rejected"],
      cancelled_queries: wire["cancelled"],
      attempts: wire["attempts"],
      hedged: wire["hedged"],
      hedges_won: wire["hedges_won"],
      prewarmed: wire["prewarmed"],
      recycled: wire["recycled"],
      idle: wire["idle"],
      dropped: wire["dropped"],
      total_cost_usd: wire["cost_usd"] / 1,
      total_duration_ms: wire["duration_ms"],
      avg_cost_per_query: wire["average_cost_usd"] / 1,
      avg_duration_ms: wire["average_duration_ms"] / 1
    }
  end
end
