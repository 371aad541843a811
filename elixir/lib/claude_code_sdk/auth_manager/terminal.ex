defmodule ClaudeCodeSDK.AuthManager.Terminal do
  @moduledoc false
  # A person in front of a set-up. What the program draws is written to the group leader of the caller, and lines are read from
  # there, in two processes: a shell that is slow, or nobody who types, holds up neither the manager nor the other half.

  defstruct [:writer, :reader]

  @type t :: %__MODULE__{writer: pid(), reader: pid() | nil}

  @doc "Begins to show and, for a person who may type, to read; each line is sent to the calling process as `{:typed, reader, line}`."
  @spec start(pid(), boolean()) :: t()
  def start(leader, reads?) do
    server = self()

    %__MODULE__{
      writer: spawn_link(fn -> write(leader) end),
      reader: if(reads?, do: spawn_link(fn -> read(leader, server) end))
    }
  end

  @doc "Shows a text."
  @spec show(t(), String.t()) :: :ok
  def show(terminal, text) do
    send(terminal.writer, {:show, text})
    :ok
  end

  @doc "The end: everything is shown before `from` gets its reply."
  @spec finish(t(), GenServer.from() | nil, term()) :: :ok
  def finish(terminal, from, reply) do
    if terminal.reader, do: kill(terminal.reader)
    Process.unlink(terminal.writer)
    # In a closure: the reply may hold a token.
    send(terminal.writer, {:finish, fn -> if from, do: GenServer.reply(from, reply) end})
    :ok
  end

  defp kill(pid) do
    Process.unlink(pid)
    Process.exit(pid, :kill)
  end

  defp write(leader) do
    receive do
      {:show, text} ->
        shown(leader, text)
        write(leader)

      {:finish, reply} ->
        reply.()
    end
  end

  # A shell that is gone must not end the set-up of everybody.
  defp shown(leader, text) do
    IO.write(leader, text)
  rescue
    _ -> :ok
  catch
    :exit, _ -> :ok
  end

  defp read(leader, server) do
    case line(leader) do
      line when is_binary(line) ->
        send(server, {:typed, self(), line})
        read(leader, server)

      _end ->
        :ok
    end
  end

  defp line(leader) do
    IO.gets(leader, "")
  rescue
    _ -> :eof
  catch
    :exit, _ -> :eof
  end
end
