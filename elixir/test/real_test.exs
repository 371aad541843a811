defmodule ClaudeCodeSDK.RealTest do
  @moduledoc "The cases of `tests/real` on the real `claude`, which `MADRIGAL_REAL_CLI` names."
  use ExUnit.Case, async: false

  alias ClaudeCodeSDK.{AuthManager, Orchestrator, Sessions, Tool}
  alias ClaudeCodeSDK.Orchestrator.{Outcome, Stats}
  alias ClaudeCodeSDK.SessionStore.Memory
  alias ClaudeCodeSDK.Test.{Conformance, Host, Loopback, Pattern, Simulator, Wiretap}

  @moduletag :real
  @moduletag timeout: 180_000
  @folder Path.join(Simulator.root(), "tests/real")
  @cases for name <- ["cases.json", "flows.json"],
             text = @folder |> Path.join(name) |> File.read!(),
             {:ok, cases} <- [ClaudeCodeSDK.JSON.decode(text)],
             one <- cases,
             do: one

  # What the environment of the machine may hold.
  @credentials ~w(ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN CLAUDE_CODE_OAUTH_TOKEN)

  setup do
    place =
      Path.join(
        System.tmp_dir!(),
        "madrigal-real-#{System.pid()}-#{System.unique_integer([:positive])}"
      )

    for folder <- ["home", "work"], do: place |> Path.join(folder) |> File.mkdir_p!()
    loopback = Loopback.start(Path.join(@folder, "script.json"))
    on_exit(fn -> File.rm_rf!(place) end)
    {:ok, place: place, work: Path.join(place, "work"), loopback: loopback}
  end

  defp defaults(case, context) do
    home = Path.join(context.place, "home")

    env =
      context.loopback.env
      |> Map.merge(%{
        "HOME" => home,
        "CLAUDE_CONFIG_DIR" => Path.join(home, ".claude"),
        "ENABLE_TOOL_SEARCH" => "false"
      })
      |> Map.merge(case["env"] || %{})

    env = if case["logged_in"] == false, do: Map.delete(env, "ANTHROPIC_API_KEY"), else: env
    %{"cli_path" => System.fetch_env!("MADRIGAL_REAL_CLI"), "cwd" => context.work, "env" => env}
  end

  for {one, index} <- Enum.with_index(@cases) do
    test one["name"], context do
      one = @cases |> Enum.at(unquote(index)) |> made(context)
      defaults = defaults(one, context)

      for session <- one["sessions"],
          do: assert(session |> Map.put("name", one["name"]) |> Conformance.run(defaults) == :ok)

      if one["api"],
        do:
          assert(
            Simulator.eventually(fn -> asked?(one["api"], context) end, 1_000),
            inspect(Loopback.requests(context.loopback))
          )

      assert Simulator.eventually(
               fn -> counted?(one, Loopback.requests(context.loopback)) end,
               1_000
             ),
             inspect(Loopback.requests(context.loopback))

      if one["gone"],
        do:
          assert(Simulator.eventually(fn -> programs(context) == [] end, 1_000), "programs stay")

      for {file, there} <- one["files"] || %{},
          do: assert(File.exists?(Path.join(context.work, file)) == there, file)
    end
  end

  # The case with the folders of this place in it, and its files made.
  defp made(one, context) do
    folders = [{"$work", context.work}, {"$config", Path.join(context.place, "home/.claude")}]
    one = placed(one, folders)

    for {name, text} <- one["make"] || %{} do
      file = Path.join(context.work, name)
      File.mkdir_p!(Path.dirname(file))
      File.write!(file, text)
    end

    one
  end

  defp placed(text, folders) when is_binary(text),
    do: Enum.reduce(folders, text, fn {name, path}, text -> String.replace(text, name, path) end)

  defp placed(list, folders) when is_list(list), do: Enum.map(list, &placed(&1, folders))

  defp placed(%{} = map, folders),
    do: Map.new(map, fn {key, value} -> {key, placed(value, folders)} end)

  defp placed(other, _folders), do: other

  # The patterns match in this order; other requests may stand between. `[]`: there was none.
  defp asked?([], context), do: Loopback.requests(context.loopback) == []

  defp asked?(patterns, context) do
    Enum.reduce(Loopback.requests(context.loopback), patterns, fn
      request, [pattern | rest] = left ->
        if Pattern.match?(pattern, request), do: rest, else: left

      _request, [] ->
        []
    end) == []
  end

  # How often something was asked, and how much at a time.
  defp counted?(one, requests) do
    most = requests |> Enum.map(& &1["beside"]) |> Enum.max(fn -> 0 end)

    most <= (one["most"] || most) and
      Enum.all?(one["asked"] || [], fn %{"of" => pattern, "times" => times} ->
        Enum.count(requests, &Pattern.match?(pattern, &1)) == times
      end)
  end

  # The processes that live in this home.
  defp programs(context) do
    home = "HOME=" <> Path.join(context.place, "home")

    for path <- Path.wildcard("/proc/[0-9]*/environ"),
        {:ok, variables} <- [File.read(path)],
        home in String.split(variables, <<0>>),
        do: path
  end

  test "a host that is killed while a tool runs leaves neither the program nor the tool",
       context do
    options = Map.put(defaults(%{}, context), "allowed_tools", ["Bash"])
    host = Host.start(options, "Please sleep in the shell.", "wait")
    file = Path.join(context.work, "tool.pid")
    assert Simulator.eventually(fn -> match?({:ok, <<_, _::binary>>}, File.read(file)) end)
    tool = file |> File.read!() |> String.trim()
    assert [program] = Simulator.children(host.os_pid)
    assert Simulator.alive?(tool)
    Host.signal(host, "KILL")
    # Within 1 s and 3 s, in steps of 10 ms.
    assert Simulator.eventually(fn -> not Simulator.alive?(program) end, 100),
           "the program is alive"

    assert Simulator.eventually(fn -> not Simulator.alive?(tool) end, 200), "the tool is alive"
    Host.ended(host)
  end

  test "a session goes on from the store alone", context do
    {:ok, memory} = Memory.start_link()
    store = {Memory, memory}
    stored = [store: store, directory: context.work]
    defaults = defaults(%{}, context)

    options = [
      cli_path: defaults["cli_path"],
      cwd: context.work,
      env: defaults["env"],
      session_store: store
    ]

    said = "My word is heron. Remember: my word is heron."
    %{session_id: id} = result(ClaudeCodeSDK.query(said, options))
    assert {:ok, [%{session_id: ^id}]} = Sessions.list_sessions(stored)
    assert {:ok, %{session_id: copy}} = Sessions.fork_session(id, stored)
    assert :ok = Sessions.delete_session(id, stored)
    # What the program itself has kept is gone, too.
    File.rm_rf!(Path.join(context.place, "home/.claude/projects"))

    resumed = result(ClaudeCodeSDK.resume(copy, "Please repeat everything.", options))
    assert resumed.result =~ "my word is heron"
    assert {:ok, messages} = Sessions.get_session_messages(copy, stored)
    assert Enum.map(messages, & &1.type) == ["user", "assistant", "user", "assistant"]
  end

  test "tasks of an orchestrator run side by side, each with its own tools; a caller that dies takes his along",
       context do
    {server, _options} = orchestrator(context, allowed_tools: ["mcp__calc", "Bash"])

    tasks =
      for factor <- [1, 10] do
        add =
          Tool.new("add", "Adds", %{"type" => "object"}, fn %{"a" => a, "b" => b} ->
            {:ok, "#{factor * (a + b)}"}
          end)

        calc = ClaudeCodeSDK.create_sdk_mcp_server(name: "calc", tools: [add])
        {"Please add two and three.", mcp_servers: %{"calc" => calc}}
      end

    assert {:ok, outcomes} = Orchestrator.query_parallel(tasks, orchestrator: server)
    assert Enum.map(outcomes, & &1.text) == ["The tool said: 5", "The tool said: 50"]
    assert Enum.all?(outcomes, &(&1.cost > 0 and &1.usage.input_tokens > 0))
    assert %Stats{total_queries: 2, successful_queries: 2} = Orchestrator.get_stats(server)

    caller = spawn(fn -> Orchestrator.run("Please sleep in the shell.", orchestrator: server) end)

    file = Path.join(context.work, "tool.pid")
    assert Simulator.eventually(fn -> match?({:ok, <<_, _::binary>>}, File.read(file)) end)
    tool = file |> File.read!() |> String.trim()
    assert Simulator.alive?(tool)
    Process.exit(caller, :kill)
    assert Simulator.eventually(fn -> not Simulator.alive?(tool) end, 300), "the tool is alive"
    assert Simulator.eventually(fn -> Simulator.children() -- [loopback(context)] == [] end)
  end

  test "steps of a pipeline are told what was said, and one owner retries a busy API", context do
    {server, options} = orchestrator(context, [])
    steps = ["Please say hello.", "Please repeat everything."]
    assert {:ok, [hello, repeated]} = Orchestrator.query_pipeline(steps, orchestrator: server)
    assert hello.text == "Hello from the loopback model."
    assert repeated.text =~ "Context from previous step:\n#{hello.text}"

    retry = [max_retries: 2, backoff_ms: 10, orchestrator: server]
    busy = "Please wait for the other model."
    options = Keyword.put(options, :model, "claude-sonnet-4-5")

    assert {:error, {:max_retries_exceeded, %Outcome{attempts: 3, error: error}}} =
             Orchestrator.query_with_retry(busy, options, retry)

    assert error.context["api_error_status"] == 529
    # Each attempt asked once: the program did not retry on top of it.
    asked = for %{"prompt" => ^busy} = request <- Loopback.requests(context.loopback), do: request
    assert length(asked) == 3
  end

  test "the token that was stored is what the API sees, also after a restart", context do
    token = "sk-ant-oat01-test-test-test-test"
    tap = Wiretap.start(context.loopback.url)
    defaults = defaults(%{"logged_in" => false}, context)
    env = Map.put(defaults["env"], "ANTHROPIC_BASE_URL", tap.url)
    path = Path.join(context.place, "home/token.json")

    settings = [
      name: AuthManager,
      storage_backend: {:file, path},
      provider: __MODULE__.Giver,
      env: Map.merge(env, Map.new(@credentials, &{&1, ""}))
    ]

    options = [cli_path: defaults["cli_path"], cwd: context.work, env: env]
    start_supervised!({AuthManager, settings})
    assert {:ok, _} = AuthManager.setup_token()
    assert result(ClaudeCodeSDK.query("Please say hello.", options)).result =~ "Hello"
    assert Wiretap.credentials(tap) == [{"authorization", "Bearer " <> token}]

    # Nothing but the file is left of it.
    :ok = stop_supervised(AuthManager)
    tap = Wiretap.start(context.loopback.url)
    options = put_in(options[:env]["ANTHROPIC_BASE_URL"], tap.url)
    start_supervised!({AuthManager, Keyword.put(settings, :provider, nil)})
    assert :ok = AuthManager.ensure_authenticated()
    {:ok, session} = ClaudeCodeSDK.Session.start_link(options)
    {:ok, _} = ClaudeCodeSDK.Session.send(session, "Please say hello.")
    :ok = ClaudeCodeSDK.Session.finish(session)
    assert result(ClaudeCodeSDK.Session.stream(session)).result =~ "Hello"
    {server, _} = orchestrator(context, env: options[:env])
    assert {:ok, _} = Orchestrator.run("Please say hello.", orchestrator: server)
    assert Wiretap.credentials(tap) == [{"authorization", "Bearer " <> token}]
  end

  defmodule Giver do
    @moduledoc false
    @behaviour AuthManager.Provider

    @impl true
    def setup_token, do: {:ok, "sk-ant-oat01-test-test-test-test", nil}
  end

  defp orchestrator(context, more) do
    defaults = defaults(%{}, context)

    options =
      Keyword.merge(
        [cli_path: defaults["cli_path"], cwd: context.work, env: defaults["env"]],
        more
      )

    {start_supervised!({Orchestrator, name: nil, options: options}), options}
  end

  defp loopback(context) do
    {:os_pid, pid} = Port.info(context.loopback.port, :os_pid)
    to_string(pid)
  end

  # To the end: the store has everything then.
  defp result(stream) do
    [result] = Enum.filter(stream, &ClaudeCodeSDK.Message.final?/1)
    result.data
  end
end
