# The workloads in Elixir. Called as `elixir.exs WORKLOAD COUNT`.
defmodule Bench do
  alias ClaudeCodeSDK.{Message, Options}

  def options, do: %Options{cli_path: System.fetch_env!("BENCH_CLI"), include_partial_messages: true}

  @doc "One query to its end: how many deltas came and how long their text was."
  def one do
    {deltas, length, true} =
      Enum.reduce(ClaudeCodeSDK.query("hi", options()), {0, 0, false}, fn
        %Message{type: :stream_event, data: data}, {deltas, length, done} ->
          case data do
            %{event: %{"delta" => %{"type" => "text_delta", "text" => text}}} ->
              {deltas + 1, length + byte_size(text), done}

            _ ->
              {deltas, length, done}
          end

        %Message{type: :result}, {deltas, length, _} ->
          {deltas, length, true}

        _, seen ->
          seen
      end)

    {deltas, length}
  end

  def run("one", count) do
    times =
      for _ <- 1..count do
        {microseconds, {10, _}} = :timer.tc(&one/0)
        microseconds / 1000
      end

    ~s({"ms": [#{Enum.join(times, ",")}]})
  end

  def run("stream", _) do
    {microseconds, {deltas, length}} = :timer.tc(&one/0)
    ~s({"per_second": #{deltas / microseconds * 1.0e6}, "messages": #{deltas}, "length": #{length}})
  end

  def run("many", count) do
    {microseconds, _} =
      :timer.tc(fn ->
        1..count |> Enum.map(fn _ -> Task.async(&one/0) end) |> Task.await_many(:infinity)
      end)

    ~s({"ms": #{microseconds / 1000}})
  end

  # The process that reads a running query is killed: nobody calls anything.
  def run("cancel", _) do
    main = self()

    {owner, monitor} =
      spawn_monitor(fn ->
        for %Message{type: :assistant} <- ClaudeCodeSDK.query("hi", options()), do: send(main, :running)
      end)

    receive do: (:running -> IO.puts("ready"))
    IO.gets("")
    Process.exit(owner, :kill)
    receive do: ({:DOWN, ^monitor, _, _, _} -> ~s({"ms": 0}))
  end
end

[workload, count] = System.argv()
{:ok, _} = Application.ensure_all_started(:claude_code_sdk)
IO.puts(Bench.run(workload, String.to_integer(count)))
# Stays until the driver has read the peak memory of this process.
IO.read(:stdio, :eof)
