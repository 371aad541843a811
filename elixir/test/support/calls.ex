defmodule ClaudeCodeSDK.Test.Calls do
  @moduledoc "The step `call`: the functions of `ClaudeCodeSDK.Control` by name, with arguments as data."

  alias ClaudeCodeSDK.{Control, Session, Sessions}
  alias ClaudeCodeSDK.SessionStore.{Adapter, Memory}
  alias ClaudeCodeSDK.Test.Specialists

  # What comes by position, in order; what else a step gives is an option.
  @positions %{
    "set_model" => ["model"],
    "set_agent" => ["agent"],
    "set_permission_mode" => ["mode"],
    "set_max_thinking_tokens" => ["max_thinking_tokens"],
    "set_mcp_servers" => ["servers"],
    "reconnect_mcp_server" => ["server_name"],
    "toggle_mcp_server" => ["server_name", "enabled"],
    "mcp_call" => ["tool", "arguments"],
    "rewind_files" => ["user_message_id"],
    "read_file" => ["path"],
    "stop_task" => ["task_id"],
    "background_tasks" => ["tool_use_id"],
    "get_task_output" => ["task_id"],
    "cancel_async_message" => ["message_uuid"],
    "rename_session" => ["title"],
    "generate_session_title" => ["description"],
    "side_question" => ["question"],
    "end_session" => ["reason"],
    "file_suggestions" => ["query"],
    "register_repo_root" => ["directory"],
    "set_has_subscribers" => ["has_subscribers"],
    "set_color" => ["color"],
    "set_mcp_permission_mode_override" => ["server_name", "mode"],
    "mcp_message" => ["server_name", "message"]
  }

  @doc "Calls the function; its answer as the program gave it."
  def call(session, "interrupt", _with), do: Session.interrupt(session)

  def call(session, name, with) do
    {positions, options} = Map.split(with || %{}, Map.get(@positions, name, []))
    positions = for at <- Map.get(@positions, name, []), is_map_key(positions, at), do: with[at]

    options =
      if options == %{},
        do: [],
        else: [for({key, value} <- options, do: {String.to_atom(key), value})]

    apply(Control, String.to_atom(name), [session | positions] ++ options)
  end

  # What comes by position of the functions that need no session.
  @session_positions %{
    "list_sessions" => [],
    "get_subagent_messages" => ["session_id", "agent_id"],
    "rename_session" => ["session_id", "title"],
    "tag_session" => ["session_id", "tag"]
  }

  @doc "Calls a function that needs no session; what it gives, with string keys."
  def invoke("session_store_conformance", _with, _place, _store) do
    fresh = fn ->
      {:ok, memory} = Memory.start_link()
      {Memory, memory}
    end

    strings(Adapter.conformance(fresh))
  end

  def invoke("import_session_to_store", with, place, store) do
    {session_id, options} = Map.pop(with, "session_id")
    Sessions.import_session_to_store(session_id, store, named(options) ++ place)
  end

  def invoke(name, with, place, store) do
    # The operations on agents, models and presets.
    if name in Specialists.operations(),
      do: Specialists.invoke(name, with || %{}, place),
      else: sessions(name, with, place, store)
  end

  defp sessions(name, with, place, store) do
    case Regex.run(~r/(.*)_(?:from|via)_store$/, name) do
      [_, name] -> on_disk(name, with, store: store)
      nil -> on_disk(name, with, place)
    end
  end

  defp on_disk(name, with, place) do
    names = Map.get(@session_positions, name, ["session_id"])
    options = named(Map.drop(with || %{}, names))
    arguments = Enum.map(names, &with[&1]) ++ [options ++ place]
    Sessions |> apply(String.to_atom(name), arguments) |> strings()
  end

  defp named(options), do: for({key, value} <- options, do: {String.to_atom(key), value})

  defp strings({:ok, value}), do: {:ok, strings(value)}
  defp strings(list) when is_list(list), do: Enum.map(list, &strings/1)

  defp strings(%{} = map) when not is_struct(map),
    do: Map.new(map, fn {key, value} -> {to_string(key), strings(value)} end)

  defp strings(other), do: other
end
