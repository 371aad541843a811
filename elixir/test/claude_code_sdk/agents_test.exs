defmodule ClaudeCodeSDK.AgentsTest do
  use ExUnit.Case, async: true

  alias ClaudeCodeSDK.{Agents, Error, Models, OptionBuilder, Options}
  alias ClaudeCodeSDK.Agents.{Builder, Presets}

  setup do
    folder = Path.join(System.tmp_dir!(), "madrigal-agents-#{System.unique_integer([:positive])}")
    on_exit(fn -> File.rm_rf!(folder) end)
    {:ok, folder: folder}
  end

  test "presets are in five families, whole and without warnings" do
    families = [
      Presets.security_agents(),
      Presets.code_quality_agents(),
      Presets.testing_agents(),
      Presets.documentation_agents(),
      Presets.operations_agents()
    ]

    all = Presets.all()
    assert Enum.reduce(families, &Map.merge/2) == all
    assert map_size(all) >= 12
    assert families |> Enum.map(&map_size/1) |> Enum.sum() == map_size(all)

    for name <-
          ~w(security_reviewer crypto_auditor style_checker performance_optimizer refactorer test_generator
                   test_reviewer doc_generator api_documenter),
        do: assert(is_map_key(all, name), name)

    assert {:ok, []} = Agents.validate(all)

    assert Presets.families() |> Map.values() |> List.flatten() |> Enum.sort() ==
             all |> Map.keys() |> Enum.sort()
  end

  test "an agent is written to a file of the program and read again", %{folder: folder} do
    {name, agent} =
      Builder.new("reviewer")
      |> Builder.with_description("Reviews: use it")
      |> Builder.with_system_prompt("Review.\n\nAll of it.")
      |> Builder.with_tools(["Read"])
      |> Builder.with_disallowed_tools(["Bash"])
      |> Builder.with_model("haiku")
      |> Builder.with_max_turns(3)
      |> Builder.with_skills(["pdf"])
      |> Builder.build()

    assert {:ok, path} = Agents.save(name, agent, directory: folder)
    assert Path.basename(path) == "reviewer.md"
    assert {:error, %Error{}} = Agents.save(name, agent, directory: folder)
    assert {:ok, ^path} = Agents.save(name, agent, directory: folder, overwrite: true)
    File.write!(Path.join(folder, "broken.md"), "---\nname: [\n---\n")
    assert {:ok, %{agents: [found], errors: [broken]}} = Agents.load(directory: folder)
    assert found == %{name: "reviewer", path: path, agent: agent}
    assert broken.path =~ "broken.md"
  end

  test "mistakes are told by the field" do
    assert {:error, %Error{code: :invalid_options, context: %{"field" => "agents.a.prompt"}}} =
             Agents.validate(%{a: %{description: "A", prompt: ""}})

    agent = %{description: "A", prompt: "A", tools: ["Raed"]}

    assert {:ok, [%{agent: "a", field: "tools[0]"}]} =
             Agents.validate(%{a: agent}, tools: ["Read"])

    assert {:ok, %{known: true}} = Models.suggest("opus")

    assert %Error{context: %{"field" => "agents.a.maxTurns"}} =
             catch_error("a" |> Builder.new() |> Builder.with_max_turns(0) |> Builder.build())
  end

  test "options get models and agents" do
    assert %{model: "opus", fallback_model: "sonnet", max_turns: 10} = OptionBuilder.with_opus()
    assert %{model: "sonnet", max_turns: 5} = OptionBuilder.with_sonnet()
    assert %{model: "haiku", max_turns: 3} = OptionBuilder.with_haiku()

    assert %{model: "claude-sonnet-4-5-20250929", fallback_model: nil, max_turns: 3} =
             OptionBuilder.with_model(OptionBuilder.with_haiku(), "claude-sonnet-4-5-20250929")

    one = %{description: "One", prompt: "1"}
    options = OptionBuilder.with_agents(%{one: one}) |> OptionBuilder.with_agent("two", one)
    assert options.agents == %{"one" => one, "two" => one}

    assert OptionBuilder.with_agents(Builder.new("x")).agents["x"].description ==
             "Custom agent: x"
  end

  test "options for usual purposes are those of the original" do
    assert OptionBuilder.available_presets() |> length() >= 8

    assert %Options{max_turns: 10, permission_mode: :accept_edits} =
             OptionBuilder.build_development_options()

    assert %Options{max_turns: 5, permission_mode: :plan} = OptionBuilder.build_staging_options()

    assert %Options{max_turns: 3, permission_mode: :plan} =
             OptionBuilder.build_production_options()

    assert %Options{max_turns: 7} = OptionBuilder.build_analysis_options()
    assert %Options{max_turns: 1} = OptionBuilder.build_chat_options()
    assert %Options{max_turns: 8} = OptionBuilder.build_documentation_options()
    assert %Options{max_turns: 6} = OptionBuilder.build_testing_options()

    assert %Options{
             max_turns: 5,
             cwd: "/tmp",
             allowed_tools: ["Read"],
             permission_mode: :accept_edits
           } = OptionBuilder.sandboxed("/tmp", ["Read"])

    assert OptionBuilder.for_environment() == OptionBuilder.build_testing_options()
    stderr = &Function.identity/1

    assert %{max_turns: 2, stderr: ^stderr} =
             OptionBuilder.preset(:chat, max_turns: 2, stderr: stderr)

    program = [executable: "/usr/bin/claude", fallback_model: nil]

    assert %{executable: "/usr/bin/claude", cli_path: nil, fallback_model: nil, model: "opus"} =
             OptionBuilder.preset(:opus, program)

    assert OptionBuilder.preset(:chat, OptionBuilder.with_haiku()).max_turns == 3
    assert %Error{message: text} = catch_error(OptionBuilder.preset(:develpment))
    assert text =~ "development"
  end

  test "options are looked at before they are used" do
    assert {:ok, %Options{}} = OptionBuilder.validate(OptionBuilder.with_opus())
    assert {:error, text} = OptionBuilder.validate(max_turns: 0)
    assert text =~ "max_turns"
    assert {:error, text} = OptionBuilder.validate(permission_mode: :never)
    assert text =~ ":accept_edits"
    assert {:error, text} = OptionBuilder.validate(agents: %{a: %{prompt: "A"}})
    assert text =~ "agents.a.description"
    assert {:error, text} = OptionBuilder.validate(max_truns: 1)
    assert text =~ "max_turns"

    assert {:warning, %Options{}, [text]} =
             OptionBuilder.validate(allowed_tools: ["Bash"], disallowed_tools: ["Bash"])

    assert text =~ "Bash"
  end
end
