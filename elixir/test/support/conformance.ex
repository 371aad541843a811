defmodule ClaudeCodeSDK.Test.Conformance do
  @moduledoc """
  Carries out the `host` half of a scenario (`tests/conformance/README.md`) with the public functions of this package.
  """

  alias ClaudeCodeSDK.{Error, Session}

  alias ClaudeCodeSDK.Test.{
    Authority,
    Callback,
    Calls,
    Conductor,
    FailingStore,
    Pattern,
    Policies,
    Progress,
    Simulator,
    Specialists,
    Wire
  }

  @doc "Plays a scenario file on the simulator; raises when it does not hold."
  def run(file) do
    {:ok, scenario} = file |> File.read!() |> ClaudeCodeSDK.JSON.decode()
    run(scenario, %{"cli_path" => Simulator.path(), "env" => %{"MADRIGAL_SIMULATE" => file}})
  end

  @doc "Carries out the host half of a scenario with these options, where the scenario has no others."
  def run(scenario, defaults),
    do: scenario |> context(defaults) |> steps(scenario["host"]) |> finish()

  defp context(scenario, defaults) do
    context(scenario, defaults, FailingStore.start(scenario["session_store"]))
  end

  defp context(scenario, defaults, store) do
    %{
      store: store,
      scenario: scenario,
      defaults: defaults,
      memory: resident_mb(),
      children: Simulator.children(),
      session: nil,
      query: nil,
      conductor: nil,
      policy: nil,
      auth: nil,
      managers: %{},
      os_pid: nil,
      exit: :unknown,
      callback: nil,
      asks: [],
      held: [],
      early: [],
      withdrawn: [],
      config: files(scenario["files"]),
      progress: Progress.new(scenario["expect"])
    }
  end

  # The folder of the program, gone with the VM.
  defp files(nil), do: nil

  defp files(files) do
    folder = Path.join(System.tmp_dir!(), "madrigal-#{System.unique_integer([:positive])}-config")
    System.at_exit(fn _ -> File.rm_rf(folder) end)

    for {name, text} <- files do
      path = Path.join(folder, name)
      File.mkdir_p!(Path.dirname(path))
      make(path, text)
    end

    folder
  end

  # A text, one with permissions, or a symbolic link.
  defp make(path, %{"link" => target}), do: File.ln_s!(target, path)

  defp make(path, %{"text" => text, "mode" => mode}) do
    File.write!(path, text)
    File.chmod!(path, String.to_integer(mode, 8))
  end

  defp make(path, text), do: File.write!(path, text)

  defp steps(context, steps), do: Enum.reduce(steps, context, &expecting/2)

  # A step that names an error must fail with it, and any other must not.
  defp expecting(step, context) do
    {expected, step} = Map.pop(step, "error")

    [{name, argument}] =
      step
      |> Map.drop(~w(reply save parallel do with cancel_when types shown as of))
      |> Map.to_list()

    {outcome, context} = attempt(fn -> step(name, argument, step, context) end, context)

    case {expected, outcome} do
      {nil, :ok} ->
        context

      {nil, {:failed, error}} ->
        fail(context, "#{name} failed: #{inspect(error, pretty: true)}")

      {pattern, :ok} ->
        fail(context, "#{name} succeeded, expected the error #{inspect(pattern)}")

      {pattern, {:failed, error}} ->
        check(
          Pattern.match?(pattern, Wire.error(error)),
          context,
          "#{inspect(pattern)} does not match #{inspect(error)}"
        )
    end
  end

  defp attempt(step, context) do
    Process.delete(:context)
    {:ok, step.()}
  rescue
    error in [Error] ->
      {{:failed, error}, Process.delete(:context) || context}

    error in [Callback.Boom] ->
      {{:failed, Error.new(:callback, error.message)}, Process.delete(:context) || context}
  end

  defp step("open", how, _, context) do
    callback = Callback.start()
    options = context |> named(how["auth"]) |> options(callback)
    session = ok(Session.start_link(options))

    if Enum.any?(context.scenario["host"], &is_map_key(&1, "await_ask_cancelled")),
      do: :erlang.trace(session, true, [:procs, :set_on_spawn])

    # Kept also when the program turns out not to start.
    Process.put(:context, %{context | session: session, callback: callback})
    %{os_pid: os_pid} = ok(Session.info(session))
    %{context | session: session, callback: callback, os_pid: os_pid}
  end

  defp step("query", prompt, _, context) do
    callback = Callback.start()
    stream = ClaudeCodeSDK.query(prompt, options(context, callback))

    %{
      context
      | query: &Enumerable.reduce(stream, &1, fn message, _ -> {:suspend, message} end),
        callback: callback
    }
  end

  defp step("send", prompt, _, context),
    do: then(ok(Session.send(context.session, prompt)), fn _uuid -> context end)

  defp step("finish", _, _, context),
    do: then(:ok = Session.finish(context.session), fn _ -> context end)

  defp step("interrupt", _, step, context),
    do: reply(Session.interrupt(context.session), step, context)

  defp step("control", request, step, context),
    do: reply(Session.control(context.session, request), step, context)

  defp step("call", name, step, context),
    do:
      reply(
        Calls.call(context.session, name, Progress.fill(context.progress, step["with"])),
        step,
        context
      )

  defp step("invoke", name, step, context) do
    place = if context.config, do: [config_dir: context.config], else: []

    case Calls.invoke(name, step["with"], place, context.store && context.store.store) do
      :ok -> reply({:ok, nil}, step, context)
      other -> reply(other, step, context)
    end
  end

  defp step("stored", key, step, context) do
    pattern = Map.fetch!(step, "reply")
    there? = fn -> Pattern.match?(pattern, FailingStore.entries(context.store, key)) end
    problem = "the store holds #{inspect(FailingStore.entries(context.store, key))}"
    check(Simulator.eventually(there?, 1_000), context, problem)
  end

  defp step("read", %{"until" => pattern}, _, context),
    do: read(context, &Pattern.match?(pattern, &1.raw))

  defp step("read", %{"count" => 0}, _, context), do: context

  defp step("read", %{"count" => count}, step, context),
    do: step("read", %{"count" => count - 1}, step, read(context, fn _ -> true end))

  defp step("read", %{"end" => true}, _, context), do: read(context, :end)

  defp step("on_ask", how, _, context),
    do: then(Callback.set(context.callback, how), fn _ -> context end)

  defp step("await_ask", pattern, _, context), do: await_ask(context, pattern)

  defp step("progress", told, _, context) do
    %{held: [{_request, pid} | _]} = context = hold_one(context)
    send(pid, {:progress, told})
    context
  end

  defp step("set_tools", %{"server" => server, "tools" => tools}, _, context) do
    tools = Enum.map(tools, &Callback.tool(context.callback, server, &1))

    case Session.set_tools(context.session, server, tools) do
      :ok -> context
      {:error, error} -> raise error
    end
  end

  defp step("answer", answer, _, context) do
    %{held: [{_request, pid} | held]} = context = hold_one(context)
    send(pid, {:answer, answer})
    %{context | held: held}
  end

  # The process that answers a question is killed, perhaps before its callback began to run: so processes are watched.
  defp step("await_ask_cancelled", true, _, context) do
    receive do
      {:trace, pid, :exit, :killed} ->
        %{
          context
          | withdrawn: [pid | context.withdrawn],
            held: List.keydelete(context.held, pid, 1)
        }
    end
  end

  defp step("cancel_wait", %{"times" => times}, _, context) do
    Enum.reduce(1..times, context, fn _, context ->
      case Session.next(context.session, 1) do
        {:ok, message} -> %{context | early: context.early ++ [message]}
        {:error, %Error{code: :timeout}} -> context
      end
    end)
  end

  defp step("drop", _, _, %{query: continue} = context) when continue != nil do
    continue.({:halt, nil})
    %{context | query: nil}
  end

  # The hard way: the process that owns the program is killed.
  defp step("drop", _, _, context) do
    Process.unlink(context.session)
    Process.exit(context.session, :kill)
    %{context | session: nil}
  end

  defp step("orchestrator", config, _, context) do
    {given, config} = Map.pop(config, "options", %{})
    {name, config} = Map.pop(config, "auth")
    options = context |> named(name) |> fields(given)
    %{context | conductor: Conductor.open(config, options, context.managers)}
  end

  defp step("flow", flow, %{"cancel_when" => pattern}, context),
    do: %{context | conductor: Conductor.give_up(context.conductor, flow, pattern)}

  defp step("flow", flow, step, context),
    do: reply({:ok, Conductor.flow(context.conductor, flow)}, step, context)

  defp step("stats", pattern, _, context),
    do: reply({:ok, Conductor.stats(context.conductor, pattern)}, %{"reply" => pattern}, context)

  defp step("reset_stats", _, _, context),
    do: then(Conductor.reset_stats(context.conductor), fn :ok -> context end)

  defp step("stages", patterns, _, context) do
    case Conductor.stages(context.conductor, patterns) do
      {:ok, conductor} -> %{context | conductor: conductor}
      {:error, problem} -> fail(context, problem)
    end
  end

  defp step("close", _, _, %{conductor: conductor} = context) when conductor != nil,
    do: then(Conductor.close(conductor), fn :ok -> %{context | conductor: nil} end)

  defp step("policy", policy, _, context), do: %{context | policy: Policies.open(policy)}

  defp step("decide", question, step, context) do
    {answer, policy} = Policies.decide(context.policy, question)
    reply({:ok, answer}, step, %{context | policy: policy})
  end

  defp step("auth", given, step, context) do
    context = %{context | config: context.config || files(%{"none" => ""})}

    if name = step["as"],
      do: put_in(context.managers[name], Authority.open(given, context)),
      else: %{context | auth: Authority.open(given, context.auth, context)}
  end

  defp step("auth_call", name, step, context) do
    manager = named(context, step["of"]).auth
    {outcome, shown} = Authority.call(manager, name, step["with"], step["types"])

    if pattern = step["shown"],
      do: check(Pattern.match?(pattern, shown), context, "what was shown is #{inspect(shown)}")

    reply(outcome, step, context)
  end

  defp step("close", _, _, context), do: closed(context, ok(Session.close(context.session)))

  defp step("gone", %{"fields" => fields}, _, context) do
    check(
      Simulator.gone?(Enum.map(fields, &Progress.pid(context.progress, &1))),
      context,
      "#{fields} is alive"
    )
    |> then(&step("gone", %{}, nil, &1))
  end

  defp step("gone", _, _, %{os_pid: nil} = context) do
    check(
      Simulator.eventually(fn -> Simulator.children() -- context.children == [] end, 1_000),
      context,
      "a process is alive"
    )
  end

  defp step("gone", _, _, context),
    do: check(Simulator.gone?(context.os_pid), context, "the process is alive")

  defp step("memory_below_mb", limit, _, context) do
    for pid <- Process.list(), do: :erlang.garbage_collect(pid)
    grown = resident_mb() - context.memory
    check(grown < limit, context, "grew by #{grown} MB")
  end

  defp step("times", times, %{"do" => steps} = step, context) do
    one = fn _ ->
      context.scenario
      |> context(context.defaults, context.store)
      |> steps(steps)
      |> finish()
    end

    all =
      Task.async_stream(1..times, one,
        max_concurrency: if(step["parallel"], do: times, else: 1),
        timeout: 110_000
      )

    Enum.each(all, fn {:ok, _} -> :ok end)
    %{context | progress: Progress.new(nil)}
  end

  # With the manager of this name as the one that gives credentials.
  defp named(context, nil), do: context
  defp named(context, name), do: %{context | auth: Map.fetch!(context.managers, name)}

  defp options(context, callback) do
    %{scenario: scenario} = context
    fields = fields(context, scenario["options"] || %{})
    store = if context.store, do: [session_store: context.store.store], else: []

    options =
      Keyword.merge(Callback.options(callback, scenario) ++ store, fields, fn
        # The servers that run elsewhere stand beside those that run here.
        :mcp_servers, here, elsewhere -> Map.merge(elsewhere, here)
        _name, _ours, given -> given
      end)

    Specialists.through(options, scenario["through"])
  end

  # Options of a scenario over those of the runner.
  defp fields(context, given) do
    context.defaults
    |> Map.merge(given)
    |> Map.update!("env", &if(is_map(&1), do: Map.merge(env(context), &1), else: &1))
    |> Wire.options()
    |> then(&if(context.auth, do: Keyword.put_new(&1, :auth, context.auth), else: &1))
  end

  defp env(%{config: nil, defaults: defaults}), do: defaults["env"]

  defp env(%{config: config, defaults: defaults}),
    do: Map.put(defaults["env"], "CLAUDE_CONFIG_DIR", config)

  # Reading: a session's stream is taken up where the last step left it; a query's is one suspended enumeration.
  # What came during a wait that was to be given up comes first.
  defp read(%{early: [message | early]} = context, until) do
    context = see(%{context | early: early}, message)
    if until != :end and until.(message), do: context, else: read(context, until)
  end

  defp read(%{query: nil} = context, until) do
    Process.put(:context, context)

    outcome =
      Enum.reduce_while(Session.stream(context.session), {:end, context}, fn message,
                                                                             {_, context} ->
        context = see(context, message)
        Process.put(:context, context)

        if until != :end and until.(message),
          do: {:halt, {:found, context}},
          else: {:cont, {:end, context}}
      end)

    found(outcome, until)
  end

  defp read(context, until) do
    case context.query.({:cont, nil}) do
      {:suspended, message, continue} ->
        context = %{context | query: continue}
        Process.put(:context, context)
        if error = is_map(message.data) && message.data[:error_struct], do: raise(error)
        context = see(context, message)
        if until != :end and until.(message), do: context, else: read(context, until)

      {:done, _} ->
        found({:end, %{context | query: fn _ -> {:done, nil} end}}, until)
    end
  end

  defp found({:end, context}, until) when until != :end,
    do: fail(context, "the stream ended early")

  defp found({_, context}, _until), do: context

  defp see(context, message),
    do: %{context | progress: Progress.see(context.progress, message.raw)}

  defp await_ask(context, pattern) do
    context = next_ask(context)

    if Pattern.match?(pattern, List.last(context.asks)),
      do: context,
      else: await_ask(context, pattern)
  end

  defp hold_one(%{held: []} = context), do: context |> next_ask() |> hold_one()
  defp hold_one(context), do: context

  defp next_ask(context) do
    {request, pid, held?} = Callback.next(context.callback)

    held =
      if held? and pid not in context.withdrawn,
        do: context.held ++ [{request, pid}],
        else: context.held

    %{context | asks: context.asks ++ [request], held: held}
  end

  defp reply({:ok, reply}, step, context),
    do:
      check(
        Pattern.match?(step["reply"] || "$any", reply),
        context,
        "the reply was #{inspect(reply)}"
      )

  defp reply({:error, error}, _step, _context), do: raise(error)

  defp ok({:ok, value}), do: value
  defp ok({:error, error}), do: raise(error)

  defp closed(%{exit: :unknown} = context, exit), do: %{context | exit: exit}
  defp closed(context, _again), do: context

  defp finish(context) do
    expect = context.scenario["expect"] || %{}

    context =
      if expect["exit"] && context.session && context.exit == :unknown,
        do: step("close", %{}, nil, context),
        else: context

    if context.session, do: Session.close(context.session)
    if context.conductor, do: Conductor.close(context.conductor)
    if context.policy, do: Policies.close(context.policy)
    Authority.finish([context.auth | Map.values(context.managers)])
    if context.query, do: context.query.({:halt, nil})

    asks = context.asks ++ if(context.callback, do: Callback.rest(context.callback), else: [])
    Progress.finish(context.progress) |> Enum.each(&fail(context, &1))

    if expect["asks"] && context.scenario["host"] |> hd() |> Map.get("times") == nil,
      do: check(Pattern.match?(expect["asks"], asks), context, "the asks were #{inspect(asks)}")

    # The public stream of a query does not tell how the process ended, other than by raising.
    if expect["exit"] && context.exit != :unknown,
      do:
        check(
          Pattern.match?(expect["exit"], exit_map(context.exit)),
          context,
          "the exit was #{inspect(context.exit)}"
        )

    :ok
  end

  defp exit_map({kind, number}), do: %{to_string(kind) => number}
  defp exit_map(nil), do: nil

  defp check(true, context, _problem), do: context
  defp check(false, context, problem), do: fail(context, problem)

  defp fail(context, problem),
    do: raise(ExUnit.AssertionError, message: "#{context.scenario["name"]}: #{problem}")

  defp resident_mb do
    [_, kb] = Regex.run(~r/VmRSS:\s+(\d+) kB/, File.read!("/proc/self/status"))
    div(String.to_integer(kb), 1024)
  end
end
