defmodule ClaudeCodeSDK.SessionStore.Work do
  @moduledoc false
  # Work on a store without a program. The engine does it and asks the store; a process in between answers, so that nothing
  # of it reaches the mailbox of the caller, and so that a call that is withdrawn can be killed.

  alias ClaudeCodeSDK.{Error, JSON, Native}
  alias ClaudeCodeSDK.Session.Asks
  alias ClaudeCodeSDK.SessionStore.Answer

  @doc "Work that needs no store."
  @spec invoke(map()) :: {:ok, term()} | {:error, Error.t()}
  def invoke(request) do
    with {:ok, text} <- JSON.encode(request),
         {:ok, result} <- text |> Native.invoke() |> Error.wrap(),
         do: JSON.decode(result)
  end

  @doc """
  An operation on a store, or on as many as a function makes: each is made in the calling process. Returns the result as the
  engine gives it.
  """
  @spec run(map(), term() | (() -> term())) :: {:ok, term()} | {:error, Error.t()}
  def run(operation, store) do
    {first, fresh} = if is_function(store, 0), do: {store.(), store}, else: {store, nil}
    request = %{operation: operation, session_store: %{methods: Answer.methods(first)}}

    with {:ok, text} <- JSON.encode(request) do
      caller = self()
      {pid, monitor} = spawn_monitor(fn -> work(text, first, caller) end)
      await(pid, monitor, fresh)
    end
  rescue
    error in [Error] -> {:error, error}
  end

  defp await(pid, monitor, fresh) do
    receive do
      {:DOWN, ^monitor, :process, _pid, {:shutdown, {:worked, outcome}}} ->
        outcome

      {:DOWN, ^monitor, :process, _pid, reason} ->
        problem = "the work on the session store ended: #{Exception.format_exit(reason)}"
        {:error, Error.new(:internal, problem)}

      {:fresh, ^pid, number} ->
        send(pid, {:fresh, number, make(fresh, pid, monitor)})
        await(pid, monitor, fresh)
    end
  end

  # What the caller's function raises is the caller's; the work ends first.
  defp make(fresh, pid, monitor) do
    fresh.()
  catch
    kind, reason ->
      Process.demonitor(monitor, [:flush])
      Process.exit(pid, :kill)
      :erlang.raise(kind, reason, __STACKTRACE__)
  end

  ## The process in between

  defp work(text, first, caller) do
    Process.flag(:trap_exit, true)

    case text |> Native.start() |> Error.wrap() do
      {:ok, {handle, id}} ->
        loop(%{
          handle: handle,
          id: id,
          caller: Process.monitor(caller),
          ask_caller: caller,
          asks: %{},
          # The first store that was made serves the first number; without a number there is one only.
          stores: %{},
          spare: [first],
          waiting: %{}
        })

      {:error, error} ->
        exit({:shutdown, {:worked, {:error, error}}})
    end
  end

  defp loop(%{id: id, caller: caller} = state) do
    receive do
      {:madrigal_wake, ^id} ->
        {:ok, signals} = Native.signals(state.handle)
        signals |> Enum.map(&decode/1) |> Enum.reduce(state, &signal/2) |> loop()

      {:fresh, number, store} ->
        {requests, waiting} = Map.pop(state.waiting, number, [])
        state = %{state | waiting: waiting, stores: Map.put(state.stores, number, store)}
        requests |> Enum.reverse() |> Enum.reduce(state, &start/2) |> loop()

      {:outcome, ask, outcome} when is_map_key(state.asks, ask) ->
        Native.command(state.handle, Asks.command(ask, outcome))
        loop(%{state | asks: Map.delete(state.asks, ask)})

      {:EXIT, pid, reason} ->
        loop(died(state, pid, reason))

      # Nobody waits for the result; the engine gives the work up with its owner.
      {:DOWN, ^caller, :process, _pid, _reason} ->
        for {_ask, pid} <- state.asks, do: Process.exit(pid, :kill)

      _late ->
        loop(state)
    end
  end

  defp decode(signal) do
    {:ok, signal} = JSON.decode(signal)
    signal
  end

  defp signal(%{"event" => "ask"} = asked, state), do: start(asked, state)

  defp signal(%{"event" => "ask_cancelled", "ask" => ask}, state) do
    {pid, asks} = Map.pop(state.asks, ask)
    if pid, do: Process.exit(pid, :kill)
    %{state | asks: asks}
  end

  defp signal(%{"event" => "reply", "error" => wire}, state),
    do: finish(state, {:error, Error.from_wire(wire)})

  defp signal(%{"event" => "reply"} = reply, state), do: finish(state, {:ok, reply["result"]})
  defp signal(_other, state), do: state

  defp finish(state, outcome) do
    Native.release(state.handle)
    exit({:shutdown, {:worked, outcome}})
  end

  defp start(%{"ask" => ask, "request" => request} = asked, state) do
    number = request["store"]

    case state do
      %{stores: %{^number => store}} ->
        pid = Asks.run(ask, fn -> Answer.to(request, store) end)
        %{state | asks: Map.put(state.asks, ask, pid)}

      %{spare: [store]} ->
        start(asked, %{state | spare: [], stores: Map.put(state.stores, number, store)})

      %{waiting: %{^number => requests}} ->
        put_in(state.waiting[number], [asked | requests])

      _ ->
        send(state.ask_caller, {:fresh, self(), number})
        put_in(state.waiting[number], [asked])
    end
  end

  defp died(state, pid, reason) do
    case Enum.find(state.asks, &match?({_ask, ^pid}, &1)) do
      {ask, _pid} when reason != :normal ->
        Native.command(state.handle, Asks.command(ask, {:raised, :exit, reason, []}))
        %{state | asks: Map.delete(state.asks, ask)}

      _ ->
        state
    end
  end
end
