defmodule ClaudeCodeSDK.Test.Host do
  @moduledoc "Another BEAM that runs `test/hosts/host.exs`, so that it can die."

  defstruct [:port, :os_pid]

  @script Path.expand("../hosts/host.exs", __DIR__)

  @doc "Starts a host. Options for the program are plain JSON names."
  def start(options, prompt, how) do
    file =
      Path.join(
        System.tmp_dir!(),
        "madrigal-host-#{System.pid()}-#{System.unique_integer([:positive])}.json"
      )

    {:ok, text} = ClaudeCodeSDK.JSON.encode(options)
    File.write!(file, text)
    System.at_exit(fn _ -> File.rm(file) end)

    # +Bd: SIGINT ends the VM at once, as in a release.
    arguments = [
      "--erl",
      "+Bd",
      "-pa",
      Path.join(:code.lib_dir(:claude_code_sdk), "ebin"),
      @script,
      file,
      prompt,
      how
    ]

    # A host that is told to fail says so on stderr, which would look like a failure of the test.
    quiet = ["-c", "exec elixir \"$@\" 2>/dev/null", "host" | arguments]
    shell = System.find_executable("sh")

    port =
      Port.open({:spawn_executable, shell}, [
        :binary,
        :exit_status,
        {:line, 1_000_000},
        args: quiet
      ])

    {:os_pid, os_pid} = Port.info(port, :os_pid)
    %__MODULE__{port: port, os_pid: os_pid}
  end

  @doc "The next line the host prints."
  def line(%{port: port} = host) do
    receive do
      {^port, {:data, {:eol, line}}} -> line
      {^port, {:exit_status, status}} -> raise "the host ended with #{status}: #{inspect(host)}"
    end
  end

  @doc "Lines as JSON until one satisfies the condition."
  def frame(host, condition) do
    {:ok, frame} = host |> line() |> ClaudeCodeSDK.JSON.decode()
    if condition.(frame), do: frame, else: frame(host, condition)
  end

  @doc "Tells the host to go on."
  def go(%{port: port}), do: Port.command(port, "go\n")

  @doc "Sends a signal to the host."
  def signal(%{os_pid: pid}, signal),
    do: {_, 0} = System.cmd("kill", ["-#{signal}", to_string(pid)])

  @doc "Waits until the host is gone."
  def ended(%{port: port}) do
    receive do: ({^port, {:exit_status, status}} -> status)
  end
end
