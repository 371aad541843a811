defmodule ClaudeCodeSDK.OrchestratorTest do
  use ExUnit.Case, async: false

  alias ClaudeCodeSDK.{Error, Hooks, Orchestrator, Tool}
  alias ClaudeCodeSDK.Orchestrator.{MapReduce, Outcome, Progress, Race, Stats, Until, Vote}
  alias ClaudeCodeSDK.Permission.Result
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

  defp asking(request) do
    [
      %{await: %{type: "user"}},
      %{init: %{}},
      %{emit: %{type: "control_request", request_id: "r1", request: request}},
      %{await: %{type: "control_response"}, save: "a"},
      %{result: %{result: "$a.response.response.behavior"}}
    ]
  end

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
    test "a function that cannot say whether an answer counts says no, and the log why" do
      server = start()

      log =
        ExUnit.CaptureLog.capture_log(fn ->
          assert {:error, {:no_winner, _}} =
                   Orchestrator.race(["a"],
                     accept: fn _ -> raise "undecided" end,
                     orchestrator: server
                   )
        end)

      assert log =~ "accept" and log =~ "undecided"
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

  describe "functions of tasks" do
    test "each task has its own, and those of the orchestrator where it has none" do
      question = %{
        subtype: "can_use_tool",
        tool_name: "Bash",
        input: %{command: "ls"},
        tool_use_id: "t1"
      }

      server = start(asking(question), options: [can_use_tool: fn _ -> Result.deny("no") end])
      allow = fn %{tool_name: "Bash"} -> Result.allow() end

      assert {:ok, outcomes} =
               Orchestrator.query_parallel(["a", {"b", can_use_tool: allow}, "c"],
                 orchestrator: server
               )

      assert texts(outcomes) == ["deny", "allow", "deny"]
      lazy = Stream.map(["a", {"b", can_use_tool: allow}], & &1)
      assert {:ok, outcomes} = Orchestrator.query_parallel(lazy, orchestrator: server)
      assert texts(outcomes) == ["deny", "allow"]
      steps = [fn nil -> {"a", can_use_tool: allow} end]
      assert {:ok, [%{text: "allow"}]} = Orchestrator.query_pipeline(steps, orchestrator: server)
    end

    test "one that raises is told to the model, which goes on" do
      question = %{subtype: "can_use_tool", tool_name: "Bash", input: %{}, tool_use_id: "t1"}
      server = start(asking(question), options: [can_use_tool: fn _ -> raise "boom" end])
      assert {:ok, %{text: "deny"}} = Orchestrator.run("a", orchestrator: server)
    end

    test "hooks and tools are those of the task" do
      hook = fn %{"tool_name" => name}, _id, _context -> %{"systemMessage" => "saw #{name}"} end

      steps = [
        %{await: %{type: "control_request", request: %{subtype: "initialize"}}, save: "i"},
        %{
          emit: %{
            type: "control_response",
            response: %{subtype: "success", request_id: "$i.request_id", response: %{}}
          }
        },
        %{await: %{type: "user"}},
        %{init: %{}},
        %{
          emit: %{
            type: "control_request",
            request_id: "h1",
            request: %{
              subtype: "hook_callback",
              callback_id: "$i.request.hooks.PreToolUse.0.hookCallbackIds.0",
              input: %{hook_event_name: "PreToolUse", tool_name: "Bash"}
            }
          }
        },
        %{await: %{type: "control_response"}, save: "a"},
        %{result: %{result: "$a.response.response.systemMessage"}}
      ]

      file = Simulator.file(steps, %{initialize: "manual"})

      options =
        Simulator.options(file, hooks: %{pre_tool_use: [Hooks.Matcher.new("Bash", [hook])]})

      server = start()
      assert {:ok, %{text: "saw Bash"}} = Orchestrator.run({"a", options}, orchestrator: server)
    end

    test "a tool of this VM works in a task" do
      add =
        Tool.new("add", "Adds", %{"type" => "object"}, fn %{"a" => a, "b" => b} ->
          {:ok, "#{a + b}"}
        end)

      calc = ClaudeCodeSDK.create_sdk_mcp_server(name: "calc", tools: [add])

      call = %{
        jsonrpc: "2.0",
        id: 7,
        method: "tools/call",
        params: %{name: "add", arguments: %{a: 2, b: 3}}
      }

      steps = [
        %{await: %{type: "user"}},
        %{init: %{}},
        %{
          emit: %{
            type: "control_request",
            request_id: "m1",
            request: %{subtype: "mcp_message", server_name: "calc", message: call}
          }
        },
        %{await: %{type: "control_response", response: %{request_id: "m1"}}, save: "a"},
        %{result: %{result: "$a.response.response.mcp_response.result.content.0.text"}}
      ]

      file = Simulator.file(steps, %{handshake: true, tool_servers: [%{name: "calc", tools: []}]})
      server = start()
      task = {"a", Simulator.options(file, mcp_servers: %{"calc" => calc})}
      assert {:ok, %{text: "5"}} = Orchestrator.run(task, orchestrator: server)
    end
  end

  describe "the orchestrator" do
    test "counts, and counts from nothing again" do
      server = start()
      {:ok, _} = Orchestrator.query_parallel(["a", "b"], orchestrator: server)
      assert %Stats{} = stats = Orchestrator.get_stats(server)
      assert %{total_queries: 2, successful_queries: 2, failed_queries: 0, attempts: 2} = stats
      assert_in_delta stats.total_cost_usd, 0.5, 1.0e-9
      assert_in_delta stats.avg_cost_per_query, 0.25, 1.0e-9
      assert :ok = Orchestrator.reset_stats(server)
      assert Orchestrator.get_stats(server) == %Stats{}
    end

    test "tells those who want to know, before the call returns, and not those who left" do
      server = start()
      :ok = Orchestrator.subscribe(server)
      :ok = Orchestrator.subscribe(server)
      {:ok, _} = Orchestrator.run({"a", nil, name: "first"}, orchestrator: server)
      events = progress(server)
      assert Enum.map(events, & &1.sequence) == Enum.to_list(0..(length(events) - 1))
      assert [:queued, :admitted, :started, :delta, :done] = Enum.map(events, & &1.stage)
      assert %{kind: "run", index: 0, name: "first", flow: 1} = hd(events)
      assert %{data: %{text: "thinking"}} = Enum.at(events, 3)
      assert %{data: %{status: :succeeded, cost_usd: 0.25}} = List.last(events)
      :ok = Orchestrator.unsubscribe(server)
      {:ok, _} = Orchestrator.run("b", orchestrator: server)
      assert Process.info(self(), :messages) == {:messages, []}
    end

    test "limits hold: what may not start in its time is rejected" do
      server = start(@echo, rate_limit: [queries_per_minute: 1])

      assert {:error, {:parallel_failures, [first, second]}} =
               Orchestrator.query_parallel(["a", {"b", nil, timeout: 2_000}],
                 orchestrator: server,
                 max_concurrent: 1
               )

      assert first.success

      assert %{status: :rejected, attempts: 0, error: %Error{code: :rate_limited} = error} =
               second

      assert {:after, wait} = error.retry
      assert wait > 0
      assert %Stats{rejected_queries: 1} = Orchestrator.get_stats(server)
    end

    test "money that is spent is spent" do
      server = start(@echo, budget_usd: 0.2)
      assert {:ok, _} = Orchestrator.run("a", orchestrator: server)

      assert {:error,
              {:query_failed, %{status: :rejected, error: %Error{code: :budget_exceeded}}}} =
               Orchestrator.run("b", orchestrator: server)
    end

    test "a task has a class, and limits that are off may be asked for" do
      server = start(@echo, max_starting: 1, adaptive: [min: 1], shedding: [target_ms: 5_000])
      tasks = [{"a", nil, class: :critical}, {"b", nil, class: :sheddable}]
      assert {:ok, [_, _]} = Orchestrator.query_parallel(tasks, orchestrator: server)

      assert {:error, %Error{code: :invalid_argument, context: %{"field" => "class"}}} =
               Orchestrator.run({"c", nil, class: :urgent}, orchestrator: server)
    end

    test "falls back to another model" do
      overloaded = put_in(@failing, [Access.at(2), :result, :api_error_status], 529)
      good = Simulator.file(@echo)

      server =
        start(overloaded,
          fallbacks: [[model: "haiku", env: %{"MADRIGAL_SIMULATE" => good}]],
          retry: [program_retries: 10]
        )

      assert {:ok, %{text: "a", fallback: 1}} = Orchestrator.run("a", orchestrator: server)
    end

    test "wrong configurations are refused by name, and harm nobody" do
      for {config, field} <- [
            {[max_concurrent: 0], "max_concurrent"},
            {[max_councurrent: 3], "max_councurrent"},
            {[rate_limit: [per_minute: 0]], "rate_limit.per_minute"},
            {[rate_limit: :fast], "rate_limit"},
            {[circuit_breaker: [half_open_requests: 0]], "circuit_breaker.success_threshold"},
            {[budget_usd: -1], "budget.total_usd"},
            {[options: [max_truns: 1]], "max_truns"},
            {[options: [stderr: &IO.puts/1]], "stderr"}
          ] do
        assert {:error, %Error{code: :invalid_options} = error} =
                 Orchestrator.start_link([name: nil] ++ config)

        assert Exception.message(error) =~ field
      end

      assert Process.info(self(), :messages) == {:messages, []}
    end

    test "is there without being started, and makes room for one that is" do
      assert Process.whereis(Orchestrator) == nil
      options = Simulator.options(@echo)
      assert {:ok, [%{text: "a"}]} = Orchestrator.query_parallel([{"a", options}])
      assert Orchestrator.get_stats().total_queries >= 1
      config = [max_concurrent: 2, options: options]
      pid = start_supervised!({Orchestrator, config})
      assert Process.whereis(Orchestrator) == pid
      assert {:ok, [%{text: "b"}]} = Orchestrator.query_parallel(["b"])
      assert %Stats{total_queries: 1} = Orchestrator.get_stats(pid)
      assert %Stats{total_queries: 1} = Orchestrator.get_stats()
      assert Orchestrator.reset_stats() == :ok
    end

    test "variables that were set in the VM reach the programs" do
      said = [
        %{await: %{type: "user"}},
        %{init: %{}},
        %{result: %{result: "$env.MADRIGAL_TEST_WORD"}}
      ]

      server = start(said)
      System.put_env("MADRIGAL_TEST_WORD", "heron")
      on_exit(fn -> System.delete_env("MADRIGAL_TEST_WORD") end)
      assert {:ok, %{text: "heron"}} = Orchestrator.run("a", orchestrator: server)
      own = [env: %{"MADRIGAL_TEST_WORD" => "egret"}]
      assert {:ok, %{text: "egret"}} = Orchestrator.run({"a", own}, orchestrator: server)
    end
  end

  describe "the end" do
    test "a caller that dies gives up its call" do
      server = start(Simulator.hanging())
      :ok = Orchestrator.subscribe(server)
      caller = spawn(fn -> Orchestrator.query_parallel(["a", "b"], orchestrator: server) end)
      running(server, 2)
      Process.exit(caller, :kill)
      assert Simulator.eventually(fn -> Simulator.children() == [] end)
      assert Process.alive?(server)
    end

    test "an orchestrator that is killed leaves nothing, and its callers hear of it" do
      config = [name: nil, options: Simulator.options(Simulator.hanging())]
      {:ok, server} = Orchestrator.start_link(config)
      Process.unlink(server)
      :ok = Orchestrator.subscribe(server)
      call = Task.async(fn -> Orchestrator.run("a", orchestrator: server) end)
      running(server, 1)
      Process.exit(server, :kill)
      assert {:error, %Error{code: :closed}} = Task.await(call)
      assert Simulator.eventually(fn -> Simulator.children() == [] end)
      assert {:error, %Error{code: :closed}} = Orchestrator.run("a", orchestrator: server)
      assert_raise Error, fn -> Orchestrator.get_stats(server) end
    end

    @tag :capture_log
    test "stopping gives up all calls, whose functions are killed" do
      test = self()
      {:ok, server} = Orchestrator.start_link(name: nil, options: Simulator.options(@echo))

      waits = fn _ ->
        send(test, {:waits, self()})
        receive do: (:never -> :ok)
      end

      calls = [
        Task.async(fn -> Orchestrator.query_pipeline([waits], orchestrator: server) end),
        Task.async(fn ->
          Enum.to_list(
            Orchestrator.stream_parallel(Stream.map(1..1, waits), orchestrator: server)
          )
        end)
        |> tap(&Process.unlink(&1.pid))
      ]

      pids =
        for _ <- calls do
          assert_receive {:waits, pid}, 60_000
          {pid, Process.monitor(pid)}
        end

      assert :ok = Orchestrator.stop(server)
      assert :ok = Orchestrator.stop(server)
      for {pid, monitor} <- pids, do: assert_receive({:DOWN, ^monitor, _, ^pid, :killed}, 60_000)
      assert {:error, %Error{code: :closed}} = Task.await(hd(calls))
      assert {:exit, {%Error{code: :closed}, _}} = Task.yield(List.last(calls), 60_000)
    end
  end

  defp progress(server) do
    receive do
      {:orchestrator_progress, ^server, event} -> [event | progress(server)]
    after
      0 -> []
    end
  end

  # Waits until so many programs have been started.
  defp running(_server, 0), do: :ok

  defp running(server, count) do
    assert_receive {:orchestrator_progress, ^server, %Progress{stage: :started}}, 60_000
    running(server, count - 1)
  end
end
