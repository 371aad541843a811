defmodule ClaudeCodeSDK.Session.Asks do
  @moduledoc false
  # Questions of the program, each answered in a process of its own: a slow callback delays nothing, and a question that
  # is withdrawn can be dropped by killing its process.

  alias ClaudeCodeSDK.{Error, JSON}
  alias ClaudeCodeSDK.Permission.{Context, Result}

  @typedoc "What became of a callback: its answer as JSON text, or how it failed."
  @type outcome :: {:answer, String.t()} | {:raised, atom(), term(), list()}

  @doc "Starts answering; `{:outcome, ask, outcome}` is sent to the calling process."
  @spec start(String.t(), map(), (Context.t() -> term()), String.t() | nil) :: pid()
  def start(ask, request, callback, session_id) do
    server = self()

    {:ok, pid} =
      Task.start_link(fn ->
        Kernel.send(
          server,
          {:outcome, ask, outcome(callback, Context.from_request(request, session_id))}
        )
      end)

    pid
  end

  defp outcome(callback, context) do
    {:answer, context |> callback.() |> wire() |> JSON.encode!()}
  catch
    kind, reason -> {:raised, kind, reason, __STACKTRACE__}
  end

  defp wire(%Result{} = result), do: Result.to_json_map(result)
  defp wire(%{"behavior" => _} = map), do: map
  defp wire(%{behavior: _} = map), do: map

  defp wire(other) do
    raise Error.new(
            :callback,
            "can_use_tool must return a ClaudeCodeSDK.Permission.Result, not #{inspect(other, limit: 5)}"
          )
  end

  @doc "The `answer` command for an outcome."
  @spec command(String.t(), outcome()) :: String.t()
  def command(ask, {:answer, json}),
    do: ~s({"command":"answer","ask":#{JSON.encode!(ask)},"result":#{json}})

  def command(ask, {:raised, kind, reason, stack}) do
    JSON.encode!(%{command: "answer", ask: ask, error: %{message: describe(kind, reason, stack)}})
  end

  defp describe(kind, reason, stack) do
    case Exception.normalize(kind, reason, stack) do
      exception when is_exception(exception) -> Exception.message(exception)
      _ -> Exception.format_banner(kind, reason, stack)
    end
    |> printable()
  end

  defp printable(text), do: if(String.valid?(text), do: text, else: inspect(text))
end
