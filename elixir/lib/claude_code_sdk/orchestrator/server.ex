defmodule ClaudeCodeSDK.Orchestrator.Server do
  @moduledoc false
  # The process behind an orchestrator. It owns the engine's half: when this process dies, all calls are given up and their
  # programs ended. It passes questions on to functions in processes of their own, and never waits itself.

  use GenServer

  alias ClaudeCodeSDK.{Error, JSON, Native, Request}
  alias ClaudeCodeSDK.Orchestrator.{Call, Config, Progress, Questions, Source, Task}
  alias ClaudeCodeSDK.Session.Asks

  defstruct [
    :handle,
    :id,
    :failed,
    :base,
    :max_concurrent,
    next: 1,
    # Calls by number.
    calls: %{},
    # Who waits for the reply to a command that is no call.
    replies: %{},
    # The functions of running tasks, by the `ref` of the task.
    hosts: %{},
    # Who works on which question.
    asks: %{},
    subscribers: %{}
  ]

  # As in the core.
  @max_concurrent 5

  # How long the end waits for the programs, which the core kills after 2 s by default.
  @gone_ms 9_000

  ## For ClaudeCodeSDK.Orchestrator

  @spec start_link(keyword(), GenServer.options()) :: GenServer.on_start()
  def start_link(config, server_options),
    do: GenServer.start_link(__MODULE__, config, server_options)

  @doc "A call that answers with an error when the orchestrator is gone."
  @spec call(GenServer.server(), term()) :: term()
  def call(server, request) do
    GenServer.call(server, request, :infinity)
  catch
    :exit, {reason, _} when reason != :calling_self -> {:error, closed()}
  end

  defp closed, do: Error.new(:closed, "the orchestrator is closed")

  ## The process

  @impl true
  def init(config) do
    Process.flag(:trap_exit, true)
    {wire, base} = Config.read(config)
    open = Map.merge(%{orchestrator: wire, progress: true}, Request.auth(base.auth))
    request = JSON.encode!(open)

    case request |> Native.start() |> Error.wrap() do
      {:ok, {handle, id}} ->
        most = wire[:max_concurrent] || @max_concurrent
        {:ok, %__MODULE__{handle: handle, id: id, base: base, max_concurrent: most}}

      {:error, error} ->
        {:ok, %__MODULE__{failed: error}}
    end
  rescue
    # Told by `opened`: a process that fails to start would take a linked caller with it. What cannot be encoded is an option of
    # the wrong type.
    error in [Error] ->
      {:ok, %__MODULE__{failed: %{error | code: :invalid_options, operation: "open"}}}
  end

  @impl true
  def handle_call(:opened, _from, state) do
    {:reply, if(state.failed, do: {:error, state.failed}, else: :ok), state}
  end

  def handle_call(:base, _from, state), do: {:reply, {:ok, state.base}, state}

  # The reply comes at the end, to one who takes outcomes one by one at once.
  def handle_call({:run, call}, {pid, _} = from, state) do
    case command(state, ~s({"command":"run","id":#{state.next},"flow":#{call.flow}})) do
      :ok ->
        ahead = if call.ahead == :default, do: state.max_concurrent, else: call.ahead
        id = state.next
        state = %{state | next: id + 1, hosts: hosts(state.hosts, call.tasks)}
        call = Call.begun(%{call | ahead: ahead}, id, pid, Process.monitor(pid))
        call = %{call | flow: nil, source: source(call, state.base)}

        if ahead,
          do: {:reply, {:ok, id}, put_in(state.calls[id], call)},
          else: {:noreply, put_in(state.calls[id], %{call | waiting: from})}

      {:error, error} ->
        {:reply, {:error, error}, state}
    end
  end

  def handle_call({:next, id}, from, state) when is_map_key(state.calls, id),
    do: {:noreply, hand_over(state, %{state.calls[id] | waiting: from})}

  def handle_call({:next, _id}, _from, state), do: {:reply, {:error, closed()}, state}

  def handle_call({:stop, id}, _from, state), do: {:reply, :ok, give_up(state, id)}

  def handle_call({:subscribe, pid}, _from, state) when is_map_key(state.subscribers, pid),
    do: {:reply, :ok, state}

  def handle_call({:subscribe, pid}, _from, state),
    do: {:reply, :ok, put_in(state.subscribers[pid], Process.monitor(pid))}

  def handle_call({:unsubscribe, pid}, _from, state) do
    {monitor, subscribers} = Map.pop(state.subscribers, pid)
    if monitor, do: Process.demonitor(monitor, [:flush])
    {:reply, :ok, %{state | subscribers: subscribers}}
  end

  def handle_call({:command, name}, from, state) do
    case command(state, JSON.encode!(%{command: name, id: state.next})) do
      :ok ->
        {:noreply,
         %{state | next: state.next + 1, replies: Map.put(state.replies, state.next, from)}}

      {:error, error} ->
        {:reply, {:error, error}, state}
    end
  end

  @impl true
  def handle_cast({:progress, ask, progress, total, message}, state) do
    command(state, Asks.progress(ask, progress, total, message))
    {:noreply, state}
  end

  @impl true
  def handle_info({:madrigal_wake, id}, %{id: id} = state) do
    # What happened before a reply is told before it.
    with {:ok, signals} <- Native.signals(state.handle),
         :ok <- progress(state) do
      {:noreply, signals |> Enum.map(&decode/1) |> Enum.reduce(state, &signal/2)}
    else
      {:error, _closed} -> {:stop, :normal, state}
    end
  end

  def handle_info({:made, id, place, task}, state) when is_map_key(state.calls, id) do
    state = update_in(state.calls[id], &Call.made(&1, place, task))
    {:noreply, %{state | hosts: hosts(state.hosts, List.wrap(task))}}
  end

  def handle_info({:outcome, ask, outcome}, state) when is_map_key(state.asks, ask),
    do: {:noreply, answer(state, ask, outcome)}

  def handle_info({:DOWN, monitor, :process, pid, _reason}, state) do
    state =
      case state.subscribers do
        %{^pid => ^monitor} -> %{state | subscribers: Map.delete(state.subscribers, pid)}
        _ -> state
      end

    gone = for {id, %{monitor: ^monitor}} <- state.calls, do: id
    {:noreply, Enum.reduce(gone, state, &give_up(&2, &1))}
  end

  def handle_info({:EXIT, pid, reason}, state) do
    asks = for {ask, ^pid} <- state.asks, do: ask
    sources = for {id, %{source: ^pid}} <- state.calls, do: id

    cond do
      asks == [] and sources == [] and reason != :normal ->
        # Somebody linked himself to the orchestrator, and failed.
        {:stop, reason, state}

      true ->
        state = Enum.reduce(asks, state, &answer(&2, &1, {:raised, :exit, reason, []}))
        {:noreply, Enum.reduce(sources, state, &put_in(&2.calls[&1].source, {:gone, reason}))}
    end
  end

  def handle_info(_late, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state) do
    if state.handle, do: Native.close(state.handle, :now)
    for {_ask, pid} <- state.asks, do: kill(pid)
    waiting = for {_id, %{waiting: from}} <- state.calls, from != nil, do: from

    for from <- waiting ++ Map.values(state.replies),
        do: GenServer.reply(from, {:error, closed()})

    if state.handle, do: gone(state, System.monotonic_time(:millisecond) + @gone_ms)
  end

  # The end comes when the last program is gone.
  defp gone(%{id: id} = state, deadline) do
    Native.signals(state.handle)

    case Native.discard(state.handle) do
      {:ok, :more} ->
        gone(state, deadline)

      {:ok, nil} ->
        receive do
          {:madrigal_wake, ^id} -> gone(state, deadline)
        after
          max(deadline - System.monotonic_time(:millisecond), 0) -> :ok
        end

      _ended ->
        :ok
    end
  end

  defp kill(pid) do
    Process.unlink(pid)
    Process.exit(pid, :kill)
  end

  defp command(state, text) do
    with {:ok, _} <- state.handle |> Native.command(text) |> Error.wrap(), do: :ok
  end

  defp hosts(hosts, tasks),
    do: for(%Task{ref: ref, host: host} when ref != nil <- tasks, into: hosts, do: {ref, host})

  defp source(%{from: nil}, _base), do: nil

  defp source(%{id: id, from: enumerable, told: told}, base),
    do: Source.start(id, enumerable, &Task.build(&1, base, told))

  ## Progress

  defp progress(%{subscribers: none} = state) when none == %{} do
    case Native.discard(state.handle) do
      {:ok, :more} -> progress(state)
      {:ok, _} -> :ok
      error -> error
    end
  end

  defp progress(state) do
    case state.handle |> Native.drain() |> big(state.handle) do
      {:ok, {[], _end}} ->
        :ok

      {:ok, {events, _end}} ->
        for %{} = event <- events,
            event = Progress.from_wire(event),
            {pid, _monitor} <- state.subscribers,
            do: send(pid, {:orchestrator_progress, self(), event})

        progress(state)

      error ->
        error
    end
  end

  defp big({:ok, :big}, handle), do: Native.drain_big(handle)
  defp big(other, _handle), do: other

  ## Signals

  defp decode(text) do
    {:ok, signal} = JSON.decode(text)
    signal
  end

  # A question of a task, to its functions.
  defp signal(%{"event" => "ask", "ask" => ask, "ref" => ref} = asked, state) do
    case state.hosts do
      %{^ref => host} ->
        pid = Asks.start(ask, asked["kind"], asked["request"], host, nil)
        put_in(state.asks[ask], pid)

      _given_up ->
        state
    end
  end

  # A question of a call, to its caller.
  defp signal(%{"event" => "ask", "ask" => ask, "request" => %{"run" => id}} = asked, state)
       when is_map_key(state.calls, id) do
    call = state.calls[id]

    cond do
      asked["kind"] != "next_task" ->
        server = self()
        question = [asked["kind"], asked["request"], call, state.base, server]
        put_in(state.asks[ask], Asks.run(ask, fn -> apply(Questions, :answer, question) end))

      Call.full?(call) ->
        put_in(state.calls[id].held, ask)

      true ->
        next_task(state, call, ask)
    end
  end

  defp signal(%{"event" => "ask_cancelled", "ask" => ask}, state) do
    {pid, asks} = Map.pop(state.asks, ask)
    if pid, do: kill(pid)
    %{state | asks: asks}
  end

  defp signal(%{"event" => "outcome", "run" => id, "outcome" => outcome}, state)
       when is_map_key(state.calls, id) do
    {call, ref} = Call.outcome(state.calls[id], outcome)
    state = put_in(state.calls[id], call)
    state = %{state | hosts: Map.delete(state.hosts, ref)}
    if call.ahead, do: hand_over(state, call), else: state
  end

  defp signal(%{"event" => "reply", "id" => id} = reply, state)
       when is_map_key(state.calls, id) do
    call = %{state.calls[id] | ended: ended(reply)}
    halt(call, state)
    state = %{state | hosts: Map.drop(state.hosts, Map.values(call.refs))}

    if call.ahead,
      do: hand_over(state, call),
      else: finished(state, call)
  end

  defp signal(%{"event" => "reply", "id" => id} = reply, state) do
    {from, replies} = Map.pop(state.replies, id)
    if from, do: GenServer.reply(from, ended(reply))
    %{state | replies: replies}
  end

  defp signal(_other, state), do: state

  defp ended(%{"error" => wire}), do: {:error, Error.from_wire(wire)}
  defp ended(reply), do: {:ok, reply["result"]}

  defp next_task(state, %{source: source}, ask) when is_pid(source) do
    Source.next(source, ask)
    put_in(state.asks[ask], source)
  end

  # It was killed: there will be no more.
  defp next_task(state, %{source: {:gone, reason}}, ask),
    do: answer(state, ask, {:raised, :exit, reason, []})

  defp answer(state, ask, outcome) do
    command(state, Asks.command(ask, outcome))
    %{state | asks: Map.delete(state.asks, ask)}
  end

  ## The end of a call

  defp finished(state, call) do
    Process.demonitor(call.monitor, [:flush])
    GenServer.reply(call.waiting, result(call))
    %{state | calls: Map.delete(state.calls, call.id)}
  end

  defp result(%{ended: {:ok, result}} = call),
    do: {:ok, result, Enum.reverse(call.outcomes), call.prompts}

  defp result(%{ended: error}), do: error

  # To one who takes outcomes as they come: those that are there, or the end.
  defp hand_over(state, %{waiting: nil} = call), do: put_in(state.calls[call.id], call)

  defp hand_over(state, %{outcomes: [_ | _]} = call) do
    GenServer.reply(call.waiting, {:items, Enum.reverse(call.outcomes)})
    taken = %{call | waiting: nil, outcomes: [], held: nil}
    state = put_in(state.calls[call.id], taken)
    if call.held, do: next_task(state, taken, call.held), else: state
  end

  defp hand_over(state, %{ended: nil} = call), do: put_in(state.calls[call.id], call)

  defp hand_over(state, call) do
    Process.demonitor(call.monitor, [:flush])
    GenServer.reply(call.waiting, with({:ok, _count} <- call.ended, do: :end))
    %{state | calls: Map.delete(state.calls, call.id)}
  end

  # Nobody waits for it any more.
  defp give_up(state, id) when is_map_key(state.calls, id) do
    {call, calls} = Map.pop(state.calls, id)
    command(state, JSON.encode!(%{command: "cancel", run: id}))
    Process.demonitor(call.monitor, [:flush])
    halt(call, state)
    %{state | calls: calls, hosts: Map.drop(state.hosts, Map.values(call.refs))}
  end

  defp give_up(state, _ended), do: state

  defp halt(%{source: source}, state) when is_pid(source) do
    # One that is in the middle of something might never look again.
    if source in Map.values(state.asks), do: kill(source), else: Source.halt(source)
  end

  defp halt(_call, _state), do: :ok
end
