defmodule ClaudeCodeSDK.Hooks do
  @moduledoc """
  Functions that the program calls when something happens, and that may change what happens next.

      alias ClaudeCodeSDK.Hooks.{Matcher, Output}

      no_deletes = fn input, _tool_use_id, _context ->
        if input["tool_input"]["command"] =~ "rm ", do: Output.deny("Nothing is deleted here."), else: %{}
      end

      ClaudeCodeSDK.query("Tidy up", hooks: %{pre_tool_use: [Matcher.new("Bash", [no_deletes])]})

  A hook gets the input (a map with string keys; `"hook_event_name"` says what happened), the id of the tool call or `nil`, and a
  map with the `:session_id`. It returns the output of the program's hooks as a map, made by hand or with
  `ClaudeCodeSDK.Hooks.Output`; `%{}`, `nil` or `:ok` goes on. It runs in a process of its own, which is killed when the program no
  longer waits. When it raises, the program goes on, or blocks as the matcher's `on_failure` says, and the stream of messages
  raises the exception.

  Events are named `:pre_tool_use` or as the program does, `"PreToolUse"`; events of newer programs may be used, too.
  """

  alias ClaudeCodeSDK.Error
  alias ClaudeCodeSDK.Hooks.Matcher

  @typedoc "An event: an atom such as `:pre_tool_use`, or its name in the program."
  @type event :: atom() | String.t()
  @typedoc "A hook."
  @type callback :: (map(), String.t() | nil, map() -> map() | nil | :ok)
  @typedoc "Hooks by event."
  @type config :: %{event() => [Matcher.t()]}

  @events ~w(PreToolUse PostToolUse PostToolUseFailure PostToolBatch Notification UserPromptSubmit UserPromptExpansion
             SessionStart SessionEnd Stop StopFailure SubagentStart SubagentStop PreCompact PostCompact PreModelSwitch
             PostModelSwitch PermissionRequest PermissionDenied Setup TeammateIdle TaskCreated TaskCompleted Elicitation
             ElicitationResult ConfigChange WorktreeCreate WorktreeRemove InstructionsLoaded CwdChanged FileChanged
             DirectoryAdded MessageDisplay)

  @doc """
  The events that are known, by their names in the program.

      iex> "PreToolUse" in ClaudeCodeSDK.Hooks.events()
      true
  """
  @spec events() :: [String.t()]
  def events, do: @events

  @doc """
  The name of an event in the program.

      iex> ClaudeCodeSDK.Hooks.event_name(:pre_tool_use)
      "PreToolUse"
  """
  @spec event_name(event()) :: String.t()
  def event_name(event) when is_atom(event), do: event |> to_string() |> Macro.camelize()
  def event_name(event) when is_binary(event), do: event

  @doc false
  # What the engine is told, and the functions under the names it will call them by.
  @spec register(config() | nil) :: {map(), %{String.t() => callback()}}
  def register(nil), do: {%{}, %{}}

  def register(hooks) when is_map(hooks) or is_list(hooks) do
    for {event, matchers} <- hooks,
        {matcher, place} <- Enum.with_index(List.wrap(matchers)),
        reduce: {%{}, %{}} do
      {wire, functions} ->
        event = event_name(event)
        path = "hooks.#{event}[#{place}]"
        unless is_struct(matcher, Matcher), do: refuse(path, "expected a Matcher", matcher)
        {named, functions} = Enum.map_reduce(matcher.hooks, functions, &name(&1, &2, path))

        {Map.update(wire, event, [told(matcher, named)], &(&1 ++ [told(matcher, named)])),
         functions}
    end
  end

  def register(other), do: refuse("hooks", "expected a map of events", other)

  defp name(function, functions, _path) when is_function(function, 3) do
    name = "h#{map_size(functions) + 1}"
    {name, Map.put(functions, name, function)}
  end

  defp name(other, _functions, path),
    do: refuse("#{path}.hooks", "expected functions with three arguments", other)

  defp told(matcher, names) do
    %{
      callbacks: names,
      matcher: matcher.matcher,
      timeout_ms: matcher.timeout_ms,
      on_failure: matcher.on_failure
    }
    |> Map.reject(fn {_name, value} -> value == nil end)
  end

  defp refuse(path, expected, given) do
    raise Error.new(:invalid_options, "#{path}: #{expected}, not #{inspect(given, limit: 5)}",
            context: %{"field" => path}
          )
  end
end
