defmodule ClaudeCodeSDK.OrchestratorTest do
  use ExUnit.Case, async: false

  alias ClaudeCodeSDK.{Error, Orchestrator}
  alias ClaudeCodeSDK.Orchestrator.{MapReduce, Outcome, Progress, Race, Stats, Until, Vote}
  alias ClaudeCodeSDK.Test.Simulator

  # Says what it was asked.
  @echo [
    %{await: %{type: "user"}, save: "p"},
    %{init: %{}},
    %{text: %{text: "thinking"}},
    %{result: %{result: "$p.message.content", total_cost_usd: 0.25}}
  ]

  @failing [
    %{await: %{type: "user"}},
    %{init: %{}},
    %{
      result: %{
        is_error: true,
        result: "the API said no",
        api_error_status: 500,
        terminal_reason: "api_error"
      }
    }
  ]

  defp start(steps \\ @echo, config \\ []) do
    {more, config} = Keyword.pop(config, :options, [])
    config = [name: nil, rate_limit: nil, options: Simulator.options(steps, more)] ++ config
    start_supervised!({Orchestrator, config}, id: make_ref())
  end

  defp playing(steps), do: Simulator.options(steps)

  defp statuses(outcomes), do: Enum.map(outcomes, & &1.status)
  defp texts(outcomes), do: Enum.map(outcomes, & &1.text)

  describe "query_parallel" do
    test "gives outcomes in the order of the tasks, with all that is known of them" do
      server = start()
      tasks = ["a", {"b", model: "opus"}, {"c", nil, name: "the third"}]
      assert {:ok, outcomes} = Orchestrator.query_parallel(tasks, orchestrator: server)
      assert texts(outcomes) == ["a", "b", "c"]
      assert [%Outcome{} = first, second, third] = outcomes
      assert %{index: 0, prompt: "a", success: true, cost: 0.25, errors: [], error: nil} = first
      assert %{status: :succeeded, attempts: 1, fallback: 0} = first
      assert is_binary(first.session_id) and is_integer(first.duration_ms)
      assert first.usage.input_tokens >= 0
      assert :result in Enum.map(first.messages, & &1.type)
      assert second.prompt == "b"
      assert %{name: "the third", prompt: "c", index: 2} = third
      assert Outcome.text(third) == {:ok, "c"}
    end

    test "one that fails does not take the others with it" do
      server = start()
      tasks = ["a", {"b", playing(@failing)}, "c"]

      assert {:error, {:parallel_failures, outcomes}} =
               Orchestrator.query_parallel(tasks, orchestrator: server)

      assert statuses(outcomes) == [:succeeded, :failed, :succeeded]
      assert %{success: false, errors: [error], error: error} = Enum.at(outcomes, 1)
      assert %Error{code: :turn_failed, context: %{"api_error_status" => 500}} = error
      assert {:error, ^error} = Outcome.text(Enum.at(outcomes, 1))
    end

    test "fails fast, or tolerates some" do
      tasks = [{"a", playing(@failing)}, {"b", playing(@failing)}, "c"]

      given = fn server, on_error ->
        [orchestrator: server, max_concurrent: 1, on_error: on_error]
      end

      server = start()

      assert {:error, {:parallel_failures, outcomes}} =
               Orchestrator.query_parallel(tasks, given.(server, :fail_fast))

      assert statuses(outcomes) == [:failed, :skipped, :skipped]
      assert Enum.map(outcomes, & &1.prompt) == ["a", "b", "c"]

      assert {:error, {:parallel_failures, outcomes}} =
               Orchestrator.query_parallel(tasks, given.(server, {:tolerate, 1}))

      assert statuses(outcomes) == [:failed, :failed, :skipped]
    end

    test "an enumerable is walked as places become free, and let go of at the end" do
      server = start()
      test = self()

      source =
        Stream.resource(
          fn -> 0 end,
          fn
            6 -> {:halt, 6}
            n -> {["task #{n}"], n + 1}
          end,
          fn n -> send(test, {:let_go, n}) end
        )

      assert {:ok, outcomes} = Orchestrator.query_parallel(source, orchestrator: server)
      assert texts(outcomes) == for(n <- 0..5, do: "task #{n}")
      assert Enum.map(outcomes, & &1.prompt) == texts(outcomes)
      assert_receive {:let_go, 6}
    end

    test "an enumerable that fails, and one that gives nonsense, are outcomes" do
      server = start()

      failing =
        Stream.map(1..5, fn
          3 -> raise "no third"
          n -> "task #{n}"
        end)

      assert {:error, {:parallel_failures, outcomes}} =
               Orchestrator.query_parallel(failing, orchestrator: server)

      assert statuses(outcomes) == [:succeeded, :succeeded, :failed]
      assert %Error{code: :callback, message: message} = List.last(outcomes).error
      assert message =~ "no third"

      nonsense = Stream.map(1..1, fn _ -> {"a", max_truns: 3} end)

      assert {:error, {:parallel_failures, [%{status: :failed, error: error}]}} =
               Orchestrator.query_parallel(nonsense, orchestrator: server)

      assert error.message =~ "did you mean max_turns"
    end

    test "a source that is killed ends its call" do
      server = start()
      source = Stream.map(1..2, fn _ -> Process.exit(self(), :kill) end)

      assert {:error, {:parallel_failures, [%{error: %Error{code: :callback}}]}} =
               Orchestrator.query_parallel(source, orchestrator: server)

      assert {:ok, [_]} = Orchestrator.query_parallel(["a"], orchestrator: server)
    end

    test "what cannot work is refused before anything starts" do
      server = start()
      given = [orchestrator: server]

      assert {:error, %Error{code: :invalid_options} = error} =
               Orchestrator.query_parallel(["a", {"b", max_truns: 1}], given)

      assert error.message =~ "max_turns"

      assert {:error, %Error{code: :invalid_options, context: %{"field" => "stderr"}}} =
               Orchestrator.query_parallel([{"a", stderr: &IO.puts/1}], given)

      assert {:error, %Error{code: :invalid_argument}} =
               Orchestrator.query_parallel([{"a", nil, idempotnet: {1, 2}}], given)

      assert {:error, %Error{code: :invalid_argument}} =
               Orchestrator.query_parallel(["a"], max_councurrent: 1)

      assert {:error, %Error{code: :invalid_argument}} =
               Orchestrator.query_parallel(["a"], [on_error: :ignore] ++ given)

      assert %Stats{total_queries: 0} = Orchestrator.get_stats(server)
    end

    test "a task that has no time left is timed out" do
      server = start()
      tasks = [{"a", playing(Simulator.hanging()), timeout: 300}, "b"]

      assert {:error, {:parallel_failures, [slow, quick]}} =
               Orchestrator.query_parallel(tasks, orchestrator: server)

      assert %{status: :timed_out, error: %Error{code: :timeout}} = slow
      assert quick.success
    end

    test "a hundred side by side" do
      server = start(@echo, max_concurrent: 20)
      tasks = for n <- 1..100, do: "task #{n}"
      assert {:ok, outcomes} = Orchestrator.query_parallel(tasks, orchestrator: server)
      assert texts(outcomes) == tasks
      assert %Stats{successful_queries: 100} = Orchestrator.get_stats(server)
    end
  end

  describe "stream_parallel" do
    test "outcomes come as they are there" do
      server = start()
      slow = List.insert_at(@echo, 1, %{pause_ms: 400})
      tasks = [{"slow", playing(slow)}, "quick"]
      stream = Orchestrator.stream_parallel(tasks, orchestrator: server)
      assert texts(stream) == ["quick", "slow"]
      assert Process.info(self(), :messages) == {:messages, []}
    end

    test "no more is taken than was read, and stopping early gives up the rest" do
      server = start(@echo, max_concurrent: 2)
      taken = :counters.new(1, [])

      source =
        Stream.map(Stream.iterate(1, &(&1 + 1)), fn n ->
          :counters.add(taken, 1, 1)
          "task #{n}"
        end)

      stream = Orchestrator.stream_parallel(source, orchestrator: server)
      assert [first | _] = all = Enum.take(stream, 5)
      assert length(all) == 5 and first.success
      # Read, running, and waiting to be read.
      assert :counters.get(taken, 1) <= 5 + 2 + 2 + 2
      assert Simulator.eventually(fn -> Simulator.children() == [] end)
      assert {:ok, [_]} = Orchestrator.query_parallel(["a"], orchestrator: server)
    end

    test "a consumer that fails gives up the call, and wrong tasks are raised" do
      server = start()

      assert_raise RuntimeError, fn ->
        [{"a", playing(Simulator.hanging())}, "b"]
        |> Orchestrator.stream_parallel(orchestrator: server)
        |> Enum.each(fn _ -> raise "enough" end)
      end

      assert Simulator.eventually(fn -> Simulator.children() == [] end)

      assert_raise Error, ~r/max_turns/, fn ->
        Enum.to_list(Orchestrator.stream_parallel([{"a", max_truns: 1}], orchestrator: server))
      end
    end
  end

  describe "query_pipeline" do
    test "tells each step what was said, or lets a function say it" do
      server = start()

      steps = ["one", "two", fn %Outcome{text: text} -> "after (#{text})" end]

      assert {:ok, [first, second, third]} =
               Orchestrator.query_pipeline(steps, orchestrator: server)

      assert second.text == "Context from previous step:\n#{first.text}\n\nNow: two"
      assert third.text == "after (#{second.text})"
      assert Enum.map([first, second, third], & &1.prompt) == ["one", "two", third.text]

      assert {:ok, outcomes} =
               Orchestrator.query_pipeline(["one", "two"],
                 use_context: false,
                 orchestrator: server
               )

      assert texts(outcomes) == ["one", "two"]
    end

    test "stops at a step that fails, unless it is told not to" do
      server = start()
      steps = ["one", {"two", playing(@failing)}, "three"]

      assert {:error, {:step_failed, "two", outcomes}} =
               Orchestrator.query_pipeline(steps, orchestrator: server)

      assert statuses(outcomes) == [:succeeded, :failed, :skipped]

      assert {:ok, outcomes} =
               Orchestrator.query_pipeline(steps, stop_on_error: false, orchestrator: server)

      assert statuses(outcomes) == [:succeeded, :failed, :succeeded]
    end

    test "a function that raises, or is killed, fails its step" do
      server = start()

      for {step, said} <- [
            {fn _ -> raise "no step" end, "no step"},
            {fn _ -> Process.exit(self(), :kill) end, "killed"},
            {fn _ -> {"a", max_truns: 1} end, "max_turns"}
          ] do
        assert {:error, {:step_failed, nil, [first, failed]}} =
                 Orchestrator.query_pipeline([fn nil -> "first" end, step], orchestrator: server)

        assert first.success
        assert %Error{code: :callback} = failed.error
        assert failed.error.message =~ said
      end
    end
  end

  describe "run and query_with_retry" do
    test "run gives one outcome" do
      server = start()
      assert {:ok, %Outcome{text: "a"}} = Orchestrator.run("a", orchestrator: server)

      assert {:error, {:query_failed, %Outcome{attempts: 1, status: :failed}}} =
               Orchestrator.run({"a", playing(@failing)}, orchestrator: server)
    end

    test "retries belong to the orchestrator: the program is told to do none" do
      server = start(@failing)
      :ok = Orchestrator.subscribe(server)

      assert {:error, {:max_retries_exceeded, %Outcome{attempts: 3, prompt: "a"} = outcome}} =
               Orchestrator.query_with_retry("a", nil,
                 max_retries: 2,
                 backoff_ms: 10,
                 exponential: true,
                 orchestrator: server
               )

      assert %Error{code: :turn_failed} = outcome.error
      assert_received {:orchestrator_progress, ^server, %Progress{stage: :retry, data: data}}
      assert %{attempt: 2, resume: false, error: %Error{code: :turn_failed}} = data

      told = [
        %{await: %{type: "user"}},
        %{init: %{}},
        %{result: %{result: "$env.CLAUDE_CODE_MAX_RETRIES"}}
      ]

      assert {:ok, %Outcome{text: "0"}} =
               Orchestrator.query_with_retry("a", playing(told), orchestrator: server)
    end

    test "what trying again cannot help is not tried again" do
      server =
        start([
          %{await: %{type: "user"}},
          %{result: %{subtype: "error_max_turns", is_error: true}}
        ])

      assert {:error, {:query_failed, %Outcome{attempts: 1}}} =
               Orchestrator.query_with_retry("a", [], backoff_ms: 1, orchestrator: server)
    end
  end

  describe "race, vote, map_reduce, until" do
    test "the first acceptable answer wins" do
      server = start()
      hanging = {"slow", playing(Simulator.hanging())}

      assert {:ok, %Race{winner: %{text: "b"}, outcomes: outcomes}} =
               Orchestrator.race(["a", "b", hanging],
                 accept: &(&1.prompt == "b"),
                 orchestrator: server
               )

      # The first may be slower than the second, and is then given up.
      assert [_, :succeeded, :cancelled] = statuses(outcomes)

      assert {:error, {:no_winner, %Race{winner: nil, outcomes: [_, _]}}} =
               Orchestrator.race(["a", "b"], accept: fn _ -> false end, orchestrator: server)

      assert {:ok, %Race{winner: %{text: "a"}}} = Orchestrator.race(["a"], orchestrator: server)

      assert {:error, %Error{code: :invalid_argument, context: %{"field" => "accept"}}} =
               Orchestrator.race(["a"], accept: :yes, orchestrator: server)
    end

    test "a second attempt is made for an answer that is late, and only then" do
      server = start()
      hanging = {"slow", playing(Simulator.hanging())}

      assert {:ok, %Race{winner: %{text: "b"}, outcomes: [%{status: :cancelled}, _]}} =
               Orchestrator.race([hanging, "b"], stagger_ms: 20, orchestrator: server)

      assert {:ok, %Race{winner: %{text: "a"}, outcomes: [_, %{status: :skipped}]}} =
               Orchestrator.race(["a", "b"], stagger_ms: 60_000, orchestrator: server)
    end

    @tag :capture_log
    test "a function that cannot say whether an answer counts ends the call, which says why" do
      server = start()
      undecided = fn _ -> raise "undecided" end
      options = [orchestrator: server]

      for reply <- [
            Orchestrator.race(["a"], [accept: undecided] ++ options),
            Orchestrator.vote(["a"], [ballot: undecided] ++ options)
          ] do
        assert {:error, %Error{code: :callback} = error} = reply
        assert Exception.message(error) =~ "undecided"
      end
    end

    test "what most say is taken" do
      server = start()

      assert {:ok, %Vote{ballot: "yes", winner: %{index: 0}} = vote} =
               Orchestrator.vote(["Yes.", "no", "YES"], orchestrator: server)

      assert vote.counts["yes"] == 2
      assert_in_delta vote.agreement, 2 / 3, 1.0e-9

      assert {:error, {:no_quorum, %Vote{ballot: nil, error: %Error{}} = vote}} =
               Orchestrator.vote(["yes", "no"],
                 quorum: :unanimous,
                 ballot: & &1.text,
                 orchestrator: server
               )

      assert length(vote.outcomes) == 2
    end

    test "answers are brought together" do
      server = start()
      reduce = fn outcomes -> Enum.map_join(outcomes, "+", & &1.text) end

      assert {:ok, %MapReduce{} = all} =
               Orchestrator.map_reduce(~w(a b c d), reduce, fan_in: 2, orchestrator: server)

      assert %{text: "a+b+c+d", prompt: "a+b+c+d"} = all.outcome
      assert texts(all.mapped) == ~w(a b c d)
      assert texts(all.reduced) == ~w(a+b c+d)

      assert {:error, {:not_reduced, %MapReduce{outcome: nil, error: %Error{code: :callback}}}} =
               Orchestrator.map_reduce(["a"], fn _ -> raise "no" end, orchestrator: server)
    end

    test "a session is asked until its answer is good" do
      server = start()

      judge = fn
        %{index: 2} -> :done
        %{text: text} -> {:again, text <> "!"}
      end

      assert {:ok, %Until{done: true, error: nil, outcomes: outcomes}} =
               Orchestrator.until("a", 5, judge, orchestrator: server)

      assert texts(outcomes) == ["a", "a!", "a!!"]
      assert Enum.map(outcomes, & &1.prompt) == ["a", "a!", "a!!"]

      assert {:error, {:not_done, %Until{done: false, error: %Error{}, outcomes: [_, _]}}} =
               Orchestrator.until("a", 2, fn _ -> {:again, "b"} end, orchestrator: server)

      assert {:error, {:not_done, %Until{error: %Error{code: :callback}}}} =
               Orchestrator.until("a", 2, fn _ -> :maybe end, orchestrator: server)
    end
  end
end
