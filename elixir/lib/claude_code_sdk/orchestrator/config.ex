defmodule ClaudeCodeSDK.Orchestrator.Config do
  @moduledoc false
  # How an orchestrator is made, in the words of the core: `OrchestratorConfig`. What the functions among its options do is
  # given to each task; the core gets the rest.

  alias ClaudeCodeSDK.{Limits, Options, Request}
  alias ClaudeCodeSDK.Orchestrator.Task

  @doc "The configuration for the core, and the options that every task starts from."
  @spec read(keyword() | map()) :: {map(), Options.t()}
  def read(given) do
    config = Limits.object(given |> Map.new() |> Map.delete(:options), "orchestrator")
    base = Options.cast(given[:options])
    Task.refuse(base)
    {config |> Enum.reduce(%{}, &field/2) |> Map.put(:options, Request.wire(base)), base}
  end

  defp field({:rate_limit, limit}, config) do
    # In the original the budget of an hour stands beside the rate.
    {hourly, limit} =
      if is_map(limit), do: Map.pop(limit, :cost_budget_hourly), else: {nil, limit}

    config = Map.put(config, :rate_limit, Limits.rate_limit(limit))
    if hourly, do: budget(config, %{key_hour_usd: hourly}), else: config
  end

  defp field({:circuit_breaker, circuit}, config),
    do: Map.put(config, :circuit_breaker, Limits.circuit(circuit))

  defp field({:budget_usd, nil}, config), do: config
  defp field({:budget_usd, total}, config), do: budget(config, %{total_usd: total})

  defp field({:budget, budget}, config) do
    case Limits.budget(budget) do
      nil -> Map.put_new(config, :budget, nil)
      limits -> budget(config, limits)
    end
  end

  # Another account may be what helps.
  defp field({:fallbacks, fallbacks}, config) when is_list(fallbacks),
    do: Map.put(config, :fallbacks, Enum.map(fallbacks, &fallback/1))

  defp field({:pool, []}, config), do: Map.put(config, :pool, %{})
  defp field({:timeout, timeout}, config), do: Map.put(config, :timeout_ms, timeout)
  defp field({name, value}, config), do: Map.put(config, name, value)

  defp fallback(%{auth: manager} = fallback),
    do: Map.merge(fallback, Request.auth(manager))

  defp fallback(other), do: other

  defp budget(config, limits),
    do: Map.update(config, :budget, limits, &Map.merge(&1 || %{}, limits))
end
