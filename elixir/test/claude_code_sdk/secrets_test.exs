defmodule ClaudeCodeSDK.SecretsTest do
  @moduledoc "A canary in the place of each secret: neither the log at its lowest level, with reports of crashes, nor an error has it."
  use ExUnit.Case, async: false

  import ExUnit.CaptureIO
  import ExUnit.CaptureLog

  alias ClaudeCodeSDK.{AuthManager, Error, JSON, Log, Orchestrator, Session}
  alias ClaudeCodeSDK.Test.{SetUp, Simulator}

  @canary "test-canary"
  @token "sk-ant-oat01-test-canary-of-setup-test-canary-of-setup"
  @scenario "tests/conformance/scenarios/secrets_in_errors.json"

  defp logged(does) do
    capture_log(fn ->
      :ok = Log.set_level("trace")
      does.()
      # The process that writes the lines answers behind those that wait.
      :ok = Log.set_level("off")
    end)
  end

  # Whether Logger also writes the reports of supervisors; it reads that when it starts.
  defp reports(wanted) do
    :ok = Logger.App.stop()
    Application.put_env(:logger, :handle_sasl_reports, wanted)
    {:ok, _} = Application.ensure_all_started(:logger)
  end

  defp told(value), do: inspect(value, limit: :infinity, printable_limit: :infinity)

  defp clean(texts), do: for(text <- texts, do: refute(text =~ @canary))

  # The last words of a process that stops in the middle of its work.
  defp crash(server) do
    Process.unlink(server)
    monitor = Process.monitor(server)

    try do
      :sys.terminate(server, :boom)
    catch
      :exit, _ -> :ok
    end

    assert_receive {:DOWN, ^monitor, _, _, _}, 60_000
  end

  defp options do
    {:ok, scenario} = Simulator.root() |> Path.join(@scenario) |> File.read!() |> JSON.decode()
    %{"cli" => steps, "options" => given} = scenario
    test = self()

    Simulator.options(steps,
      env: given["env"],
      mcp_servers: given["mcp_servers"],
      settings: given["settings"],
      stderr: &send(test, {:stderr, &1})
    )
  end

  test "a run that is told all its secrets" do
    log =
      logged(fn ->
        {:ok, session} = Session.start_link(options())
        {:ok, _} = Session.send(session, "hi")

        for text <- ["{... test-plain-value ...}", "headers ... ..., server ..., settings ..."] do
          error =
            assert_raise Error, fn -> Stream.run(Session.stream(session, until: :result)) end

          assert told(error) =~ text
          clean([told(error), Exception.message(error), Exception.format(:error, error)])
        end

        assert_receive {:stderr, "token ... or canary" <> rest}
        clean([rest])
        crash(session)
      end)

    # What the program called its question, why the session ended, and the report of the crash.
    for line <- ["subtype=", "an answer nobody waits for", ":boom"], do: assert(log =~ line)
    clean([log])
  end

  test "what supervisors and processes that crash say of a session and of an orchestrator" do
    reports(true)
    on_exit(fn -> reports(false) end)
    steps = [%{await: %{type: "user"}}, %{init: %{}}, %{hang: true}]
    env = %{"TEST_SERVICE_TOKEN" => "test-canary-of-env"}

    options =
      Simulator.options(steps, env: env, settings: %{env: %{A_KEY: "test-canary-of-settings"}})

    clean([
      told(Session.child_spec(options)),
      told(Orchestrator.child_spec(name: nil, options: options))
    ])

    log =
      logged(fn ->
        {:ok, supervisor} = Supervisor.start_link([], strategy: :one_for_one, max_restarts: 9)

        for child <- [
              {Session, options},
              {Orchestrator,
               name: __MODULE__, options: options, fallbacks: [[model: "haiku", env: env]]},
              {Session, executable: "/no/such/program", env: env, max_turns: 0}
            ] do
          case Supervisor.start_child(supervisor, child) do
            {:ok, server} -> {:ok, server}
            {:error, reason} -> clean([told(reason)])
          end
        end

        # In the middle of a call whose tasks have options of their own.
        test = self()
        task = {"hi", options, name: "one"}

        caller =
          spawn(fn ->
            send(test, {:ended, Orchestrator.query_parallel([task], orchestrator: __MODULE__)})
          end)

        assert Simulator.eventually(fn -> Simulator.children() |> length() >= 2 end)
        for {_id, server, _, _} <- Supervisor.which_children(supervisor), do: crash(server)
        assert_receive {:ended, ended}, 60_000
        clean([told(ended)])
        refute Process.alive?(caller)
        Supervisor.stop(supervisor)
      end)

    for line <- [":boom", "Start Call", "start_hidden"], do: assert(log =~ line)
    clean([log])
  end

  for accepted <- [true, false] do
    test "a login, accepted: #{accepted}" do
      accepted = unquote(accepted)

      home =
        Path.join(System.tmp_dir!(), "madrigal-secrets-#{System.unique_integer([:positive])}")

      File.mkdir_p!(home)
      on_exit(fn -> File.rm_rf!(home) end)
      file = Path.join(home, "token.json")

      says =
        if accepted,
          do: "printf '\\r\\n%s\\r\\n' '#{@token}'",
          else: "echo no: $code, $TEST_TOKEN; exit 1"

      program = SetUp.program("stty -echo; printf 'Paste it here: '; read code; #{says}")

      test = self()

      log =
        logged(fn ->
          shown =
            capture_io("test-canary-7Hk2Zu\n", fn ->
              {:ok, auth} =
                AuthManager.start_link(
                  name: nil,
                  storage_backend: {:file, file},
                  cli_path: program,
                  cli_login: false,
                  env: %{"TEST_TOKEN" => "test-canary-of-env"}
                )

              send(test, {:said, [AuthManager.setup_token(auth), AuthManager.status(auth)]})
              crash(auth)
            end)

          send(test, {:shown, shown})
        end)

      assert_receive {:said, [done, _status] = said}
      assert_receive {:shown, shown}
      assert shown =~ "Paste it here"
      kept = for name <- File.ls!(home), File.read!(Path.join(home, name)) =~ @canary, do: name

      if accepted do
        assert {:ok, _} = done
        assert shown =~ "sk-ant-oat01-test-ca***"
        assert kept == ["token.json"]
        assert Bitwise.band(File.stat!(file).mode, 0o777) == 0o600
        clean([shown])
      else
        assert {:error, %Error{message: message}} = done
        assert message =~ "no: ..., ..."
        assert kept == []
      end

      assert log =~ ":boom"
      clean([log, told(said)])
    end
  end
end
