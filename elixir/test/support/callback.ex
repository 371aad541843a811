defmodule ClaudeCodeSDK.Test.Callback do
  @moduledoc "The functions of a session that do what the scenario says, and tell the test about each question."

  alias ClaudeCodeSDK.{Hooks, Tool}

  defmodule Boom do
    @moduledoc false
    defexception message: "boom"
  end

  @doc "Functions that tell the calling process."
  def start do
    {:ok, agent} = Agent.start_link(fn -> %{} end)
    {agent, self()}
  end

  def set({agent, _}, how), do: Agent.update(agent, &Map.put(&1, {how["kind"], how["name"]}, how))

  @doc "The options that a scenario asks for."
  def options(callback, scenario) do
    asks =
      for kind <- scenario["asks"] || [] do
        case kind do
          "can_use_tool" ->
            {:can_use_tool, &call(callback, kind, &1.tool_name, &1.request)}

          "elicitation" ->
            {:on_elicitation, &elicited(call(callback, kind, &1["mcp_server_name"], &1))}

          "request_user_dialog" ->
            {:on_user_dialog, &call(callback, kind, &1["dialog_kind"], &1)}
        end
      end

    hooks =
      for {event, matchers} <- scenario["hooks"] || %{},
          into: %{},
          do: {event, Enum.map(matchers, &matcher(callback, &1))}

    servers =
      for server <- scenario["tool_servers"] || [],
          into: %{},
          do: {server["name"], server(callback, server)}

    asks ++
      if(hooks == %{}, do: [], else: [hooks: hooks]) ++
      if(servers == %{}, do: [], else: [mcp_servers: servers])
  end

  # Through the words of this package where it has some.
  defp elicited(%{"action" => "accept", "content" => content}), do: {:accept, content}
  defp elicited(%{"action" => "decline"} = answer) when map_size(answer) == 1, do: :decline
  defp elicited(answer), do: answer

  defp matcher(callback, given) do
    hooks =
      for name <- given["callbacks"] do
        fn input, tool_use_id, _context ->
          request = %{"callback_id" => name, "input" => input, "tool_use_id" => tool_use_id}
          call(callback, "hook_callback", name, request)
        end
      end

    failure = given["on_failure"] && String.to_atom(given["on_failure"])

    Hooks.Matcher.new(given["matcher"], hooks,
      timeout_ms: given["timeout_ms"],
      on_failure: failure
    )
  end

  defp server(callback, given) do
    tools = Enum.map(given["tools"], &tool(callback, given["name"], &1))
    version = given["version"] || "1.0.0"

    ClaudeCodeSDK.create_sdk_mcp_server(
      name: given["name"],
      version: version,
      instructions: given["instructions"],
      tools: tools
    )
  end

  def tool(callback, server, given) do
    answer = fn arguments ->
      request = %{"server" => server, "tool" => given["name"], "arguments" => arguments}
      call(callback, "tool_call", given["name"], request)
    end

    Tool.new(given["name"], given["description"] || "", given["inputSchema"], answer,
      output_schema: given["outputSchema"],
      annotations: given["annotations"],
      meta: given["_meta"]
    )
  end

  def call({agent, test} = callback, kind, name, request) do
    rules = Agent.get(agent, & &1)
    keys = [{kind, name}, {nil, name}, {kind, nil}, {nil, nil}]
    how = Enum.find_value(keys, %{"hold" => true}, &rules[&1])
    held? = not is_map_key(how, "answer") and not is_map_key(how, "raise")
    send(test, {:asked, callback, request, self(), held?})

    case how do
      %{"answer" => answer} -> answer
      %{"raise" => message} -> raise Boom, message: message
      _ -> held()
    end
  end

  defp held do
    receive do
      {:answer, answer} ->
        answer

      {:progress, told} ->
        :ok = Tool.progress(told["progress"], told["total"], told["message"])
        held()
    end
  end

  @doc "Waits for the next question."
  def next(callback) do
    receive do: ({:asked, ^callback, request, pid, held?} -> {request, pid, held?})
  end

  @doc "The questions that nobody waited for."
  def rest(callback) do
    receive do
      {:asked, ^callback, request, _pid, _held?} -> [request | rest(callback)]
    after
      0 -> []
    end
  end
end
