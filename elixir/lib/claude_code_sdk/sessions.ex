defmodule ClaudeCodeSDK.Sessions do
  @moduledoc """
  Sessions that are on disk, in the files of the program: found, read and changed without starting it.

      {:ok, sessions} = ClaudeCodeSDK.Sessions.list_sessions(directory: File.cwd!(), limit: 10)
      {:ok, messages} = ClaudeCodeSDK.Sessions.get_session_messages(hd(sessions).session_id)

  All functions take these options and some take more:

    * `:directory`: only among the sessions of this directory and of the worktrees of its repository. Default: everywhere
    * `:config_dir`: the folder of the program, in place of `CLAUDE_CONFIG_DIR` and `~/.claude`
    * `:store` (not for the archive): among the sessions of a store (`ClaudeCodeSDK.SessionStore.Adapter`) in place of the disk; then
      there is no `:config_dir`, and `:directory` means exactly this one, the working directory when it is left out

  They fail with `{:error, %ClaudeCodeSDK.Error{}}`: `:invalid_argument` for an id that is none or a session that is not there. Each
  blocks the calling process, and no other, for as long as the disk takes.
  """

  alias ClaudeCodeSDK.Error
  alias ClaudeCodeSDK.SessionStore.{Adapter, Work}

  @typedoc """
  What is known of a session without reading all of it: `session_id`, `summary` (what to show), `last_modified` and, where known,
  `file_size`, `custom_title`, `first_prompt`, `git_branch`, `cwd`, `tag`, `created_at` and `archived`. Times are milliseconds since
  1970, sizes bytes.
  """
  @type info :: %{
          required(:session_id) => String.t(),
          required(:summary) => String.t(),
          required(:last_modified) => non_neg_integer(),
          optional(atom()) => term()
        }

  @typedoc """
  A message of a session: `type`, `uuid`, `session_id`, `message` as the API has it, and of a subagent's message
  `parent_tool_use_id` and `parent_agent_id`.
  """
  @type message :: %{
          required(:type) => String.t(),
          required(:uuid) => String.t(),
          required(:session_id) => String.t(),
          required(:message) => term(),
          optional(atom()) => term()
        }

  @info ~w(session_id summary last_modified file_size custom_title first_prompt git_branch cwd tag created_at archived)a
  @message ~w(type uuid session_id message parent_tool_use_id parent_agent_id)a
  @place [:directory, :config_dir]
  # What the core calls the work on a store.
  @stored %{
    "list_sessions" => "list_sessions_from_store",
    "get_session_info" => "get_session_info_from_store",
    "get_session_messages" => "get_session_messages_from_store",
    "list_subagents" => "list_subagents_from_store",
    "get_subagent_messages" => "get_subagent_messages_from_store",
    "rename_session" => "rename_session_via_store",
    "tag_session" => "tag_session_via_store",
    "delete_session" => "delete_session_via_store",
    "fork_session" => "fork_session_via_store"
  }

  @doc """
  Sessions, newest first.

  Options: `:limit` (default all), `:offset` (leave out so many of the newest), `:include_worktrees` (default `true`: with `:directory`,
  also those of the other worktrees of its repository) and `:include_programmatic` (default `true`: also sessions that programs
  started).

      iex> ClaudeCodeSDK.Sessions.list_sessions(config_dir: "/no/such/folder")
      {:ok, []}
  """
  @spec list_sessions(keyword()) :: {:ok, [info()]} | {:error, Error.t()}
  def list_sessions(options \\ []) do
    more = [:limit, :offset, :include_worktrees, :include_programmatic]
    invoke("list_sessions", %{}, options, more) |> each(@info)
  end

  @doc "What is known of one session; `nil` when there is none with this id, or when it has nothing to show."
  @spec get_session_info(String.t(), keyword()) :: {:ok, info() | nil} | {:error, Error.t()}
  def get_session_info(session_id, options \\ []) do
    with {:ok, info} <- invoke("get_session_info", %{session_id: session_id}, options),
         do: {:ok, info && known(info, @info)}
  end

  @doc """
  The conversation of a session, oldest message first; empty when there is no such session.

  Options: `:limit`, `:offset` and `:include_system_messages` (default `false`: notices, and where the conversation was summed up).
  """
  @spec get_session_messages(String.t(), keyword()) :: {:ok, [message()]} | {:error, Error.t()}
  def get_session_messages(session_id, options \\ []) do
    more = [:limit, :offset, :include_system_messages]
    invoke("get_session_messages", %{session_id: session_id}, options, more) |> each(@message)
  end

  @doc "The ids of the subagents of a session."
  @spec list_subagents(String.t(), keyword()) :: {:ok, [String.t()]} | {:error, Error.t()}
  def list_subagents(session_id, options \\ []),
    do: invoke("list_subagents", %{session_id: session_id}, options)

  @doc "The conversation of a subagent, oldest message first. Options: `:limit` and `:offset`."
  @spec get_subagent_messages(String.t(), String.t(), keyword()) ::
          {:ok, [message()]} | {:error, Error.t()}
  def get_subagent_messages(session_id, agent_id, options \\ []) do
    fields = %{session_id: session_id, agent_id: agent_id}
    invoke("get_subagent_messages", fields, options, [:limit, :offset]) |> each(@message)
  end

  @doc "Gives a session a title."
  @spec rename_session(String.t(), String.t(), keyword()) :: :ok | {:error, Error.t()}
  def rename_session(session_id, title, options \\ []),
    do: invoke("rename_session", %{session_id: session_id, title: title}, options) |> done()

  @doc "Gives a session a tag; `nil` takes it away."
  @spec tag_session(String.t(), String.t() | nil, keyword()) :: :ok | {:error, Error.t()}
  def tag_session(session_id, tag, options \\ []),
    do: invoke("tag_session", %{session_id: session_id, tag: tag}, options) |> done()

  @doc "Deletes a session, its subagents and what its tools left."
  @spec delete_session(String.t(), keyword()) :: :ok | {:error, Error.t()}
  def delete_session(session_id, options \\ []),
    do: invoke("delete_session", %{session_id: session_id}, options) |> done()

  @doc "Puts a session into the archive: it stays, and lists may leave it out."
  @spec archive_session(String.t(), keyword()) :: :ok | {:error, Error.t()}
  def archive_session(session_id, options \\ []),
    do: invoke("archive_session", %{session_id: session_id}, options) |> done()

  @doc "Takes a session out of the archive."
  @spec unarchive_session(String.t(), keyword()) :: :ok | {:error, Error.t()}
  def unarchive_session(session_id, options \\ []),
    do: invoke("unarchive_session", %{session_id: session_id}, options) |> done()

  @doc """
  Copies a session under a new id, which is returned; the session stays as it is.

  Options: `:up_to_message_id` (only up to this message) and `:title` of the copy.
  """
  @spec fork_session(String.t(), keyword()) ::
          {:ok, %{session_id: String.t()}} | {:error, Error.t()}
  def fork_session(session_id, options \\ []) do
    more = [:up_to_message_id, :title]

    with {:ok, made} <- invoke("fork_session", %{session_id: session_id}, options, more),
         do: {:ok, %{session_id: made["session_id"]}}
  end

  @doc """
  Copies a session from the disk into a store, with its subagents.

  Options: `:directory` and `:config_dir` as above, `:include_subagents` (default `true`) and `:batch_size`, how many entries an
  append has at most (default 500).
  """
  @spec import_session_to_store(String.t(), Adapter.store(), keyword()) ::
          :ok | {:error, Error.t()}
  def import_session_to_store(session_id, store, options \\ []) do
    options
    |> Keyword.validate!(@place ++ [:include_subagents, :batch_size])
    |> on_disk()
    |> request("import_session_to_store", %{session_id: session_id})
    |> Work.run(store)
    |> done()
  end

  defp invoke(operation, fields, options, more \\ []) do
    {store, options} = Keyword.pop(options, :store)
    stored = @stored[operation]

    cond do
      store == nil ->
        options
        |> Keyword.validate!(@place ++ more)
        |> on_disk()
        |> request(operation, fields)
        |> Work.invoke()

      stored == nil ->
        raise ArgumentError, "#{operation} has no option :store"

      true ->
        options
        |> Keyword.validate!([:directory | more])
        |> request(stored, fields)
        |> Work.run(store)
    end
  end

  # The VM keeps its environment to itself: the library would not see what was set here.
  defp on_disk(options),
    do: Keyword.put_new(options, :config_dir, System.get_env("CLAUDE_CONFIG_DIR"))

  defp request(options, operation, fields),
    do: options |> Map.new() |> Map.merge(fields) |> Map.put(:operation, operation)

  defp each({:ok, list}, names), do: {:ok, Enum.map(list, &known(&1, names))}
  defp each(error, _names), do: error

  defp done({:ok, _nothing}), do: :ok
  defp done(error), do: error

  defp known(wire, names) do
    for name <- names, is_map_key(wire, to_string(name)), into: %{} do
      {name, wire[to_string(name)]}
    end
  end
end
