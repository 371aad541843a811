defmodule ClaudeCodeSDK.ProvidedTest do
  @moduledoc "What a host provides: hooks, tools of this VM, elicitation and dialogs."
  use ExUnit.Case, async: false

  alias ClaudeCodeSDK.{Control, Error, Session, Tool}
  alias ClaudeCodeSDK.Hooks.{Matcher, Output}
  alias ClaudeCodeSDK.Test.Simulator

  defmodule Tools do
    use ClaudeCodeSDK.Tool

    deftool :add, "Adds two numbers", %{type: "object", required: ["a", "b"]},
      annotations: %{readOnlyHint: true} do
      def execute(%{"a" => a, "b" => b}),
        do:
          {:ok,
           %{
             "content" => [%{"type" => "text", "text" => "#{a + b}"}],
             "structuredContent" => %{"sum" => a + b}
           }}
    end

    deftool :boom, "Fails", %{type: "object"} do
      def execute(_arguments), do: raise("no such number")
    end
  end

  @prompt [%{await: %{type: "user"}}, %{init: %{}}]

  defp request(number, request),
    do: %{emit: %{type: "control_request", request_id: "r#{number}", request: request}}

  # Waits for the answer and shows it as a message.
  defp answered(number) do
    [
      %{
        await: %{type: "control_response", response: %{request_id: "r#{number}"}},
        save: "a#{number}"
      },
      %{emit: %{type: "answered", response: "$a#{number}.response"}}
    ]
  end

  defp hooked(number, name) do
    input = %{hook_event_name: "PreToolUse", tool_name: "Bash", tool_input: %{command: "rm"}}

    [
      request(number, %{
        subtype: "hook_callback",
        callback_id: name,
        input: input,
        tool_use_id: "t1"
      })
      | answered(number)
    ]
  end

  defp called(number, name, arguments, meta \\ %{}) do
    params = %{name: name, arguments: arguments, _meta: meta}
    message = %{jsonrpc: "2.0", id: number, method: "tools/call", params: params}
    request(number, %{subtype: "mcp_message", server_name: "calc", message: message})
  end

  defp open(steps, options) do
    session =
      start_supervised!({Session, Simulator.options(steps ++ [%{result: %{}}]) ++ options})

    {:ok, _} = Session.send(session, "hi")
    session
  end

  defp shown(session, type \\ "answered") do
    session |> Session.stream() |> Enum.find(&(&1.raw["type"] == type)) |> Map.fetch!(:raw)
  end

  defp calc(tools) do
    server = ClaudeCodeSDK.create_sdk_mcp_server(name: "calc", version: "2.0.0", tools: tools)
    [mcp_servers: %{"calc" => server}]
  end

  test "a hook is told and answers" do
    test = self()

    hook = fn input, tool_use_id, _context ->
      send(test, {input["tool_name"], tool_use_id})
      Output.stop("no")
    end

    matcher =
      Matcher.new("Bash", [hook, fn _, _, _ -> nil end], timeout_ms: 1_500, on_failure: :block)

    steps = [
      %{await: %{type: "control_request", request: %{subtype: "initialize"}}, save: "init"}
    ]

    show = [%{emit: %{type: "hooks", hooks: "$init.request.hooks"}}]

    session =
      open(steps ++ @prompt ++ show ++ hooked(1, "h1") ++ hooked(2, "h2"),
        hooks: %{pre_tool_use: [matcher]}
      )

    assert %{"PreToolUse" => [told]} = shown(session, "hooks")["hooks"]
    assert %{"matcher" => "Bash", "timeout" => 1.5, "onFailure" => "block"} = told

    assert shown(session)["response"]["response"] == %{
             "continue" => false,
             "stopReason" => "no"
           }

    assert shown(session)["response"]["response"] == %{}
    assert_received {"Bash", "t1"}
  end

  test "what a hook raises reaches the reader, and the session lives" do
    hook = fn _, _, _ -> raise ArgumentError, "mine" end
    wrong = fn _, _, _ -> "yes" end

    session =
      open(@prompt ++ hooked(1, "h1") ++ hooked(2, "h2"),
        hooks: %{pre_tool_use: [Matcher.new(nil, [hook, wrong])]}
      )

    assert_raise ArgumentError, "mine", fn -> shown(session) end
    assert shown(session)["response"]["error"] =~ "mine"
    assert_raise Error, ~r/a hook must return a map/, fn -> shown(session) end
  end

  test "a tool is a function" do
    steps = [called(7, "add", %{a: 1, b: 2}) | answered(7)]

    session =
      open(
        @prompt ++ steps ++ [called(8, "boom", %{}) | answered(8)],
        calc([Tools.Add, Tools.Boom])
      )

    reply = shown(session)["response"]["response"]["mcp_response"]
    assert reply["id"] == 7
    assert reply["result"]["content"] == [%{"type" => "text", "text" => "3"}]
    assert reply["result"]["structuredContent"] == %{"sum" => 3}
    # The model reads it; the reader of the stream does not.
    failed = shown(session)["response"]["response"]["mcp_response"]["result"]
    assert failed["isError"] == true
    assert hd(failed["content"])["text"] =~ "no such number"
    assert Tools.__tools__() == [Tools.Add, Tools.Boom]
  end

  test "a tool tells its progress, and tools can be replaced" do
    count =
      Tool.new(:count, "Counts", %{type: "object"}, fn %{"to" => to} ->
        :ok = Tool.progress(1, to, "one")
        {:error, :enough}
      end)

    asked = called(7, "count", %{to: 2}, %{progressToken: "p"})
    told = %{await: %{type: "control_request", request: %{subtype: "mcp_message"}}, save: "told"}
    show = %{emit: %{type: "told", message: "$told.request.message"}}

    session =
      open(
        @prompt ++
          [asked, told, show] ++
          answered(7) ++
          [%{await: %{type: "user"}}, called(8, "now", %{})] ++ answered(8),
        calc([count])
      )

    message = shown(session, "told")["message"]
    assert message["method"] == "notifications/progress"

    assert %{"progress" => 1.0, "total" => 2.0, "message" => "one", "progressToken" => "p"} =
             message["params"]

    assert shown(session)["response"]["response"]["mcp_response"]["result"]["isError"]

    now = Tool.new("now", "The time", %{type: "object"}, fn _ -> "noon" end)
    assert :ok = Session.set_tools(session, "calc", [now])
    {:ok, _} = Session.send(session, "again")
    result = shown(session)["response"]["response"]["mcp_response"]["result"]
    assert result["content"] == [%{"type" => "text", "text" => "noon"}]
  end

  test "elicitation and dialogs are answered" do
    ask = %{subtype: "elicitation", mcp_server_name: "s", message: "Who?", mode: "form"}
    dialog = %{subtype: "request_user_dialog", dialog_kind: "pick", payload: %{}}
    steps = [request(1, ask) | answered(1)] ++ [request(2, ask) | answered(2)]

    session =
      open(@prompt ++ steps ++ [request(3, dialog) | answered(3)],
        on_elicitation: fn %{"message" => "Who?"} -> {:accept, %{"name" => "Ada"}} end,
        on_user_dialog: fn %{"dialog_kind" => "pick"} -> %{behavior: "completed", result: 1} end,
        supported_dialog_kinds: ["pick"]
      )

    for _ <- 1..2 do
      assert shown(session)["response"]["response"] == %{
               "action" => "accept",
               "content" => %{"name" => "Ada"}
             }
    end

    assert shown(session)["response"]["response"]["result"] == 1
  end

  test "a one-shot query calls functions too" do
    steps = @prompt ++ [called(7, "add", %{a: 2, b: 2}) | answered(7)] ++ [%{result: %{}}]

    messages =
      ClaudeCodeSDK.query("hi", Simulator.options(steps) ++ calc([Tools.Add])) |> Enum.to_list()

    reply = Enum.find(messages, &(&1.raw["type"] == "answered")).raw

    assert reply["response"]["response"]["mcp_response"]["result"]["structuredContent"] == %{
             "sum" => 4
           }
  end

  test "what cannot be a hook or a tool is named" do
    for {field, options} <- [
          {"hooks.PreToolUse[0]", [hooks: %{pre_tool_use: [:no]}]},
          {"hooks.PreToolUse[0].hooks", [hooks: %{pre_tool_use: [Matcher.new(nil, [1])]}]},
          {"hooks", [hooks: "no"]},
          {"mcp_config", [mcp_config: "{no"]}
        ] do
      assert {:error, %Error{code: :invalid_options, context: %{"field" => ^field}}} =
               Session.start_link(Simulator.options(Simulator.answering()) ++ options)
    end

    assert_raise Error, ~r/deftool/, fn ->
      ClaudeCodeSDK.create_sdk_mcp_server(name: "x", tools: [String])
    end

    assert_raise Error, ~r/while it runs/, fn -> Tool.progress(1) end
  end

  test "every option of the core has its place" do
    source = File.read!(Path.join(Simulator.root(), "core/src/options/mod.rs"))

    names =
      for [_, name | wire] <- Regex.scan(~r/^ {8}(\w+)(?: as "(\w+)")?: .* => \[/m, source),
          do: List.first(wire) || name

    here = ClaudeCodeSDK.Options.__struct__() |> Map.keys() |> Enum.map(&to_string/1)
    assert length(names) > 40
    assert names -- here == []
  end

  test "a control request without a function is sent by its name" do
    session = start_supervised!({Session, Simulator.options(Simulator.answering())})
    assert {:ok, %{}} = Control.request(session, "get_binary_version")
    assert {:ok, commands} = Control.supported_commands(session)
    assert is_list(commands)
  end
end
