defmodule ClaudeCodeSDK.Policy do
  @moduledoc false
  # The process behind a rate limiter, a circuit breaker or a budget. It owns the engine's half, never waits, and takes back
  # what was given to a process that died in the middle.

  use GenServer

  alias ClaudeCodeSDK.{Error, JSON, Native}

  defstruct [
    :handle,
    :id,
    :failed,
    next: 1,
    # Who waits for a start, by the number of the wait.
    waits: %{},
    # The tickets of processes that make a call, by the monitor of the process.
    tickets: %{},
    subscribers: %{}
  ]

  @typedoc "A policy: a pid or a registered name."
  @type t :: GenServer.server()

  @doc "Starts one: its kind in the words of the core, and its settings."
  @spec start_link(atom(), (() -> map()), atom()) :: {:ok, pid()} | {:error, Error.t() | term()}
  def start_link(kind, settings, name) do
    options = if name, do: [name: name], else: []

    with {:ok, server} <- GenServer.start_link(__MODULE__, {kind, settings}, options) do
      case call(server, :opened) do
        :ok -> {:ok, server}
        {:error, error} -> refuse(server, error)
      end
    end
  end

  defp refuse(server, error) do
    Process.unlink(server)
    GenServer.stop(server)

    receive do
      {:EXIT, ^server, _} -> {:error, error}
    after
      0 -> {:error, error}
    end
  end

  @doc "A child of a supervisor for one of the modules of policies."
  @spec child(module(), keyword()) :: Supervisor.child_spec()
  def child(module, settings) do
    %{
      id: Keyword.get(settings, :name) || module,
      start: {module, :start_link, [settings]}
    }
  end

  @doc "Puts a question that is answered at once."
  @spec decide(t(), atom(), map()) :: {:ok, term()} | {:error, Error.t()}
  def decide(server, command, given \\ %{}),
    do: call(server, {:decide, Map.put(given, :command, command)})

  @doc "The same where an answer is all there can be."
  @spec decide!(t(), atom(), map()) :: term()
  def decide!(server, command, given \\ %{}) do
    case decide(server, command, given) do
      {:ok, answer} -> answer
      {:error, error} -> raise error
    end
  end

  @doc "Waits for a start."
  @spec acquire(t(), map()) :: {:ok, term()} | {:error, Error.t()}
  def acquire(server, wish), do: call(server, {:acquire, wish})

  @doc "A ticket for the calling process, which is taken back when that dies."
  @spec begin(t()) :: {:ok, pos_integer()} | {:error, Error.t()}
  def begin(server), do: call(server, :begin)

  @doc "Gives the ticket back."
  @spec finish(t(), pos_integer(), map()) :: :ok | {:error, Error.t()}
  def finish(server, ticket, said), do: call(server, {:finish, ticket, said})

  @doc "Tells the calling process of marks of a budget."
  @spec subscribe(t()) :: :ok | {:error, Error.t()}
  def subscribe(server), do: call(server, {:subscribe, self()})

  @doc "What the names of a text become; those that are not known stay out."
  @spec named(map(), [atom()]) :: map()
  def named(map, names), do: Map.new(names, &{&1, map[Atom.to_string(&1)]})

  defp call(server, request) do
    GenServer.call(server, request, :infinity)
  catch
    :exit, {:noproc, _} ->
      problem = "#{inspect(server)} is not running: put it under a supervisor, or start it"
      {:error, Error.new(:closed, problem)}

    :exit, {reason, _} when reason != :calling_self ->
      {:error, Error.new(:closed, "it was closed")}
  end

  ## The process

  @impl true
  def init({kind, settings}) do
    Process.flag(:trap_exit, true)
    request = JSON.encode!(%{policy: %{kind => settings.()}})

    case request |> Native.start() |> Error.wrap() do
      {:ok, {handle, id}} -> {:ok, %__MODULE__{handle: handle, id: id}}
      {:error, error} -> {:ok, %__MODULE__{failed: error}}
    end
  rescue
    # Told by `opened`: a process that fails to start would take a linked caller with it.
    error in [Error] ->
      {:ok, %__MODULE__{failed: %{error | code: :invalid_options, operation: "open"}}}
  end

  @impl true
  def handle_call(:opened, _from, state),
    do: {:reply, if(state.failed, do: {:error, state.failed}, else: :ok), state}

  def handle_call({:decide, question}, _from, state), do: {:reply, ask(state, question), state}

  def handle_call({:acquire, wish}, {pid, _} = from, state) do
    command = %{command: "acquire", id: state.next, wish: wish}

    with {:ok, text} <- JSON.encode(command),
         {:ok, _} <- state.handle |> Native.command(text) |> Error.wrap() do
      waits = Map.put(state.waits, state.next, {from, Process.monitor(pid)})
      {:noreply, %{state | next: state.next + 1, waits: waits}}
    else
      error -> {:reply, error, state}
    end
  end

  def handle_call(:begin, {pid, _}, state) do
    case ask(state, %{command: "try_request"}) do
      {:ok, %{"ticket" => ticket}} ->
        {:reply, {:ok, ticket}, put_in(state.tickets[Process.monitor(pid)], ticket)}

      {:error, error} ->
        {:reply, {:error, error}, state}
    end
  end

  def handle_call({:finish, ticket, said}, _from, state) do
    monitors = for {monitor, ^ticket} <- state.tickets, do: monitor
    for monitor <- monitors, do: Process.demonitor(monitor, [:flush])
    ask(state, Map.merge(said, %{command: "finish", ticket: ticket}))
    {:reply, :ok, %{state | tickets: Map.drop(state.tickets, monitors)}}
  end

  def handle_call({:subscribe, pid}, _from, state) when is_map_key(state.subscribers, pid),
    do: {:reply, :ok, state}

  def handle_call({:subscribe, pid}, _from, state),
    do: {:reply, :ok, put_in(state.subscribers[pid], Process.monitor(pid))}

  @impl true
  def handle_info({:madrigal_wake, id}, %{id: id} = state) do
    case Native.signals(state.handle) do
      {:ok, signals} -> {:noreply, Enum.reduce(signals, state, &signal/2)}
      {:error, _closed} -> {:stop, :normal, state}
    end
  end

  def handle_info({:DOWN, monitor, :process, pid, _reason}, state) do
    {ticket, tickets} = Map.pop(state.tickets, monitor)
    # Nobody knows what came of the call.
    if ticket, do: ask(state, %{command: "finish", ticket: ticket, verdict: "ignored"})
    gone = for {wait, {_from, ^monitor}} <- state.waits, do: wait
    for wait <- gone, do: Native.command(state.handle, cancel(wait))
    state = %{state | tickets: tickets, waits: Map.drop(state.waits, gone)}

    case state.subscribers do
      %{^pid => ^monitor} ->
        {:noreply, %{state | subscribers: Map.delete(state.subscribers, pid)}}

      _ ->
        {:noreply, state}
    end
  end

  # Somebody linked himself to the policy, and failed.
  def handle_info({:EXIT, _pid, reason}, state) when reason != :normal, do: {:stop, reason, state}
  def handle_info(_late, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, state) do
    if state.handle, do: Native.release(state.handle)
    closed = {:error, Error.new(:closed, "it was closed")}
    for {_wait, {from, _monitor}} <- state.waits, do: GenServer.reply(from, closed)
  end

  defp ask(state, question) do
    with {:ok, text} <- JSON.encode(question),
         {:ok, answer} <- state.handle |> Native.decide(text) |> Error.wrap(),
         do: JSON.decode(answer)
  end

  defp cancel(wait), do: JSON.encode!(%{command: "cancel", run: wait})

  defp signal(text, state) do
    {:ok, signal} = JSON.decode(text)
    told(signal, state)
  end

  defp told(%{"event" => "reply", "id" => wait} = reply, state) do
    {waiting, waits} = Map.pop(state.waits, wait)

    with {from, monitor} <- waiting do
      Process.demonitor(monitor, [:flush])
      GenServer.reply(from, result(reply))
    end

    %{state | waits: waits}
  end

  defp told(%{"event" => "budget", "mark" => mark}, state) do
    mark = named(mark, ~w(scope name percent limit_usd spent_usd held_usd)a)
    for {pid, _monitor} <- state.subscribers, do: send(pid, {:cost_budget_mark, self(), mark})
    state
  end

  defp told(_other, state), do: state

  defp result(%{"error" => wire}), do: {:error, Error.from_wire(wire)}
  defp result(reply), do: {:ok, reply["result"]}
end
