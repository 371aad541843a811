defmodule ClaudeCodeSDK.Test.FailingStore do
  @moduledoc "The session store of a scenario: one in memory, behind one that can fail, hang, or lack callbacks."

  alias ClaudeCodeSDK.SessionStore.Memory

  @callbacks [
    append: [:key, :entries],
    load: [:key],
    list_sessions: [:project_key],
    list_session_summaries: [:project_key],
    delete: [:key],
    list_subkeys: [:key]
  ]

  @doc "The store that a scenario asks for, and what is in memory behind it; `nil` when it asks for none."
  def start(nil), do: nil

  def start(spec) do
    {:ok, memory} = Memory.start_link()
    {:ok, left} = Agent.start_link(fn -> spec["fails"] || %{} end)

    for %{"key" => key, "entries" => entries} <- spec["holds"] || [],
        do: :ok = Memory.append(memory, key(key), entries)

    argument = %{memory: memory, left: left, hangs: spec["hangs"] || []}
    %{store: {module(Enum.sort(spec["lacks"] || [])), argument}, memory: memory}
  end

  @doc "A key of a scenario."
  def key(key) do
    %{
      project_key: key["project_key"],
      session_id: key["session_id"],
      subpath: key["subpath"]
    }
  end

  @doc "The entries under a key, `nil` when there are none."
  def entries(%{memory: memory}, key) do
    {:ok, entries} = Memory.load(memory, key(key))
    entries
  end

  # A module that has no more than these callbacks.
  defp module(lacks) do
    name = Module.concat([__MODULE__, "Without" | Enum.map(lacks, &Macro.camelize/1)])
    :global.trans({__MODULE__, self()}, fn -> made(name, lacks) end)
  end

  defp made(name, lacks) do
    unless Code.ensure_loaded?(name) do
      functions =
        for {callback, names} <- @callbacks, Atom.to_string(callback) not in lacks do
          arguments = Enum.map(names, &Macro.var(&1, __MODULE__))

          quote do
            def unquote(callback)(argument, unquote_splicing(arguments)),
              do: unquote(__MODULE__).call(argument, unquote(callback), unquote(arguments))
          end
        end

      Module.create(name, functions, Macro.Env.location(__ENV__))
    end

    name
  end

  @doc false
  def call(%{hangs: hangs} = argument, callback, arguments) do
    if Atom.to_string(callback) in hangs, do: Process.sleep(:infinity)

    if fails?(argument.left, Atom.to_string(callback)),
      do: {:error, "the store is down"},
      else: apply(Memory, callback, [argument.memory | arguments])
  end

  defp fails?(left, callback) do
    Agent.get_and_update(left, fn left ->
      case left[callback] || 0 do
        0 -> {false, left}
        number -> {true, Map.put(left, callback, number - 1)}
      end
    end)
  end
end
