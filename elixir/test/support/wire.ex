defmodule ClaudeCodeSDK.Test.Wire do
  @moduledoc "What this package gives in the form of `docs/boundary.md`, and options from it."

  alias ClaudeCodeSDK.Orchestrator.{MapReduce, Outcome, Progress, Race, Stats, Until, Vote}

  @options ClaudeCodeSDK.Options.__struct__() |> Map.keys() |> Map.new(&{to_string(&1), &1})

  @doc "Options as a keyword list. A name that is no option is refused, whatever it is."
  def options(given),
    do: for({name, value} <- given, do: {Map.get(@options, name) || String.to_atom(name), value})

  @doc "An error."
  def error(nil), do: nil

  def error(error) do
    error
    |> Map.from_struct()
    |> Map.take([:message, :operation, :context, :causes])
    |> Map.put(:code, to_string(error.code))
    |> strings()
    |> Map.put("retry", retry(error.retry))
  end

  defp retry({:after, ms}), do: %{"verdict" => "after", "after_ms" => ms}
  defp retry(verdict), do: %{"verdict" => to_string(verdict)}

  @doc "What became of a task or a call."
  def outcome(nil), do: nil

  def outcome(%Outcome{} = outcome) do
    outcome
    |> Map.from_struct()
    |> Map.drop([:cost, :prompt, :success, :errors])
    |> Map.merge(%{
      status: to_string(outcome.status),
      cost_usd: outcome.cost,
      messages: Enum.map(outcome.messages, & &1.raw),
      usage: strings(outcome.usage),
      error: error(outcome.error)
    })
    |> Map.reject(&match?({:structured_output, nil}, &1))
    |> strings()
  end

  def outcome(%Race{} = race),
    do: %{"winner" => index(race.winner), "outcomes" => outcomes(race.outcomes)}

  def outcome(%Vote{} = vote) do
    vote
    |> Map.from_struct()
    |> Map.merge(%{
      winner: index(vote.winner),
      outcomes: outcomes(vote.outcomes),
      error: error(vote.error)
    })
    |> strings()
  end

  def outcome(%MapReduce{} = all) do
    %{
      "outcome" => outcome(all.outcome),
      "mapped" => outcomes(all.mapped),
      "reduced" => outcomes(all.reduced),
      "error" => error(all.error)
    }
  end

  def outcome(%Until{} = until) do
    %{
      "done" => until.done,
      "outcomes" => outcomes(until.outcomes),
      "error" => error(until.error)
    }
  end

  def outcomes(all), do: Enum.map(all, &outcome/1)

  defp index(nil), do: nil
  defp index(outcome), do: outcome.index

  @doc "Something that happened to a task."
  def progress(%Progress{} = progress) do
    data =
      Map.new(progress.data, fn
        {:error, error} -> {:error, error(error)}
        {:status, status} when is_atom(status) -> {:status, status && to_string(status)}
        other -> other
      end)

    progress
    |> Map.from_struct()
    |> Map.delete(:data)
    |> Map.merge(data)
    |> Map.update!(:stage, &to_string/1)
    |> strings()
  end

  @doc "Counts."
  def stats(%Stats{} = stats) do
    %{
      "total" => stats.total_queries,
      "succeeded" => stats.successful_queries,
      "failed" => stats.failed_queries,
      "rejected" => stats.rejected_queries,
      "cancelled" => stats.cancelled_queries,
      "attempts" => stats.attempts,
      "hedged" => stats.hedged,
      "hedges_won" => stats.hedges_won,
      "prewarmed" => stats.prewarmed,
      "recycled" => stats.recycled,
      "idle" => stats.idle,
      "dropped" => stats.dropped,
      "cost_usd" => stats.total_cost_usd,
      "duration_ms" => stats.total_duration_ms,
      "average_cost_usd" => stats.avg_cost_per_query,
      "average_duration_ms" => stats.avg_duration_ms
    }
  end

  @doc "A map with texts as keys, and texts where there were words."
  def strings(map), do: Map.new(map, fn {key, value} -> {to_string(key), value(value)} end)

  defp value(word) when is_atom(word) and word not in [nil, true, false], do: to_string(word)
  defp value(other), do: other
end
