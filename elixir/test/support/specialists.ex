defmodule ClaudeCodeSDK.Test.Specialists do
  @moduledoc "The step `invoke` for agents, models and presets, and the field `through`, with the public functions of this package."

  alias ClaudeCodeSDK.{Agents, Models, OptionBuilder, Request}
  alias ClaudeCodeSDK.Agents.{Builder, Presets}
  alias ClaudeCodeSDK.Test.Wire

  @families [
    {"security", &Presets.security_agents/0},
    {"code_quality", &Presets.code_quality_agents/0},
    {"testing", &Presets.testing_agents/0},
    {"documentation", &Presets.documentation_agents/0},
    {"operations", &Presets.operations_agents/0}
  ]
  @functions ~w(with_opus with_sonnet with_haiku with_model with_agents)
  @operations ~w(agent_presets build_agent validate_agents merge_agents load_agents save_agent agent_to_markdown
                 agent_from_markdown option_presets option_preset suggest_models) ++ @functions

  @doc "The functions a step may call."
  def operations, do: @operations

  @doc "Options that went through each of these: `[%{\"with_opus\" => %{}}, ...]`."
  def through(options, functions) do
    for one <- functions || [], {name, with} <- one, reduce: options do
      options -> put(name, [options], with)
    end
  end

  # The arguments of some of these begin with options, where there are any.
  defp put("with_opus", options, _with), do: apply(OptionBuilder, :with_opus, options)
  defp put("with_sonnet", options, _with), do: apply(OptionBuilder, :with_sonnet, options)
  defp put("with_haiku", options, _with), do: apply(OptionBuilder, :with_haiku, options)

  defp put("with_model", [], with), do: put("with_model", [[]], with)

  defp put("with_model", [options], with),
    do: OptionBuilder.with_model(options, with["model"], with["fallback"])

  defp put("with_agents", options, with) do
    presets = Presets.all()

    named =
      if with["presets"] == true, do: presets, else: Map.take(presets, with["presets"] || [])

    builders = Enum.map(with["built"] || [], &builder/1)

    OptionBuilder
    |> apply(:with_agents, options ++ [named])
    |> OptionBuilder.with_agents(builders)
  end

  @doc "Calls the function; what it gives in the form of the boundary."
  def invoke("agent_presets", with, _place) do
    {:ok,
     for {family, agents} <- @families,
         with["family"] in [nil, family],
         name <- Presets.families()[family] do
       agent = Map.fetch!(agents.(), name)
       %{"name" => name, "family" => family, "agent" => strings(agent)}
     end}
  end

  def invoke("build_agent", with, _place) do
    {name, agent} = with |> builder() |> Builder.build()
    {:ok, %{"name" => name, "agent" => strings(agent)}}
  rescue
    error in [ClaudeCodeSDK.Error] -> {:error, error}
  end

  def invoke("validate_agents", with, _place) do
    options = if with["tools"], do: [tools: with["tools"]], else: []

    with {:ok, warnings} <- Agents.validate(with["agents"], options),
         do: {:ok, %{"warnings" => Enum.map(warnings, &strings/1)}}
  end

  def invoke("merge_agents", with, _place) do
    with {:ok, agents} <- Agents.merge(with["agents"], with["over"]) do
      {:ok, Map.new(agents, fn {name, agent} -> {name, strings(agent)} end)}
    end
  end

  def invoke("load_agents", with, place) do
    with {:ok, found} <- Agents.load(place(with, place)) do
      agents = for one <- found.agents, do: strings(%{one | agent: strings(one.agent)})
      {:ok, %{"agents" => agents, "errors" => Enum.map(found.errors, &strings/1)}}
    end
  end

  def invoke("save_agent", with, place) do
    {own, rest} = Map.split(with, ["name", "agent", "preset"])
    name = own["name"] || own["preset"]
    agent = own["agent"] || Presets.all()[name]

    with {:ok, path} <- Agents.save(name, agent, place(rest, place)),
         do: {:ok, %{"path" => path}}
  end

  def invoke("agent_to_markdown", with, _place) do
    with {:ok, text} <- Agents.to_markdown(with["name"], with["agent"]),
         do: {:ok, %{"text" => text}}
  end

  def invoke("agent_from_markdown", with, _place) do
    with {:ok, {name, agent}} <- Agents.from_markdown(with["text"]),
         do: {:ok, %{"name" => name, "agent" => strings(agent)}}
  end

  def invoke("option_presets", _with, _place),
    do: {:ok, Enum.map(OptionBuilder.available_presets(), &to_string/1)}

  def invoke("option_preset", with, _place) do
    over = for {name, value} <- Wire.options(with["over"] || %{}), do: {name, mode(name, value)}
    {:ok, with["name"] |> OptionBuilder.preset(over) |> words()}
  rescue
    error in [ClaudeCodeSDK.Error] -> {:error, error}
  end

  def invoke("suggest_models", with, _place) do
    with {:ok, found} <- Models.suggest(with["model"], with["models"]), do: {:ok, strings(found)}
  end

  def invoke(name, with, _place) when name in @functions do
    options = if given = with["options"], do: [Wire.options(given)], else: []
    {:ok, name |> put(options, with) |> words()}
  rescue
    error in [ClaudeCodeSDK.Error] -> {:error, error}
  end

  @steps %{
    "description" => &Builder.with_description/2,
    "prompt" => &Builder.with_system_prompt/2,
    "tools" => &Builder.with_tools/2,
    "disallowedTools" => &Builder.with_disallowed_tools/2,
    "model" => &Builder.with_model/2,
    "maxTurns" => &Builder.with_max_turns/2,
    "skills" => &Builder.with_skills/2,
    "mcpServers" => &Builder.with_mcp_servers/2
  }

  defp builder(with) do
    examples =
      for example <- with["examples"] || [] do
        with %{"input" => input, "output" => output} <- example, do: {input, output}
      end

    (with["agent"] || %{})
    |> Enum.reduce(Builder.new(with["name"]), fn {field, value}, builder ->
      said(builder, field, value)
    end)
    |> Builder.with_examples(examples)
  end

  # Options in the form of the boundary.
  defp words(options) do
    for {name, value} <- Request.wire(options), into: %{}, do: {to_string(name), word(value)}
  end

  defp said(builder, field, value) do
    case @steps do
      %{^field => step} -> step.(builder, value)
      _ -> Builder.with_field(builder, field, value)
    end
  end

  defp word(%{} = map), do: Map.new(map, fn {name, value} -> {to_string(name), word(value)} end)
  # Words are atoms here.
  defp word(value) when is_atom(value) and value not in [true, false, nil], do: to_string(value)
  defp word(value), do: value

  defp mode(:permission_mode, mode), do: Request.mode(mode)
  defp mode(_name, value), do: value

  defp place(with, place),
    do: Keyword.merge(place, for({name, value} <- with, do: {String.to_atom(name), value}))

  defp strings(map), do: Map.new(map, fn {name, value} -> {to_string(name), value} end)
end
