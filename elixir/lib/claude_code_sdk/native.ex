defmodule ClaudeCodeSDK.Native do
  @moduledoc false
  # The functions of the native library. Nothing else in the package calls them but Reader, Query, Session and JSON.

  @on_load :load

  @doc false
  def load do
    # The BEAM ignores SIGCHLD, so the system would throw away the exit codes of the programs the library starts.
    # Here, because this runs before the first of them, also when the application is not started.
    :os.set_signal(:sigchld, :default)
    path = :claude_code_sdk |> :code.priv_dir() |> Path.join("native/madrigal_elixir")
    :erlang.load_nif(String.to_charlist(path), 0)
  end

  def open(_request), do: not_loaded()
  def attach(_handle), do: not_loaded()
  def detach(_handle), do: not_loaded()
  def submit(_handle, _command), do: not_loaded()
  def signals(_handle), do: not_loaded()
  def drain(_handle), do: not_loaded()
  def drain_big(_handle), do: not_loaded()
  def ended(_handle), do: not_loaded()
  def discard(_handle), do: not_loaded()
  def close(_handle, _how), do: not_loaded()
  def release(_handle), do: not_loaded()
  def shutdown(_timeout_ms), do: not_loaded()
  def set_log_level(_level), do: not_loaded()
  def logs, do: not_loaded()
  def json_decode(_text), do: not_loaded()
  def json_decode_big(_text), do: not_loaded()
  def json_encode(_term), do: not_loaded()

  defp not_loaded, do: :erlang.nif_error(:native_library_not_loaded)
end
