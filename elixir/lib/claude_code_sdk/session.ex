defmodule ClaudeCodeSDK.Session do
  @moduledoc """
  A live, two-way conversation with one `claude` process.

      {:ok, session} = ClaudeCodeSDK.Session.start_link(model: "sonnet")
      {:ok, _uuid} = ClaudeCodeSDK.Session.send(session, "What is 2 + 2?")
      for message <- ClaudeCodeSDK.Session.stream(session, until: :result), do: IO.inspect(message)
      {:ok, {:code, 0}} = ClaudeCodeSDK.Session.close(session)

  A session is a process and fits under a supervisor: `{ClaudeCodeSDK.Session, name: MyApp.Claude, model: "sonnet"}`.
  When that process dies, however it dies, the program is ended too.

  Questions about tools (`can_use_tool` of `ClaudeCodeSDK.Options`), `interrupt/1` and `control/2` never wait behind
  messages that nobody reads. Messages are kept, up to `limits`, until they are read; then the program waits. One process
  reads at a time. What it did not look at is there for the next one.
  """

  alias ClaudeCodeSDK.{Batches, Error, Inbox, Message, Options, Query}
  alias ClaudeCodeSDK.Session.Server

  @typedoc "A session: a pid or a registered name."
  @type t :: GenServer.server()

  @doc false
  @spec child_spec(Options.t() | keyword()) :: Supervisor.child_spec()
  def child_spec(options) do
    id = if is_list(options), do: Keyword.get(options, :name, __MODULE__), else: __MODULE__
    # A supervisor shows the arguments of its children in its reports, and these may hold secrets.
    %{id: id, start: {__MODULE__, :start_hidden, [fn -> options end]}}
  end

  @doc false
  @spec start_hidden((() -> Options.t() | keyword())) :: {:ok, pid()} | {:error, Error.t()}
  def start_hidden(options), do: start_link(options.())

  @doc """
  Starts a session, linked to the calling process; returns at once while the program starts.

  Takes options (`ClaudeCodeSDK.Options`) as a struct or a keyword list; the list may also have a `:name` to register.
  A program that cannot be started shows in the first call or message. Fails with `:invalid_options`.
  """
  @spec start_link(Options.t() | keyword() | nil) :: {:ok, pid()} | {:error, Error.t()}
  def start_link(options \\ nil) do
    {server_options, options} =
      if is_list(options), do: Keyword.split(options, [:name]), else: {[], options}

    with {:ok, session} <- options |> Options.cast() |> Server.start_link(server_options) do
      case Server.opened(session) do
        :ok -> {:ok, session}
        {:error, error} -> refuse(session, error)
      end
    end
  end

  defp refuse(session, error) do
    Process.unlink(session)
    Server.stop(session)

    receive do
      {:EXIT, ^session, _} -> {:error, error}
    after
      0 -> {:error, error}
    end
  end

  @doc """
  Sends a prompt: a text, a list of content blocks, or a whole `user` frame as a map.

  Returns its UUID when the program has it. Prompts sent during a turn wait for the next one.
  """
  @spec send(t(), Query.prompt()) :: {:ok, String.t()} | {:error, Error.t()}
  def send(session, prompt) do
    with {:ok, %{"uuid" => uuid}} <- Server.command(session, %{command: "send", prompt: prompt}),
         do: {:ok, uuid}
  end

  @doc """
  Says that no more prompts will come: when every prompt has its result, the program ends and with it the stream.
  """
  @spec finish(t()) :: :ok | {:error, Error.t()}
  def finish(session) do
    with {:ok, _} <- Server.command(session, %{command: "finish"}), do: :ok
  end

  @doc """
  Interrupts the running turn, which then ends with a result. The receipt lists the prompts that still wait under `"still_queued"`.

  Option: `cancel_queued: true` also takes back the prompts that wait.
  """
  @spec interrupt(t(), cancel_queued: boolean()) :: {:ok, map() | nil} | {:error, Error.t()}
  def interrupt(session, options \\ []) do
    case Keyword.validate!(options, cancel_queued: false) do
      [cancel_queued: true] -> control(session, %{subtype: "interrupt", cancel_queued: true})
      _ -> Server.command(session, %{command: "interrupt"})
    end
  end

  @doc """
  Sends a control request, such as `%{subtype: "set_model", model: "opus"}`, and returns the program's answer.

  Option: `:timeout_ms`, how long to wait for it, in place of `timeouts.control_ms`. Fails with `:timeout` after that.
  """
  @spec control(t(), map(), timeout_ms: non_neg_integer()) ::
          {:ok, term()} | {:error, Error.t()}
  def control(session, request, options \\ []) do
    told = options |> Keyword.validate!([:timeout_ms]) |> Map.new()
    Server.command(session, Map.merge(told, %{command: "control", request: request}))
  end

  @doc """
  Replaces the tools of a server of this VM, given as tools or modules made by `deftool`. The program is told, and the model sees
  the new ones in its next turn.
  """
  @spec set_tools(t(), String.t(), [ClaudeCodeSDK.Tool.t() | module()]) ::
          :ok | {:error, Error.t()}
  def set_tools(session, server, tools) do
    tools = Enum.map(tools, &ClaudeCodeSDK.Tool.from/1)
    with {:ok, _} <- Server.call(session, {:set_tools, to_string(server), tools}), do: :ok
  end

  @doc """
  The messages of the session as a lazy stream.

    * `until: :end` (default): to the end of the session
    * `until: :result`: up to and including the next `:result`

  The stream waits for messages, in the process that reads it. Stopping early leaves the rest for the next reader and
  the session alive. Raises `ClaudeCodeSDK.Error` when the program fails, and what a callback raised; after a failed
  callback the stream can be taken up again.
  """
  @spec stream(t(), until: :end | :result) :: Enumerable.t()
  def stream(session, options \\ []) do
    until = options |> Keyword.validate!(until: :end) |> Keyword.fetch!(:until)

    Batches.stream(%{
      start: fn -> begin(session) end,
      next: &batch/1,
      convert: &convert/2,
      last?: if(until == :result, do: &Inbox.result?/1),
      stop: fn state, unseen, _why ->
        Server.unread(session, state.inbox, unseen, state.inbox.skip)
      end
    })
  end

  @doc """
  The next message; `:end` when the session is over; `{:error, error}` with the code `:timeout` when none came within
  `timeout` milliseconds. Giving up loses nothing.
  """
  @spec next(t(), timeout()) :: {:ok, Message.t()} | :end | {:error, Error.t()}
  def next(session, timeout \\ :infinity) do
    state = begin(session)

    {result, unseen} =
      try do
        case batch(state, deadline(timeout)) do
          {:items, [item | rest], state} ->
            {fn -> {:ok, convert(item, state)} end, {state.inbox, rest}}

          {:done, state} ->
            {fn -> :end end, {state.inbox, []}}

          :timeout ->
            {fn -> {:error, timed_out(timeout)} end, {state.inbox, []}}
        end
      rescue
        # The end of the stream is an error: the right to read is given back all the same, and with it the wakes.
        error in [Error] -> {fn -> {:error, error} end, {%{state.inbox | unread: []}, []}}
      end

    {inbox, rest} = unseen
    Server.unread(session, inbox, rest, inbox.skip)
    result.()
  rescue
    error in [Error] -> {:error, error}
  end

  defp timed_out(timeout) do
    Error.new(:timeout, "no message within #{timeout} ms",
      operation: "next",
      context: %{"limit_ms" => timeout}
    )
  end

  @doc """
  Waits until the program is ready: `os_pid`, and in `info` what it says about itself (commands, models, account).
  Fails with the reason when it cannot be started.
  """
  @spec info(t()) :: {:ok, %{os_pid: pos_integer() | nil, info: map()}} | {:error, Error.t()}
  def info(session), do: Server.call(session, :info)

  @doc """
  Closes the session: the program may end by itself within `timeouts.close_ms`, then it is terminated, then killed with
  everything it started. Returns how it ended when it is gone: `{:code, code}`, `{:signal, signal}`, or `nil` when that is
  not known or the session was closed before. Unread messages and errors are thrown away.
  """
  @spec close(t()) :: {:ok, {:code | :signal, integer()} | nil}
  def close(session) do
    with {:error, %Error{}} <- Server.call(session, :close), do: {:ok, nil}
  end

  ## Reading

  @doc false
  @spec begin(t(), :all | :turn) :: map()
  def begin(session, mode \\ :all) do
    case Server.read(session, mode) do
      {:ok, inbox} -> %{session: session, inbox: inbox, end: nil}
      {:error, error} -> raise error
    end
  end

  @doc false
  @spec batch(map(), :infinity | integer()) ::
          {:items, [Inbox.item()], map()} | {:done, map()} | :timeout
  def batch(state, deadline \\ :infinity)

  def batch(%{end: ended} = state, _deadline) when is_map(ended) do
    case ended["error"] do
      nil -> {:done, state}
      wire -> raise Error.from_wire(wire)
    end
  end

  def batch(%{inbox: inbox} = state, deadline) do
    case Inbox.take(inbox) do
      {:items, [], ended, inbox} ->
        batch(%{state | inbox: inbox, end: ended}, deadline)

      {:items, items, ended, inbox} ->
        {:items, items, %{state | inbox: inbox, end: ended}}

      :empty ->
        if Inbox.wait(inbox, left(deadline)) == :ok, do: batch(state, deadline), else: :timeout
    end
  end

  @doc false
  @spec convert(Inbox.item(), map()) :: Message.t()
  def convert({:error, wire}, state) do
    case Error.from_wire(wire) do
      %Error{code: :callback} = error -> Server.raise_failure(state.session, error)
      error -> raise error
    end
  end

  def convert(frame, state) do
    Server.note(state.session, frame)
    Message.from_frame(frame)
  end

  defp deadline(:infinity), do: :infinity
  defp deadline(timeout), do: System.monotonic_time(:millisecond) + timeout

  defp left(:infinity), do: :infinity
  defp left(deadline), do: max(deadline - System.monotonic_time(:millisecond), 0)
end
