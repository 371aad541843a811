defmodule ClaudeCodeSDK.RealTest do
  @moduledoc "The cases of `tests/real` on the real `claude`, which `MADRIGAL_REAL_CLI` names."
  use ExUnit.Case, async: false

  alias ClaudeCodeSDK.Sessions
  alias ClaudeCodeSDK.SessionStore.Memory
  alias ClaudeCodeSDK.Test.{Conformance, Host, Loopback, Pattern, Simulator}

  @moduletag :real
  @moduletag timeout: 180_000
  @folder Path.join(Simulator.root(), "tests/real")
  @cases (
           {:ok, cases} =
             @folder |> Path.join("cases.json") |> File.read!() |> ClaudeCodeSDK.JSON.decode()

           cases
         )

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

  # To the end: the store has everything then.
  defp result(stream) do
    [result] = Enum.filter(stream, &ClaudeCodeSDK.Message.final?/1)
    result.data
  end
end
