defmodule ClaudeCodeSDK.OrchestratorLifeTest do
  use ExUnit.Case, async: false

  alias ClaudeCodeSDK.{Error, Hooks, Orchestrator, Tool}
  alias ClaudeCodeSDK.Orchestrator.{Progress, Stats}
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

  defp asking(request) do
    [
      %{await: %{type: "user"}},
      %{init: %{}},
      %{emit: %{type: "control_request", request_id: "r1", request: request}},
      %{await: %{type: "control_response"}, save: "a"},
      %{result: %{result: "$a.response.response.behavior"}}
    ]
  end

  defp texts(outcomes), do: Enum.map(outcomes, & &1.text)

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

    test "stopping returns when the programs are gone" do
      {:ok, server} =
        Orchestrator.start_link(name: nil, options: Simulator.options(Simulator.hanging()))

      :ok = Orchestrator.subscribe(server)
      call = Task.async(fn -> Orchestrator.query_parallel(["a", "b"], orchestrator: server) end)
      running(server, 2)
      assert length(Simulator.children()) == 2
      assert :ok = Orchestrator.stop(server)
      assert Simulator.children() == []
      assert {:error, %Error{code: :closed}} = Task.await(call)
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
