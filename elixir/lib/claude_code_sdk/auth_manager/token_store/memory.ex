defmodule ClaudeCodeSDK.AuthManager.TokenStore.Memory do
  @moduledoc """
  A token store in memory, for tests and as the example of what a store does. There is one in a VM; it outlives the manager that
  uses it, and what it holds is gone with its process.

      start_supervised!(ClaudeCodeSDK.AuthManager.TokenStore.Memory)
      start_supervised!({ClaudeCodeSDK.AuthManager, storage_backend: ClaudeCodeSDK.AuthManager.TokenStore.Memory})
  """

  alias ClaudeCodeSDK.AuthManager.TokenStore

  @behaviour TokenStore

  @doc false
  @spec child_spec(keyword()) :: Supervisor.child_spec()
  def child_spec(options), do: %{id: __MODULE__, start: {__MODULE__, :start_link, [options]}}

  @doc """
  Starts the store, empty.

      iex> alias ClaudeCodeSDK.AuthManager.TokenStore.Memory
      iex> {:ok, _} = Memory.start_link()
      iex> Memory.load()
      {:error, :not_found}
      iex> Memory.save(%{token: "sk-ant-oat01-test-test-test", expiry: nil, provider: :anthropic})
      iex> {:ok, token} = Memory.load()
      iex> {token.provider, Memory.clear(), Memory.load()}
      {:anthropic, :ok, {:error, :not_found}}
  """
  @spec start_link(keyword()) :: Agent.on_start()
  def start_link(_options \\ []), do: Agent.start_link(fn -> nil end, name: __MODULE__)

  # In a closure, so that a report of a crash does not show it.
  @impl TokenStore
  def save(token), do: Agent.update(__MODULE__, fn _before -> fn -> token end end)

  @impl TokenStore
  def load do
    case Agent.get(__MODULE__, & &1) do
      nil -> {:error, :not_found}
      token -> {:ok, token.()}
    end
  end

  @impl TokenStore
  def clear, do: Agent.update(__MODULE__, fn _before -> nil end)
end
