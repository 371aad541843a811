defmodule ClaudeCodeSDK.Request do
  @moduledoc false
  # Options in the words of the core (docs/boundary.md). The core checks the values; here only names change.

  alias ClaudeCodeSDK.{AuthManager, Environment, Error, Hooks, JSON, Options}
  alias ClaudeCodeSDK.SessionStore.Answer
  alias ClaudeCodeSDK.Tool.Server

  # The same word on both sides.
  @same ~w(model fallback_model betas thinking max_thinking_tokens effort task_budget system_prompt append_system_prompt
           plan_mode_instructions title tools allowed_tools disallowed_tools tool_aliases tool_config skills
           allow_dangerously_skip_permissions permission_prompts supported_dialog_kinds agent agents enable_agent_switching
           strict_mcp_config plugins max_turns max_budget_usd limits resume continue fork_session resume_session_at resume_drops_turn session_id
           persist_session session_store_flush enable_file_checkpointing include_partial_messages include_hook_events forward_subagent_text
           verbatim_prompts prompt_suggestions agent_progress_summaries per_task_stop_affordance cwd user workspace
           project_config_root setting_sources settings managed_settings sandbox env env_mode env_allow trace_context client_app
           debug debug_file extra_args)a

  @modes %{
    default: "default",
    accept_edits: "acceptEdits",
    plan: "plan",
    dont_ask: "dontAsk",
    auto: "auto",
    bypass_permissions: "bypassPermissions"
  }

  # What answers which kind of question.
  @asks [
    can_use_tool: "can_use_tool",
    on_elicitation: "elicitation",
    on_user_dialog: "request_user_dialog"
  ]

  @doc "The JSON text of an `open` request."
  @spec build(Options.t()) :: String.t()
  def build(%Options{} = options) do
    check_function(options, :stderr)

    options
    |> provided()
    |> Map.merge(%{
      options: options |> wire() |> Environment.apply(),
      stderr: options.stderr != nil
    })
    |> provide(:session_store, store(options.session_store))
    |> Map.merge(auth(options.auth))
    |> JSON.encode!()
  rescue
    error in [Error] ->
      # What cannot be encoded is an option of the wrong type.
      code = if error.code == :closed, do: :closed, else: :invalid_options
      reraise %{error | code: code, operation: "open"}, __STACKTRACE__
  end

  @doc "Whose credential a program gets, beside its options: `nil` is the manager for everybody, where one runs."
  @spec auth(AuthManager.t() | false | nil) :: map()
  def auth(false), do: %{auth: false}

  def auth(nil) do
    case Process.whereis(AuthManager) do
      nil -> %{}
      manager -> auth(manager)
    end
  end

  def auth(manager) when not (is_pid(manager) or is_atom(manager) or is_tuple(manager)) do
    raise Error.new(:invalid_options, "auth: expected a ClaudeCodeSDK.AuthManager or false",
            context: %{"field" => "auth"}
          )
  end

  def auth(manager) do
    case AuthManager.Server.number(manager) do
      {:ok, number} -> %{auth: number}
      {:error, error} -> raise error
    end
  end

  @doc "What the host provides: the questions it answers, its hooks and its tools."
  @spec provided(Options.t()) :: map()
  def provided(options) do
    for {field, _kind} <- @asks, do: check_function(options, field)
    {hooks, _functions} = Hooks.register(options.hooks)

    %{asks: for({field, kind} <- @asks, Map.fetch!(options, field) != nil, do: kind)}
    |> provide(:hooks, hooks)
    |> provide(:tool_servers, servers(options.mcp_servers))
  end

  @doc "Whether these options hold functions that the engine may call."
  @spec calls?(Options.t()) :: boolean()
  def calls?(options) do
    Enum.any?(
      Keyword.keys(@asks) ++ [:stderr, :hooks, :session_store],
      &(Map.fetch!(options, &1) != nil)
    ) or
      servers(options.mcp_servers) != []
  end

  @doc "The name of a permission mode in the program; anything else as it is."
  @spec permission_mode(term()) :: term()
  def permission_mode(mode), do: Map.get(@modes, mode, mode)

  @doc "A permission mode of the program as this package has it; anything else as it is."
  @spec mode(term()) :: term()
  def mode(name),
    do: Enum.find_value(@modes, name, fn {mode, known} -> if known == name, do: mode end)

  defp provide(request, _name, none) when none in [%{}, []], do: request
  defp provide(request, name, value), do: Map.put(request, name, value)

  defp store(nil), do: %{}
  defp store(store), do: %{methods: Answer.methods(store)}

  defp servers(servers) when is_map(servers) and not is_struct(servers),
    do: for({name, %Server{} = server} <- servers, do: Server.wire(server, to_string(name)))

  defp servers(_none), do: []

  @doc "The options themselves, without what the environment of the VM adds."
  @spec wire(Options.t()) :: map()
  def wire(options) do
    options
    |> Map.take(@same)
    |> Map.merge(program(options))
    |> Map.merge(%{
      permission_mode: permission_mode(options.permission_mode),
      permission_prompt_tool_name:
        options.permission_prompt_tool_name || options.permission_prompt_tool,
      output_format: if(is_atom(options.output_format), do: nil, else: options.output_format),
      mcp_servers: elsewhere(options.mcp_servers || options.mcp_config),
      add_dirs: join(options.add_dirs, options.add_dir),
      timeouts: timeouts(options)
    })
    |> Map.reject(fn {_name, value} -> value == nil end)
  end

  # Alone, `executable` is the program, as in the original; beside the program it is what runs it.
  defp program(options) do
    case options.cli_path || options.path_to_claude_code_executable do
      nil ->
        %{cli_path: options.executable}

      path ->
        %{
          cli_path: path,
          executable: options.executable,
          executable_args: options.executable && options.executable_args
        }
    end
  end

  # The servers that do not run in this VM.
  defp elsewhere("{" <> _ = json) do
    case JSON.decode(json) do
      {:ok, %{"mcpServers" => servers}} ->
        servers

      # The text may hold secrets.
      _ ->
        raise Error.new(
                :invalid_options,
                ~s(mcp_config: expected the JSON text {"mcpServers": {...}} or the path of a file),
                context: %{"field" => "mcp_config"}
              )
    end
  end

  defp elsewhere(servers) when is_map(servers) and not is_struct(servers) do
    rest = Map.reject(servers, fn {_name, server} -> is_struct(server, Server) end)
    if rest == %{}, do: nil, else: rest
  end

  defp elsewhere(other), do: other

  defp join(nil, nil), do: nil
  defp join(dirs, more), do: List.wrap(dirs) ++ List.wrap(more)

  defp timeouts(%Options{timeout_ms: nil, timeouts: timeouts}), do: timeouts

  defp timeouts(%Options{timeout_ms: ms, timeouts: timeouts}),
    do: Map.put(timeouts || %{}, :turn_ms, ms)

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
