defmodule ClaudeCodeSDK.Log do
  @moduledoc """
  What the engine says about its own work, as lines of `Logger`.

  Off by default. The configuration `config :claude_code_sdk, log_level: "info"` or `set_level/1` turns it on.
  """
  @doc false
  use GenServer

  require Logger

  @doc false
  def start_link(_options), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)

  @doc """
  Passes on the engine's lines at this level and above: one of `"off"`, `"error"`, `"warn"`, `"info"`, `"debug"`, `"trace"`.

      iex> ClaudeCodeSDK.Log.set_level("off")
      :ok
  """
  @spec set_level(String.t()) :: :ok | {:error, ClaudeCodeSDK.Error.t()}
  def set_level(level), do: GenServer.call(__MODULE__, {:level, level})

  @impl true
  def init(nil) do
    level = Application.get_env(:claude_code_sdk, :log_level, "off")
    if level != "off", do: set(level)
    {:ok, nil}
  end

  @impl true
  def handle_call({:level, level}, _from, state), do: {:reply, set(level), state}

  @impl true
  def handle_info({:madrigal_wake, 0}, state) do
    Enum.each(ClaudeCodeSDK.Native.logs(), &write/1)
    {:noreply, state}
  end

  def handle_info(_other, state), do: {:noreply, state}

  defp set(level) do
    case ClaudeCodeSDK.Native.set_log_level(level) do
      {:ok, _} -> :ok
      {:error, wire} -> {:error, ClaudeCodeSDK.Error.from_wire(wire)}
    end
  end

  defp write(line) do
    {:ok, entry} = ClaudeCodeSDK.JSON.decode(line)
    fields = for {key, value} <- entry["fields"] || %{}, do: " #{key}=#{inspect(value)}"
    lost = if entry["dropped"], do: " (#{entry["dropped"]} earlier lines were dropped)", else: ""
    text = "#{entry["message"]}#{fields}#{lost}"
    Logger.log(logger_level(entry["level"]), text, madrigal_target: entry["target"])
  end

  defp logger_level(level) when level in ["ERROR", "error"], do: :error
  defp logger_level(level) when level in ["WARN", "warn"], do: :warning
  defp logger_level(level) when level in ["INFO", "info"], do: :info
  defp logger_level(_level), do: :debug
end
