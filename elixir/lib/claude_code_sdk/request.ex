defmodule ClaudeCodeSDK.Request do
  @moduledoc false
  # Options in the words of the core (docs/boundary.md). The core checks the values; here only names change.

  alias ClaudeCodeSDK.{Error, JSON, Options}

  # The same word on both sides.
  @same ~w(model fallback_model cwd system_prompt append_system_prompt tools allowed_tools disallowed_tools max_turns
           max_budget_usd resume continue fork_session session_id include_partial_messages setting_sources env
           limits)a

  @modes %{
    default: "default",
    accept_edits: "acceptEdits",
    plan: "plan",
    dont_ask: "dontAsk",
    auto: "auto",
    bypass_permissions: "bypassPermissions"
  }

  @doc "The JSON text of an `open` request."
  @spec build(Options.t()) :: String.t()
  def build(%Options{} = options) do
    check_function(options, :can_use_tool)
    check_function(options, :stderr)

    JSON.encode!(%{
      options: wire(options),
      asks: if(options.can_use_tool, do: ["can_use_tool"], else: []),
      stderr: options.stderr != nil
    })
  rescue
    error in [Error] ->
      # What cannot be encoded is an option of the wrong type.
      reraise %{error | code: :invalid_options, operation: "open"}, __STACKTRACE__
  end

  defp wire(options) do
    options
    |> Map.take(@same)
    |> Map.merge(%{
      cli_path: options.cli_path || options.path_to_claude_code_executable || options.executable,
      permission_mode: Map.get(@modes, options.permission_mode, options.permission_mode),
      add_dirs: join(options.add_dirs, options.add_dir),
      timeouts: timeouts(options),
      extra_args: extra_args(options)
    })
    |> Map.reject(fn {_name, value} -> value == nil end)
  end

  defp join(nil, nil), do: nil
  defp join(dirs, more), do: List.wrap(dirs) ++ List.wrap(more)

  defp timeouts(%Options{timeout_ms: nil, timeouts: timeouts}), do: timeouts

  defp timeouts(%Options{timeout_ms: ms, timeouts: timeouts}),
    do: Map.put(timeouts || %{}, :turn_ms, ms)

  defp extra_args(options) do
    flags =
      for {flag, value} <- [
            {"mcp-config", options.mcp_config},
            {"permission-prompt-tool", options.permission_prompt_tool}
          ],
          value != nil,
          into: %{},
          do: {flag, value}

    case {options.extra_args, map_size(flags)} do
      {given, 0} -> given
      {given, _} -> Map.merge(given || %{}, flags)
    end
  end

  defp check_function(options, field) do
    value = Map.fetch!(options, field)

    unless value == nil or is_function(value, 1) do
      raise Error.new(
              :invalid_options,
              "#{field}: expected a function with one argument, got #{inspect(value)}",
              context: %{"field" => to_string(field)}
            )
    end
  end
end
