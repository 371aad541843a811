defmodule ClaudeCodeSDK.AuthManager.Provider.Anthropic do
  @moduledoc "Tokens of Anthropic, by `claude setup-token`: a person logs in, the program prints a token that works for a year."

  alias ClaudeCodeSDK.AuthManager

  @behaviour ClaudeCodeSDK.AuthManager.Provider

  @doc "Asks the person at the terminal. The token is stored nowhere."
  @impl true
  def setup_token do
    settings = [
      name: nil,
      storage_backend: :memory,
      auto_refresh: false,
      # Only the new token counts.
      env:
        Map.new(
          ~w(ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN CLAUDE_CODE_OAUTH_TOKEN
            CLAUDE_AGENT_API_KEY CLAUDE_AGENT_AUTH_TOKEN CLAUDE_AGENT_OAUTH_TOKEN),
          &{&1, ""}
        )
    ]

    with {:ok, manager} <- AuthManager.start_link(settings) do
      try do
        with {:ok, credential} <- AuthManager.setup_token(manager),
             {:ok, token} <- AuthManager.get_token(manager),
             do: {:ok, token, credential.expires_at}
      after
        AuthManager.stop(manager)
      end
    end
  end
end
