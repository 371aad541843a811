defmodule ClaudeCodeSDK.Test.Calls do
  @moduledoc "The step `call`: the functions of `ClaudeCodeSDK.Control` by name, with arguments as data."

  alias ClaudeCodeSDK.{Control, Session, Sessions}

  # What comes by position, in order; what else a step gives is an option.
  @positions %{
    "set_model" => ["model"],
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

  @doc "Calls a function of `ClaudeCodeSDK.Sessions`; what it gives, with string keys."
  def invoke(name, with, place) do
    names = Map.get(@session_positions, name, ["session_id"])
    options = for {key, value} <- Map.drop(with || %{}, names), do: {String.to_atom(key), value}
    arguments = Enum.map(names, &with[&1]) ++ [options ++ place]
    Sessions |> apply(String.to_atom(name), arguments) |> strings()
  end

  defp strings({:ok, value}), do: {:ok, strings(value)}
  defp strings(list) when is_list(list), do: Enum.map(list, &strings/1)

  defp strings(%{} = map) when not is_struct(map),
    do: Map.new(map, fn {key, value} -> {to_string(key), strings(value)} end)

  defp strings(other), do: other
end
