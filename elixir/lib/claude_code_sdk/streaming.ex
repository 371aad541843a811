defmodule ClaudeCodeSDK.Streaming do
  @moduledoc """
  A conversation as events: text as it is written, tools as they start.

      {:ok, session} = ClaudeCodeSDK.Streaming.start_session()

      session
      |> ClaudeCodeSDK.Streaming.send_message("Tell me a story")
      |> Enum.each(fn
        %{type: :text_delta, text: text} -> IO.write(text)
        %{type: :message_stop} -> IO.puts("")
        %{type: :error, error: error} -> IO.puts("failed: \#{inspect(error)}")
        _other -> :ok
      end)

      ClaudeCodeSDK.Streaming.close_session(session)

  | `type` | Other keys |
  |---|---|
  | `:message_start` | `model`, `role`, `usage` |
  | `:text_block_start`, `:thinking_start` | |
  | `:text_delta` | `text`, and `accumulated`: the text of the block so far |
  | `:thinking_delta` | `thinking` |
  | `:tool_use_start` | `name`, `id` |
  | `:tool_input_delta` | `json`: a piece of the input |
  | `:content_block_stop` | `final_text` |
  | `:message_delta` | `stop_reason`, `stop_sequence` |
  | `:message_stop` | `final_text`. A turn that uses tools has several messages |
  | `:error` | `error`: a text or a `ClaudeCodeSDK.Error` |

  Events of subagents are left out. The same session serves `ClaudeCodeSDK.Session`, which shows whole messages.
  """

  alias ClaudeCodeSDK.{Batches, Error, Inbox, Message, Options, Session}
  alias ClaudeCodeSDK.Session.Server
  alias ClaudeCodeSDK.Streaming.Events

  @typedoc "A session."
  @type session :: Session.t()

  @doc "Starts a session linked to the calling process; see `ClaudeCodeSDK.Session.start_link/1`."
  @spec start_session(Options.t() | keyword() | nil) :: {:ok, pid()} | {:error, Error.t()}
  def start_session(options \\ nil) do
    Session.start_link(%{Options.cast(options) | include_partial_messages: true})
  end

  @doc """
  Sends a message and streams the events of its turn.

  Lazy: the message is sent when the first event is asked for. Stopping early interrupts the turn; the next message
  starts afresh. A failure is an `:error` event, the last one; only what a callback of the host raised is raised.
  """
  @spec send_message(session(), ClaudeCodeSDK.Query.prompt()) :: Enumerable.t()
  def send_message(session, message) do
    session |> turn(message) |> Stream.transform("", &events/2)
  end

  defp turn(session, message) do
    Batches.stream(%{
      start: fn -> start(session, message) end,
      next: &next/1,
      convert: &convert/2,
      last?: &Inbox.result?/1,
      stop: &stop/3
    })
  end

  defp start(session, message) do
    case Server.read(session, :turn) do
      {:ok, inbox} ->
        sent(
          %{session: session, inbox: inbox, end: nil, sent: false},
          Session.send(session, message)
        )

      {:error, error} ->
        %{session: nil, failed: error}
    end
  end

  defp sent(state, {:ok, uuid}), do: %{state | inbox: %{state.inbox | prompt: uuid}, sent: true}

  # When the program could not start, the end of the stream knows why.
  defp sent(state, {:error, %Error{code: :closed}}), do: state
  defp sent(state, {:error, error}), do: Map.put(state, :failed, error)

  defp next(%{failed: nil} = state), do: {:done, state}
  defp next(%{failed: error} = state), do: {:items, [{:error, error}], %{state | failed: nil}}

  defp next(state) do
    Session.batch(state)
  rescue
    error in [Error] -> {:items, [{:error, error}], Map.put(state, :failed, nil)}
  end

  defp convert({:error, %Error{} = error}, _state), do: error

  defp convert(item, state) do
    Session.convert(item, state)
  rescue
    error in [Error] -> error
  end

  defp stop(%{session: nil}, _unseen, _why), do: :ok

  defp stop(state, unseen, :done),
    do: Server.unread(state.session, state.inbox, unseen, state.inbox.skip)

  defp stop(%{sent: false} = state, unseen, _why), do: stop(state, unseen, :done)

  defp stop(state, unseen, _gave_up) do
    skip = if Enum.any?(unseen, &Inbox.result?/1), do: 0, else: 1
    rest = unseen |> Enum.drop_while(&(not Inbox.result?(&1))) |> Enum.drop(1)
    Server.unread(state.session, state.inbox, rest, state.inbox.skip + skip)
    if skip == 1, do: Session.interrupt(state.session)
  end

  defp events(%Error{} = error, text), do: {[%{type: :error, error: error}], text}

  defp events(%Message{type: :result} = result, text) do
    if Message.error?(result),
      do: {[%{type: :error, error: result.data[:error] || result.data[:result]}], text},
      else: {[], text}
  end

  defp events(message, text), do: Events.of(message, text)

  @doc """
  Interrupts the turn that is running; its stream ends with what was written.
  """
  @spec interrupt(session()) :: {:ok, map() | nil} | {:error, Error.t()}
  def interrupt(session), do: Session.interrupt(session)

  @doc "The id of the session, known since its first message (or given as an option)."
  @spec get_session_id(session()) :: {:ok, String.t()} | {:error, :no_session_id | Error.t()}
  def get_session_id(session), do: Server.call(session, :session_id)

  @doc "Closes the session and waits until the program is gone; see `ClaudeCodeSDK.Session.close/1`."
  @spec close_session(session()) :: :ok
  def close_session(session) do
    _ = Session.close(session)
    :ok
  end
end
