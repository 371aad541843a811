defmodule ClaudeCodeSDK.Agents do
  @moduledoc """
  Subagents: specialists with a prompt, tools and a model of their own, which the model calls for a part of the work.

      alias ClaudeCodeSDK.{Agents, OptionBuilder}

      reviewer =
        Agents.Builder.new("reviewer")
        |> Agents.Builder.with_description("Reviews a change; use it before every commit")
        |> Agents.Builder.with_system_prompt("You review changes. List what is wrong, worst first.")
        |> Agents.Builder.with_tools(["Read", "Grep"])

      options = OptionBuilder.with_agents(Agents.Presets.security_agents()) |> OptionBuilder.with_agents(reviewer)
      ClaudeCodeSDK.query("Review the last commit", options)

  Agents are a map from names to definitions, as in the option `agents`. A definition is a map with the names of the program:
  `description` (when to use it) and `prompt`, which must be there, and `tools`, `disallowedTools`, `model`, `maxTurns`, `skills`,
  `mcpServers` and others. `ClaudeCodeSDK.Agents.Builder` makes one, `ClaudeCodeSDK.Agents.Presets` has some that are ready.
  """

  alias ClaudeCodeSDK.Error
  alias ClaudeCodeSDK.SessionStore.Work

  @typedoc "What an agent is: a map with the names of the program."
  @type definition :: %{(atom() | String.t()) => term()}

  @typedoc "Agents by name."
  @type agents :: %{(String.t() | atom()) => definition()}

  @typedoc "What may be wrong with an agent all the same."
  @type warning :: %{
          agent: String.t(),
          field: String.t() | nil,
          message: String.t(),
          suggestions: [String.t()]
        }

  # The fields of the program, which become atoms; others stay texts.
  @fields Map.new(
            ~w(description prompt tools disallowedTools model effort permissionMode mcpServers skills maxTurns initialPrompt memory
               background omitClaudeMd isolation autoCompactWindow observer observerMessage observeSubagents
               observeToolResults hooks color)a,
            &{Atom.to_string(&1), &1}
          )

  @place [:scope, :directory, :cwd, :config_dir]

  @doc """
  Checks agents before a program is started with them. Options: `:tools`, the names that exist, for a warning about others.

      iex> {:error, error} = ClaudeCodeSDK.Agents.validate(%{"reviewer" => %{prompt: "Review."}})
      iex> error.context["field"]
      "agents.reviewer.description"
  """
  @spec validate(agents(), keyword()) :: {:ok, [warning()]} | {:error, Error.t()}
  def validate(agents, options \\ []) do
    options = Keyword.validate!(options, [:tools])

    with {:ok, %{"warnings" => warnings}} <- invoke("validate_agents", options, %{agents: agents}) do
      {:ok,
       for one <- warnings do
         %{
           agent: one["agent"],
           field: one["field"],
           message: one["message"],
           suggestions: one["suggestions"]
         }
       end}
    end
  end

  @doc """
  Lays agents over others: fields of `over` win, those it lacks stay.

      iex> agents = %{"reviewer" => %{description: "Reviews", prompt: "Review.", model: "opus"}}
      iex> {:ok, merged} = ClaudeCodeSDK.Agents.merge(agents, %{"reviewer" => %{model: "haiku"}})
      iex> merged["reviewer"].model
      "haiku"
  """
  @spec merge(agents(), agents()) :: {:ok, agents()} | {:error, Error.t()}
  def merge(agents, over) do
    with {:ok, merged} <- invoke("merge_agents", [], %{agents: agents, over: over}),
         do: {:ok, named(merged)}
  end

  @doc """
  The agents in the files of the program, `.claude/agents/*.md`. A file that is none is among the `errors`; the others count.

  Options: `:scope` (`:project`, the default, or `:user`) or `:directory`; `:cwd` for the project, `:config_dir` for the user.

      {:ok, %{agents: agents}} = ClaudeCodeSDK.Agents.load(scope: :project)
      ClaudeCodeSDK.query("Review", agents: Map.new(agents, &{&1.name, &1.agent}))
  """
  @spec load(keyword()) ::
          {:ok,
           %{
             agents: [%{name: String.t(), path: Path.t(), agent: definition()}],
             errors: [%{path: Path.t(), message: String.t()}]
           }}
          | {:error, Error.t()}
  def load(options \\ []) do
    with {:ok, found} <- invoke("load_agents", place(options, [])) do
      {:ok,
       %{
         agents:
           for one <- found["agents"] do
             %{name: one["name"], path: one["path"], agent: definition(one["agent"])}
           end,
         errors: for(one <- found["errors"], do: %{path: one["path"], message: one["message"]})
       }}
    end
  end

  @doc """
  Writes an agent to such a file, and returns its path. Options as of `load/1`, and `:overwrite` (default `false`: a file that is
  there is an error).
  """
  @spec save(String.t() | atom(), definition(), keyword()) ::
          {:ok, Path.t()} | {:error, Error.t()}
  def save(name, agent, options \\ []) do
    with {:ok, %{"path" => path}} <-
           invoke("save_agent", place(options, [:overwrite]), %{name: name, agent: agent}),
         do: {:ok, path}
  end

  @doc "The text of such a file."
  @spec to_markdown(String.t() | atom(), definition()) :: {:ok, String.t()} | {:error, Error.t()}
  def to_markdown(name, agent) do
    with {:ok, %{"text" => text}} <- invoke("agent_to_markdown", [], %{name: name, agent: agent}),
         do: {:ok, text}
  end

  @doc """
  The agent in the text of such a file.

      iex> alias ClaudeCodeSDK.Agents
      iex> {:ok, text} = Agents.to_markdown("reviewer", %{description: "Reviews", prompt: "Review."})
      iex> {:ok, {name, agent}} = Agents.from_markdown(text)
      iex> {name, agent.description, agent.prompt}
      {"reviewer", "Reviews", "Review."}
  """
  @spec from_markdown(String.t()) :: {:ok, {String.t(), definition()}} | {:error, Error.t()}
  def from_markdown(text) do
    with {:ok, %{"name" => name, "agent" => agent}} <-
           invoke("agent_from_markdown", [], %{text: text}),
         do: {:ok, {name, definition(agent)}}
  end

  @doc false
  @spec invoke(String.t(), keyword(), map()) :: {:ok, term()} | {:error, Error.t()}
  def invoke(operation, options, fields \\ %{}) do
    options |> Map.new() |> Map.merge(fields) |> Map.put(:operation, operation) |> Work.invoke()
  end

  @doc false
  # Agents of the core by name.
  @spec named(map()) :: agents()
  def named(agents), do: Map.new(agents, fn {name, agent} -> {name, definition(agent)} end)

  @doc false
  @spec definition(map()) :: definition()
  def definition(agent),
    do: Map.new(agent, fn {name, value} -> {Map.get(@fields, name, name), value} end)

  # The VM keeps its environment to itself: the library would not see what was set here.
  defp place(options, more) do
    options
    |> Keyword.validate!(@place ++ more)
    |> Keyword.put_new_lazy(:config_dir, fn -> System.get_env("CLAUDE_CONFIG_DIR") end)
  end
end
