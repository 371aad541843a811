defmodule ClaudeCodeSDK.Agents.Builder do
  @moduledoc """
  Makes an agent step by step.

      iex> alias ClaudeCodeSDK.Agents.Builder
      iex> {name, agent} =
      ...>   Builder.new("sql_reviewer")
      ...>   |> Builder.with_description("Reviews SQL; use it for every migration")
      ...>   |> Builder.with_system_prompt("You review SQL for locks and missing indexes.")
      ...>   |> Builder.with_tools(["Read", "Grep"])
      ...>   |> Builder.with_model("haiku")
      ...>   |> Builder.build()
      iex> {name, agent.tools, agent.model}
      {"sql_reviewer", ["Read", "Grep"], "haiku"}

  What is not given stays out, and is then the program's choice; only the description and the prompt have a default, as in the
  original. What cannot work is found by `build/1`, which raises `ClaudeCodeSDK.Error` with the field.
  """

  alias ClaudeCodeSDK.Agents

  @enforce_keys [:name]
  defstruct [:name, :description, :prompt, examples: [], fields: %{}]

  @typedoc "An agent that is being made."
  @type t :: %__MODULE__{
          name: String.t(),
          description: String.t() | nil,
          prompt: String.t() | nil,
          examples: [example()],
          fields: map()
        }

  @typedoc "An example: a text, or what is asked and what to answer."
  @type example :: String.t() | {String.t(), String.t()}

  @doc "Begins with a name."
  @spec new(String.t() | atom()) :: t()
  def new(name), do: %__MODULE__{name: to_string(name)}

  @doc "Says when the model should use the agent. Default: `Custom agent: NAME`."
  @spec with_description(t(), String.t()) :: t()
  def with_description(builder, description), do: %{builder | description: description}

  @doc "Says what the agent is told. Default: `You are a helpful assistant.`"
  @spec with_system_prompt(t(), String.t()) :: t()
  def with_system_prompt(builder, prompt), do: %{builder | prompt: prompt}

  @doc "The tools it has, by name. Default: all of the conversation."
  @spec with_tools(t(), [String.t()]) :: t()
  def with_tools(builder, tools), do: put(builder, :tools, tools)

  @doc "Tools it has not."
  @spec with_disallowed_tools(t(), [String.t()]) :: t()
  def with_disallowed_tools(builder, tools), do: put(builder, :disallowedTools, tools)

  @doc "Its model: an alias such as `\"haiku\"`, a full name, or `\"inherit\"`."
  @spec with_model(t(), String.t()) :: t()
  def with_model(builder, model), do: put(builder, :model, model)

  @doc "How many steps of the model it has at most."
  @spec with_max_turns(t(), pos_integer()) :: t()
  def with_max_turns(builder, turns), do: put(builder, :maxTurns, turns)

  @doc "The skills it has from the beginning."
  @spec with_skills(t(), [String.t()]) :: t()
  def with_skills(builder, skills), do: put(builder, :skills, skills)

  @doc "Its tool servers: names of those of the conversation, or configurations by name."
  @spec with_mcp_servers(t(), [String.t() | map()]) :: t()
  def with_mcp_servers(builder, servers), do: put(builder, :mcpServers, servers)

  @doc "Any other field, by the name the program has for it."
  @spec with_field(t(), String.t() | atom(), term()) :: t()
  def with_field(builder, field, value), do: put(builder, field, value)

  @doc """
  Examples, which stand at the end of the prompt.

      iex> alias ClaudeCodeSDK.Agents.Builder
      iex> builder = Builder.new("greeter") |> Builder.with_system_prompt("Greet.") |> Builder.with_examples([{"Ann", "Hello Ann"}])
      iex> Builder.build_definition(builder).prompt =~ "Input: Ann\\nOutput: Hello Ann"
      true
  """
  @spec with_examples(t(), [example()]) :: t()
  def with_examples(builder, examples), do: %{builder | examples: examples}

  @doc "The name and the definition. Raises `ClaudeCodeSDK.Error` for what cannot work, naming the field."
  @spec build(t()) :: {String.t(), Agents.definition()}
  def build(builder) do
    fields = %{name: builder.name, agent: agent(builder), examples: examples(builder)}

    case Agents.invoke("build_agent", [], fields) do
      {:ok, %{"name" => name, "agent" => agent}} -> {name, Agents.definition(agent)}
      {:error, error} -> raise error
    end
  end

  @doc """
  The definition by itself.

      iex> ClaudeCodeSDK.Agents.Builder.new("helper") |> ClaudeCodeSDK.Agents.Builder.build_definition()
      %{description: "Custom agent: helper", prompt: "You are a helpful assistant."}
  """
  @spec build_definition(t()) :: Agents.definition()
  def build_definition(builder), do: builder |> build() |> elem(1)

  defp put(builder, field, value), do: put_in(builder.fields[field], value)

  defp agent(builder) do
    builder.fields
    |> Map.merge(%{description: builder.description, prompt: builder.prompt})
    |> Map.reject(fn {_field, value} -> value == nil end)
  end

  defp examples(builder) do
    for example <- builder.examples do
      with {input, output} <- example, do: %{input: input, output: output}
    end
  end
end
