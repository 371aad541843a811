defmodule ClaudeCodeSDK.Test.Wiretap do
  @moduledoc """
  Stands between the program and the loopback API, which keeps no credentials, and remembers which ones passed.
  """

  @doc "Listens for the calling process; `url` is that of the loopback."
  def start(url) do
    {:ok, listener} =
      :gen_tcp.listen(0, [:binary, active: false, ip: {127, 0, 0, 1}, reuseaddr: true])

    {:ok, port} = :inet.port(listener)
    {:ok, seen} = Agent.start_link(fn -> [] end)
    spawn_link(fn -> accept(listener, url, seen) end)
    %{url: "http://127.0.0.1:#{port}", seen: seen}
  end

  @doc "The bearer tokens and keys that passed, each once."
  def credentials(tap), do: Agent.get(tap.seen, &Enum.uniq/1)

  defp accept(listener, url, seen) do
    {:ok, client} = :gen_tcp.accept(listener)
    between = spawn(fn -> connected(url, seen) end)
    :ok = :gen_tcp.controlling_process(client, between)
    send(between, {:client, client})
    accept(listener, url, seen)
  end

  defp connected(url, seen) do
    receive do
      {:client, client} ->
        {:ok, server} =
          :gen_tcp.connect(String.to_charlist(url.host), url.port, [:binary, active: true])

        :ok = :inet.setopts(client, active: true)
        pass(client, server, seen, "")
    end
  end

  defp pass(client, server, seen, text) do
    receive do
      {:tcp, ^client, data} ->
        :gen_tcp.send(server, data)
        pass(client, server, seen, remember(text <> data, seen))

      {:tcp, ^server, data} ->
        :gen_tcp.send(client, data)
        pass(client, server, seen, text)

      _closed ->
        :gen_tcp.close(client)
        :gen_tcp.close(server)
    end
  end

  # What is left may be the beginning of a line.
  defp remember(text, seen) do
    for [_, name, value] <- Regex.scan(~r/^(authorization|x-api-key): *([^\r\n]+)\r$/mi, text) do
      Agent.update(seen, &[{String.downcase(name), value} | &1])
    end

    text |> String.split("\n") |> List.last()
  end
end
