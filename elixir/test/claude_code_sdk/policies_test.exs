defmodule ClaudeCodeSDK.PoliciesTest do
  use ExUnit.Case, async: true

  alias ClaudeCodeSDK.{CircuitBreaker, CostBudget, Error, RateLimiter}

  defp start(module, settings), do: start_supervised!({module, [name: nil] ++ settings})

  # What is waited for here comes at once; a minute is a failure.
  defp await(task), do: Task.await(task, 60_000)

  describe "RateLimiter" do
    test "lets so many start in a minute, and says how long to wait" do
      limiter = start(RateLimiter, queries_per_minute: 2)
      assert :ok = RateLimiter.check_and_wait(limiter)
      assert {:ok, _permit} = RateLimiter.try_acquire(limiter)
      assert {:wait, wait} = RateLimiter.try_acquire(limiter)
      assert wait in 1..60_000
      # Another key is counted by itself.
      assert {:ok, _permit} = RateLimiter.try_acquire(limiter, key: [model: "opus"])
      assert %{last_minute: 2, waiting: 0, closed_ms: nil} = RateLimiter.state(limiter)
      assert %{last_minute: 1} = RateLimiter.state(limiter, key: [model: "opus"])
    end

    test "who cannot start in his time hears of it at once" do
      limiter = start(RateLimiter, per_minute: 1)
      assert :ok = RateLimiter.check_and_wait(limiter)
      assert {:error, :rate_limited} = RateLimiter.check_and_wait(limiter, timeout: 5_000)

      assert {:error, %Error{code: :rate_limited, retry: {:after, wait}}} =
               RateLimiter.acquire(limiter, timeout: 5_000)

      assert wait in 1..60_000
    end

    test "waits in order, and does not keep others from asking" do
      limiter = start(RateLimiter, per_minute: 1)
      {:ok, permit} = RateLimiter.acquire(limiter)
      waiting = Task.async(fn -> RateLimiter.check_and_wait(limiter) end)
      assert eventually(fn -> RateLimiter.state(limiter).waiting == 1 end)
      assert :ok = RateLimiter.refund(limiter, permit)
      assert :ok = await(waiting)
      assert :ok = RateLimiter.refund(limiter, permit)
      assert {:wait, _} = RateLimiter.try_acquire(limiter)
    end

    test "a caller that dies waits no more" do
      limiter = start(RateLimiter, per_minute: 1)
      :ok = RateLimiter.check_and_wait(limiter)
      caller = spawn(fn -> RateLimiter.check_and_wait(limiter) end)
      assert eventually(fn -> RateLimiter.state(limiter).waiting == 1 end)
      Process.exit(caller, :kill)
      assert eventually(fn -> RateLimiter.state(limiter).waiting == 0 end)
    end

    test "one that is stopped tells those who wait" do
      {:ok, limiter} = RateLimiter.start_link(name: nil, per_minute: 1)
      :ok = RateLimiter.check_and_wait(limiter)
      waiting = Task.async(fn -> RateLimiter.check_and_wait(limiter) end)
      assert eventually(fn -> RateLimiter.state(limiter).waiting == 1 end)
      GenServer.stop(limiter)
      assert {:error, %Error{code: :closed}} = await(waiting)
      assert {:error, %Error{code: :closed}} = RateLimiter.check_and_wait(limiter)
      assert_raise Error, fn -> RateLimiter.state(limiter) end
    end

    test "counts tokens, and heeds what a server says" do
      limiter = start(RateLimiter, tokens_per_minute: 1_000)
      {:ok, permit} = RateLimiter.acquire(limiter, tokens: 900, class: :critical)
      assert {:wait, _} = RateLimiter.try_acquire(limiter, tokens: 900)
      assert :ok = RateLimiter.settle_tokens(limiter, permit, 50)
      assert {:ok, _} = RateLimiter.try_acquire(limiter, tokens: 900)
      assert :ok = RateLimiter.feedback(limiter, :answered)
      assert :ok = RateLimiter.feedback(limiter, {:throttled, 2_000})
      assert RateLimiter.state(limiter).share < 1
      assert :ok = RateLimiter.feedback(limiter, {:closed, 900_000}, key: [model: "opus"])
      assert RateLimiter.state(limiter, key: [model: "opus"]).closed_ms > 800_000
    end

    test "a bucket lets a burst start at once" do
      limiter = start(RateLimiter, per_minute: 60, per_hour: nil, burst: 3)
      for _ <- 1..3, do: assert({:ok, _} = RateLimiter.try_acquire(limiter))
      assert {:wait, wait} = RateLimiter.try_acquire(limiter)
      assert wait in 1..1_000
    end
  end

  describe "CircuitBreaker" do
    test "opens after so many failures in a row, and rejects" do
      breaker = start(CircuitBreaker, failure_threshold: 5)
      assert CircuitBreaker.state(breaker) == :closed
      for _ <- 1..4, do: CircuitBreaker.record_failure(breaker)
      assert %{consecutive_failures: 4, failures: 4} = CircuitBreaker.info(breaker)
      assert CircuitBreaker.allow_request?(breaker)
      assert :ok = CircuitBreaker.record_failure(breaker)
      assert CircuitBreaker.state(breaker) == :open
      refute CircuitBreaker.allow_request?(breaker)
      assert %{openings: 1, retry_after_ms: wait} = CircuitBreaker.info(breaker)
      assert wait in 1..60_000
      assert :ok = CircuitBreaker.reset(breaker)
      assert CircuitBreaker.state(breaker) == :closed
    end

    test "is half open after its time, and successes close it" do
      breaker = start(CircuitBreaker, failure_threshold: 1, timeout_ms: 1, half_open_requests: 2)

      CircuitBreaker.record_failure(breaker)
      assert eventually(fn -> CircuitBreaker.allow_request?(breaker) end)
      assert CircuitBreaker.state(breaker) == :half_open
      refute CircuitBreaker.allow_request?(breaker)
      CircuitBreaker.record_success(breaker)
      assert CircuitBreaker.allow_request?(breaker)
      CircuitBreaker.record_success(breaker)
      assert CircuitBreaker.state(breaker) == :closed
    end

    test "calls a function, and not when it is open" do
      breaker = start(CircuitBreaker, failure_threshold: 2)
      assert CircuitBreaker.call(breaker, fn -> :fine end) == :fine
      assert CircuitBreaker.call(breaker, fn -> {:error, :down} end) == {:error, :down}
      assert_raise RuntimeError, fn -> CircuitBreaker.call(breaker, fn -> raise "down" end) end

      assert {:error, %Error{code: :circuit_open, retry: {:after, _}} = error} =
               CircuitBreaker.call(breaker, fn -> flunk("it was called") end)

      assert Exception.message(error) =~ "Circuit breaker open, service degraded"
    end

    test "what says nothing about the other side is not counted" do
      breaker = start(CircuitBreaker, failure_threshold: 1)
      wrong = {:error, %Error{code: :invalid_options}}
      assert CircuitBreaker.call(breaker, fn -> wrong end) == wrong
      assert CircuitBreaker.call(breaker, fn -> :no end, verdict: fn :no -> :ignored end) == :no
      assert CircuitBreaker.state(breaker) == :closed
      late = {:error, %Error{code: :rate_limited, retry: {:after, 200_000}}}
      assert CircuitBreaker.call(breaker, fn -> late end) == late
      assert CircuitBreaker.info(breaker).retry_after_ms > 100_000
    end

    test "a probe whose process died makes way for another" do
      breaker = start(CircuitBreaker, failure_threshold: 1, timeout_ms: 1)
      CircuitBreaker.record_failure(breaker)
      test = self()

      probe = fn ->
        send(test, :probing)
        Process.sleep(:infinity)
      end

      caller =
        spawn(fn ->
          eventually(fn ->
            not match?({:error, %Error{}}, CircuitBreaker.call(breaker, probe))
          end)
        end)

      assert_receive :probing, 60_000
      assert {:error, %Error{}} = CircuitBreaker.call(breaker, fn -> :second end)
      Process.exit(caller, :kill)
      assert eventually(fn -> CircuitBreaker.call(breaker, fn -> :next end) == :next end)
    end

    test "a ticket by itself, whose verdict comes too late" do
      breaker = start(CircuitBreaker, failure_threshold: 1)
      assert {:ok, first} = CircuitBreaker.try_request(breaker)
      assert {:ok, late} = CircuitBreaker.try_request(breaker)
      assert :ok = CircuitBreaker.finish(breaker, first, {:failure, 200_000})
      assert {:error, %Error{code: :circuit_open}} = CircuitBreaker.try_request(breaker)
      assert :ok = CircuitBreaker.finish(breaker, late, :success)
      assert CircuitBreaker.state(breaker) == :open
    end

    test "somebody may know better" do
      breaker = start(CircuitBreaker, [])
      assert :ok = CircuitBreaker.force(breaker, :open)
      refute CircuitBreaker.allow_request?(breaker)
      assert %{forced: :open} = CircuitBreaker.info(breaker)
      assert :ok = CircuitBreaker.force(breaker, nil)
      assert CircuitBreaker.allow_request?(breaker)
    end
  end

  describe "CostBudget" do
    test "holds money before it is spent, and gives back what was not" do
      budget = start(CostBudget, total_usd: 1.0)
      assert {:ok, held} = CostBudget.reserve(budget, 0.5, margin_usd: 0.25)

      assert {:error, %Error{code: :budget_exceeded, context: %{"scope" => "global"}}} =
               CostBudget.reserve(budget, 0.5)

      assert %{accounts: %{global: %{held_usd: 0.75, limit_usd: 1.0}}} = CostBudget.state(budget)
      assert :ok = CostBudget.observe(budget, held, 0.1)
      assert {:error, %Error{code: :budget_exceeded}} = CostBudget.observe(budget, held, 1.5)
      assert :ok = CostBudget.settle(budget, held, 0.25)
      assert {:ok, _} = CostBudget.reserve(budget, 0.5)
      assert %{total_spent_usd: 0.25} = CostBudget.state(budget)
    end

    test "what nobody knows stays charged until it is known" do
      budget = start(CostBudget, key_hour_usd: 1.0)
      spender = [key: [credential: "mine"]]
      {:ok, held} = CostBudget.reserve(budget, 0.5, spender)
      assert :ok = CostBudget.uncertain(budget, held, 0.75)
      assert %{uncertain_usd: 0.75} = CostBudget.state(budget, spender)
      assert {:error, %Error{}} = CostBudget.reserve(budget, 0.5, spender)
      assert {:ok, _} = CostBudget.reserve(budget, 0.5, key: [credential: "other"])
      assert :ok = CostBudget.settle(budget, held, 0.25)
      assert %{uncertain_usd: nothing} = CostBudget.state(budget, spender)
      assert nothing == 0
      assert {:ok, _} = CostBudget.reserve(budget, 0.5, spender)
    end

    test "limits of flows and runs, by name" do
      budget = start(CostBudget, flow_usd: 1.0)
      assert {:error, %Error{}} = CostBudget.reserve(budget, 2.0, flow: "nightly")
      assert :ok = CostBudget.limit(budget, [flow: "nightly"], 3.0)
      assert :ok = CostBudget.limit(budget, [run: "first"], 0.5)
      assert {:ok, held} = CostBudget.reserve(budget, 2.0, flow: "nightly")

      assert {:error, %Error{context: %{"scope" => "run"}}} =
               CostBudget.reserve(budget, 1.0, flow: "nightly", run: "first")

      assert :ok = CostBudget.settle(budget, held, 2.0)
      assert :ok = CostBudget.forget(budget, run: "first")
      assert :ok = CostBudget.forget(budget, flow: "nightly")
      assert {:ok, _} = CostBudget.reserve(budget, 1.0, flow: "nightly", run: "first")
    end

    test "goes on after a restart where it is told a file" do
      name = "madrigal-ledger-#{System.pid()}-#{System.unique_integer([:positive])}"
      folder = Path.join(System.tmp_dir!(), name)
      File.mkdir_p!(folder)
      on_exit(fn -> File.rm_rf!(folder) end)
      ledger = Path.join(folder, "ledger")
      settings = [name: nil, total_usd: 1.0, ledger: ledger]
      {:ok, budget} = CostBudget.start_link(settings)
      {:ok, held} = CostBudget.reserve(budget, 0.5)
      :ok = CostBudget.settle(budget, held, 0.25)
      assert {:error, %Error{}} = CostBudget.start_link(settings)
      GenServer.stop(budget)
      {:ok, budget} = CostBudget.start_link(settings)
      assert %{total_spent_usd: 0.25} = CostBudget.state(budget)
      GenServer.stop(budget)
    end

    test "tells when a limit comes near" do
      budget = start(CostBudget, total_usd: 1.0)
      assert :ok = CostBudget.subscribe(budget)
      {:ok, held} = CostBudget.reserve(budget, 0.9)
      :ok = CostBudget.settle(budget, held, 0.85)
      assert_receive {:cost_budget_mark, ^budget, mark}, 60_000
      assert %{scope: "global", name: "", percent: 80, spent_usd: 0.85, limit_usd: 1.0} = mark
    end

    test "one that is killed leaves its file to the next" do
      name = "madrigal-ledger-#{System.pid()}-#{System.unique_integer([:positive])}"
      ledger = Path.join(System.tmp_dir!(), name)
      on_exit(fn -> for file <- Path.wildcard(ledger <> "*"), do: File.rm!(file) end)
      settings = [name: nil, total_usd: 1.0, ledger: ledger]
      {:ok, budget} = CostBudget.start_link(settings)
      Process.unlink(budget)
      Process.exit(budget, :kill)
      assert eventually(fn -> match?({:ok, _}, CostBudget.start_link(settings)) end)
    end

    test "amounts that are none are refused by name" do
      budget = start(CostBudget, [])

      assert {:error, %Error{code: :invalid_argument, context: %{"field" => "cap_usd"}}} =
               CostBudget.reserve(budget, -1)

      assert {:error, %Error{code: :invalid_argument}} = CostBudget.settle(budget, 1, :much)
    end
  end

  test "each has a name when it is given none, and can be left out of the call" do
    for module <- [RateLimiter, CircuitBreaker, CostBudget] do
      pid = start_supervised!(module)
      assert Process.whereis(module) == pid
    end

    assert :ok = RateLimiter.check_and_wait()
    assert %{last_minute: 1} = RateLimiter.state()
    assert CircuitBreaker.call(fn -> :fine end) == :fine
    assert CircuitBreaker.state() == :closed
    assert {:ok, held} = CostBudget.reserve(0.5)
    assert :ok = CostBudget.settle(held, 0.5)
  end

  test "one that is not there says how to start it" do
    assert {:error, %Error{code: :closed} = error} = RateLimiter.check_and_wait(__MODULE__.None)
    assert error.message =~ "under a supervisor"
  end

  test "settings that cannot work are refused by name, and harm nobody" do
    for {module, settings, field} <- [
          {RateLimiter, [queries_per_minute: 0], "rate_limit.per_minute"},
          {RateLimiter, [per_second: 1], "per_second"},
          {CircuitBreaker, [half_open_requests: 0], "circuit_breaker.success_threshold"},
          {CostBudget, [total_usd: -1], "budget.total_usd"},
          {CostBudget, [total_usd: {1, 2}], "total_usd"}
        ] do
      assert {:error, %Error{code: :invalid_options} = error} =
               module.start_link([name: nil] ++ settings)

      assert Exception.message(error) =~ field
    end

    assert Process.info(self(), :messages) == {:messages, []}
  end

  defp eventually(condition), do: ClaudeCodeSDK.Test.Simulator.eventually(condition)
end
