defmodule ClaudeCodeSDK.SessionStore.Adapter do
  @moduledoc """
  Where the transcripts of sessions are kept beside the files of the program: a behaviour for a store of your own, such as a
  table of a database.

      defmodule MyApp.Transcripts do
        @behaviour ClaudeCodeSDK.SessionStore.Adapter

        @impl true
        def append(repo, key, entries), do: MyApp.Entries.insert(repo, key, entries)

        @impl true
        def load(repo, key), do: {:ok, MyApp.Entries.all(repo, key)}
      end

      ClaudeCodeSDK.query("Hello", session_store: {MyApp.Transcripts, MyApp.Repo})

  A store is given in the option `session_store` and to the functions of `ClaudeCodeSDK.Sessions`: as `{module, argument}`, whose
  argument comes first in each call, or as a module, which is short for `{module, module}` and fits a process registered under
  the name of its module. While the program works, each line of its transcript is appended; with `resume` or `continue` the
  session is loaded first, so it may have run on another machine. `ClaudeCodeSDK.SessionStore.Memory` is the example.

  Only `c:append/3` and `c:load/2` must be there. Each call runs in a process of its own, is killed when it takes longer than
  `timeouts.store_ms`, and fails with `{:error, reason}` or by raising. A failed append is tried three times and never stops the
  run; what was not stored is told by a `:system` message with the subtype `:mirror_error`. `conformance/1` checks a store.

  The word "adapter" is here because this is what the engine plugs into: it keeps every line of a transcript and is asked by the
  engine. It does not save, tag or search sessions for people.
  """

  alias ClaudeCodeSDK.Error
  alias ClaudeCodeSDK.SessionStore.{Answer, Work}

  @typedoc "What stands in front of a call: whatever the store needs to find its data."
  @type argument :: term()
  @typedoc "A store: `module` is short for `{module, module}`."
  @type store :: module() | {module(), argument()}
  @typedoc """
  What entries are kept under: the directory of the session in the form of the program (`project_key/1`), the session, and of a
  subagent its `subpath`. The `subpath` may hold `/` and is `nil` for the session itself.
  """
  @type key :: %{
          project_key: String.t(),
          session_id: String.t(),
          subpath: String.t() | nil
        }
  @typedoc "A line of a transcript, with string keys. Many have a `\"uuid\"`; nothing else in it is the store's business."
  @type entry :: map()
  @typedoc "A summary, as `fold_session_summary/3` makes it. `data` is kept as it is."
  @type summary :: %{session_id: String.t(), mtime: non_neg_integer(), data: map()}
  @typedoc "A check of `conformance/1`: its name, whether it passed, and what was found in place of what was expected."
  @type check :: %{check: String.t(), passed: boolean(), error: String.t() | nil}

  @doc """
  Adds entries, in order, behind those that are there. An entry whose `"uuid"` the key has already is left out: after a failure
  the same entries can come again.
  """
  @callback append(argument(), key(), [entry()]) :: :ok | {:error, term()}

  @doc "All entries of a key, in order; `nil` when there are none."
  @callback load(argument(), key()) :: {:ok, [entry()] | nil} | {:error, term()}

  @doc """
  The sessions of a directory, subagents left out. `mtime` is when something was last appended, in milliseconds of the clock of
  the store. Needed for `continue` and to list sessions.
  """
  @callback list_sessions(argument(), project_key :: String.t()) ::
              {:ok, [%{session_id: String.t(), mtime: non_neg_integer()}]} | {:error, term()}

  @doc """
  A summary of each session of a directory, kept up to date by `c:append/3` with `fold_session_summary/3`: lists are then made
  without reading transcripts.
  """
  @callback list_session_summaries(argument(), project_key :: String.t()) ::
              {:ok, [summary()]} | {:error, term()}

  @doc "Forgets a key. One without `subpath` is a whole session, with its subagents and its summary."
  @callback delete(argument(), key()) :: :ok | {:error, term()}

  @doc "The `subpath`s a session has. Needed to find its subagents."
  @callback list_subkeys(argument(), key()) :: {:ok, [String.t()]} | {:error, term()}

  @optional_callbacks list_sessions: 2, list_session_summaries: 2, delete: 2, list_subkeys: 2

  @doc """
  The `project_key` of a directory.

      iex> ClaudeCodeSDK.SessionStore.Adapter.project_key("/srv/my_app")
      {:ok, "-srv-my-app"}
  """
  @spec project_key(Path.t()) :: {:ok, String.t()} | {:error, Error.t()}
  def project_key(directory), do: Work.invoke(%{operation: "project_key", directory: directory})

  @doc """
  The summary of a session with new entries added to it: `previous` is the one before, or `nil`. Its `mtime` is the old one (or 0);
  the store sets it to that of the session.

      iex> alias ClaudeCodeSDK.SessionStore.Adapter
      iex> key = %{project_key: "-srv-app", session_id: "00000000-0000-4000-8000-000000000001", subpath: nil}
      iex> {:ok, summary} = Adapter.fold_session_summary(nil, key, [%{"type" => "custom-title", "customTitle" => "Mine"}])
      iex> {summary.session_id, summary.mtime}
      {"00000000-0000-4000-8000-000000000001", 0}
  """
  @spec fold_session_summary(summary() | nil, key(), [entry()]) ::
          {:ok, summary()} | {:error, Error.t()}
  def fold_session_summary(previous, key, entries) do
    request = %{
      operation: "fold_session_summary",
      previous: previous,
      key: Answer.key_to_wire(key),
      entries: entries
    }

    with {:ok, %{"session_id" => id, "mtime" => mtime, "data" => data}} <- Work.invoke(request),
         do: {:ok, %{session_id: id, mtime: mtime, data: data}}
  end

  @doc """
  Checks that a store does what a session relies on. `fresh` makes a new, empty store; it is called in the calling process, once
  for each check. Checks of callbacks the store does not have are left out.

      test "my store is one" do
        {:ok, checks} =
          ClaudeCodeSDK.SessionStore.Adapter.conformance(fn ->
            {MyApp.Transcripts, start_supervised!(MyApp.Transcripts, id: make_ref())}
          end)

        assert Enum.reject(checks, & &1.passed) == []
      end
  """
  @spec conformance((() -> store())) :: {:ok, [check()]} | {:error, Error.t()}
  def conformance(fresh) when is_function(fresh, 0) do
    with {:ok, checks} <- Work.run(%{operation: "session_store_conformance"}, fresh) do
      {:ok,
       for check <- checks do
         %{check: check["check"], passed: check["passed"], error: check["error"]}
       end}
    end
  end
end
