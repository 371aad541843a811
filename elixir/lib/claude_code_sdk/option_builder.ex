defmodule ClaudeCodeSDK.OptionBuilder do
  @moduledoc """
  Options for usual purposes, and steps that change options.

      alias ClaudeCodeSDK.OptionBuilder

      OptionBuilder.build_analysis_options()
      |> OptionBuilder.with_model("opus", "sonnet")
      |> OptionBuilder.with_working_directory("/srv/app")

  Presets are the same in every language Madrigal speaks. Where a step takes options, a keyword list does as well.
  """

  alias ClaudeCodeSDK.{Agents, Error, Models, Options, Request}
  alias ClaudeCodeSDK.Agents.Builder

  @type options :: Options.t() | keyword()

  @names Map.new(Map.keys(%Options{}), &{Atom.to_string(&1), &1})
  @presets ~w(development staging production analysis chat documentation testing sandboxed quick opus sonnet haiku)a
  @modes ~w(default accept_edits plan dont_ask auto bypass_permissions)a

  ## Models

  @doc """
  Options with the most able model; when it is overloaded, sonnet. At most 10 turns where they say nothing else.

      iex> options = ClaudeCodeSDK.OptionBuilder.with_opus()
      iex> {options.model, options.fallback_model, options.max_turns}
      {"opus", "sonnet", 10}
      iex> ClaudeCodeSDK.OptionBuilder.with_opus(max_turns: 2).max_turns
      2
  """
  @spec with_opus(options()) :: Options.t()
  def with_opus(options \\ []), do: on_model(:opus, options)

  @doc "Options with the balanced model, at most 5 turns where they say nothing else."
  @spec with_sonnet(options()) :: Options.t()
  def with_sonnet(options \\ []), do: on_model(:sonnet, options)

  @doc "Options with the quickest model, at most 3 turns where they say nothing else."
  @spec with_haiku(options()) :: Options.t()
  def with_haiku(options \\ []), do: on_model(:haiku, options)

  # What falls back to another model with one may be that model with the other, so it does not stay.
  defp on_model(name, options) do
    options = Options.cast(options)
    %{model: model, fallback_model: fallback, max_turns: turns} = preset(name)

    %{
      options
      | model: model,
        fallback_model: fallback,
        max_turns: options.max_turns || turns
    }
  end

  @doc """
  Another model, by an alias or its full name, and what to use when it is overloaded: a name, or several in order.

      iex> ClaudeCodeSDK.OptionBuilder.with_model([], "opus", ["sonnet", "haiku"]).fallback_model
      "sonnet,haiku"
  """
  @spec with_model(options(), String.t(), String.t() | [String.t()] | nil) :: Options.t()
  def with_model(options, model, fallback \\ nil) do
    options = %{Options.cast(options) | model: model}

    if fallback,
      do: %{options | fallback_model: fallback |> List.wrap() |> Enum.join(",")},
      else: options
  end

  ## Agents

  @doc "One more agent; one with this name is replaced."
  @spec with_agent(options(), String.t() | atom(), Agents.definition()) :: Options.t()
  def with_agent(options, name, definition), do: with_agents(options, %{name => definition})

  @doc "Options with these agents, see `with_agents/2`."
  @spec with_agents(Agents.agents() | Builder.t() | [Builder.t()]) :: Options.t()
  def with_agents(agents), do: with_agents(%Options{}, agents)

  @doc """
  More agents, beside those that are there: a map by name, or what `ClaudeCodeSDK.Agents.Builder` makes.

      iex> alias ClaudeCodeSDK.{Agents.Builder, OptionBuilder}
      iex> options = OptionBuilder.with_agents([agents: %{"a" => %{}}], [Builder.new("b"), Builder.new("c")])
      iex> Map.keys(options.agents)
      ["a", "b", "c"]
  """
  @spec with_agents(options(), Agents.agents() | Builder.t() | [Builder.t()]) :: Options.t()
  def with_agents(options, agents) do
    options = Options.cast(options)
    %{options | agents: Map.merge(by_name(options.agents || %{}), by_name(agents))}
  end

  defp by_name(%Builder{} = builder), do: by_name([builder])

  defp by_name(agents) do
    Map.new(agents, fn
      %Builder{} = builder -> Builder.build(builder)
      {name, definition} -> {to_string(name), definition}
    end)
  end

  ## Presets

  @doc """
  The names of the presets.

      iex> :production in ClaudeCodeSDK.OptionBuilder.available_presets()
      true
  """
  @spec available_presets() :: [atom()]
  def available_presets do
    listed = Agents.invoke("option_presets", []) |> value()
    for name <- @presets, Atom.to_string(name) in listed, do: name
  end

  @doc """
  The preset with this name; options in `over` win, and one that is `nil` there is taken away. Raises `ClaudeCodeSDK.Error` for a name
  that is none, and for options that cannot work together.

      iex> ClaudeCodeSDK.OptionBuilder.preset(:development, max_turns: 20).max_turns
      20
  """
  @spec preset(atom() | String.t(), options()) :: Options.t()
  def preset(name, over \\ []) do
    given = Options.cast(over)
    named(name, Map.merge(Request.wire(given), taken(over)))
    # In the form of this package, in which there are functions too.
    Map.merge(struct!(Options, named(name, %{})), said(over, given))
  end

  defp named(name, over) do
    Agents.invoke("option_preset", [], %{name: name, over: over})
    |> value()
    |> Map.new(&field/1)
  end

  defp taken(%Options{}), do: %{}
  defp taken(over), do: for({name, nil} <- over, into: %{}, do: {name, nil})

  # What was said: of a struct, what is not the default.
  defp said(%Options{} = over, _given) do
    defaults = %Options{}
    Map.filter(Map.from_struct(over), fn {name, value} -> value != Map.fetch!(defaults, name) end)
  end

  defp said(over, given), do: Map.take(given, for({name, _value} <- over, do: name))

  @doc "To write code: files may be changed and commands run, at most 10 turns."
  @spec build_development_options() :: Options.t()
  def build_development_options, do: preset(:development)

  @doc "To look and plan without changing anything, at most 5 turns."
  @spec build_staging_options() :: Options.t()
  def build_staging_options, do: preset(:staging)

  @doc "The most careful: it plans, asks nobody, trusts nothing in its directory, at most 3 turns."
  @spec build_production_options() :: Options.t()
  def build_production_options, do: preset(:production)

  @doc "To read and understand code, at most 7 turns."
  @spec build_analysis_options() :: Options.t()
  def build_analysis_options, do: preset(:analysis)

  @doc "One answer, without tools."
  @spec build_chat_options() :: Options.t()
  def build_chat_options, do: preset(:chat)

  @doc "To write documentation: files may be changed, no commands, at most 8 turns."
  @spec build_documentation_options() :: Options.t()
  def build_documentation_options, do: preset(:documentation)

  @doc "To write and run tests, at most 6 turns."
  @spec build_testing_options() :: Options.t()
  def build_testing_options, do: preset(:testing)

  @doc "One turn."
  @spec quick() :: Options.t()
  def quick, do: preset(:quick)

  @doc "To work in a directory: files may be changed, commands run in the sandbox of the program, without the web, at most 5 turns; only these tools without questions, when they are given."
  @spec sandboxed(Path.t(), [String.t()] | nil) :: Options.t()
  def sandboxed(directory, tools \\ nil) do
    preset(:sandboxed, [cwd: directory] ++ if(tools, do: [allowed_tools: tools], else: []))
  end

  @doc """
  What fits the environment of Mix: development, testing or, in all others and in releases, production.
  """
  @spec for_environment() :: Options.t()
  def for_environment do
    environment =
      if Code.ensure_loaded?(Mix) and function_exported?(Mix, :env, 0) and
           Process.whereis(Mix.State),
         do: apply(Mix, :env, []),
         else: :prod

    case environment do
      :dev -> build_development_options()
      :test -> build_testing_options()
      _other -> build_production_options()
    end
  end

  ## Steps

  @doc """
  Lays options over others: what is set in `over` wins.

      iex> ClaudeCodeSDK.OptionBuilder.merge([model: "opus", max_turns: 3], max_turns: 5).max_turns
      5
  """
  @spec merge(options(), options()) :: Options.t()
  def merge(options, over) do
    defaults = %Options{}

    Map.merge(Options.cast(options), Options.cast(over), fn field, before, over ->
      if over == Map.fetch!(defaults, field), do: before, else: over
    end)
  end

  @doc "Options with this working directory."
  @spec with_working_directory(Path.t()) :: Options.t()
  def with_working_directory(directory), do: with_working_directory([], directory)

  @doc "Another working directory."
  @spec with_working_directory(options(), Path.t()) :: Options.t()
  def with_working_directory(options, directory), do: %{Options.cast(options) | cwd: directory}

  @doc "Options with this system prompt."
  @spec with_system_prompt(String.t()) :: Options.t()
  def with_system_prompt(prompt), do: with_system_prompt([], prompt)

  @doc "Another system prompt."
  @spec with_system_prompt(options(), String.t()) :: Options.t()
  def with_system_prompt(options, prompt), do: %{Options.cast(options) | system_prompt: prompt}

  @doc "More rules in `allowed_tools`, each once."
  @spec with_additional_tools(options(), [String.t()]) :: Options.t()
  def with_additional_tools(options, tools) do
    options = Options.cast(options)
    %{options | allowed_tools: Enum.uniq((options.allowed_tools || []) ++ tools)}
  end

  @doc "At most so many turns."
  @spec with_turn_limit(options(), pos_integer()) :: Options.t()
  def with_turn_limit(options, turns), do: %{Options.cast(options) | max_turns: turns}

  @doc """
  Looks at options before a program is started with them: `{:error, text}` for what cannot work, `{:warning, options, texts}` for what
  is perhaps not meant.

      iex> {:warning, _options, [text]} = ClaudeCodeSDK.OptionBuilder.validate(model: "sonet")
      iex> text
      "model: sonet is not known, did you mean sonnet?"
  """
  @spec validate(options()) ::
          {:ok, Options.t()} | {:warning, Options.t(), [String.t()]} | {:error, String.t()}
  def validate(options) do
    options = Options.cast(options)

    with :ok <- turns(options.max_turns),
         :ok <- mode(options.permission_mode),
         {:ok, agents} <- Agents.validate(options.agents || %{}) do
      agents = for one <- agents, do: "agents.#{one.agent}: #{one.message}"

      case agents ++ model(options.model) ++ tools(options) do
        [] -> {:ok, options}
        warnings -> {:warning, options, warnings}
      end
    else
      {:error, %Error{} = error} -> {:error, Exception.message(error)}
      {:error, text} -> {:error, text}
    end
  rescue
    error in [Error] -> {:error, Exception.message(error)}
  end

  defp turns(turns) when turns == nil or (is_integer(turns) and turns > 0), do: :ok

  defp turns(turns),
    do: {:error, "max_turns: expected a number of at least 1, not #{inspect(turns)}"}

  defp mode(mode) when mode == nil or mode in @modes or is_binary(mode), do: :ok

  defp mode(mode) do
    {:error,
     "permission_mode: expected one of #{Enum.map_join(@modes, ", ", &inspect/1)}, not #{inspect(mode)}"}
  end

  defp model(nil), do: []

  defp model(model) do
    case Models.suggest(model) do
      {:ok, %{known: false, suggestions: [likely | _]}} ->
        ["model: #{model} is not known, did you mean #{likely}?"]

      _ ->
        []
    end
  end

  defp tools(options) do
    both =
      for tool <- options.allowed_tools || [], tool in (options.disallowed_tools || []), do: tool

    if both == [],
      do: [],
      else: ["allowed_tools: #{Enum.join(both, ", ")} is also disallowed, which wins"]
  end

  defp field({"permission_mode", mode}), do: {:permission_mode, Request.mode(mode)}

  defp field({"workspace", word}) when word in ~w(guarded hardened isolated trusted),
    do: {:workspace, String.to_existing_atom(word)}

  defp field({name, value}), do: {Map.fetch!(@names, name), value}

  defp value({:ok, value}), do: value
  defp value({:error, error}), do: raise(error)
end
