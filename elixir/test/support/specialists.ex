defmodule ClaudeCodeSDK.Test.Specialists do
  @moduledoc "The step `invoke` for agents, models and presets, with the public functions of this package."

  alias ClaudeCodeSDK.{Agents, Models, OptionBuilder, Request}
  alias ClaudeCodeSDK.Agents.{Builder, Presets}
  alias ClaudeCodeSDK.Test.Wire

  @families %{
    "security" => &Presets.security_agents/0,
    "code_quality" => &Presets.code_quality_agents/0,
    "testing" => &Presets.testing_agents/0,
    "documentation" => &Presets.documentation_agents/0,
    "operations" => &Presets.operations_agents/0
  }

  @doc "Calls the function; what it gives in the form of the boundary."
  def invoke("agent_presets", with, _place) do
    families = if family = with["family"], do: [family], else: Map.keys(@families)

    {:ok,
     for family <- families, name <- Presets.families()[family] do
       agent = Map.fetch!(@families[family].(), name)
       %{"name" => name, "family" => family, "agent" => strings(agent)}
     end}
  end

  def invoke("build_agent", with, _place) do
    examples =
      for example <- with["examples"] || [] do
        with %{"input" => input, "output" => output} <- example, do: {input, output}
      end

    {name, agent} =
      (with["agent"] || %{})
      |> Enum.reduce(Builder.new(with["name"]), fn {field, value}, builder ->
        said(builder, field, value)
      end)
      |> Builder.with_examples(examples)
      |> Builder.build()

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
    {own, rest} = Map.split(with, ["name", "agent"])

    with {:ok, path} <- Agents.save(own["name"], own["agent"], place(rest, place)),
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
    options = with["name"] |> OptionBuilder.preset(over) |> Request.wire()
    {:ok, Map.new(options, fn {name, value} -> {to_string(name), word(value)} end)}
  rescue
    error in [ClaudeCodeSDK.Error] -> {:error, error}
  end

  def invoke("suggest_models", with, _place) do
    with {:ok, found} <- Models.suggest(with["model"], with["models"]), do: {:ok, strings(found)}
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

  defp said(builder, field, value) do
    case @steps do
      %{^field => step} -> step.(builder, value)
      _ -> Builder.with_field(builder, field, value)
    end
  end

  # Words are atoms here.
  defp word(value) when is_atom(value) and value not in [true, false, nil], do: to_string(value)
  defp word(value), do: value

  defp mode(:permission_mode, mode), do: Request.mode(mode)
  defp mode(_name, value), do: value

  defp place(with, place),
    do: Keyword.merge(place, for({name, value} <- with, do: {String.to_atom(name), value}))

  defp strings(map), do: Map.new(map, fn {name, value} -> {to_string(name), value} end)
end
