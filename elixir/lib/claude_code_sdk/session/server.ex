defmodule ClaudeCodeSDK.Session.Server do
  @moduledoc false
  # The process behind a session. It owns the program: when this process dies, the program is ended. It takes the
  # signals (replies, questions, stderr) and never the messages, which whoever reads them drains by himself.

  use GenServer

  require Logger

  alias ClaudeCodeSDK.{Error, Inbox, JSON, Native, Options, Request}
  alias ClaudeCodeSDK.Session.Asks

  defstruct [
    :handle,
    :id,
    :options,
    :host,
    :failed,
    :session_id,
    :reader,
    :owner,
    :info,
    next: 1,
    calls: %{},
    asks: %{},
    # Calls of the session store. Their exceptions are not kept: the stream tells of what was not stored.
    stored: %{},
    failures: %{},
    unread: [],
    skip: 0,
    waiting: [],
    closing: []
  ]

  ## For the modules of this package

  @doc "Starts a session whose program ends with the calling process, without a link to it."
  @spec start(Options.t()) :: GenServer.on_start()
  def start(options), do: GenServer.start(__MODULE__, {options, self()})

  @spec start_link(Options.t(), GenServer.options()) :: GenServer.on_start()
  def start_link(options, server_options),
    do: GenServer.start_link(__MODULE__, {options, nil}, server_options)

  @doc "Whether the options were accepted."
  @spec opened(GenServer.server()) :: :ok | {:error, Error.t()}
  def opened(session), do: call(session, :opened)

  @doc """
  The right to read messages, for the calling process. A reader of one `:turn` that sends its prompt afterwards and then
  goes away has given the turn up: it is interrupted, and the next reader does not see the rest of it.
  """
  @spec read(GenServer.server(), :all | :turn) :: {:ok, Inbox.t()} | {:error, Error.t()}
  def read(session, mode \\ :all) do
    with {:ok, {handle, id, unread, skip}} <- call(session, {:read, mode}) do
      Native.attach(handle)
      {:ok, Inbox.new(handle, id, unread: unread, skip: skip)}
    end
  end

  @doc "Gives the right back, with the items that nobody saw and the number of turns to skip."
  @spec unread(GenServer.server(), Inbox.t(), [Inbox.item()], non_neg_integer()) :: :ok
  def unread(session, inbox, items, skip) do
    Native.detach(inbox.handle)
    Inbox.flush(inbox)
    call(session, {:unread, items ++ inbox.unread, skip})
    :ok
  end

  @doc "Submits a command and waits for its reply."
  @spec command(GenServer.server(), map()) :: {:ok, term()} | {:error, Error.t()}
  def command(session, command), do: call(session, {:command, command})

  @doc "Tells the session what a message its reader saw says about it."
  @spec note(GenServer.server(), map()) :: :ok
  def note(session, %{"type" => "system", "subtype" => "init", "session_id" => id}),
    do: GenServer.cast(session, {:session_id, id})

  def note(_session, _frame), do: :ok

  @doc "Raises what the callback of a failed question raised."
  @spec raise_failure(GenServer.server(), Error.t()) :: no_return()
  def raise_failure(session, error) do
    case call(session, {:failure, to_string(error.context["ask"])}) do
      {:ok, {kind, reason, stack}} -> :erlang.raise(kind, reason, stack)
      _ -> raise error
    end
  end

  @doc "Ends the program now and the process with it."
  @spec stop(GenServer.server()) :: :ok
  def stop(session) do
    GenServer.stop(session)
  catch
    :exit, _ -> :ok
  end

  @doc "A call that answers with an error when the session is gone."
  @spec call(GenServer.server(), term()) :: term()
  def call(session, request) do
    GenServer.call(session, request, :infinity)
  catch
    :exit, {reason, _} when reason != :calling_self -> {:error, closed()}
  end

  defp closed, do: Error.new(:closed, "the session is closed")

  ## The process

  @impl true
  def init({options, owner}) do
    Process.flag(:trap_exit, true)

    state = %__MODULE__{
      options: options,
      owner: owner && Process.monitor(owner),
      session_id: options.session_id
    }

    case open(options) do
      {:ok, {handle, id}} -> {:ok, %{state | handle: handle, id: id, host: Asks.host(options)}}
      # Told by `opened`: a process that fails to start would take a linked caller with it.
      {:error, error} -> {:ok, %{state | failed: error}}
    end
  end

  defp open(options) do
    options |> Request.build() |> Native.start() |> Error.wrap()
  rescue
    error in [Error] -> {:error, error}
  end

  @impl true
  def handle_call(:opened, _from, state) do
    {:reply, if(state.failed, do: {:error, state.failed}, else: :ok), state}
  end

  # Their functions first: the program may call a new tool at once.
  def handle_call({:set_tools, server, tools}, from, state) do
    state = put_in(state.host.tools[server], ClaudeCodeSDK.Tool.Server.by_name(tools))
    wire = Enum.map(tools, &ClaudeCodeSDK.Tool.wire/1)
    handle_call({:command, %{command: "set_tools", server: server, tools: wire}}, from, state)
  end

  def handle_call({:command, _command}, _from, %{closing: [_ | _]} = state) do
    {:reply, {:error, closed()}, state}
  end

  def handle_call({:command, command}, {pid, _} = from, state) do
    with {:ok, text} <- JSON.encode(Map.put(command, :id, state.next)),
         {:ok, _} <- state.handle |> Native.command(text) |> Error.wrap() do
      calls = Map.put(state.calls, state.next, from)

      {:noreply,
       %{
         state
         | next: state.next + 1,
           calls: calls,
           reader: reader_after(command, pid, state.reader)
       }}
    else
      {:error, error} -> {:reply, {:error, error}, state}
    end
  end

  def handle_call({:read, mode}, {pid, _}, %{reader: nil} = state) do
    reply = {:ok, {state.handle, state.id, state.unread, state.skip}}
    {:reply, reply, %{state | reader: {pid, Process.monitor(pid), mode}, unread: [], skip: 0}}
  end

  def handle_call({:read, _mode}, _from, %{reader: {pid, _, _}} = state) do
    message =
      "the messages of this session are being read by #{inspect(pid)}; one reader at a time"

    {:reply, {:error, Error.new(:invalid_argument, message, operation: "read")}, state}
  end

  def handle_call({:unread, items, skip}, {pid, _}, %{reader: {pid, monitor, _}} = state) do
    Process.demonitor(monitor, [:flush])
    {:reply, :ok, %{state | reader: nil, unread: items, skip: skip}}
  end

  def handle_call({:unread, _items, _skip}, _from, state), do: {:reply, :ok, state}

  def handle_call({:failure, ask}, _from, state) do
    {failure, failures} = Map.pop(state.failures, ask)
    {:reply, if(failure, do: {:ok, failure}, else: :error), %{state | failures: failures}}
  end

  def handle_call(:session_id, _from, state) do
    {:reply, if(state.session_id, do: {:ok, state.session_id}, else: {:error, :no_session_id}),
     state}
  end

  def handle_call(:info, _from, %{info: %{}} = state), do: {:reply, {:ok, state.info}, state}

  def handle_call(:info, from, state),
    do: {:noreply, tell_ended(%{state | waiting: [from | state.waiting]})}

  def handle_call(:close, from, state) do
    Native.close(state.handle, :graceful)
    finish_closing(%{state | closing: [from | state.closing], unread: []})
  end

  @impl true
  def handle_cast({:session_id, id}, state), do: {:noreply, %{state | session_id: id}}

  def handle_cast({:progress, ask, progress, total, message}, state) do
    Native.command(state.handle, Asks.progress(ask, progress, total, message))
    {:noreply, state}
  end

  @impl true
  def handle_info({:madrigal_wake, id}, %{id: id} = state) do
    case Native.signals(state.handle) do
      {:ok, signals} ->
        signals |> Enum.reduce(state, &signal/2) |> tell_ended() |> finish_closing()

      {:error, _} ->
        {:stop, :normal, state}
    end
  end

  def handle_info({:outcome, ask, outcome}, state) when is_map_key(state.asks, ask) do
    {:noreply, answer(%{state | asks: Map.delete(state.asks, ask)}, ask, outcome)}
  end

  def handle_info({:DOWN, monitor, :process, _, _}, %{owner: monitor} = state),
    do: {:stop, :normal, state}

  def handle_info({:DOWN, monitor, :process, _, _}, %{reader: {_, monitor, :sent}} = state) do
    Native.command(state.handle, JSON.encode!(%{command: "interrupt", id: state.next}))
    {:noreply, %{state | reader: nil, next: state.next + 1, skip: 1}}
  end

  def handle_info({:DOWN, monitor, :process, _, _}, %{reader: {_, monitor, _}} = state) do
    {:noreply, %{state | reader: nil}}
  end

  def handle_info({:EXIT, pid, reason}, state) do
    case Enum.find(state.asks, &match?({_ask, ^pid}, &1)) do
      {ask, _} ->
        {:noreply,
         answer(%{state | asks: Map.delete(state.asks, ask)}, ask, {:raised, :exit, reason, []})}

      nil when reason == :normal ->
        {:noreply, state}

      # Somebody else linked himself to the session, and failed.
      nil ->
        {:stop, reason, state}
    end
  end

  def handle_info(_late, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state) do
    # A reader in another process is woken by the end that follows.
    state = last_signals(state)
    if state.handle, do: Native.close(state.handle, :now)
    for {_ask, pid} <- state.asks, do: kill(pid)

    for from <- Map.values(state.calls) ++ state.waiting,
        do: GenServer.reply(from, {:error, closed()})

    for from <- state.closing, do: GenServer.reply(from, {:ok, nil})
  end

  # What was said before the end is heard, also when the wake that tells of it is still on its way. A question is not: nobody
  # waits for its answer any more.
  defp last_signals(%{handle: nil} = state), do: state

  defp last_signals(state) do
    case Native.signals(state.handle) do
      {:ok, signals} ->
        for text <- signals,
            {:ok, %{"event" => event} = signal} = JSON.decode(text),
            event in ["stderr", "reply"],
            reduce: state,
            do: (state -> handle_signal(signal, state))

      {:error, _} ->
        state
    end
  end

  defp kill(task) do
    Process.unlink(task)
    Process.exit(task, :kill)
  end

  defp reader_after(%{command: "send"}, pid, {pid, monitor, :turn}), do: {pid, monitor, :sent}
  defp reader_after(_command, _pid, reader), do: reader

  ## Signals

  defp signal(text, state) do
    {:ok, signal} = JSON.decode(text)
    handle_signal(signal, state)
  end

  defp handle_signal(%{"event" => "opened", "pid" => pid, "info" => info}, state) do
    info = %{os_pid: pid, info: info}
    for from <- state.waiting, do: GenServer.reply(from, {:ok, info})
    %{state | info: info, waiting: []}
  end

  defp handle_signal(%{"event" => "ask", "ask" => ask, "request" => request} = signal, state) do
    kind = signal["kind"] || "can_use_tool"
    pid = Asks.start(ask, kind, request, state.host, state.session_id)
    state = %{state | asks: Map.put(state.asks, ask, pid)}
    if kind == "session_store", do: put_in(state.stored[ask], true), else: state
  end

  defp handle_signal(%{"event" => "ask_cancelled", "ask" => ask}, state) do
    {pid, asks} = Map.pop(state.asks, ask)
    if pid, do: kill(pid)
    %{state | asks: asks, stored: Map.delete(state.stored, ask)}
  end

  defp handle_signal(%{"event" => "reply", "id" => id} = reply, state) do
    {from, calls} = Map.pop(state.calls, id)

    case reply do
      _ when from == nil -> :ok
      %{"error" => wire} -> GenServer.reply(from, {:error, Error.from_wire(wire)})
      _ -> GenServer.reply(from, {:ok, reply["result"]})
    end

    %{state | calls: calls}
  end

  defp handle_signal(%{"event" => "stderr", "line" => line}, state) do
    try do
      state.options.stderr.(line)
    catch
      kind, reason ->
        Logger.error(
          "the stderr function failed: " <> Exception.format(kind, reason, __STACKTRACE__)
        )
    end

    state
  end

  defp handle_signal(_other, state), do: state

  defp answer(state, ask, outcome) do
    Native.command(state.handle, Asks.command(ask, outcome))

    case outcome do
      _ when is_map_key(state.stored, ask) -> %{state | stored: Map.delete(state.stored, ask)}
      {:raised, kind, reason, stack} -> put_in(state.failures[ask], {kind, reason, stack})
      {:answer, _} -> state
    end
  end

  # A program that never became ready: the end says why.
  defp tell_ended(%{waiting: []} = state), do: state

  defp tell_ended(state) do
    case Native.ended(state.handle) do
      {:ok, nil} ->
        state

      {:ok, ended} ->
        error = if ended["error"], do: Error.from_wire(ended["error"]), else: closed()
        for from <- state.waiting, do: GenServer.reply(from, {:error, error})
        %{state | waiting: []}

      {:error, wire} ->
        for from <- state.waiting, do: GenServer.reply(from, {:error, Error.from_wire(wire)})
        %{state | waiting: []}
    end
  end

  ## Closing

  defp finish_closing(%{closing: []} = state), do: {:noreply, state}

  # Nobody will read what is left, and the program cannot end while its output is stuck.
  defp finish_closing(state) do
    case Native.discard(state.handle) do
      {:ok, :more} -> finish_closing(state)
      {:ok, nil} -> {:noreply, state}
      {:ok, ended} -> {:stop, :normal, closed_with(ended, state)}
      {:error, _} -> {:stop, :normal, state}
    end
  end

  defp closed_with(ended, state) do
    outcome = {:ok, exit_of(ended["exit"])}
    for from <- state.closing, do: GenServer.reply(from, outcome)
    %{state | closing: []}
  end

  defp exit_of(%{"code" => code}), do: {:code, code}
  defp exit_of(%{"signal" => signal}), do: {:signal, signal}
  defp exit_of(_unknown), do: nil
end
