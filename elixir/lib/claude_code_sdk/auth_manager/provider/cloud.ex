defmodule ClaudeCodeSDK.AuthManager.Provider.Cloud do
  @moduledoc false
  # What a cloud needs is checked by the core; here is only said that it gives no token.

  alias ClaudeCodeSDK.{AuthManager, Error}

  @switches ~w(CLAUDE_CODE_USE_BEDROCK CLAUDE_CODE_USE_VERTEX CLAUDE_CODE_USE_FOUNDRY USE_BEDROCK USE_VERTEX
               CLAUDE_AGENT_USE_BEDROCK CLAUDE_AGENT_USE_VERTEX CLAUDE_AGENT_USE_FOUNDRY)

  @spec setup_token(String.t(), String.t()) :: {:error, Error.t()}
  def setup_token(title, switch) do
    env = @switches |> Map.new(&{&1, ""}) |> Map.put(switch, "1")
    settings = [name: nil, storage_backend: :memory, interactive: false, env: env]

    with {:ok, manager} <- AuthManager.start_link(settings) do
      try do
        with {:ok, _credential} <- AuthManager.credential(manager) do
          problem =
            "#{title} has no token to get: the credentials of the cloud are used as they are"

          {:error, Error.new(:auth, problem, operation: "setup_token")}
        end
      after
        AuthManager.stop(manager)
      end
    end
  end
end
