defmodule ClaudeCodeSDK.Query do
  @moduledoc """
  One prompt, one stream of messages, then the program ends. `ClaudeCodeSDK.query/2` is the usual way in.

  The stream is lazy: the program starts when the first message is asked for, in the process that asks, which then owns
  it. Stopping early, an exception in the consumer, and the death of the process all end the program at once. No
  message of this package is left in the mailbox afterwards.
  """

  alias ClaudeCodeSDK.{Batches, Error, Inbox, JSON, Message, Native, Options, Request, Session}

  # These mean that the call itself was wrong; they are raised whatever `transport_error_mode` says.
  @always_raised [
    :invalid_options,
    :invalid_argument,
    :cli_not_found,
    :cli_version,
    :callback,
    :internal
  ]

  @go_on "Go on."

  @typedoc "A text, a list of content blocks, or a whole `user` frame."
  @type prompt :: String.t() | [map()] | map()

  @doc "The messages that answer `prompt` in a new session."
  @spec run(prompt(), Options.t() | keyword() | nil) :: Enumerable.t()
  def run(prompt, options \\ nil) do
    Batches.stream(%{
      start: fn -> start(prompt, Options.cast(options)) end,
      next: &next/1,
      convert: &convert/2,
      last?: nil,
      stop: fn state, _unseen, _why -> stop(state) end
    })
  end

  @doc "The same in the newest session of the working directory. Without a prompt the model is told to go on."
  @spec continue(prompt() | nil, Options.t() | keyword() | nil) :: Enumerable.t()
  def continue(prompt, options),
    do: run(prompt || @go_on, %{Options.cast(options) | continue: true})

  @doc "The same in the session with this id. Without a prompt the model is told to go on."
  @spec resume(String.t(), prompt() | nil, Options.t() | keyword() | nil) :: Enumerable.t()
  def resume(session_id, prompt, options),
    do: run(prompt || @go_on, %{Options.cast(options) | resume: session_id})

  # With a function to call, a session process answers while the consumer is busy; otherwise no process is needed.
  defp start(prompt, options),
    do:
      if(Request.calls?(options),
        do: start_session(prompt, options),
        else: start_alone(prompt, options)
      )

  defp start_alone(prompt, options) do
    case options |> Request.build() |> Native.start() |> Error.wrap() do
      {:ok, {handle, id}} ->
        submit(handle, %{command: "send", id: 1, prompt: prompt})
        submit(handle, %{command: "finish", id: 2})
        state(Inbox.new(handle, id), options, nil, nil)

      {:error, error} ->
        raise error
    end
  end

  defp start_session(prompt, options) do
    {:ok, session} = Session.Server.start(options)

    with :ok <- Session.Server.opened(session),
         {:ok, inbox} <- Session.Server.read(session) do
      refused = with {:ok, _uuid} <- Session.send(session, prompt), do: Session.finish(session)
      state(inbox, options, session, error(refused))
    else
      {:error, error} ->
        GenServer.stop(session)
        raise error
    end
  end

  defp state(inbox, options, session, refused) do
    %{
      inbox: inbox,
      mode: options.transport_error_mode,
      session: session,
      refused: refused,
      end: nil
    }
  end

  defp error({:error, error}), do: error
  defp error(_ok), do: nil

  defp submit(handle, command) do
    case Native.command(handle, JSON.encode!(command)) do
      {:ok, _} -> :ok
      {:error, wire} -> raise Error.from_wire(wire)
    end
  rescue
    error in [Error] ->
      Native.release(handle)
      reraise error, __STACKTRACE__
  end

  defp next(%{end: :told} = state), do: {:done, state}

  defp next(%{end: ended} = state) when is_map(ended) do
    case failure(ended, state.refused) do
      nil -> {:done, state}
      error -> {:items, [{:error, error}], %{state | end: :told}}
    end
  end

  defp next(%{inbox: inbox} = state) do
    case Inbox.take(inbox) do
      {:items, items, ended, inbox} ->
        {:items, items, %{state | inbox: inbox, end: ended}}

      :empty ->
        Inbox.wait(inbox)
        next(%{state | refused: state.refused || refusal(state)})
    end
  end

  defp failure(%{"error" => %{} = wire}, _refused), do: Error.from_wire(wire)
  defp failure(_ended, refused), do: refused

  # Why the core did not accept the prompt. When the program could not start, the end of the stream knows more.
  defp refusal(%{session: nil, inbox: inbox}) do
    with {:ok, signals} <- Native.signals(inbox.handle) do
      Enum.find_value(signals, fn signal ->
        case JSON.decode(signal) do
          {:ok, %{"event" => "reply", "error" => wire}} -> Error.from_wire(wire)
          _ -> nil
        end
      end)
    else
      _ -> nil
    end
  end

  defp refusal(_state), do: nil

  defp convert({:error, %Error{} = error}, state), do: report(error, state)
  defp convert({:error, wire}, state), do: wire |> Error.from_wire() |> report(state)

  defp convert(frame, %{session: session}) do
    if session, do: Session.Server.note(session, frame)
    Message.from_frame(frame)
  end

  defp report(%Error{code: :callback} = error, %{session: session}) when session != nil,
    do: Session.Server.raise_failure(session, error)

  defp report(%Error{code: code} = error, %{mode: :result}) when code not in @always_raised,
    do: Message.from_error(error)

  defp report(error, _state), do: raise(error)

  defp stop(%{session: nil, inbox: inbox}) do
    Native.release(inbox.handle)
    Inbox.flush(inbox)
  end

  defp stop(%{session: session, inbox: inbox}) do
    Native.detach(inbox.handle)
    Inbox.flush(inbox)
    Session.Server.stop(session)
  end
end
