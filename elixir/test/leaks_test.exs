defmodule ClaudeCodeSDK.LeaksTest do
  @moduledoc "A thousand sessions leave nothing behind: no process, descriptor, thread, port, atom or memory."
  use ExUnit.Case, async: false

  alias ClaudeCodeSDK.{Message, Session}
  alias ClaudeCodeSDK.Permission.Result
  alias ClaudeCodeSDK.Test.Simulator

  @rounds 1000
  @warm_up 200

  defp counts do
    for pid <- Process.list(), do: :erlang.garbage_collect(pid)

    %{
      programs: length(Simulator.children()),
      descriptors: length(File.ls!("/proc/self/fd")),
      threads: length(File.ls!("/proc/self/task")),
      processes: :erlang.system_info(:process_count),
      ports: :erlang.system_info(:port_count),
      atoms: :erlang.system_info(:atom_count)
    }
  end

  defp resident_mb do
    [_, kb] = Regex.run(~r/VmRSS:\s+(\d+) kB/, File.read!("/proc/self/status"))
    div(String.to_integer(kb), 1024)
  end

  test "a thousand sessions, queries and halted streams" do
    file = Simulator.file(Simulator.answering())
    options = Simulator.options(file) ++ [can_use_tool: fn _ -> Result.allow() end]

    one = fn n ->
      case rem(n, 4) do
        0 ->
          {:ok, session} = Session.start_link(options)
          {:ok, _} = Session.send(session, "hi")
          assert session |> Session.stream(until: :result) |> Enum.any?(&Message.final?/1)
          assert {:ok, {:code, 0}} = Session.close(session)

        1 ->
          assert ClaudeCodeSDK.query("hi", Simulator.options(file))
                 |> Enum.any?(&Message.final?/1)

        2 ->
          assert [_] = ClaudeCodeSDK.query("hi", Simulator.options(file)) |> Enum.take(1)

        3 ->
          {:ok, session} = Session.start_link(options)
          Process.unlink(session)
          Process.exit(session, :kill)
      end
    end

    run = fn range ->
      range |> Task.async_stream(one, max_concurrency: 8, timeout: 60_000) |> Stream.run()
    end

    run.(1..@warm_up)
    assert Simulator.eventually(fn -> Simulator.children() == [] end)
    before = counts()
    memory = resident_mb()
    run.(1..@rounds)

    # What was dropped ends a moment later; then everything is as it was.
    settled = fn ->
      Enum.all?(counts(), fn {what, count} -> count <= before[what] + slack(what) end)
    end

    assert Simulator.eventually(settled, 1_000),
           "before: #{inspect(before)}, now: #{inspect(counts())}"

    assert resident_mb() - memory < 20
    assert Process.info(self(), :messages) == {:messages, []}
  end

  # Code that is loaded on first use brings its atoms.
  defp slack(:atoms), do: 200
  defp slack(_what), do: 0
end
