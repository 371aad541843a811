defmodule ClaudeCodeSDK.Application do
  @moduledoc false
  # Stopping the application ends every program it started and waits for them.

  use Application

  # The stop ladder of the core takes 2 s at most for a program that does not cooperate.
  @shutdown_ms 5_000

  @impl true
  def start(_type, _args) do
    # Loading the native library prepares the VM for child processes; see its `load/0`.
    {:module, _} = Code.ensure_loaded(ClaudeCodeSDK.Native)

    Supervisor.start_link([ClaudeCodeSDK.Log],
      strategy: :one_for_one,
      name: ClaudeCodeSDK.Supervisor
    )
  end

  @impl true
  def stop(_state) do
    ClaudeCodeSDK.Native.shutdown(@shutdown_ms)
  end
end
