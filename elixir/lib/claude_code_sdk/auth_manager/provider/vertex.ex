defmodule ClaudeCodeSDK.AuthManager.Provider.Vertex do
  @moduledoc "Google Vertex AI: the program uses the credentials of the cloud, there is no token to get."

  alias ClaudeCodeSDK.AuthManager.Provider.Cloud

  @behaviour ClaudeCodeSDK.AuthManager.Provider

  @doc "Always fails: with what is missing in the environment, or because the credentials of the cloud are used as they are."
  @impl true
  def setup_token, do: Cloud.setup_token("Google Vertex AI", "CLAUDE_CODE_USE_VERTEX")
end
