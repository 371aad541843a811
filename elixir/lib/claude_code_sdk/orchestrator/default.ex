defmodule ClaudeCodeSDK.Orchestrator.Default do
  @moduledoc false
  # The orchestrator of those who started none. It has a name of its own: one that is started later, or again by its supervisor,
  # finds its name free.

  alias ClaudeCodeSDK.{Error, Orchestrator}

  @doc "The process with this name, or else the one for everybody, started when it is needed first."
  @spec running(atom()) :: {:ok, pid()} | {:error, Error.t()}
  def running(name) do
    case Process.whereis(name) || Process.whereis(__MODULE__) do
      nil -> start()
      pid -> {:ok, pid}
    end
  end

  defp start do
    {:ok, _} = Application.ensure_all_started(:claude_code_sdk)
    config = Application.get_env(:claude_code_sdk, :orchestrator, [])
    child = {Orchestrator, Keyword.put(config, :name, __MODULE__)}
    child = Supervisor.child_spec(child, restart: :temporary)

    case Supervisor.start_child(ClaudeCodeSDK.Supervisor, child) do
      {:ok, pid} -> {:ok, pid}
      # Somebody else was quicker.
      {:error, {:already_started, pid}} -> {:ok, pid}
      {:error, {%Error{} = error, _child}} -> {:error, error}
      {:error, %Error{} = error} -> {:error, error}
    end
  end
end
