defmodule ClaudeCodeSDK.Test.Conductor do
  @moduledoc "The steps of an orchestrator, with the public functions of this package. What a host decides on the way is data."

  alias ClaudeCodeSDK.{Error, Orchestrator}
  alias ClaudeCodeSDK.Test.{Callback, Pattern, Wire}

  defstruct [:server, managers: %{}, seen: []]

  @doc "Opens an orchestrator and listens to it. The managers are those that it, its fallbacks and its tasks may name."
  def open(config, options, managers) do
    config = for {name, value} <- config, do: setting(String.to_atom(name), value, managers)

    case Orchestrator.start_link([name: nil, options: options] ++ config) do
      {:ok, server} ->
        :ok = Orchestrator.subscribe(server)
        %__MODULE__{server: server, managers: managers}

      {:error, error} ->
        raise error
    end
  end

  defp setting(:fallbacks, fallbacks, managers) when is_list(fallbacks) do
    {:fallbacks,
     for fallback <- fallbacks do
       case fallback do
         %{"auth" => name} -> fallback |> Map.delete("auth") |> Map.put(:auth, managers[name])
         other -> other
       end
     end}
  end

  defp setting(name, value, _managers), do: {name, value}

  def close(%{server: server}), do: Orchestrator.stop(server)

  @doc "The counts as soon as they match; those of the last look when they do not for ten seconds."
  def stats(%{server: server} = conductor, pattern, looks \\ 2_000) do
    stats = server |> Orchestrator.get_stats() |> Wire.stats()

    if looks == 0 or Pattern.match?(pattern, stats) do
      stats
    else
      Process.sleep(5)
      stats(conductor, pattern, looks - 1)
    end
  end

  def reset_stats(%{server: server}), do: Orchestrator.reset_stats(server)

  @doc "Makes a call; what it gives in the form of the boundary."
  def flow(%{server: server, managers: managers}, %{"kind" => kind} = flow),
    do: perform(kind, named(flow, managers), server)

  # Where something in a call names a manager, the manager.
  defp named(%{"auth" => name} = given, managers) when is_binary(name),
    do: given |> Map.put("auth", Map.fetch!(managers, name)) |> named(managers)

  defp named(%{} = given, managers) when not is_struct(given),
    do: Map.new(given, fn {field, value} -> {field, named(value, managers)} end)

  defp named(list, managers) when is_list(list), do: Enum.map(list, &named(&1, managers))
  defp named(other, _managers), do: other

  @doc "Makes a call and gives it up when this was seen: its caller is killed."
  def give_up(conductor, flow, pattern) do
    caller = spawn(fn -> flow(conductor, flow) end)
    {:ok, conductor} = until(conductor, pattern, length(conductor.seen))
    Process.exit(caller, :kill)
    conductor
  end

  @doc "Whether these were seen, in this order."
  def stages(conductor, patterns) do
    found =
      Enum.reduce_while(patterns, {:ok, conductor, 0}, fn pattern, {:ok, conductor, from} ->
        case until(conductor, pattern, from, 10_000) do
          {:ok, conductor, at} ->
            {:cont, {:ok, conductor, at + 1}}

          {:error, seen} ->
            {:halt, {:error, "#{inspect(pattern)} was not seen in #{inspect(seen)}"}}
        end
      end)

    with {:ok, conductor, _at} <- found do
      numbers = Enum.map(conductor.seen, & &1["sequence"])

      if numbers == Enum.to_list(0..(length(numbers) - 1)//1),
        do: {:ok, conductor},
        else: {:error, "progress is numbered #{inspect(numbers)}"}
    end
  end

  defp until(conductor, pattern, from) do
    with {:ok, conductor, _at} <- until(conductor, pattern, from, 60_000), do: {:ok, conductor}
  end

  defp until(%{server: server, seen: seen} = conductor, pattern, from, patience) do
    case seen |> Enum.drop(from) |> Enum.find_index(&Pattern.match?(pattern, &1)) do
      nil ->
        receive do
          {:orchestrator_progress, ^server, event} ->
            seen = seen ++ [Wire.progress(event)]
            until(%{conductor | seen: seen}, pattern, max(from, length(seen) - 1), patience)
        after
          patience -> {:error, seen}
        end

      place ->
        {:ok, conductor, from + place}
    end
  end

  ## Calls

  defp perform("run", flow, server) do
    case Orchestrator.run(task(flow["task"]), orchestrator: server) do
      {:error, {:query_failed, outcome}} -> %{"outcome" => Wire.outcome(outcome)}
      other -> %{"outcome" => Wire.outcome(ok(other))}
    end
  end

  defp perform("parallel", flow, server) do
    tasks = flow["tasks"]
    tasks = if flow["lazy"], do: Stream.map(tasks, &task/1), else: Enum.map(tasks, &task/1)

    options =
      [orchestrator: server, max_concurrent: flow["max_concurrent"]] ++
        case flow["on_error"] do
          nil -> []
          %{"tolerate" => most} -> [on_error: {:tolerate, most}]
          word -> [on_error: String.to_atom(word)]
        end

    if flow["each"] do
      %{"count" => tasks |> Orchestrator.stream_parallel(options) |> Enum.count()}
    else
      case Orchestrator.query_parallel(tasks, options) do
        {:error, {:parallel_failures, outcomes}} -> %{"outcomes" => Wire.outcomes(outcomes)}
        other -> %{"outcomes" => Wire.outcomes(ok(other))}
      end
    end
  end

  defp perform("pipeline", flow, server) do
    options = [
      orchestrator: server,
      use_context: flow["use_context"],
      stop_on_error: flow["stop_on_error"]
    ]

    case flow["steps"] |> Enum.map(&step/1) |> Orchestrator.query_pipeline(options) do
      {:error, {:step_failed, _prompt, outcomes}} -> %{"outcomes" => Wire.outcomes(outcomes)}
      other -> %{"outcomes" => Wire.outcomes(ok(other))}
    end
  end

  defp perform("race", flow, server) do
    accept = flow["accept"] && (&(decided(flow["accept"][&1.text]) == true))
    options = [orchestrator: server, stagger_ms: flow["stagger_ms"]] ++ given(:accept, accept)
    flow["tasks"] |> Enum.map(&task/1) |> Orchestrator.race(options) |> either(:no_winner)
  end

  defp perform("vote", flow, server) do
    ballot = flow["ballot"] && (&decided(flow["ballot"][&1.text]))

    options =
      [orchestrator: server] ++
        given(:ballot, ballot) ++
        given(:quorum, flow["quorum"] && String.to_atom(flow["quorum"]))

    flow["tasks"] |> Enum.map(&task/1) |> Orchestrator.vote(options) |> either(:no_quorum)
  end

  defp perform("map_reduce", flow, server) do
    options = [orchestrator: server] ++ given(:fan_in, flow["fan_in"])
    reduce = fn _outcomes -> flow["reduce"] |> decided() |> task() end

    flow["tasks"]
    |> Enum.map(&task/1)
    |> Orchestrator.map_reduce(reduce, options)
    |> either(:not_reduced)
  end

  defp perform("until", flow, server) do
    judge = fn %{index: round} ->
      case decided(Enum.at(flow["judge"], round) || List.last(flow["judge"])) do
        %{"done" => true} -> :done
        %{"prompt" => prompt} -> {:again, prompt}
      end
    end

    flow["task"]
    |> task()
    |> Orchestrator.until(flow["rounds"], judge, orchestrator: server)
    |> either(:not_done)
  end

  defp either({:error, {reason, result}}, reason), do: Wire.outcome(result)
  defp either(other, _reason), do: Wire.outcome(ok(other))

  defp ok({:ok, value}), do: value
  defp ok({:error, %Error{} = error}), do: raise(error)

  defp given(_name, nil), do: []
  defp given(name, value), do: [{name, value}]

  # A task as it is given in this package.
  defp task(%{"prompt" => prompt} = task) do
    {options, more} = task |> Map.drop(["prompt", "auth"]) |> Map.pop("options")
    more = for {name, value} <- more, do: {String.to_atom(name), value}
    auth = if manager = task["auth"], do: [auth: manager], else: []
    options = if options || auth != [], do: Wire.options(options || %{}) ++ auth
    {prompt, options, more}
  end

  defp task(%{"raise" => _} = failing), do: decided(failing)
  defp task(prompt), do: prompt

  defp step(%{"make" => made}), do: fn _before -> made |> decided() |> task() end
  defp step(%{"raise" => _} = failing), do: fn _before -> decided(failing) end
  defp step(given), do: task(given)

  defp decided(%{"raise" => text}), do: raise(Callback.Boom, message: text)
  defp decided(value), do: value
end
