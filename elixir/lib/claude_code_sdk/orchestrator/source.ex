defmodule ClaudeCodeSDK.Orchestrator.Source do
  @moduledoc false
  # Where the tasks of a call come from when they are not known beforehand: an enumerable, walked in a process of its own, one
  # step for each place that is free. One that is slow, fails or is killed holds up and harms its own call only.

  alias ClaudeCodeSDK.JSON
  alias ClaudeCodeSDK.Orchestrator.Task

  @doc "Starts walking for the calling process. `build` makes a task of what the enumerable gives."
  @spec start(pos_integer(), Enumerable.t(), (term() -> Task.t())) :: pid()
  def start(call, enumerable, build) do
    server = self()
    step = &Enumerable.reduce(enumerable, &1, fn given, _before -> {:suspend, given} end)
    spawn_link(fn -> wait(step, %{server: server, call: call, build: build}) end)
  end

  @doc "Asks for the next task. It comes as `{:made, call, :next, task}`, and as the outcome of the question."
  @spec next(pid(), String.t()) :: :ok
  def next(source, ask) do
    send(source, {:next, ask})
    :ok
  end

  @doc "No more is wanted: what the enumerable holds is given back."
  @spec halt(pid()) :: :ok
  def halt(source) do
    send(source, :halt)
    :ok
  end

  defp wait(step, given) do
    receive do
      {:next, ask} -> walk(step, ask, given)
      :halt -> step.({:halt, nil})
    end
  end

  defp walk(step, ask, given) do
    case take(step, given.build) do
      {:task, task, step} ->
        send(given.server, {:made, given.call, :next, task})
        send(given.server, {:outcome, ask, {:answer, JSON.encode!(task.wire)}})
        wait(step, given)

      :end ->
        send(given.server, {:outcome, ask, {:answer, "null"}})

      {:raised, _kind, _reason, _stack} = raised ->
        # Also what could not be made has its place among the outcomes.
        send(given.server, {:made, given.call, :next, nil})
        send(given.server, {:outcome, ask, raised})
    end
  end

  defp take(step, build) do
    case step.({:cont, nil}) do
      {:suspended, given, step} -> {:task, build.(given), step}
      {_done, _last} -> :end
    end
  catch
    kind, reason -> {:raised, kind, reason, __STACKTRACE__}
  end
end
