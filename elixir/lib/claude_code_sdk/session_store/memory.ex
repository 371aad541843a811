defmodule ClaudeCodeSDK.SessionStore.Memory do
  @moduledoc """
  A session store in memory, for tests and as the example of what a store does; it has every callback of
  `ClaudeCodeSDK.SessionStore.Adapter`. What it holds is gone with its process.

      {:ok, store} = ClaudeCodeSDK.SessionStore.Memory.start_link()
      ClaudeCodeSDK.query("Hello", session_store: {ClaudeCodeSDK.SessionStore.Memory, store}) |> Stream.run()
      ClaudeCodeSDK.SessionStore.Memory.size(store)

  Under a supervisor as `{ClaudeCodeSDK.SessionStore.Memory, name: MyApp.Transcripts}`; the store is then
  `{ClaudeCodeSDK.SessionStore.Memory, MyApp.Transcripts}`.
  """

  use GenServer

  alias ClaudeCodeSDK.SessionStore.Adapter

  @behaviour Adapter

  @typedoc "The process of a store: a pid or a registered name."
  @type t :: GenServer.server()

  @doc false
  @spec child_spec(keyword()) :: Supervisor.child_spec()
  def child_spec(options) do
    id = Keyword.get(options, :name, __MODULE__)
    %{id: id, start: {__MODULE__, :start_link, [options]}}
  end

  @doc "Starts an empty store, linked to the calling process. Option: `:name`, to register it."
  @spec start_link(keyword()) :: GenServer.on_start()
  def start_link(options \\ []),
    do: GenServer.start_link(__MODULE__, nil, Keyword.validate!(options, [:name]))

  @doc """
  The entries under a key, `[]` when there are none.

      iex> alias ClaudeCodeSDK.SessionStore.Memory
      iex> {:ok, store} = Memory.start_link()
      iex> key = %{project_key: "-srv-app", session_id: "s", subpath: nil}
      iex> Memory.append(store, key, [%{"uuid" => "a"}, %{"uuid" => "a"}])
      :ok
      iex> {Memory.entries(store, key), Memory.size(store)}
      {[%{"uuid" => "a"}], 1}
  """
  @spec entries(t(), Adapter.key()) :: [Adapter.entry()]
  def entries(store, key) do
    {:ok, entries} = load(store, key)
    entries || []
  end

  @doc "How many sessions it holds; subagents do not count."
  @spec size(t()) :: non_neg_integer()
  def size(store), do: call(store, :size)

  @doc "Forgets everything."
  @spec clear(t()) :: :ok
  def clear(store), do: call(store, :clear)

  @impl Adapter
  def append(store, key, entries), do: call(store, {:append, key, entries})
  @impl Adapter
  def load(store, key), do: call(store, {:load, key})
  @impl Adapter
  def list_sessions(store, project_key), do: call(store, {:list_sessions, project_key})
  @impl Adapter
  def list_session_summaries(store, project_key), do: call(store, {:summaries, project_key})
  @impl Adapter
  def delete(store, key), do: call(store, {:delete, key})
  @impl Adapter
  def list_subkeys(store, key), do: call(store, {:list_subkeys, key})

  defp call(store, request), do: GenServer.call(store, request, :infinity)

  ## The process

  # Transcripts by key: `entries` (the newest first), `uuids`, `mtime`, and of a whole session its `summary`.
  @impl GenServer
  def init(nil), do: {:ok, %{transcripts: %{}, last: 0}}

  @impl GenServer
  def handle_call({:append, _key, []}, _from, state), do: {:reply, :ok, state}

  def handle_call({:append, key, entries}, _from, state) do
    key = normal(key)
    nothing = %{entries: [], uuids: MapSet.new(), mtime: 0, summary: nil}
    found = Map.get(state.transcripts, key, nothing)
    {fresh, uuids} = Enum.reduce(entries, {[], found.uuids}, &unknown/2)

    # Later with each call, so that of two sessions one is the newer.
    now = max(System.system_time(:millisecond), state.last + 1)

    case summary(found.summary, key, Enum.reverse(fresh)) do
      {:ok, summary} ->
        found = %{
          entries: fresh ++ found.entries,
          uuids: uuids,
          mtime: now,
          summary: summary && %{summary | mtime: now}
        }

        {:reply, :ok, %{transcripts: Map.put(state.transcripts, key, found), last: now}}

      {:error, error} ->
        {:reply, {:error, error}, state}
    end
  end

  def handle_call({:load, key}, _from, state) do
    found = state.transcripts[normal(key)]
    {:reply, {:ok, found && Enum.reverse(found.entries)}, state}
  end

  def handle_call({:list_sessions, project_key}, _from, state) do
    listed =
      for {key, found} <- state.transcripts, session?(key), key.project_key == project_key do
        %{session_id: key.session_id, mtime: found.mtime}
      end

    {:reply, {:ok, listed}, state}
  end

  def handle_call({:summaries, project_key}, _from, state) do
    summaries =
      for {key, found} <- state.transcripts, session?(key), key.project_key == project_key do
        found.summary
      end

    {:reply, {:ok, summaries}, state}
  end

  def handle_call({:delete, key}, _from, state) do
    key = normal(key)
    gone = fn other -> other == key or (session?(key) and %{other | subpath: nil} == key) end
    left = Map.reject(state.transcripts, fn {other, _found} -> gone.(other) end)
    {:reply, :ok, %{state | transcripts: left}}
  end

  def handle_call({:list_subkeys, key}, _from, state) do
    session = %{normal(key) | subpath: nil}

    subpaths =
      for {other, _found} <- state.transcripts,
          not session?(other),
          %{other | subpath: nil} == session,
          do: other.subpath

    {:reply, {:ok, subpaths}, state}
  end

  def handle_call(:size, _from, state),
    do: {:reply, Enum.count(Map.keys(state.transcripts), &session?/1), state}

  def handle_call(:clear, _from, state), do: {:reply, :ok, %{state | transcripts: %{}}}

  defp normal(key) do
    %{project_key: key.project_key, session_id: key.session_id, subpath: key[:subpath]}
  end

  defp session?(key), do: key.subpath == nil

  defp unknown(%{"uuid" => uuid} = entry, {fresh, uuids}) when is_binary(uuid) do
    if uuid in uuids,
      do: {fresh, uuids},
      else: {[entry | fresh], MapSet.put(uuids, uuid)}
  end

  defp unknown(entry, {fresh, uuids}), do: {[entry | fresh], uuids}

  defp summary(previous, key, fresh) do
    if session?(key),
      do: Adapter.fold_session_summary(previous, key, fresh),
      else: {:ok, nil}
  end
end
