defmodule ClaudeCodeSDK.Control do
  @moduledoc """
  What a running session can be asked or told beside prompts: its model, its permissions, its tool servers, its files.

      {:ok, session} = ClaudeCodeSDK.Session.start_link()
      {:ok, %{"model" => "opus"}} = ClaudeCodeSDK.Control.set_model(session, "opus")
      {:ok, usage} = ClaudeCodeSDK.Control.get_context_usage(session)

  Each function sends one control request and waits for its answer, whether or not anybody reads messages. The answer is what
  the program says, with its own (string) keys; new fields of newer programs are in it too. All fail with
  `{:error, %ClaudeCodeSDK.Error{}}`: `:control` when the program refuses (its `error_code` is in the context), `:timeout`
  after `timeouts.control_ms`, `:closed` when the session is over. What has no function here can be sent with `request/4`.
  """

  alias ClaudeCodeSDK.{Error, Request, Session}
  alias ClaudeCodeSDK.Session.Server

  @typedoc "The answer of the program."
  @type answer :: {:ok, map()} | {:error, Error.t()}

  @doc """
  Sends any control request of the program by its subtype, with its fields.

      ClaudeCodeSDK.Control.request(session, "list_models", %{}, timeout_ms: 2_000)

  Option: `:timeout_ms`, how long to wait for the answer, in place of `timeouts.control_ms`.
  """
  @spec request(Session.t(), String.t(), map(), timeout_ms: non_neg_integer()) :: answer()
  def request(session, subtype, fields \\ %{}, options \\ []) do
    request = Map.put(fields, :subtype, subtype)
    with {:ok, answer} <- Session.control(session, request, options), do: {:ok, answer || %{}}
  end

  # How the session goes on.

  @doc """
  Changes the model; `nil` means the default one. The program tries the model first, with one small request to its API. The answer
  has the `"model"` that holds now; so has the context of the error when there is no such model.
  """
  @spec set_model(Session.t(), String.t() | nil) :: answer()
  def set_model(session, model \\ nil), do: request(session, "set_model", %{model: model})

  @doc """
  Puts another agent in the lead; with `nil` none leads any more, also not that of the option `agent`. From the next turn on its prompt,
  model and tools count, and the conversation stays. Of a turn that runs the prompt stays, but requests it still makes go to the new
  model. A `model` and a `system_prompt` that were chosen for the session stay. Needs the option `enable_agent_switching`: fails
  with `:invalid_options` without it, and with `:invalid_argument` for a name that is none of the session's agents, with
  `"suggestions"` in the context.

      {:ok, _} = ClaudeCodeSDK.Control.set_agent(session, "reviewer")

  Option: `:timeout_ms`, how long to wait for the answer, in place of `timeouts.control_ms`.
  """
  @spec set_agent(Session.t(), String.t() | nil, timeout_ms: non_neg_integer()) :: answer()
  def set_agent(session, agent, options \\ []) do
    told = options |> Keyword.validate!([:timeout_ms]) |> Map.new()

    with {:ok, _} <-
           Server.command(session, Map.merge(told, %{command: "set_agent", agent: agent})),
         do: {:ok, %{}}
  end

  @doc """
  Changes how permissions are decided from now on: one of the modes of `ClaudeCodeSDK.Options`, or its name in the program. The
  answer has the `"mode"` that holds now. `:bypass_permissions` must have been allowed from the start.
  """
  @spec set_permission_mode(Session.t(), ClaudeCodeSDK.Options.permission_mode() | String.t()) ::
          answer()
  def set_permission_mode(session, mode),
    do: request(session, "set_permission_mode", %{mode: Request.permission_mode(mode)})

  @doc """
  Changes how much the model may think, in tokens: 0 turns thinking off, `nil` means the default of the model.

  Option: `:thinking_display`, `"summarized"` or `"omitted"`.
  """
  @spec set_max_thinking_tokens(Session.t(), non_neg_integer() | nil, keyword()) :: answer()
  def set_max_thinking_tokens(session, tokens, options \\ []) do
    fields = given(options, [:thinking_display])
    request(session, "set_max_thinking_tokens", Map.put(fields, :max_thinking_tokens, tokens))
  end

  @doc "Changes settings for this session, above those of all files. A value of `nil` takes a setting back."
  @spec apply_flag_settings(Session.t(), map()) :: answer()
  def apply_flag_settings(session, settings),
    do: request(session, "apply_flag_settings", %{settings: settings})

  @doc ~s(Writes settings into a file of the program: `"localSettings"` or `"userSettings"`.)
  @spec update_settings(Session.t(), String.t(), map()) :: answer()
  def update_settings(session, source, settings),
    do: request(session, "update_settings", %{source: source, settings: settings})

  @doc ~s(Takes back a prompt that still waits, by the id that `ClaudeCodeSDK.Session.send/2` gave: `"cancelled"` says whether.)
  @spec cancel_async_message(Session.t(), String.t()) :: answer()
  def cancel_async_message(session, message_uuid),
    do: request(session, "cancel_async_message", %{message_uuid: message_uuid})

  @doc """
  Puts files back to how they were when a prompt was sent; needs the option `enable_file_checkpointing`.

  Option: `dry_run: true` only says what would change.
  """
  @spec rewind_files(Session.t(), String.t(), keyword()) :: answer()
  def rewind_files(session, user_message_id, options \\ []) do
    fields = given(options, [:dry_run])
    request(session, "rewind_files", Map.put(fields, :user_message_id, user_message_id))
  end

  @doc "Tells the program to end, at once and in order; the messages end, too."
  @spec end_session(Session.t(), String.t() | nil) :: answer()
  def end_session(session, reason \\ nil),
    do: request(session, "end_session", if(reason, do: %{reason: reason}, else: %{}))

  # Tool servers.

  @doc ~s(The state of all tool servers, under `"mcpServers"`.)
  @spec mcp_server_status(Session.t()) :: answer()
  def mcp_server_status(session), do: request(session, "mcp_status")

  @doc "Replaces the servers that were added while the program runs. A server of this program that is left out is removed."
  @spec set_mcp_servers(Session.t(), %{String.t() => map()}) :: answer()
  def set_mcp_servers(session, servers),
    do: request(session, "mcp_set_servers", %{servers: servers})

  @doc "Connects a server again."
  @spec reconnect_mcp_server(Session.t(), String.t()) :: answer()
  def reconnect_mcp_server(session, server_name),
    do: request(session, "mcp_reconnect", %{serverName: server_name})

  @doc "Turns a server on or off."
  @spec toggle_mcp_server(Session.t(), String.t(), boolean()) :: answer()
  def toggle_mcp_server(session, server_name, enabled),
    do: request(session, "mcp_toggle", %{serverName: server_name, enabled: enabled})

  @doc """
  Calls a tool of a server without the model, by its full name `mcp__<server>__<tool>`. Servers of this program are refused: call
  the function.
  """
  @spec mcp_call(Session.t(), String.t(), map()) :: answer()
  def mcp_call(session, tool, arguments \\ %{}),
    do: request(session, "mcp_call", %{tool: tool, arguments: arguments})

  @doc """
  How permissions are decided for the tools of one server: `"default"`, `"auto"`, or `nil`, which takes the override back.
  """
  @spec set_mcp_permission_mode_override(Session.t(), String.t(), String.t() | nil) :: answer()
  def set_mcp_permission_mode_override(session, server_name, mode) do
    fields = %{serverName: server_name, mode: mode}
    request(session, "set_mcp_permission_mode_override", fields)
  end

  @doc "Sends a message of MCP to a server of this VM, in its name; a server nobody knows is not complained about."
  @spec mcp_message(Session.t(), String.t(), map()) :: answer()
  def mcp_message(session, server_name, message),
    do: request(session, "mcp_message", %{server_name: server_name, message: message})

  @doc "Reads a `ui://` resource of a server."
  @spec read_mcp_resource(Session.t(), String.t(), String.t()) :: answer()
  def read_mcp_resource(session, server_name, uri),
    do: request(session, "mcp_read_resource", %{serverName: server_name, uri: uri})

  # Background work.

  @doc "Stops a background task; harmless when there is none."
  @spec stop_task(Session.t(), String.t()) :: answer()
  def stop_task(session, task_id), do: request(session, "stop_task", %{task_id: task_id})

  @doc "Moves what runs in the foreground to the background: one tool call, or all of them."
  @spec background_tasks(Session.t(), String.t() | nil) :: answer()
  def background_tasks(session, tool_use_id \\ nil) do
    fields = if tool_use_id, do: %{tool_use_id: tool_use_id}, else: %{}
    request(session, "background_tasks", fields)
  end

  @doc ~s(What a background task has written so far: `"output"`, `"total_bytes"`, `"truncated"`.)
  @spec get_task_output(Session.t(), String.t()) :: answer()
  def get_task_output(session, task_id),
    do: request(session, "get_task_output", %{task_id: task_id})

  # What there is.

  @doc """
  How full the context window is, and with what.

  Option: `:detail`, `"summary"` or `"full"`, which counts exactly and costs requests to the API.
  """
  @spec get_context_usage(Session.t(), keyword()) :: answer()
  def get_context_usage(session, options \\ []),
    do: request(session, "get_context_usage", given(options, [:detail]))

  @doc "Costs, times and tokens of the session, and the limits of a subscription. Option: `:skip_behaviors`."
  @spec get_usage(Session.t(), keyword()) :: answer()
  def get_usage(session, options \\ []),
    do: request(session, "get_usage", given(options, [:skip_behaviors]))

  @doc ~s(What the session cost, as a text for people under `"text"`.)
  @spec get_session_cost(Session.t()) :: answer()
  def get_session_cost(session), do: request(session, "get_session_cost")

  @doc "The settings in force and where they come from."
  @spec get_settings(Session.t()) :: answer()
  def get_settings(session), do: request(session, "get_settings")

  @doc ~s(The models that can be chosen, under `"models"`.)
  @spec list_models(Session.t()) :: answer()
  def list_models(session), do: request(session, "list_models")

  @doc "The commands that a prompt may begin with, as the program told them when it was ready."
  @spec supported_commands(Session.t()) :: {:ok, [map()]} | {:error, Error.t()}
  def supported_commands(session), do: told(session, "commands", [])

  @doc "The models, as the program told them when it was ready; `list_models/1` asks anew."
  @spec supported_models(Session.t()) :: {:ok, [map()]} | {:error, Error.t()}
  def supported_models(session), do: told(session, "models", [])

  @doc "The subagents, as the program told them when it was ready."
  @spec supported_agents(Session.t()) :: {:ok, [map()]} | {:error, Error.t()}
  def supported_agents(session), do: told(session, "agents", [])

  @doc "Who is logged in, as the program told it when it was ready."
  @spec account_info(Session.t()) :: answer()
  def account_info(session), do: told(session, "account", %{})

  @doc """
  Reads a file through the program, under its permissions. A path that is not absolute begins at the session's directory.

  Options: `:max_bytes` (default: the limit of the program) and `:encoding`, `"utf-8"` or `"base64"`.
  """
  @spec read_file(Session.t(), Path.t(), keyword()) :: answer()
  def read_file(session, path, options \\ []),
    do:
      request(
        session,
        "read_file",
        Map.put(given(options, [:max_bytes, :encoding]), :path, path)
      )

  @doc "Says that the model knows a file as it was at `mtime`, in milliseconds since 1970."
  @spec seed_read_state(Session.t(), Path.t(), integer()) :: answer()
  def seed_read_state(session, path, mtime),
    do: request(session, "seed_read_state", %{path: path, mtime: mtime})

  @doc ~s(Asks the model something beside the conversation, which does not see it; the answer is under `"response"`.)
  @spec side_question(Session.t(), String.t()) :: answer()
  def side_question(session, question),
    do: request(session, "side_question", %{question: question})

  @doc "Gives the session a title."
  @spec rename_session(Session.t(), String.t()) :: answer()
  def rename_session(session, title), do: request(session, "rename_session", %{title: title})

  @doc """
  Lets the model find a title for what the description says, under `"title"`.

  Option: `persist: true` also gives it to the session.
  """
  @spec generate_session_title(Session.t(), String.t(), keyword()) :: answer()
  def generate_session_title(session, description, options \\ []) do
    persist = Keyword.get(Keyword.validate!(options, [:persist]), :persist, false)

    request(session, "generate_session_title", %{description: description, persist: persist})
  end

  @doc """
  Reads the plugins again.

  Options: `:add_plugins` (more of them, as in the option `plugins`), `:hold_on_cache_impact` and `:refuse_if_busy`.
  """
  @spec reload_plugins(Session.t(), keyword()) :: answer()
  def reload_plugins(session, options \\ []) do
    fields = given(options, [:add_plugins, :hold_on_cache_impact, :refuse_if_busy])
    request(session, "reload_plugins", fields)
  end

  @doc "Reads the skills again."
  @spec reload_skills(Session.t()) :: answer()
  def reload_skills(session), do: request(session, "reload_skills")

  @doc "Reads the output styles again."
  @spec reload_output_styles(Session.t()) :: answer()
  def reload_output_styles(session), do: request(session, "reload_output_styles")

  # Rules, hooks and the program itself.

  @doc ~s(The permission rules in force, under `"state"`.)
  @spec list_permission_rules(Session.t()) :: answer()
  def list_permission_rules(session), do: request(session, "list_permission_rules")

  @doc "The hooks in force, those of settings files too."
  @spec get_hooks_listing(Session.t()) :: answer()
  def get_hooks_listing(session), do: request(session, "get_hooks_listing")

  @doc ~s(The version of the program, under `"version"`.)
  @spec get_binary_version(Session.t()) :: answer()
  def get_binary_version(session), do: request(session, "get_binary_version")

  @doc "Files that fit what a user began to write."
  @spec file_suggestions(Session.t(), String.t()) :: answer()
  def file_suggestions(session, query), do: request(session, "file_suggestions", %{query: query})

  @doc "Makes a directory known as the root of a repository."
  @spec register_repo_root(Session.t(), Path.t()) :: answer()
  def register_repo_root(session, directory),
    do: request(session, "register_repo_root", %{directory: directory})

  @doc "Tells the program whether anybody watches; `nil` when that is not known."
  @spec set_has_subscribers(Session.t(), boolean() | nil) :: answer()
  def set_has_subscribers(session, has_subscribers),
    do: request(session, "set_has_subscribers", %{has_subscribers: has_subscribers})

  @doc "Gives the session a colour. A program without a screen refuses."
  @spec set_color(Session.t(), String.t()) :: answer()
  def set_color(session, color), do: request(session, "set_color", %{color: color})

  defp given(options, names), do: options |> Keyword.validate!(names) |> Map.new()

  defp told(session, field, default) do
    with {:ok, %{info: info}} <- Session.info(session), do: {:ok, info[field] || default}
  end
end
