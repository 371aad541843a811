defmodule ClaudeCodeSDK.SessionTest do
  use ExUnit.Case, async: false

  alias ClaudeCodeSDK.{Control, Error, Message, Session, Streaming}
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

  defp start(steps, more \\ []),
    do: start_supervised!({Session, Simulator.options(steps) ++ more})

  test "what one reader did not look at is there for the next" do
    session = start(Simulator.answering())
    {:ok, uuid} = Session.send(session, "hi")
    assert is_binary(uuid)
    first = session |> Session.stream() |> Enum.take(2)
    {:ok, third} = Session.next(session)
    rest = session |> Session.stream(until: :result) |> Enum.to_list()
    all = first ++ [third] ++ rest
    assert length(Enum.uniq_by(all, & &1.raw)) == length(all)
    assert Message.final?(List.last(all))
    assert Enum.any?(all, &(&1.subtype == :init))
  end

  test "a consumer that fails in the middle of a batch loses only what it saw" do
    session =
      start([
        %{await: %{type: "user"}},
        %{flood: %{count: 100, frame: %{type: "n", n: "$i"}}},
        %{result: %{}}
      ])

    {:ok, _} = Session.send(session, "hi")

    assert_raise RuntimeError, fn ->
      Enum.each(Session.stream(session), &if(&1.raw["n"] == 10, do: raise("stop")))
    end

    assert session |> Session.stream(until: :result) |> Enum.flat_map(&List.wrap(&1.raw["n"])) ==
             Enum.to_list(11..99)
  end

  test "a reader is told when the session is killed under it" do
    {:ok, session} =
      Session.start_link(
        Simulator.options([%{await: %{type: "user"}}, %{init: %{}}, %{pause_ms: 600_000}])
      )

    {:ok, _} = Session.send(session, "hi")
    test = self()

    reader =
      Task.async(fn ->
        try do
          Enum.each(Session.stream(session), &send(test, &1.subtype))
        rescue
          error in [Error] -> error.code
        end
      end)

    assert_receive :init, 60_000
    Process.unlink(session)
    Process.exit(session, :kill)
    assert Task.await(reader, 60_000) in [:ok, :closed, :process_exited]
  end

  test "prompts and messages of any size" do
    text = String.duplicate("long ", 400_000)

    session =
      start([
        %{await: %{type: "user"}, save: "p"},
        %{emit: %{type: "echo", text: "$p.message.content"}},
        %{result: %{}}
      ])

    {:ok, _} = Session.send(session, text)
    assert session |> Session.stream(until: :result) |> Enum.find_value(& &1.raw["text"]) == text
  end

  test "one reader at a time, and its death lets the next one in" do
    session = start(Simulator.answering())
    test = self()
    reader = spawn(fn -> Enum.each(Session.stream(session), fn _ -> send(test, :reading) end) end)
    {:ok, _} = Session.send(session, "hi")
    assert_receive :reading, 60_000
    error = catch_error(Enum.to_list(Session.stream(session)))
    assert %Error{code: :invalid_argument} = error
    assert error.message =~ inspect(reader)
    Process.exit(reader, :kill)

    assert Simulator.eventually(fn ->
             match?({:error, %Error{code: :timeout}}, Session.next(session, 1))
           end)

    {:ok, _} = Session.send(session, "again")
    assert session |> Session.stream(until: :result) |> Enum.any?(&Message.final?/1)
  end

  test "a wait that is given up leaves nothing behind" do
    session = start([%{await: %{type: "user"}}, %{result: %{}}])
    {:ok, _} = Session.info(session)
    for _ <- 1..50, do: assert({:error, %Error{code: :timeout}} = Session.next(session, 0))
    assert Process.info(self(), :messages) == {:messages, []}
  end

  test "interrupt and control do not wait for a reader" do
    session =
      start([
        %{await: %{type: "user"}},
        %{flood: %{count: 20_000, frame: %{type: "n", n: "$i"}}},
        %{pause_ms: 600_000},
        %{result: %{}}
      ])

    {:ok, _} = Session.send(session, "hi")

    assert {:ok, %{"model" => "opus"}} =
             Session.control(session, %{subtype: "set_model", model: "opus"})

    assert {:ok, %{"still_queued" => []}} = Session.interrupt(session)

    assert {:error, %Error{code: :control}} =
             Session.control(session, %{subtype: "no_such_thing"})
  end

  test "a closed session says so, and closing twice is harmless" do
    {:ok, session} = Session.start_link(Simulator.options(Simulator.answering()))
    {:ok, %{os_pid: pid}} = Session.info(session)
    assert Session.close(session) == {:ok, {:code, 0}}
    refute Simulator.alive?(pid)
    assert Session.close(session) == {:ok, nil}
    assert {:error, %Error{code: :closed}} = Session.send(session, "hi")
    assert {:error, %Error{code: :closed}} = Session.interrupt(session)
    assert {:error, %Error{code: :closed}} = Session.next(session)
    assert %Error{code: :closed} = catch_error(Enum.to_list(Session.stream(session)))
  end

  test "wrong options are returned, and harm nobody" do
    assert {:error, %Error{code: :invalid_options} = error} = Session.start_link(max_turns: 0)
    assert Exception.message(error) =~ "max_turns"
    assert {:ok, session} = Session.start_link(executable: "/no/such/claude")
    assert {:error, %Error{code: :cli_not_found}} = Session.info(session)
    assert {:error, %Error{}} = Session.send(session, "hi")
    assert {:error, %Error{code: :cli_not_found}} = Session.next(session)
    assert {:ok, nil} = Session.close(session)
    assert Process.info(self(), :messages) == {:messages, []}
  end

  test "a session can be named and supervised" do
    start_supervised!(
      {Session, [name: __MODULE__.Named] ++ Simulator.options(Simulator.answering())}
    )

    {:ok, %{os_pid: pid}} = Session.info(__MODULE__.Named)
    assert Simulator.alive?(pid)
    stop_supervised!(__MODULE__.Named)
    assert Simulator.gone?(pid)
  end

  test "a slow callback delays neither messages nor control; a withdrawn question is killed" do
    test = self()

    callback = fn _ ->
      send(test, {:asked, self()})
      receive do: (:never -> :ok)
    end

    steps = [
      %{await: %{type: "user"}},
      %{emit: @ask},
      %{init: %{}},
      %{await: %{type: "control_request", request: %{subtype: "set_model"}}, save: "go"},
      %{emit: %{type: "control_cancel_request", request_id: "r1"}},
      %{
        emit: %{
          type: "control_response",
          response: %{subtype: "success", request_id: "$go.request_id"}
        }
      },
      %{result: %{}}
    ]

    session = start(steps, can_use_tool: callback)
    {:ok, _} = Session.send(session, "hi")
    assert_receive {:asked, pid}, 60_000
    monitor = Process.monitor(pid)
    assert session |> Session.stream() |> Enum.find(&(&1.subtype == :init))
    {:ok, nil} = Session.control(session, %{subtype: "set_model", model: "m"})
    assert_receive {:DOWN, ^monitor, _, _, :killed}, 60_000
    assert session |> Session.stream(until: :result) |> Enum.any?(&Message.final?/1)
  end

  test "after a failed callback the session goes on: raise, throw, exit, nonsense" do
    for {callback, check} <- [
          {fn _ -> raise ArgumentError, "boom" end,
           &match?({:error, %ArgumentError{message: "boom"}}, &1)},
          {fn _ -> throw(:ball) end, &match?({:throw, :ball}, &1)},
          {fn _ -> exit(:tired) end, &match?({:exit, :tired}, &1)},
          {fn _ -> Process.exit(self(), :kill) end, &match?({:exit, :killed}, &1)},
          {fn _ -> :yes end, &match?({:error, %Error{code: :callback}}, &1)}
        ] do
      steps = [
        %{await: %{type: "user"}},
        %{emit: @ask},
        %{await: %{type: "control_response", response: %{response: %{behavior: "deny"}}}},
        %{result: %{}}
      ]

      {:ok, session} = Session.start_link(Simulator.options(steps) ++ [can_use_tool: callback])
      {:ok, _} = Session.send(session, "hi")

      caught =
        try do
          Enum.to_list(Session.stream(session, until: :result))
        catch
          kind, reason -> {kind, reason}
        end

      assert check.(caught), inspect(caught)
      assert session |> Session.stream(until: :result) |> Enum.any?(&Message.final?/1)
      {:ok, _} = Session.close(session)
    end
  end

  test "the answers of a callback reach the program as it expects them" do
    steps = fn response ->
      [
        %{await: %{type: "user"}},
        %{emit: @ask},
        %{await: %{type: "control_response", response: %{request_id: "r1", response: response}}},
        %{result: %{}}
      ]
    end

    for {answer, response} <- [
          {Result.allow(updated_input: %{"command" => "ls"}),
           %{behavior: "allow", updatedInput: %{command: "ls"}}},
          {Result.deny("no", interrupt: true),
           %{behavior: "deny", message: "no", interrupt: true}},
          {%{behavior: :deny, message: "plain"}, %{behavior: "deny", message: "plain"}}
        ] do
      session = start(steps.(response), can_use_tool: fn _ -> answer end)
      {:ok, _} = Session.send(session, "hi")
      assert session |> Session.stream(until: :result) |> Enum.any?(&Message.final?/1)
      stop_supervised!(Session)
    end
  end

  test "streaming: events of one turn, then of the next" do
    {:ok, session} =
      Streaming.start_session(Simulator.options(Simulator.answering("Hello there")))

    assert Streaming.get_session_id(session) == {:error, :no_session_id}

    for _ <- 1..2 do
      events = session |> Streaming.send_message("hi") |> Enum.to_list()

      assert events |> Enum.filter(&(&1.type == :text_delta)) |> Enum.map_join(& &1.text) ==
               "Hello there"

      assert %{accumulated: "Hello there"} =
               events |> Enum.filter(&(&1.type == :text_delta)) |> List.last()

      assert %{type: :message_stop, final_text: "Hello there"} = List.last(events)
      assert hd(events).type == :message_start
    end

    assert {:ok, id} = Streaming.get_session_id(session)
    assert is_binary(id)
    assert Streaming.close_session(session) == :ok

    assert [%{type: :error, error: %Error{code: :closed}}] =
             session |> Streaming.send_message("hi") |> Enum.to_list()
  end

  test "streaming: a turn that is given up is interrupted, and the next one starts afresh" do
    steps = [
      %{
        loop: [
          %{await: %{type: "user"}, save: "p"},
          %{init: %{}},
          %{text: %{text: "$p.message.content", deltas: 1, open: true}},
          %{pause_ms: 600_000},
          %{result: %{}}
        ]
      }
    ]

    {:ok, session} = Streaming.start_session(Simulator.options(steps))

    say = fn text ->
      session
      |> Streaming.send_message(text)
      |> Stream.filter(&(&1.type == :text_delta))
      |> Enum.take(1)
      |> Enum.map(& &1.text)
    end

    assert say.("one") == ["one"]
    assert say.("two") == ["two"]

    test = self()
    reader = spawn(fn -> Enum.each(Streaming.send_message(session, "three"), &send(test, &1)) end)
    assert_receive %{type: :text_delta, text: "three"}, 60_000
    Process.exit(reader, :kill)
    assert Simulator.eventually(fn -> :sys.get_state(session).reader == nil end)
    assert say.("four") == ["four"]
    Streaming.close_session(session)
  end

  test "streaming: interrupting ends the stream" do
    steps = [
      %{await: %{type: "user"}},
      %{init: %{}},
      %{text: %{text: "abc", deltas: 3, open: true}},
      %{pause_ms: 600_000},
      %{result: %{}}
    ]

    {:ok, session} = Streaming.start_session(Simulator.options(steps))

    events =
      session
      |> Streaming.send_message("hi")
      |> Stream.each(&if(&1[:accumulated] == "abc", do: {:ok, _} = Streaming.interrupt(session)))
      |> Enum.to_list()

    assert events |> Enum.filter(&(&1.type == :text_delta)) |> Enum.map_join(& &1.text) == "abc"
    Streaming.close_session(session)
  end

  test "streaming: failures are events" do
    {:ok, session} =
      Streaming.start_session(Simulator.options([%{await: %{type: "user"}}, %{exit: 3}]))

    assert [%{type: :error, error: %Error{code: :process_exited}}] =
             session |> Streaming.send_message("hi") |> Enum.to_list()

    {:ok, failing} =
      Streaming.start_session(
        Simulator.options([
          %{await: %{type: "user"}},
          %{result: %{is_error: true, result: "API Error"}}
        ])
      )

    assert [%{type: :error, error: "API Error"}] =
             failing |> Streaming.send_message("hi") |> Enum.to_list()
  end

  test "a control request may have a limit of its own" do
    steps = [%{await: %{type: "control_request", request: %{subtype: "get_usage"}}}]
    {:ok, session} = Session.start_link(Simulator.options(steps))

    assert {:error, %Error{code: :timeout}} =
             Session.control(session, %{subtype: "get_usage"}, timeout_ms: 20)

    assert {:ok, %{}} = Control.request(session, "list_models", %{}, timeout_ms: 60_000)

    assert {:error, %Error{code: :invalid_argument}} =
             Control.request(session, "list_models", %{}, timeout_ms: "soon")

    Session.close(session)
  end

  test "an agent is put in the lead within a limit, too" do
    asked = %{type: "control_request", request: %{subtype: "apply_flag_settings"}}
    options = [enable_agent_switching: true]
    {:ok, session} = Session.start_link(Simulator.options([%{await: asked}], options))

    assert {:error, %Error{code: :timeout}} =
             Control.set_agent(session, "Explore", timeout_ms: 20)

    assert {:error, %Error{code: :invalid_argument, context: %{"suggestions" => ["Explore"]}}} =
             Control.set_agent(session, "Exlpore")

    Session.close(session)
  end

  test "an interrupt can take back the prompts that wait" do
    steps = [
      %{
        await: %{
          type: "control_request",
          request: %{subtype: "interrupt", cancel_queued: true}
        },
        save: "it"
      },
      %{
        emit: %{
          type: "control_response",
          response: %{
            subtype: "success",
            request_id: "$it.request_id",
            response: %{still_queued: []}
          }
        }
      }
    ]

    {:ok, session} = Session.start_link(Simulator.options(steps))
    assert {:ok, %{"still_queued" => []}} = Session.interrupt(session, cancel_queued: true)
    Session.close(session)
  end

  test "the last lines on stderr are heard, also when the session is stopped before it was woken" do
    test = self()

    steps = [
      %{await: %{type: "user"}},
      %{stderr: "one\n"},
      %{stderr: "two\n"},
      %{exit: 3}
    ]

    {:ok, session} =
      Session.start_link(Simulator.options(steps, stderr: &send(test, {:stderr, &1})))

    {:ok, reader} = ClaudeCodeSDK.Session.Server.read(session)
    {:ok, _} = Session.send(session, "hi")
    # From here on the process of the session takes no wake.
    :ok = :sys.suspend(session)
    assert %{"exit" => %{"code" => 3}} = ended(reader)
    :ok = GenServer.stop(session)
    assert_received {:stderr, "one"}
    assert_received {:stderr, "two"}
  end

  defp ended(reader) do
    case ClaudeCodeSDK.Inbox.take(reader) do
      {:items, _, nil, reader} ->
        ended(reader)

      {:items, _, ended, _reader} ->
        ended

      :empty ->
        :ok = ClaudeCodeSDK.Inbox.wait(reader)
        ended(reader)
    end
  end
end
