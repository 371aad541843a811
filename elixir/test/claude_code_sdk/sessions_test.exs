defmodule ClaudeCodeSDK.SessionsTest do
  @moduledoc "Sessions on disk, where the scenarios do not reach: the environment of the VM."
  use ExUnit.Case, async: false

  alias ClaudeCodeSDK.Sessions

  @id "00000000-0000-4000-8000-000000000001"

  test "the folder of the program is where the environment of the VM says" do
    folder = Path.join(System.tmp_dir!(), "madrigal-#{System.unique_integer([:positive])}")
    file = Path.join(folder, "projects/-srv-app/#{@id}.jsonl")
    File.mkdir_p!(Path.dirname(file))

    {:ok, line} =
      ClaudeCodeSDK.JSON.encode(%{
        type: "user",
        uuid: "10000000-0000-4000-8000-000000000001",
        sessionId: @id,
        timestamp: "2026-01-02T03:04:05.000Z",
        cwd: "/srv/app",
        message: %{role: "user", content: "first"}
      })

    File.write!(file, line <> "\n")
    before = System.get_env("CLAUDE_CONFIG_DIR")
    System.put_env("CLAUDE_CONFIG_DIR", folder)

    on_exit(fn ->
      if before,
        do: System.put_env("CLAUDE_CONFIG_DIR", before),
        else: System.delete_env("CLAUDE_CONFIG_DIR")

      File.rm_rf!(folder)
    end)

    assert {:ok, [%{session_id: @id, summary: "first"}]} = Sessions.list_sessions()
    assert {:ok, nil} = Sessions.get_session_info(@id, config_dir: "/no/such/folder")
  end
end
