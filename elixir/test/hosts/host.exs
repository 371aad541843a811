# A host program for tests: starts a query, prints the process ids it learns, and ends the way it is told.
# Arguments: a file with options as JSON, the prompt, and how to end: halt, stop, raise, owner, wait.
[file, prompt, how] = System.argv()
{:ok, %{"env" => env} = options} = file |> File.read!() |> ClaudeCodeSDK.JSON.decode()
{:ok, _} = Application.ensure_all_started(:claude_code_sdk)

options = [
  executable: options["cli_path"],
  env: env,
  cwd: options["cwd"],
  allowed_tools: options["allowed_tools"]
]

wait = fn -> IO.gets("") end

run = fn ->
  ClaudeCodeSDK.query(prompt, options)
  |> Enum.each(fn message ->
    {:ok, line} =
      ClaudeCodeSDK.JSON.encode(%{
        type: to_string(message.type),
        pid: message.raw["pid"],
        child: message.raw["child"]
      })

    IO.puts(line)

    if how == "raise" and message.raw["pid"] do
      wait.()
      raise "told to"
    end
  end)
end

case how do
  "raise" ->
    run.()

  "exits" ->
    # The exit codes of the very first programs of this VM.
    for _ <- 1..5 do
      message = ClaudeCodeSDK.query(prompt, options) |> Enum.to_list() |> List.last()
      IO.puts(inspect(message.data[:error_struct].context["exit"]))
    end

  _ ->
    owner = spawn(run)
    wait.()

    case how do
      "halt" -> System.halt(0)
      "stop" -> System.stop(0)
      "owner" -> Process.exit(owner, :kill)
      "wait" -> :ok
    end

    Process.sleep(:infinity)
end
