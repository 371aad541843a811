defmodule ClaudeCodeSDK.AuthManager.TokenStore.ApplicationEnv do
  @moduledoc """
  The token store `:application_env`: the token is the value of `:auth_token` in the environment of this application.

      # config/runtime.exs
      config :claude_code_sdk, auth_storage: :application_env, auth_token: System.fetch_env!("MY_CLAUDE_TOKEN")

  A token that is got later takes its place until the VM ends. The value is a text, or a map as of
  `t:ClaudeCodeSDK.AuthManager.TokenStore.token_data/0`.
  """

  alias ClaudeCodeSDK.AuthManager.TokenStore

  @behaviour TokenStore

  @impl TokenStore
  def save(token), do: Application.put_env(:claude_code_sdk, :auth_token, token)

  @impl TokenStore
  def load do
    case Application.get_env(:claude_code_sdk, :auth_token) do
      nil -> {:error, :not_found}
      token when is_binary(token) -> {:ok, %{token: token, expiry: nil, provider: :anthropic}}
      token -> {:ok, token}
    end
  end

  @impl TokenStore
  def clear, do: Application.delete_env(:claude_code_sdk, :auth_token)
end
