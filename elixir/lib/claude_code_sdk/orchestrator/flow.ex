defmodule ClaudeCodeSDK.Orchestrator.Flow do
  @moduledoc false
  # From what a caller gives to the call that the orchestrator carries out. What cannot work is found here, in the process of
  # the caller, before anything starts.

  alias ClaudeCodeSDK.{Error, JSON, Options}
  alias ClaudeCodeSDK.Orchestrator.{Call, Default, Server, Task}

  @doc "A call with several tasks. The core asks its functions named in `told` only where they are given, and others always."
  @spec several(String.t(), Enumerable.t(), keyword(), [atom()], [atom()]) :: term()
  def several(kind, tasks, options, names, told) do
    run(options, names, fn base, given ->
      {own, rest} = Map.split(given, [:timeout_ms])
      {functions, flow} = Map.split(rest, [:accept, :ballot, :reduce])
      for {name, function} <- functions, do: check(name, function)
      tasks = Enum.map(tasks, &Task.build(&1, base, own))
      flow = Map.merge(flow, %{kind: kind, tasks: Enum.map(tasks, & &1.wire)})

      flow =
        if Enum.any?(told, &is_map_key(functions, &1)), do: Map.put(flow, :ask, true), else: flow

      functions = Map.new(functions, fn {name, function} -> {to_string(name), function} end)
      {flow, %Call{tasks: tasks, functions: functions, told: own}}
    end)
  end

  defp check(_name, function) when is_function(function, 1), do: :ok

  defp check(name, other) do
    raise Error.new(
            :invalid_argument,
            "#{name}: expected a function with one argument, not #{inspect(other, limit: 5)}",
            context: %{"field" => to_string(name)}
          )
  end

  @doc "Carries out the call that `flow` makes, of the options of all tasks and of what this call says of its own."
  @spec run(keyword(), [atom()], (Options.t(), map() -> {map(), Call.t()})) :: term()
  def run(options, names, flow) do
    with {:ok, given} <- named(options, [:orchestrator | names]),
         {:ok, server} <- server(given),
         {:ok, base} <- Server.call(server, :base) do
      {flow, call} = flow.(base, given |> Keyword.delete(:orchestrator) |> Task.told())
      Server.call(server, {:run, %{call | flow: JSON.encode!(flow)}})
    end
  rescue
    error in [Error] -> {:error, %{error | operation: "orchestrate"}}
  end

  @doc "The options of a call, checked."
  @spec named(keyword(), list()) :: {:ok, keyword()} | {:error, Error.t()}
  def named(options, names) do
    with {:error, unknown} <- Keyword.validate(options, names) do
      problem = "#{Enum.join(unknown, ", ")}: no option of this call"
      {:error, Error.new(:invalid_argument, problem, operation: "orchestrate")}
    end
  end

  @doc "The orchestrator that a call names, or the one for everybody."
  @spec server(keyword()) :: {:ok, GenServer.server()} | {:error, Error.t()}
  def server(options) do
    case options[:orchestrator] do
      nil -> Default.running(ClaudeCodeSDK.Orchestrator)
      orchestrator -> {:ok, orchestrator}
    end
  end
end
