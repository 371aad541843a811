defmodule ClaudeCodeSDK.AuthManager.Server do
  @moduledoc false
  # The process behind a manager. It owns the engine's half and never waits: replies come when they are there, questions are
  # answered and people are asked in processes of their own. No credential stays in its state, and none is in a message to it
  # that a report of a crash could show.

  use GenServer

  require Logger

  alias ClaudeCodeSDK.AuthManager.{Config, Credential, Provider, Terminal, TokenStore}
  alias ClaudeCodeSDK.{Error, JSON, Native}
  alias ClaudeCodeSDK.Session.Asks

  defstruct [
    :handle,
    :id,
    :failed,
    :host,
    :interactive,
    next: 1,
    # Calls by number.
    calls: %{},
    # The person in front of a set-up, and the call for which it runs (`nil`: it began by itself).
    terminal: nil,
    setup: nil,
    # Who works on which question.
    asks: %{},
    subscribers: %{}
  ]

  ## For ClaudeCodeSDK.AuthManager

  # In closures: the arguments of a process are shown when it does not start.
  @spec start_link((() -> keyword()), GenServer.options()) :: GenServer.on_start()
  def start_link(settings, options), do: GenServer.start_link(__MODULE__, settings, options)

  @doc "Puts a command of the core. Option: `:timeout`, after which it is given up."
  @spec ask(GenServer.server(), String.t(), map(), keyword()) ::
          {:ok, term()} | {:error, Error.t()}
  def ask(server, command, arguments \\ %{}, options) do
    leader = Process.group_leader()
    # What is written for another process stays with it when that is asked.
    call(server, {:ask, command, fn -> arguments end, leader, options[:timeout] || :infinity})
  end

  @doc "The number under which programs use the manager."
  @spec number(GenServer.server()) :: {:ok, pos_integer()} | {:error, Error.t()}
  def number(server), do: call(server, :number)

  @doc "A call that answers with an error when the manager is gone."
  @spec call(GenServer.server(), term()) :: term()
  def call(server, request) do
    GenServer.call(server, request, :infinity)
  catch
    :exit, {:noproc, _} ->
      problem =
        "the auth manager #{inspect(server)} is not running: put it under a supervisor, or start it"

      {:error, Error.new(:closed, problem)}

    :exit, {reason, _} when reason != :calling_self ->
      {:error, closed()}
  end

  defp closed, do: Error.new(:closed, "the auth manager is closed")

  ## The process

  @impl true
  def init(settings) do
    Process.flag(:trap_exit, true)
    {wire, host} = Config.read(settings.())

    case %{auth_manager: wire} |> JSON.encode!() |> Native.start() |> Error.wrap() do
      {:ok, {handle, id}} ->
        {:ok, %__MODULE__{handle: handle, id: id, host: host, interactive: wire[:interactive]}}

      {:error, error} ->
        {:ok, %__MODULE__{failed: error}}
    end
  rescue
    # Told by `opened`: a process that fails to start would take a linked caller with it.
    error in [Error] ->
      {:ok, %__MODULE__{failed: %{error | code: :invalid_options, operation: "open"}}}
  end

  @impl true
  def handle_call(:opened, _from, state),
    do: {:reply, if(state.failed, do: {:error, state.failed}, else: :ok), state}

  def handle_call(:number, _from, state), do: {:reply, {:ok, state.id}, state}

  def handle_call({:ask, command, arguments, leader, timeout}, {pid, _} = from, state) do
    id = state.next

    with {:ok, text} <- JSON.encode(Map.merge(arguments.(), %{command: command, id: id})),
         {:ok, _} <- state.handle |> Native.command(text) |> Error.wrap() do
      call = %{
        command: command,
        from: from,
        leader: leader,
        monitor: Process.monitor(pid),
        timer: if(timeout != :infinity, do: Process.send_after(self(), {:late, id}, timeout))
      }

      {:noreply, %{put_in(state.calls[id], call) | next: id + 1}}
    else
      {:error, error} -> {:reply, {:error, error}, state}
    end
  end

  def handle_call({:subscribe, pid}, _from, state) when is_map_key(state.subscribers, pid),
    do: {:reply, :ok, state}

  def handle_call({:subscribe, pid}, _from, state),
    do: {:reply, :ok, put_in(state.subscribers[pid], Process.monitor(pid))}

  @impl true
  def handle_info({:madrigal_wake, id}, %{id: id} = state) do
    case Native.signals(state.handle) do
      {:ok, signals} ->
        {:noreply, signals |> Enum.map(&decode/1) |> Enum.reduce(state, &signal/2)}

      {:error, _closed} ->
        {:stop, :normal, state}
    end
  end

  # A person who logs in has the time of the set-up, which the core looks after.
  def handle_info({:late, id}, state) when is_map_key(state.calls, id) do
    if state.setup == id do
      {:noreply, state}
    else
      command(state, %{command: "cancel", run: id})
      call = state.calls[id]
      error = Error.new(:timeout, "no answer in time", operation: call.command, retry: :now)
      {:noreply, finish(state, id, {:error, error})}
    end
  end

  def handle_info({:typed, reader, line}, %{terminal: %{reader: reader}} = state) do
    command(state, %{command: "setup_input", text: line})
    {:noreply, state}
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

    {:noreply,
     Enum.reduce(gone, state, fn id, state ->
       command(state, %{command: "cancel", run: id})
       finish(state, id, nil)
     end)}
  end

  def handle_info({:EXIT, pid, reason}, state) do
    asks = for {ask, ^pid} <- state.asks, do: ask

    cond do
      asks != [] ->
        {:noreply, Enum.reduce(asks, state, &answer(&2, &1, {:raised, :exit, reason, []}))}

      reason == :normal or terminal?(state.terminal, pid) ->
        {:noreply, state}

      # Somebody linked himself to the manager, and failed.
      true ->
        {:stop, reason, state}
    end
  end

  def handle_info(_late, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state) do
    if state.handle, do: Native.release(state.handle)
    for {_ask, pid} <- state.asks, do: kill(pid)
    for {_id, call} <- state.calls, do: GenServer.reply(call.from, {:error, closed()})
    if state.terminal, do: Terminal.finish(state.terminal, nil, nil)
  end

  # What is shown of the process: nothing that could lead to a credential.
  @doc false
  def format_status(%{} = status) do
    for {key, value} <- status, into: %{} do
      case {key, value} do
        {:state, %__MODULE__{} = state} ->
          {:state, %{calls: map_size(state.calls), host: state.host}}

        {:message, {:outcome, ask, _answer}} ->
          {:message, {:outcome, ask, :hidden}}

        {:message, {:typed, pid, _line}} ->
          {:message, {:typed, pid, :hidden}}

        {:log, _events} ->
          {:log, []}

        other ->
          other
      end
    end
  end

  defp terminal?(nil, _pid), do: false
  defp terminal?(terminal, pid), do: pid in [terminal.writer, terminal.reader]

  defp kill(pid) do
    Process.unlink(pid)
    Process.exit(pid, :kill)
  end

  defp command(state, command) do
    Native.command(state.handle, JSON.encode!(command))
    :ok
  end

  defp decode(text) do
    {:ok, signal} = JSON.decode(text)
    signal
  end

  ## Signals

  defp signal(%{"event" => "setup_output", "text" => text}, state) do
    state = person(state)
    Terminal.show(state.terminal, text)
    state
  end

  defp signal(%{"event" => "ask", "ask" => ask, "kind" => kind} = asked, state) do
    put_in(state.asks[ask], Asks.run(ask, question(kind, asked["request"], state.host)))
  end

  defp signal(%{"event" => "ask_cancelled", "ask" => ask}, state) do
    {pid, asks} = Map.pop(state.asks, ask)
    if pid, do: kill(pid)
    %{state | asks: asks}
  end

  defp signal(%{"event" => "reply", "id" => id} = reply, state) when is_map_key(state.calls, id),
    do: finish(state, id, result(state.calls[id].command, reply))

  defp signal(%{"event" => "refreshed", "credential" => credential}, state) do
    tell(state, {:auth_refreshed, self(), Credential.from_wire(credential)})
    over(state)
  end

  defp signal(%{"event" => "refresh_failed", "error" => wire} = failed, state) do
    error = Error.from_wire(wire)
    Logger.warning("the token could not be renewed: " <> Exception.message(error))
    tell(state, {:auth_refresh_failed, self(), error, failed["next_ms"]})
    over(state)
  end

  defp signal(_other, state), do: state

  defp question("token_store", request, host),
    do: fn -> TokenStore.answer(request, host.store) end

  defp question("new_token", _request, host), do: fn -> Provider.answer(host.provider) end

  defp question(kind, _request, _host),
    do: fn -> raise Error.new(:internal, "an unknown question: #{kind}") end

  defp answer(state, ask, outcome) do
    Native.command(state.handle, Asks.command(ask, outcome))
    %{state | asks: Map.delete(state.asks, ask)}
  end

  defp tell(state, message), do: for({pid, _monitor} <- state.subscribers, do: send(pid, message))

  defp result(_command, %{"error" => wire}), do: {:error, Error.from_wire(wire)}
  defp result("get_token", reply), do: {:ok, reply["result"]["token"]}
  defp result("status", reply), do: {:ok, Credential.status(reply["result"])}

  defp result(command, reply)
       when command in ["ensure_authenticated", "setup_token", "refresh_token"],
       do: {:ok, Credential.from_wire(reply["result"])}

  defp result(_command, reply), do: {:ok, reply["result"]}

  ## People

  # In front of the oldest call that can ask; where there is none, the set-up began by itself and nobody is asked to type.
  defp person(%{terminal: nil} = state) do
    asking =
      for {id, %{command: command} = call} <- state.calls,
          command not in ["status", "clear", "set_credential", "refused"],
          do: {id, call}

    case Enum.min_by(asking, &elem(&1, 0), fn -> nil end) do
      nil ->
        %{state | terminal: Terminal.start(Process.group_leader(), false), setup: nil}

      {id, call} ->
        %{state | terminal: Terminal.start(call.leader, true), setup: id}
    end
  end

  defp person(state), do: state

  # A set-up that began by itself is over.
  defp over(%{terminal: terminal, setup: nil} = state) when terminal != nil do
    Terminal.finish(terminal, nil, nil)
    %{state | terminal: nil}
  end

  defp over(state), do: state

  # The reply comes behind what was drawn for it.
  defp finish(state, id, result) do
    {call, calls} = Map.pop(state.calls, id)
    Process.demonitor(call.monitor, [:flush])
    if call.timer, do: Process.cancel_timer(call.timer)
    from = result && call.from

    if state.setup == id do
      Terminal.finish(state.terminal, from, result)
      %{state | calls: calls, terminal: nil, setup: nil}
    else
      if from, do: GenServer.reply(from, result)
      %{state | calls: calls}
    end
  end
end
