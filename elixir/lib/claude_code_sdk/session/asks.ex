defmodule ClaudeCodeSDK.Session.Asks do
  @moduledoc false
  # Questions of the program, each answered in a process of its own: a slow callback delays nothing, and a question that
  # is withdrawn can be dropped by killing its process.

  alias ClaudeCodeSDK.{Error, Hooks, JSON, Options, Tool}
  alias ClaudeCodeSDK.Permission.{Context, Result}
  alias ClaudeCodeSDK.SessionStore.Answer
  alias ClaudeCodeSDK.Tool.Server

  @typedoc "What became of a callback: its answer as JSON text, or how it failed."
  @type outcome :: {:answer, String.t()} | {:raised, atom(), term(), list()}

  @doc "What answers questions: the functions of the options, by kind, name and server."
  @spec host(Options.t()) :: map()
  def host(options) do
    {_told, hooks} = Hooks.register(options.hooks)
    %{options: options, hooks: hooks, tools: Server.functions(options.mcp_servers)}
  end

  @doc "Starts answering; `{:outcome, ask, outcome}` is sent to the calling process."
  @spec start(String.t(), String.t(), map(), map(), String.t() | nil) :: pid()
  def start(ask, kind, request, host, session_id),
    do: run(ask, fn -> answer(kind, request, host, session_id) end)

  @doc "The same with any function, whose result is the answer."
  @spec run(String.t(), (() -> term())) :: pid()
  def run(ask, answer) do
    server = self()

    {:ok, pid} =
      Task.start_link(fn ->
        Process.put(:claude_code_sdk_call, {server, ask})
        Kernel.send(server, {:outcome, ask, outcome(answer)})
      end)

    pid
  end

  defp outcome(answer) do
    {:answer, JSON.encode!(answer.())}
  catch
    kind, reason -> {:raised, kind, reason, __STACKTRACE__}
  end

  defp answer("can_use_tool", request, host, session_id),
    do:
      request |> Context.from_request(session_id) |> host.options.can_use_tool.() |> permission()

  defp answer("hook_callback", request, host, session_id) do
    hook = Map.fetch!(host.hooks, request["callback_id"])

    case hook.(request["input"], request["tool_use_id"], %{session_id: session_id}) do
      %{} = output -> output
      nothing when nothing in [nil, :ok] -> %{}
      other -> wrong("a hook must return a map, nil or :ok", other)
    end
  end

  defp answer("tool_call", %{"server" => server, "tool" => name} = request, host, _session_id) do
    case host.tools[server][name] do
      nil -> Tool.result({:error, "the server #{server} has no tool #{name}"})
      tool -> (request["arguments"] || %{}) |> tool.function.() |> Tool.result()
    end
  end

  defp answer("elicitation", request, host, _session_id) do
    case host.options.on_elicitation.(request) do
      {:accept, content} -> %{action: "accept", content: content}
      action when action in [:decline, :cancel] -> %{action: action}
      %{} = answer -> answer
      other -> wrong("on_elicitation must return {:accept, content}, :decline or :cancel", other)
    end
  end

  defp answer("request_user_dialog", request, host, _session_id) do
    case host.options.on_user_dialog.(request) do
      %{} = answer -> answer
      other -> wrong("on_user_dialog must return a map", other)
    end
  end

  defp answer("session_store", request, host, _session_id),
    do: Answer.to(request, host.options.session_store)

  defp permission(%Result{} = result), do: Result.to_json_map(result)
  defp permission(%{"behavior" => _} = map), do: map
  defp permission(%{behavior: _} = map), do: map

  defp permission(other),
    do: wrong("can_use_tool must return a ClaudeCodeSDK.Permission.Result", other)

  defp wrong(expected, given),
    do: raise(Error.new(:callback, "#{expected}, not #{inspect(given, limit: 5)}"))

  @doc "The `answer` command for an outcome."
  @spec command(String.t(), outcome()) :: String.t()
  def command(ask, {:answer, json}),
    do: ~s({"command":"answer","ask":#{JSON.encode!(ask)},"result":#{json}})

  def command(ask, {:raised, kind, reason, stack}) do
    JSON.encode!(%{command: "answer", ask: ask, error: %{message: describe(kind, reason, stack)}})
  end

  @doc "The `progress` command of a tool that runs."
  @spec progress(String.t(), number(), number() | nil, String.t() | nil) :: String.t()
  def progress(ask, progress, total, message) do
    %{command: "progress", ask: ask, progress: progress, total: total, message: message}
    |> Map.reject(fn {_name, value} -> value == nil end)
    |> JSON.encode!()
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
