defmodule ClaudeCodeSDK.EnvironmentTest do
  @moduledoc "A program finds the environment of the VM, which is not that of its process."
  use ExUnit.Case, async: false

  alias ClaudeCodeSDK.{Environment, Request}
  alias ClaudeCodeSDK.Test.Simulator

  @name "MADRIGAL_TEST_OF_THE_ENVIRONMENT"

  setup do
    before = System.get_env()

    on_exit(fn ->
      for {name, _} <- System.get_env(), not is_map_key(before, name), do: System.delete_env(name)
      System.put_env(before)
    end)
  end

  # What a program finds in its environment.
  defp found(names, options \\ []) do
    frame = Map.new(names, &{&1, "$env.#{&1}"})
    steps = [%{await: %{type: "user"}}, %{emit: Map.put(frame, :type, "found")}, %{result: %{}}]

    found =
      ClaudeCodeSDK.query("hi", Simulator.options(steps, options))
      |> Enum.find(&(&1.type == "found"))

    Map.take(found.raw, names)
  end

  test "what is set in the VM is found, also in another language, and options go before it" do
    System.put_env(@name, "grüße 世界")
    assert found([@name]) == %{@name => "grüße 世界"}
    assert found([@name], env: %{@name => "mine"}) == %{@name => "mine"}
    assert found([@name], env: %{String.to_atom(@name) => "mine"}) == %{@name => "mine"}
  end

  test "nothing is sent when nothing was changed" do
    assert {%{}, []} = Environment.changes()
    assert Environment.apply(%{model: "m"}) == %{model: "m"}
  end

  test "what is removed in the VM is not found, and the rest is" do
    [name | _] =
      for {name, _} <- System.get_env(),
          name not in ~w(PATH HOME USER LOGNAME SHELL TMPDIR TERM TZ LANG LANGUAGE MADRIGAL_BIN),
          not String.starts_with?(name, ["LC_", "XDG_", "MADRIGAL_", "CLAUDE"]),
          do: name

    System.delete_env(name)
    System.put_env(@name, "still here")
    assert {%{@name => _}, [^name]} = Environment.changes()
    options = Environment.apply(%{})
    assert options.env_mode == "allow_list" and name not in options.env_allow

    assert found([name, @name, "PATH"]) == %{
             name => nil,
             @name => "still here",
             "PATH" => System.get_env("PATH")
           }
  end

  test "an allow list holds for what is set in the VM" do
    System.put_env(@name, "secret")
    System.put_env("LC_MADRIGAL_TEST", "C")
    names = [@name, "LC_MADRIGAL_TEST"]
    assert found(names, env_mode: :allow_list) == %{@name => nil, "LC_MADRIGAL_TEST" => "C"}
    allowed = found(names, env_mode: :allow_list, env_allow: ["MADRIGAL_TEST_*"])
    assert allowed == %{@name => "secret", "LC_MADRIGAL_TEST" => "C"}
  end

  test "the program is looked for where the VM says" do
    folder = Path.join(System.tmp_dir!(), "madrigal-#{System.unique_integer([:positive])}-path")
    program = Path.join(folder, "claude")
    File.mkdir_p!(folder)
    File.ln_s!(Simulator.path(), program)
    on_exit(fn -> File.rm_rf!(folder) end)

    System.delete_env("MADRIGAL_CLI_PATH")
    System.put_env("PATH", folder <> ":" <> System.get_env("PATH"))
    assert Environment.apply(%{}).cli_path == program

    System.put_env("MADRIGAL_CLI_PATH", "/named/claude")
    assert Environment.apply(%{}).cli_path == "/named/claude"
    assert Environment.apply(%{cli_path: "/given/claude"}).cli_path == "/given/claude"

    System.put_env("MADRIGAL_CLI_PATH", program)
    [_, env: env] = Simulator.options(Simulator.answering())
    assert [_ | _] = ClaudeCodeSDK.query("hi", env: env) |> Enum.to_list()
  end

  test "another trace in the VM does not win over the one that was given" do
    System.put_env("TRACEPARENT", "of the VM")
    assert Environment.apply(%{}).env["TRACEPARENT"] == "of the VM"
    assert Environment.apply(%{trace_context: %{traceparent: "given"}})[:env] == nil
    assert Request.build(ClaudeCodeSDK.Options.new(env: %{"A" => "b"})) =~ "of the VM"
  end
end
