defmodule ClaudeCodeSDK.QueryTest do
  use ExUnit.Case, async: false

  alias ClaudeCodeSDK.{Error, Message}
  alias ClaudeCodeSDK.Permission.Result
  alias ClaudeCodeSDK.Test.Simulator

  @ask %{
    type: "control_request",
    request_id: "r1",
    request: %{
      subtype: "can_use_tool",
      tool_name: "Bash",
      input: %{command: "rm"},
      tool_use_id: "t1"
    }
  }

  test "nothing runs before the stream is read, and every reading runs anew" do
    # What the test before this one left is on its way out.
    assert Simulator.eventually(fn -> Simulator.children() == [] end)
    stream = ClaudeCodeSDK.query("hi", Simulator.options(Simulator.answering()))
    assert Simulator.children() == []

    assert Enum.map(1..2, fn _ ->
             stream |> Enum.find(&Message.final?/1) |> Map.get(:data) |> Map.get(:result)
           end) == ["Hello", "Hello"]
  end

  test "the mailbox is as it was, also with messages of others in it" do
    options = Simulator.options(Simulator.answering())
    send(self(), {:madrigal_wake, 0})
    send(self(), :mine)
    assert [_ | _] = Enum.to_list(ClaudeCodeSDK.query("hi", options))
    assert [_] = Enum.take(ClaudeCodeSDK.query("hi", options), 1)

    assert_raise RuntimeError, fn ->
      Enum.each(ClaudeCodeSDK.query("hi", options), fn _ -> raise "stop" end)
    end

    asking = options ++ [can_use_tool: fn _ -> Result.allow() end]
    assert [_ | _] = Enum.to_list(ClaudeCodeSDK.query("hi", asking))
    assert [_] = Enum.take(ClaudeCodeSDK.query("hi", asking), 1)
    assert Simulator.eventually(fn -> Simulator.children() == [] end)
    assert Process.info(self(), :messages) == {:messages, [{:madrigal_wake, 0}, :mine]}
    assert Process.info(self(), :monitors) == {:monitors, []}
  end

  test "stopping early ends the program and what it started" do
    [pids] =
      ClaudeCodeSDK.query("hi", Simulator.options(Simulator.hanging()))
      |> Stream.filter(&(&1.type == "pids"))
      |> Enum.take(1)

    assert Simulator.gone?([pids.raw["pid"], pids.raw["child"]])
  end

  test "a suspended stream that is forgotten ends its program" do
    options = Simulator.options(Simulator.hanging())

    pids =
      Task.async(fn ->
        reduce =
          &Enumerable.reduce(ClaudeCodeSDK.query("hi", options), &1, fn m, _ ->
            if m.type == "pids", do: {:suspend, m}, else: {:cont, m}
          end)

        {:suspended, message, _forgotten} = reduce.({:cont, nil})
        {message.raw["pid"], message.raw["child"]}
      end)
      |> Task.await()

    assert Simulator.gone?(Tuple.to_list(pids))
  end

  test "a stream can be zipped and suspended" do
    pairs =
      Stream.zip(
        ClaudeCodeSDK.query("hi", Simulator.options(Simulator.answering())),
        Stream.iterate(1, &(&1 + 1))
      )
      |> Enum.to_list()

    assert {%Message{type: :result}, _} =
             Enum.find(pairs, fn {message, _} -> Message.final?(message) end)
  end

  test "a stream begun in one process is refused in another instead of waiting for ever" do
    options = Simulator.options([%{await: %{type: "user"}}, %{init: %{}}, %{pause_ms: 600_000}])

    reduce =
      &Enumerable.reduce(ClaudeCodeSDK.query("hi", options), &1, fn m, _ -> {:suspend, m} end)

    {:suspended, _, continue} = reduce.({:cont, nil})

    task =
      Task.async(fn ->
        catch_error(
          Stream.unfold(continue, fn c ->
            {:suspended, m, c} = c.({:cont, nil})
            {m, c}
          end)
          |> Stream.run()
        )
      end)

    assert %Error{code: :closed} = Task.await(task)
    continue.({:halt, nil})
  end

  test "a failure of the program is a result message, or raised on request" do
    options =
      Simulator.options([%{await: %{type: "user"}}, %{stderr: "out of luck\n"}, %{exit: 3}])

    assert %Message{type: :result, subtype: :error_during_execution} =
             last = ClaudeCodeSDK.query("hi", options) |> Enum.to_list() |> List.last()

    assert Message.error?(last)
    assert last.data.session_id == "error"
    assert last.data.error =~ "3"
    assert last.data.error_struct.code == :process_exited

    error =
      assert_raise Error, fn ->
        Enum.to_list(ClaudeCodeSDK.query("hi", options ++ [transport_error_mode: :raise]))
      end

    assert error.context["stderr"] =~ "out of luck"
  end

  test "a missing program and wrong options are raised, naming what is wrong" do
    assert %Error{code: :cli_not_found} =
             catch_error(Enum.to_list(ClaudeCodeSDK.query("hi", executable: "/no/such/claude")))

    error = catch_error(Enum.to_list(ClaudeCodeSDK.query("hi", max_turns: "three")))
    assert %Error{code: :invalid_options} = error
    assert Exception.message(error) =~ "max_turns"

    assert %Error{code: :invalid_options} =
             catch_error(Enum.to_list(ClaudeCodeSDK.query("hi", can_use_tool: :no)))

    assert %Error{code: :invalid_options} =
             catch_error(Enum.to_list(ClaudeCodeSDK.query("hi", nonsense: 1)))

    assert %Error{code: :invalid_argument} =
             catch_error(
               Enum.to_list(
                 ClaudeCodeSDK.query(
                   %{type: "nonsense"},
                   Simulator.options(Simulator.answering())
                 )
               )
             )

    assert %Error{code: :invalid_argument} =
             catch_error(
               Enum.to_list(ClaudeCodeSDK.query(self(), Simulator.options(Simulator.answering())))
             )
  end

  test "a callback knows the session once a message told its id" do
    test = self()

    steps = [
      %{await: %{type: "user"}},
      %{init: %{}},
      %{await: %{type: "control_request", request: %{subtype: "set_model"}}, save: "go"},
      %{emit: @ask},
      %{await: %{type: "control_response"}},
      %{result: %{}}
    ]

    callback = fn context ->
      send(test, {:session_id, context.session_id})
      Result.allow()
    end

    {:ok, session} =
      ClaudeCodeSDK.Session.start_link(Simulator.options(steps) ++ [can_use_tool: callback])

    {:ok, _} = ClaudeCodeSDK.Session.send(session, "hi")
    init = session |> ClaudeCodeSDK.Session.stream() |> Enum.find(&(&1.subtype == :init))
    # The program does not answer; it asks instead.
    spawn(fn -> ClaudeCodeSDK.Session.control(session, %{subtype: "set_model", model: "m"}) end)
    assert session |> ClaudeCodeSDK.Session.stream(until: :result) |> Enum.any?(&Message.final?/1)
    id = init.data.session_id
    assert_received {:session_id, ^id}
    ClaudeCodeSDK.Session.close(session)
  end

  test "options that may hold credentials are not shown" do
    options =
      ClaudeCodeSDK.Options.new(
        model: "m",
        env: %{"TEST_TOKEN" => "test-secret"},
        mcp_config: "test-secret"
      )

    assert inspect(options) =~ ~s(model: "m")
    refute inspect(options) =~ "test-secret"
  end

  test "continue and resume pass their option on" do
    args = fn contains ->
      [%{expect_args: %{contains: contains}}, %{await: %{type: "user"}}, %{result: %{}}]
    end

    assert ClaudeCodeSDK.continue("hi", Simulator.options(args.(["--continue"])))
           |> Enum.any?(&(Message.final?(&1) and not Message.error?(&1)))

    assert ClaudeCodeSDK.resume(
             "11111111-2222-4333-8444-555555555555",
             "hi",
             Simulator.options(args.(["--resume", "11111111-2222-4333-8444-555555555555"]))
           )
           |> Enum.any?(&(Message.final?(&1) and not Message.error?(&1)))
  end

  test "a question is answered while the consumer is busy" do
    test = self()

    steps = [
      %{await: %{type: "user"}},
      %{init: %{}},
      %{emit: @ask},
      %{await: %{type: "control_response", response: %{response: %{behavior: "allow"}}}},
      %{result: %{}}
    ]

    options =
      Simulator.options(steps) ++
        [
          can_use_tool: fn context ->
            send(test, {:asked, context.tool_name, context.tool_input})
            Result.allow()
          end
        ]

    ClaudeCodeSDK.query("hi", options)
    |> Enum.each(fn
      # The consumer goes on only when the question was asked.
      %{type: :system, subtype: :init} ->
        assert_receive {:asked, "Bash", %{"command" => "rm"}}, 60_000

      _ ->
        :ok
    end)
  end

  test "what a callback raises comes out of the stream" do
    steps = [
      %{await: %{type: "user"}},
      %{emit: @ask},
      %{
        await: %{
          type: "control_response",
          response: %{response: %{behavior: "deny", message: "no key 7"}}
        }
      },
      %{pause_ms: 600_000}
    ]

    options =
      Simulator.options(steps) ++ [can_use_tool: fn _ -> raise KeyError, message: "no key 7" end]

    assert_raise KeyError, "no key 7", fn -> Stream.run(ClaudeCodeSDK.query("hi", options)) end
    assert Simulator.eventually(fn -> Simulator.children() == [] end)
  end

  test "lines on stderr reach the function given" do
    test = self()

    options =
      Simulator.options([%{stderr: "one\ntwo\n"}, %{await: %{type: "user"}}, %{result: %{}}],
        stderr: &send(test, {:stderr, &1})
      )

    Stream.run(ClaudeCodeSDK.query("hi", options))
    assert_received {:stderr, "one"}
    assert_received {:stderr, "two"}
  end
end
