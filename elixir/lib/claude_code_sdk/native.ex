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

  # Longer texts are handled on a dirty scheduler.
  @quick 64 * 1024

  @doc "Starts a session that belongs to the calling process."
  def start(request) when byte_size(request) <= @quick, do: open(request)
  def start(request), do: open_big(request)

  @doc "Hands a command to the core."
  def command(handle, command) when byte_size(command) <= @quick, do: submit(handle, command)
  def command(handle, command), do: submit_big(handle, command)

  def open(_request), do: not_loaded()
  def open_big(_request), do: not_loaded()
  def attach(_handle), do: not_loaded()
  def detach(_handle), do: not_loaded()
  def submit(_handle, _command), do: not_loaded()
  def submit_big(_handle, _command), do: not_loaded()
  def decide(_handle, _question), do: not_loaded()
  def signals(_handle), do: not_loaded()
  def drain(_handle), do: not_loaded()
  def drain_big(_handle), do: not_loaded()
  def ended(_handle), do: not_loaded()
  def discard(_handle), do: not_loaded()
  def close(_handle, _how), do: not_loaded()
  def release(_handle), do: not_loaded()
  def invoke(_request), do: not_loaded()
  def environment, do: not_loaded()
  def shutdown(_timeout_ms), do: not_loaded()
  def set_log_level(_level), do: not_loaded()
  def logs, do: not_loaded()
  def json_decode(_text), do: not_loaded()
  def json_decode_big(_text), do: not_loaded()
  def json_encode(_term), do: not_loaded()
  def json_encode_big(_term), do: not_loaded()

  defp not_loaded, do: :erlang.nif_error(:native_library_not_loaded)
end
