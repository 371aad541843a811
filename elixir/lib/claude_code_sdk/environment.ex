defmodule ClaudeCodeSDK.Environment do
  @moduledoc false
  # The BEAM copies the environment of its process when it starts; `System.put_env/2` changes the copy only. The engine
  # starts programs with the environment of the process. Here the difference becomes options, so that a program finds what
  # is set in the VM.

  alias ClaudeCodeSDK.{Error, Native}

  # What the engine withholds from a program, or sets itself.
  @withheld ["CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT"]
  @traced ["TRACEPARENT", "TRACESTATE"]

  @doc "Options in the words of the core, with what was changed in the VM."
  @spec apply(map()) :: map()
  def apply(options) do
    case changes(options) do
      {set, removed} when set == %{} and removed == [] -> options
      {set, removed} -> options |> located(set) |> with_variables(set) |> without(removed)
    end
  end

  @doc "The variables that changed in the VM, `\"\"` for those that are gone, below those given; and the program they lead to."
  @spec place(map()) :: %{
          required(:env) => %{String.t() => String.t()},
          optional(:cli_path) => Path.t()
        }
  def place(given) do
    {set, removed} = changes()
    own = Map.new(given[:env] || %{}, &named/1)
    env = removed |> Map.new(&{&1, ""}) |> Map.merge(set) |> Map.merge(own)
    given |> located(set) |> Map.put(:env, env)
  end

  @doc "What was set and what was removed since the VM started: names and values as texts."
  @spec changes(map()) :: {%{String.t() => String.t()}, [String.t()]}
  def changes(options \\ %{}) do
    {variables, _needed} = process()
    before = Map.new(variables)
    now = :os.env()

    kept = Map.new(now, fn {name, _value} -> {native(name), true} end)
    ours = if options[:trace_context], do: @withheld ++ @traced, else: @withheld

    set =
      for {name, value} <- now,
          Map.fetch(before, native(name)) != {:ok, native(value)},
          name = text(name),
          value = text(value),
          name not in ours,
          into: %{},
          do: {name, value}

    {set, for({name, _} <- variables, not is_map_key(kept, name), do: name)}
  end

  defp process do
    {:ok, environment} = Error.wrap(Native.environment())
    environment
  end

  # As bytes in the encoding of the VM, in which it read them; not by text, which two encodings can make of the same bytes.
  defp native(chars) do
    case :unicode.characters_to_binary(chars, :unicode, :file.native_name_encoding()) do
      bytes when is_binary(bytes) -> bytes
      _ -> :erlang.list_to_binary(for char <- chars, char in 0..255, do: char)
    end
  end

  # `nil` for what is no text.
  defp text(chars) do
    case :unicode.characters_to_binary(chars) do
      text when is_binary(text) -> if String.valid?(text), do: text
      _ -> nil
    end
  end

  # The option is more than the variable, and the variable more than the search.
  defp located(%{cli_path: path} = options, _set) when path != nil, do: options

  defp located(options, %{"MADRIGAL_CLI_PATH" => path}) when path != "",
    do: Map.put(options, :cli_path, path)

  defp located(options, %{"PATH" => _}) do
    path = System.get_env("MADRIGAL_CLI_PATH", "") == "" && System.find_executable("claude")
    if path, do: Map.put(options, :cli_path, path), else: options
  end

  defp located(options, _set), do: options

  defp with_variables(options, set) do
    inherited = Map.filter(set, fn {name, _value} -> inherits?(options, name) end)

    case options[:env] do
      nil -> Map.put(options, :env, inherited)
      # Names may be atoms.
      %{} = env -> Map.put(options, :env, Map.merge(inherited, Map.new(env, &named/1)))
      # The core says what is wrong with it.
      _ -> options
    end
  end

  defp named({name, value}) when is_atom(name), do: {Atom.to_string(name), value}
  defp named(variable), do: variable

  defp without(options, []), do: options

  # Everything but these.
  defp without(options, removed) do
    {variables, _needed} = process()

    left =
      for {name, _} <- variables,
          name not in removed,
          String.valid?(name) and not String.contains?(name, "*"),
          inherits?(options, name),
          do: name

    Map.merge(options, %{env_mode: "allow_list", env_allow: left})
  end

  defp inherits?(options, name) do
    {_variables, needed} = process()

    to_string(options[:env_mode] || "inherit") == "inherit" or
      Enum.any?(needed ++ List.wrap(options[:env_allow]), &matches?(name, &1))
  end

  defp matches?(name, pattern) when is_binary(pattern) do
    if String.ends_with?(pattern, "*"),
      do: String.starts_with?(name, String.trim_trailing(pattern, "*")),
      else: name == pattern
  end

  defp matches?(_name, _wrong), do: false
end
