defmodule ClaudeCodeSDK.Test.Policies do
  @moduledoc "The steps of a policy by itself, with the public functions of this package."

  alias ClaudeCodeSDK.{CircuitBreaker, CostBudget, Error, RateLimiter}
  alias ClaudeCodeSDK.Test.Wire

  @modules %{
    "rate_limiter" => RateLimiter,
    "circuit_breaker" => CircuitBreaker,
    "cost_budget" => CostBudget
  }

  @doc "Opens a policy."
  def open(given) do
    [{kind, settings}] = Map.to_list(given)
    {:ok, pid} = raised(@modules[kind].start_link([name: nil] ++ names(settings)))
    %{kind: kind, pid: pid, last: nil}
  end

  def close(%{pid: pid}), do: GenServer.stop(pid)

  @doc "Puts a question; its answer in the form of the boundary, and the policy with what it gave last."
  def decide(%{kind: kind, pid: pid, last: last} = policy, %{"command" => command} = given) do
    case ask(kind, command, pid, given, last) do
      {:given, name, number} -> {%{name => number}, %{policy | last: number}}
      {:error, error} -> raise error
      :ok -> {nil, policy}
      answer -> {answer, policy}
    end
  end

  defp ask("rate_limiter", "try_acquire", pid, given, _last) do
    case RateLimiter.try_acquire(pid, wish(given)) do
      {:ok, permit} -> {:given, "permit", permit}
      {:wait, ms} -> %{"permit" => nil, "retry_after_ms" => ms}
      error -> error
    end
  end

  defp ask("rate_limiter", "check_and_wait", pid, given, _last) do
    with {:ok, permit} <- RateLimiter.acquire(pid, wish(given)), do: {:given, "permit", permit}
  end

  defp ask("rate_limiter", "refund", pid, _given, last), do: RateLimiter.refund(pid, last)

  defp ask("rate_limiter", "settle_tokens", pid, given, last),
    do: RateLimiter.settle_tokens(pid, last, given["tokens"])

  defp ask("rate_limiter", "feedback", pid, %{"said" => said} = given, _last) do
    said =
      case said do
        %{"type" => "throttled", "retry_after_ms" => ms} -> {:throttled, ms}
        %{"type" => "closed", "wait_ms" => ms} -> {:closed, ms}
        %{"type" => word} -> String.to_atom(word)
      end

    RateLimiter.feedback(pid, said, key(given))
  end

  defp ask("rate_limiter", "state", pid, given, _last),
    do: pid |> RateLimiter.state(key(given)) |> Wire.strings()

  defp ask("circuit_breaker", "allow_request", pid, _given, _last),
    do: CircuitBreaker.allow_request?(pid)

  defp ask("circuit_breaker", "try_request", pid, _given, _last) do
    with {:ok, ticket} <- CircuitBreaker.try_request(pid), do: {:given, "ticket", ticket}
  end

  defp ask("circuit_breaker", "finish", pid, given, last) do
    verdict = String.to_atom(given["verdict"])
    wait = given["retry_after_ms"]
    CircuitBreaker.finish(pid, last, if(wait, do: {verdict, wait}, else: verdict))
  end

  defp ask("circuit_breaker", "force", pid, given, _last),
    do: CircuitBreaker.force(pid, given["state"] && String.to_atom(given["state"]))

  defp ask("circuit_breaker", "state", pid, _given, _last),
    do: pid |> CircuitBreaker.info() |> Wire.strings()

  defp ask("circuit_breaker", command, pid, _given, _last)
       when command in ~w(record_success record_failure reset),
       do: apply(CircuitBreaker, String.to_atom(command), [pid])

  defp ask("cost_budget", "reserve", pid, given, _last) do
    options = spender(given) ++ names(Map.take(given, ["margin_usd"]))

    with {:ok, held} <- CostBudget.reserve(pid, given["cap_usd"], options),
         do: {:given, "reservation", held}
  end

  defp ask("cost_budget", "observe", pid, given, last),
    do: CostBudget.observe(pid, last, given["so_far_usd"])

  defp ask("cost_budget", "settle", pid, given, last),
    do: CostBudget.settle(pid, last, given["cost_usd"])

  defp ask("cost_budget", "uncertain", pid, given, last),
    do: CostBudget.uncertain(pid, last, given["observed_usd"] || 0)

  defp ask("cost_budget", "limit_flow", pid, given, _last),
    do: CostBudget.limit(pid, [flow: given["flow"]], given["limit_usd"])

  defp ask("cost_budget", "limit_run", pid, given, _last),
    do: CostBudget.limit(pid, [run: given["run"]], given["limit_usd"])

  defp ask("cost_budget", "forget_flow", pid, given, _last),
    do: CostBudget.forget(pid, flow: given["flow"])

  defp ask("cost_budget", "forget_run", pid, given, _last),
    do: CostBudget.forget(pid, run: given["run"])

  defp ask("cost_budget", "state", pid, given, _last) do
    state = CostBudget.state(pid, spender(given))

    accounts =
      Map.new(state.accounts, fn {scope, all} -> {to_string(scope), Wire.strings(all)} end)

    state |> Wire.strings() |> Map.put("accounts", accounts)
  end

  defp wish(given) do
    {timeout, wish} = Map.pop(given["wish"] || %{}, "timeout_ms")
    {class, wish} = Map.pop(wish, "class")
    class = if class, do: [class: String.to_atom(class)], else: []
    key(wish) ++ class ++ [timeout: timeout] ++ names(Map.delete(wish, "key"))
  end

  defp key(%{"key" => key}), do: [key: names(key)]
  defp key(_given), do: []

  defp spender(given) do
    {key, rest} = Map.split(given["spender"] || %{}, ["key"])
    key(key) ++ names(rest)
  end

  defp names(map), do: for({name, value} <- map, do: {String.to_atom(name), value})

  defp raised({:ok, value}), do: {:ok, value}
  defp raised({:error, %Error{} = error}), do: raise(error)
end
