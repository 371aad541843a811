defmodule ClaudeCodeSDK.Test.Loopback do
  @moduledoc "`madrigal loopback`: a local stand-in for the model's API, so that the real `claude` runs without an account."

  alias ClaudeCodeSDK.JSON
  alias ClaudeCodeSDK.Test.Simulator

  @doc "Starts it with a script; it ends with the calling process or `stop/1`."
  def start(script) do
    options = [:binary, {:line, 65_536}, args: ["loopback", "--json", "--script", script]]
    port = Port.open({:spawn_executable, Simulator.path()}, options)

    receive do
      {^port, {:data, {:eol, line}}} ->
        {:ok, %{"url" => url, "env" => env}} = JSON.decode(line)
        %{port: port, url: URI.parse(url), env: env}
    end
  end

  @doc "What it was asked so far."
  def requests(%{url: url}) do
    {:ok, socket} =
      :gen_tcp.connect(String.to_charlist(url.host), url.port, [:binary, active: false])

    :ok = :gen_tcp.send(socket, "GET /_madrigal/requests HTTP/1.0\r\nhost: #{url.host}\r\n\r\n")
    [_head, body] = socket |> receive_all("") |> String.split("\r\n\r\n", parts: 2)
    {:ok, requests} = JSON.decode(body)
    requests
  end

  defp receive_all(socket, text) do
    case :gen_tcp.recv(socket, 0) do
      {:ok, more} -> receive_all(socket, text <> more)
      {:error, :closed} -> text
    end
  end

  def stop(%{port: port}), do: Port.close(port)
end
