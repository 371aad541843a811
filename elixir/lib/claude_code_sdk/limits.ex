defmodule ClaudeCodeSDK.Limits do
  @moduledoc false
  # Limits as they are given, keyword lists with the names of the original among them, in the words of the core. The core knows
  # the fields and checks them: a name it does not know is refused by name.

  alias ClaudeCodeSDK.Error

  @rate_limit %{queries_per_minute: :per_minute, queries_per_hour: :per_hour}
  @circuit %{half_open_requests: :success_threshold}

  @doc "A rate limit: a number is that of queries a minute; `nil` and `false` are none."
  @spec rate_limit(term()) :: map() | nil
  def rate_limit(per_minute) when is_integer(per_minute), do: %{per_minute: per_minute}
  def rate_limit(limit), do: named(limit, @rate_limit, "rate_limit")

  @doc "The settings of a circuit breaker; `nil` and `false` are none."
  @spec circuit(term()) :: map() | nil
  def circuit(circuit), do: named(circuit, @circuit, "circuit_breaker")

  @doc "A budget; `nil` and `false` are none."
  @spec budget(term()) :: map() | nil
  def budget(budget), do: named(budget, %{}, "budget")

  defp named(off, _names, _field) when off in [nil, false], do: nil

  defp named(given, names, field) do
    Map.new(object(given, field), fn {name, value} -> {Map.get(names, name, name), value} end)
  end

  @doc "A keyword list or a map, and what is in it, as maps."
  @spec object(term(), String.t()) :: map()
  def object(given, field) do
    case plain(given) do
      [] -> %{}
      %{} = map when not is_struct(map) -> map
      _ -> raise invalid(field, "expected a keyword list or a map, not #{inspect(given)}")
    end
  end

  defp plain([{name, _} | _] = list) when is_atom(name),
    do: Map.new(list, fn {name, value} -> {name, plain(value)} end)

  defp plain(list) when is_list(list), do: Enum.map(list, &plain/1)

  defp plain(%{} = map) when not is_struct(map),
    do: Map.new(map, fn {name, value} -> {name, plain(value)} end)

  defp plain(other), do: other

  defp invalid(field, problem),
    do: Error.new(:invalid_options, "#{field}: #{problem}", context: %{"field" => field})
end
