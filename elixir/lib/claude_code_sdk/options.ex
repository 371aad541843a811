defmodule ClaudeCodeSDK.Options do
  @moduledoc """
  Everything a query or session can be told. `nil` means the default.

  | Field | Means |
  |---|---|
  | `model` | `"sonnet"`, `"opus"`, `"haiku"` or a full name. Default: the program's choice |
  | `fallback_model` | models to use when the first is overloaded, separated by commas |
  | `cwd` | the working directory. Default: that of this VM |
  | `user` | the user the program runs as, with all groups of that user; only root can start it so. Variables such as `HOME` stay as they are. Default: that of the VM |
  | `env` | a map of variables added to the environment, which is that of the VM, with what `System.put_env/2` and `System.delete_env/1` changed; may hold secrets, is never shown |
  | `cli_path` | the `claude` program; `path_to_claude_code_executable` means the same, and so does `executable` when it is alone. Beside them, `executable` with `executable_args` is what runs the program, such as `node`. Default: `MADRIGAL_CLI_PATH`, then `PATH`, then the usual places |
  | `system_prompt` | replaces the system prompt; or `%{type: "preset", preset: "claude_code", append: text}` |
  | `append_system_prompt` | is added to the system prompt |
  | `tools` | the built-in tools offered to the model; `[]` offers none. Default: all |
  | `allowed_tools`, `disallowed_tools` | permission rules such as `"Bash(git log:*)"` |
  | `permission_mode` | `:default`, `:accept_edits`, `:plan`, `:dont_ask`, `:auto` or `:bypass_permissions` |
  | `can_use_tool` | a function that decides about tools no rule decides about, see below |
  | `max_turns` | stop after this many steps of the model, at least 1 |
  | `max_budget_usd` | stop when the process has cost this much |
  | `resume` | continue the session with this id (`ClaudeCodeSDK.resume/3` sets it) |
  | `continue` | `true`: continue the newest session of the directory (`ClaudeCodeSDK.continue/2` sets it) |
  | `fork_session` | with one of the two: under a new id |
  | `session_id` | the id of the new session, a UUID that is not in use |
  | `add_dirs` (or `add_dir`) | directories beside `cwd` that tools may use |
  | `include_partial_messages` | `true`: also `:stream_event` messages while the model writes |
  | `setting_sources` | which settings files are read: any of `"user"`, `"project"`, `"local"`; `[]` reads none |
  | `betas` | beta features of the API, by the names of their headers |
  | `thinking` | a map such as `%{type: "adaptive"}`: whether and how the model thinks before it answers |
  | `max_thinking_tokens` | the most tokens of thinking, for older models |
  | `effort` | how much effort goes into an answer: `:low`, `:medium`, `:high` and above |
  | `task_budget` | a map `%{total: tokens}` that the model paces itself by |
  | `output_format` | `%{type: "json_schema", schema: schema}`: the form of the answer, found under `structured_output` of the result. The atoms of the original are accepted and change nothing |
  | `plan_mode_instructions` | replaces what the model is told in plan mode |
  | `title` | the title of a new session |
  | `tool_aliases` | a map: a call of the key is a call of the value |
  | `tool_config` | behaviour of single built-in tools |
  | `skills` | `"all"` or a list of names |
  | `allow_dangerously_skip_permissions` | lets `:bypass_permissions` be chosen later |
  | `permission_prompts` | who answers permission questions |
  | `hooks` | functions called when something happens, see `ClaudeCodeSDK.Hooks` |
  | `on_elicitation` | a function that answers questions of tool servers, see below |
  | `on_user_dialog` | a function that shows dialogs of the kinds in `supported_dialog_kinds`, see below |
  | `agent`, `agents` | who leads the conversation; subagents by name, as maps with `description`, `prompt`, `tools`, `model` |
  | `enable_agent_switching` | `true`: another agent can be put in the lead, see `ClaudeCodeSDK.Control.set_agent/3` |
  | `mcp_servers` | tool servers by name: configurations of the program, or servers of this VM, see `ClaudeCodeSDK.Tool`; or the path of a file |
  | `strict_mcp_config` | `true`: only the servers given here |
  | `plugins` | a list of `%{type: "local", path: path}` |
  | `resume_session_at`, `resume_drops_turn` | with `resume`: only up to this message; the prompt whose turn is dropped |
  | `persist_session` | `false`: nothing is saved |
  | `session_store` | where the transcript is kept beside the files of the program, and where `resume` and `continue` find it: a module or `{module, argument}`, see `ClaudeCodeSDK.SessionStore.Adapter`. Not together with `persist_session: false` or `enable_file_checkpointing` |
  | `session_store_flush` | `:batched` (default): the store gets entries with each result, or when 500 of them or 1 MiB wait; `:eager`: at once |
  | `enable_file_checkpointing` | `true`: files can be brought back, see `ClaudeCodeSDK.Control.rewind_files/3` |
  | `include_hook_events`, `forward_subagent_text`, `prompt_suggestions`, `agent_progress_summaries` | `true`: more messages |
  | `verbatim_prompts` | `true`: no `@path` or `/command` in prompts is acted on |
  | `per_task_stop_affordance` | `true`: an interrupt leaves background tasks running |
  | `workspace` | how far the directory is trusted: `:guarded` (default), `:hardened`, `:isolated` or `:trusted` |
  | `project_config_root` | the trusted checkout of which the directory is a worktree |
  | `settings`, `managed_settings`, `sandbox` | settings of the program as maps; `settings` also as JSON text or the path of a file |
  | `env_mode`, `env_allow` | `:allow_list`: the program inherits only these variables |
  | `trace_context` | `%{traceparent: ..., tracestate: ...}`: the place in a distributed trace |
  | `client_app` | the name and version of this application |
  | `debug`, `debug_file` | the program writes what it does |
  | `mcp_config` | a file or JSON text that configures MCP servers, where there is no `mcp_servers` |
  | `permission_prompt_tool_name` (or `permission_prompt_tool`) | the MCP tool that decides about permissions |
  | `timeouts` | a map of milliseconds or `nil` for no limit: `start_ms` (60 000), `control_ms` (60 000), `idle_ms`, `turn_ms`, `first_token_ms`, `callback_ms`, `store_ms` (60 000), `stall_ms` with `stall_action` and `stall_resumes`, `close_ms` (5 000), `kill_ms` (2 000) |
  | `timeout_ms` | short for `timeouts: %{turn_ms: ...}` |
  | `limits` | a map of bytes: `line_bytes` (64 MiB), `buffer_bytes` (64 MiB), `hard_buffer_bytes` (256 MiB) |
  | `auth` | the `ClaudeCodeSDK.AuthManager` whose credential the program gets; `false`: what the program finds itself. Default: the manager with the name of that module, where one runs |
  | `extra_args` | a map of flags without dashes this package has no option for to their value or `nil` |
  | `stderr` | a function called with each line the program writes to stderr |
  | `transport_error_mode` | `:result` (default): a query whose program fails ends with a `:result` message that says so, as in the original; `:raise`: it raises `ClaudeCodeSDK.Error` |

  `verbose` and `abort_ref` are accepted so that existing code compiles; they change
  nothing, as they did not before: the program is always driven in its streaming format.

  ## Asking about tools

  `can_use_tool` is called with a `ClaudeCodeSDK.Permission.Context` and returns a `ClaudeCodeSDK.Permission.Result`. It
  runs in a process of its own, so it may take its time; it is killed when the program withdraws the question. When it
  raises, the tool is denied with the exception's message and the exception is raised from the stream.

  `on_elicitation` and `on_user_dialog` are called with the question as a map with string keys. The first returns
  `{:accept, content}`, `:decline` or `:cancel`; the second whatever the dialog answers, as a map.
  """

  alias ClaudeCodeSDK.Error

  # What may hold credentials is not shown, not even in the report of a crash.
  @derive {Inspect,
           except: [
             :env,
             :mcp_config,
             :mcp_servers,
             :agents,
             :settings,
             :managed_settings,
             :sandbox,
             :session_store,
             :extra_args
           ]}
  defstruct [
    :max_turns,
    :system_prompt,
    :append_system_prompt,
    :output_format,
    :allowed_tools,
    :disallowed_tools,
    :mcp_config,
    :permission_prompt_tool,
    :permission_prompt_tool_name,
    :permission_mode,
    :cwd,
    :user,
    :verbose,
    :executable,
    :executable_args,
    :path_to_claude_code_executable,
    :abort_ref,
    :model,
    :fallback_model,
    :session_id,
    :fork_session,
    :add_dir,
    :can_use_tool,
    :timeout_ms,
    :include_partial_messages,
    :tools,
    :env,
    :max_budget_usd,
    :resume,
    :continue,
    :add_dirs,
    :setting_sources,
    :timeouts,
    :limits,
    :extra_args,
    :stderr,
    :betas,
    :thinking,
    :max_thinking_tokens,
    :effort,
    :task_budget,
    :plan_mode_instructions,
    :title,
    :tool_aliases,
    :tool_config,
    :skills,
    :allow_dangerously_skip_permissions,
    :permission_prompts,
    :supported_dialog_kinds,
    :hooks,
    :on_elicitation,
    :on_user_dialog,
    :agent,
    :agents,
    :enable_agent_switching,
    :mcp_servers,
    :strict_mcp_config,
    :plugins,
    :resume_session_at,
    :resume_drops_turn,
    :persist_session,
    :session_store,
    :session_store_flush,
    :enable_file_checkpointing,
    :include_hook_events,
    :forward_subagent_text,
    :verbatim_prompts,
    :prompt_suggestions,
    :agent_progress_summaries,
    :per_task_stop_affordance,
    :workspace,
    :project_config_root,
    :settings,
    :managed_settings,
    :sandbox,
    :env_mode,
    :env_allow,
    :trace_context,
    :client_app,
    :debug,
    :debug_file,
    :auth,
    :cli_path,
    transport_error_mode: :result
  ]

  @typedoc "How permissions are decided when no rule matches."
  @type permission_mode ::
          :default | :accept_edits | :plan | :dont_ask | :auto | :bypass_permissions
  @typedoc "Accepted for compatibility."
  @type output_format :: :text | :json | :stream_json

  @typedoc "Options."
  @type t :: %__MODULE__{
          max_turns: pos_integer() | nil,
          system_prompt: String.t() | map() | nil,
          append_system_prompt: String.t() | nil,
          output_format: output_format() | map() | nil,
          allowed_tools: [String.t()] | nil,
          disallowed_tools: [String.t()] | nil,
          mcp_config: String.t() | nil,
          permission_prompt_tool: String.t() | nil,
          permission_prompt_tool_name: String.t() | nil,
          permission_mode: permission_mode() | nil,
          cwd: Path.t() | nil,
          user: String.t() | nil,
          verbose: boolean() | nil,
          executable: Path.t() | nil,
          executable_args: [String.t()] | nil,
          cli_path: Path.t() | nil,
          path_to_claude_code_executable: Path.t() | nil,
          abort_ref: reference() | nil,
          model: String.t() | nil,
          fallback_model: String.t() | nil,
          session_id: String.t() | nil,
          fork_session: boolean() | nil,
          add_dir: [Path.t()] | nil,
          can_use_tool:
            (ClaudeCodeSDK.Permission.Context.t() -> ClaudeCodeSDK.Permission.Result.t() | map())
            | nil,
          timeout_ms: pos_integer() | nil,
          include_partial_messages: boolean() | nil,
          tools: [String.t()] | map() | nil,
          env: %{(String.t() | atom()) => String.t()} | nil,
          max_budget_usd: number() | nil,
          resume: String.t() | nil,
          continue: boolean() | nil,
          add_dirs: [Path.t()] | nil,
          setting_sources: [String.t()] | nil,
          timeouts: %{atom() => non_neg_integer() | nil} | nil,
          limits: %{atom() => pos_integer()} | nil,
          extra_args: %{(String.t() | atom()) => String.t() | nil} | nil,
          stderr: (String.t() -> term()) | nil,
          betas: [String.t()] | nil,
          thinking: map() | nil,
          max_thinking_tokens: non_neg_integer() | nil,
          effort: atom() | String.t() | nil,
          task_budget: map() | nil,
          plan_mode_instructions: String.t() | nil,
          title: String.t() | nil,
          tool_aliases: %{String.t() => String.t()} | nil,
          tool_config: map() | nil,
          skills: String.t() | [String.t()] | nil,
          allow_dangerously_skip_permissions: boolean() | nil,
          permission_prompts: atom() | String.t() | nil,
          supported_dialog_kinds: [String.t()] | nil,
          hooks: ClaudeCodeSDK.Hooks.config() | nil,
          on_elicitation: (map() -> {:accept, map()} | :decline | :cancel | map()) | nil,
          on_user_dialog: (map() -> map()) | nil,
          agent: String.t() | nil,
          agents: %{(String.t() | atom()) => map()} | nil,
          enable_agent_switching: boolean() | nil,
          mcp_servers:
            %{(String.t() | atom()) => map() | ClaudeCodeSDK.Tool.Server.t()} | Path.t() | nil,
          strict_mcp_config: boolean() | nil,
          plugins: [map()] | nil,
          resume_session_at: String.t() | nil,
          resume_drops_turn: String.t() | nil,
          persist_session: boolean() | nil,
          session_store: ClaudeCodeSDK.SessionStore.Adapter.store() | nil,
          session_store_flush: :batched | :eager | nil,
          enable_file_checkpointing: boolean() | nil,
          include_hook_events: boolean() | nil,
          forward_subagent_text: boolean() | nil,
          verbatim_prompts: boolean() | nil,
          prompt_suggestions: boolean() | nil,
          agent_progress_summaries: boolean() | nil,
          per_task_stop_affordance: boolean() | nil,
          workspace: :guarded | :hardened | :isolated | :trusted | nil,
          project_config_root: Path.t() | nil,
          settings: map() | String.t() | nil,
          managed_settings: map() | nil,
          sandbox: map() | nil,
          env_mode: :inherit | :allow_list | nil,
          env_allow: [String.t()] | nil,
          trace_context: map() | nil,
          client_app: String.t() | nil,
          debug: boolean() | nil,
          debug_file: Path.t() | nil,
          auth: ClaudeCodeSDK.AuthManager.t() | false | nil,
          transport_error_mode: :result | :raise
        }

  @doc """
  Options from a keyword list or map. Raises `ClaudeCodeSDK.Error` with the code `:invalid_options` for a name that is no option.

      iex> ClaudeCodeSDK.Options.new(model: "sonnet", max_turns: 3).max_turns
      3
      iex> ClaudeCodeSDK.Options.new(max_truns: 3)
      ** (ClaudeCodeSDK.Error) max_truns: unknown option, did you mean max_turns?
  """
  @spec new(keyword() | map()) :: t()
  def new(fields \\ []) do
    known = Map.keys(%__MODULE__{})

    for {name, _value} <- fields, name not in known do
      raise Error.new(:invalid_options, "#{name}: unknown option#{guess(name, known)}",
              context: %{"field" => to_string(name)}
            )
    end

    struct!(__MODULE__, fields)
  end

  defp guess(name, known) do
    best = Enum.max_by(known, &String.jaro_distance(to_string(name), to_string(&1)))

    if String.jaro_distance(to_string(name), to_string(best)) > 0.8,
      do: ", did you mean #{best}?",
      else: ""
  end

  @doc false
  # What callers may give where options are expected.
  @spec cast(t() | keyword() | map() | nil) :: t()
  def cast(nil), do: %__MODULE__{}
  def cast(%__MODULE__{} = options), do: options
  def cast(fields) when is_list(fields) or is_map(fields), do: new(fields)
end
