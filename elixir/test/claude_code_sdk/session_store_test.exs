defmodule ClaudeCodeSDK.SessionStoreTest do
  @moduledoc "Stores of the host, where the scenarios do not reach: wrong stores, their processes, and what reaches the caller."
  use ExUnit.Case, async: false

  alias ClaudeCodeSDK.{Error, Message, Session, Sessions}
  alias ClaudeCodeSDK.SessionStore.{Adapter, Memory}
  alias ClaudeCodeSDK.Test.Simulator

  @id "00000000-0000-4000-8000-000000000001"
  @key %{project_key: "-", session_id: @id, subpath: nil}

  defmodule Broken do
    @moduledoc false
    @behaviour Adapter

    @impl true
    def append(:exits, _key, _entries), do: exit(:gone)
    def append(:wrong, _key, _entries), do: :done
    def append(memory, key, entries), do: Memory.append(memory, key, Enum.reverse(entries))

    @impl true
    def load(memory, key), do: Memory.load(memory, key)
  end

  defmodule Half do
    @moduledoc false
    def load(_argument, _key), do: {:ok, nil}
  end

  defp memory do
    {:ok, memory} = Memory.start_link()
    memory
  end

  defp entry(uuid, text) do
    %{
      "type" => "user",
      "uuid" => uuid,
      "parentUuid" => nil,
      "sessionId" => @id,
      "timestamp" => "2026-01-02T03:04:05.000Z",
      "cwd" => "/",
      "message" => %{"role" => "user", "content" => text}
    }
  end

  defp mirroring(entries) do
    [
      %{await: %{type: "user"}},
      %{
        emit: %{
          type: "transcript_mirror",
          filePath: "/c/projects/-/#{@id}.jsonl",
          entries: entries
        }
      },
      %{result: %{}}
    ]
  end

  test "the store in memory is one" do
    assert {:ok, checks} = Adapter.conformance(fn -> {Memory, memory()} end)
    assert length(checks) > 10
    assert Enum.reject(checks, & &1.passed) == []
    assert Process.info(self(), :messages) == {:messages, []}
  end

  test "a store that does it wrong is told what, and optional callbacks are not needed" do
    {:ok, checks} = Adapter.conformance(fn -> {Broken, memory()} end)
    failed = Enum.reject(checks, & &1.passed)
    assert "load_gives_what_was_appended_in_order" in Enum.map(failed, & &1.check)
    assert Enum.all?(failed, &is_binary(&1.error))
    refute Enum.any?(checks, &String.starts_with?(&1.check, "delete"))

    for {argument, words} <- [wrong: "append/3 must return :ok", exits: "gone"] do
      {:ok, checks} = Adapter.conformance(fn -> {Broken, argument} end)
      assert Enum.any?(checks, &(not &1.passed and &1.error =~ words)), inspect(checks)
    end
  end

  test "what makes the stores runs in the calling process, and its exception is the caller's" do
    test = self()

    {:ok, _checks} =
      Adapter.conformance(fn ->
        assert self() == test
        {Memory, start_supervised!(Memory, id: make_ref())}
      end)

    {:ok, calls} = Agent.start_link(fn -> 0 end)

    assert_raise RuntimeError, "no more", fn ->
      Adapter.conformance(fn ->
        if Agent.get_and_update(calls, &{&1, &1 + 1}) == 2, do: raise("no more")
        {Memory, memory()}
      end)
    end

    assert Process.info(self(), :messages) == {:messages, []}
    assert Process.info(self(), :monitors) == {:monitors, []}
  end

  test "a module alone is a process registered under its name" do
    start_supervised!({Memory, name: Memory})
    :ok = Memory.append(Memory, @key, [entry("10000000-0000-4000-8000-000000000001", "first")])
    assert {:ok, [%{session_id: @id}]} = Sessions.list_sessions(store: Memory, directory: "/")
    assert :ok = Sessions.rename_session(@id, "Mine", store: Memory, directory: "/")

    assert {:ok, %{custom_title: "Mine"}} =
             Sessions.get_session_info(@id, store: Memory, directory: "/")

    assert :ok = Sessions.delete_session(@id, store: Memory, directory: "/")
    assert Memory.size(Memory) == 0
  end

  test "what is no store is refused by name, without its argument" do
    for {store, words} <- [
          {Half, "must have append/3 and load/2, not ClaudeCodeSDK.SessionStoreTest.Half"},
          {{No.Such.Module, "hidden"}, "not No.Such.Module"},
          {"hidden", "expected a module or {module, argument}"}
        ] do
      assert {:error, %Error{code: :invalid_options} = error} =
               Session.start_link(session_store: store)

      assert error.message =~ words
      refute error.message =~ "hidden"
      assert {:error, %Error{code: :invalid_options}} = Sessions.list_sessions(store: store)
    end

    refute inspect(ClaudeCodeSDK.Options.new(session_store: {Memory, "hidden"})) =~ "hidden"
  end

  test "the archive is on disk only" do
    assert_raise ArgumentError, ~r/no option :store/, fn ->
      Sessions.archive_session(@id, store: Memory)
    end
  end

  test "a query keeps its transcript, and a store that stays down is told without stopping it" do
    memory = memory()
    entries = [entry("10000000-0000-4000-8000-000000000001", "first"), entry(nil, "grüße")]
    options = Simulator.options(mirroring(entries), cwd: "/")

    messages =
      Enum.to_list(ClaudeCodeSDK.query("hi", options ++ [session_store: {Memory, memory}]))

    assert Enum.any?(messages, &Message.final?/1)
    assert Memory.entries(memory, @key) == entries

    messages =
      Enum.to_list(ClaudeCodeSDK.query("hi", options ++ [session_store: {Broken, :wrong}]))

    assert Enum.any?(messages, &Message.final?/1)
    assert [told] = Enum.filter(messages, &(&1.subtype == :mirror_error))
    assert told.raw["error"] =~ "append/3 must return :ok"
    assert Process.info(self(), :messages) == {:messages, []}
  end

  test "work on a store ends with its caller" do
    test = self()

    defmodule Waiting do
      @moduledoc false
      def append(_test, _key, _entries), do: :ok

      def load(test, _key) do
        send(test, {:asked, self()})
        Process.sleep(:infinity)
      end
    end

    {caller, _monitor} =
      spawn_monitor(fn ->
        Sessions.get_session_messages(@id, store: {Waiting, test}, directory: "/")
      end)

    assert_receive {:asked, pid}, 10_000
    monitor = Process.monitor(pid)
    Process.exit(caller, :kill)
    assert_receive {:DOWN, ^monitor, :process, ^pid, :killed}, 10_000
  end
end
