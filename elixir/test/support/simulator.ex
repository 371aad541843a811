defmodule ClaudeCodeSDK.Test.Simulator do
  @moduledoc """
  Scenarios for tests, played by the simulator: the `madrigal` command with `MADRIGAL_SIMULATE` in its environment.
  """

  @root Path.expand("../../..", __DIR__)

  @doc "The checkout."
  def root, do: @root

  @doc "The simulator: `MADRIGAL_BIN`, or what cargo built in this checkout."
  def path do
    target = System.get_env("CARGO_TARGET_DIR") || Path.join(@root, "target")

    [
      System.get_env("MADRIGAL_BIN"),
      Path.join(target, "debug/madrigal"),
      Path.join(target, "release/madrigal")
    ]
    |> Enum.find(&(&1 && File.exists?(&1))) ||
      raise "no simulator: run `cargo build -p madrigal-cli`, or set MADRIGAL_BIN"
  end

  @doc "Options that play a scenario: a file, or the steps of its `cli` half."
  def options(scenario, options \\ [])

  def options(file, options) when is_binary(file) do
    {env, options} = Keyword.pop(options, :env, %{})
    [executable: path(), env: Map.put(env, "MADRIGAL_SIMULATE", file)] ++ options
  end

  def options(steps, options) when is_list(steps), do: options(file(steps), options)

  @doc "Writes a scenario file that lives as long as the VM."
  def file(steps, fields \\ %{}) do
    scenario = Map.merge(%{name: "test", about: "a test", mode: "session", cli: steps}, fields)

    path =
      Path.join(
        System.tmp_dir!(),
        "madrigal-#{System.pid()}-#{System.unique_integer([:positive])}.json"
      )

    {:ok, text} = ClaudeCodeSDK.JSON.encode(scenario)
    File.write!(path, text)
    System.at_exit(fn _ -> File.rm(path) end)
    path
  end

  @doc "Steps that answer every prompt."
  def answering(text \\ "Hello") do
    [
      %{
        loop: [
          %{await: %{type: "user"}},
          %{init: %{}},
          %{text: %{text: text, deltas: 3}},
          %{result: %{result: text}}
        ]
      }
    ]
  end

  @doc "Steps that start to answer and never finish, with a process of the program's own in `child`."
  def hanging do
    [
      %{await: %{type: "user"}},
      %{spawn: %{new_session: true}},
      %{emit: %{type: "pids", pid: "$pid", child: "$child"}},
      %{init: %{}},
      %{pause_ms: 600_000}
    ]
  end

  @doc "Whether a process runs (a zombie does not)."
  def alive?(pid) do
    case File.read("/proc/#{pid}/stat") do
      {:ok, stat} ->
        stat
        |> String.split(")")
        |> List.last()
        |> String.trim()
        |> String.starts_with?(["Z", "X"])
        |> Kernel.not()

      {:error, _} ->
        false
    end
  end

  @doc "Waits until a condition holds; a minute is a failure."
  def eventually(condition, left \\ 6_000) do
    cond do
      condition.() -> true
      left == 0 -> false
      true -> Process.sleep(10) && eventually(condition, left - 1)
    end
  end

  @doc "Waits until processes are gone."
  def gone?(pids), do: eventually(fn -> not Enum.any?(List.wrap(pids), &alive?/1) end, 1_000)

  @doc "The programs a VM started and that run now; the VM's own helper is none."
  def children(vm \\ System.pid()) do
    for task <- Path.wildcard("/proc/#{vm}/task/*/children"),
        {:ok, text} <- [File.read(task)],
        pid <- String.split(text),
        alive?(pid),
        File.read("/proc/#{pid}/comm") != {:ok, "erl_child_setup\n"},
        do: pid
  end
end
