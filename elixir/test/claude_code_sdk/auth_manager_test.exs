defmodule ClaudeCodeSDK.AuthManagerTest do
  use ExUnit.Case, async: false

  import ExUnit.CaptureIO
  import ExUnit.CaptureLog

  alias ClaudeCodeSDK.{AuthManager, Error, Orchestrator, Session}
  alias ClaudeCodeSDK.AuthManager.{Credential, Provider, TokenStore}
  alias ClaudeCodeSDK.AuthManager.TokenStore.{ApplicationEnv, Memory}
  alias ClaudeCodeSDK.Test.{SetUp, Simulator}

  @token "sk-ant-oat01-test-test-test"
  @other "sk-ant-oat01-other-other-other"
  @key "sk-ant-api03-test-test-test"

  # Nothing of the machine counts.
  @unset Map.new(
           ~w(CI ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN CLAUDE_CODE_OAUTH_TOKEN CLAUDE_AGENT_API_KEY
              CLAUDE_AGENT_AUTH_TOKEN CLAUDE_AGENT_OAUTH_TOKEN),
           &{&1, ""}
         )

  # Says which token the program has.
  @told [
    %{await: %{type: "user"}},
    %{init: %{}},
    %{result: %{result: "$env.CLAUDE_CODE_OAUTH_TOKEN"}}
  ]

  defmodule Gateway do
    @moduledoc false
    @behaviour Provider

    @impl true
    def setup_token, do: Application.get_env(:claude_code_sdk, __MODULE__).()
  end

  setup do
    on_exit(fn ->
      for name <- [Gateway, :auth_token, :auth_storage, :auth_file_path, :auth_token_store],
          do: Application.delete_env(:claude_code_sdk, name)
    end)
  end

  defp start(settings \\ []) do
    start_supervised!({AuthManager, settings(settings)}, id: make_ref())
  end

  defp settings(settings) do
    {env, settings} = Keyword.pop(settings, :env, %{})

    Keyword.merge(
      [
        name: nil,
        storage_backend: :memory,
        cli_login: false,
        interactive: false,
        env: Map.merge(@unset, env)
      ],
      settings
    )
  end

  defp gives(answer), do: Application.put_env(:claude_code_sdk, Gateway, answer)
  defp token(text), do: %{token: text, expiry: nil, provider: :anthropic}

  defp said(options) do
    [%{data: %{result: text}}] =
      ClaudeCodeSDK.query("hi", options) |> Enum.filter(&ClaudeCodeSDK.Message.final?/1)

    text
  end

  describe "a credential" do
    test "is found in the order of the documentation, and the status says why the rest was not used" do
      auth = start(credential: @key, env: %{"CLAUDE_CODE_OAUTH_TOKEN" => @token})
      assert :ok = AuthManager.ensure_authenticated(auth)

      assert {:ok, %Credential{method: :api_key, provider: :anthropic}} =
               AuthManager.credential(auth)

      assert {:ok, @key} = AuthManager.get_token(auth)
      status = AuthManager.status(auth)
      assert %{authenticated: true, token_present: true, method: :api_key} = status
      assert Enum.any?(status.considered, &(&1.source =~ "CLAUDE_CODE_OAUTH_TOKEN"))
      assert :ok = AuthManager.set_credential(auth, nil)
      assert {:ok, @token} = AuthManager.get_token(auth)
    end

    test "that is missing is an error that says what to do" do
      auth = start()
      assert {:error, :authentication_required} = AuthManager.ensure_authenticated(auth)
      assert {:error, %Error{code: :auth, message: text}} = AuthManager.credential(auth)
      assert text =~ "ANTHROPIC_API_KEY"
      assert {:error, %Error{code: :auth}} = AuthManager.get_token(auth)

      assert %{
               authenticated: false,
               token_present: false,
               expires_at: nil,
               time_until_expiry_hours: nil
             } = AuthManager.status(auth)
    end

    test "that the API refused is not used again" do
      auth = start(credential: @key, env: %{"CLAUDE_CODE_OAUTH_TOKEN" => @token})
      {:ok, %{fingerprint: fingerprint}} = AuthManager.credential(auth)
      assert :ok = AuthManager.refused(auth, fingerprint)
      refute match?({:ok, @key}, AuthManager.get_token(auth))
    end

    test "that is set in the VM counts, and one that was removed does not" do
      System.put_env("ANTHROPIC_API_KEY", @key)
      on_exit(fn -> System.delete_env("ANTHROPIC_API_KEY") end)
      settings = Keyword.put(settings([]), :env, Map.delete(@unset, "ANTHROPIC_API_KEY"))
      auth = start_supervised!({AuthManager, settings}, id: make_ref())
      assert {:ok, @key} = AuthManager.get_token(auth)
    end
  end

  describe "a token" do
    test "is kept by the store of the host, and is there after a kill" do
      start_supervised!(Memory)
      gives(fn -> {:ok, @token, ~U[2099-01-01 00:00:00Z]} end)
      settings = settings(name: __MODULE__.Kept, storage_backend: Memory, provider: Gateway)
      start_supervised!({AuthManager, settings})

      assert {:ok, %Credential{expires_at: ~U[2099-01-01 00:00:00Z]}} =
               AuthManager.setup_token(__MODULE__.Kept)

      assert {:ok, %{token: @token, provider: :anthropic, expiry: %DateTime{}}} = Memory.load()
      before = Process.whereis(__MODULE__.Kept)
      Process.exit(before, :kill)
      assert Simulator.eventually(fn -> Process.whereis(__MODULE__.Kept) not in [nil, before] end)
      assert {:ok, @token} = AuthManager.get_token(__MODULE__.Kept)
      assert AuthManager.status(__MODULE__.Kept).time_until_expiry_hours > 24
      assert :ok = AuthManager.clear_auth(__MODULE__.Kept)
      assert {:error, :not_found} = Memory.load()

      # The provider needs nobody, so it is asked.
      assert :ok = AuthManager.ensure_authenticated(__MODULE__.Kept)
    end

    test "is in a file only its owner can read, and survives the manager" do
      folder = Path.join(System.tmp_dir!(), "madrigal-auth-#{System.unique_integer([:positive])}")
      on_exit(fn -> File.rm_rf!(folder) end)
      path = Path.join(folder, "token.json")
      gives(fn -> {:ok, @token, nil} end)

      {:ok, auth} =
        AuthManager.start_link(settings(storage_backend: {:file, path}, provider: Gateway))

      assert {:ok, _} = AuthManager.setup_token(auth)
      assert Bitwise.band(File.stat!(path).mode, 0o777) == 0o600
      :ok = AuthManager.stop(auth)
      Application.put_env(:claude_code_sdk, :auth_storage, :file)
      Application.put_env(:claude_code_sdk, :auth_file_path, path)
      {:ok, auth} = AuthManager.start_link(Keyword.delete(settings([]), :storage_backend))
      assert {:ok, @token} = AuthManager.get_token(auth)
    end

    test "may be in the environment of the application" do
      Application.put_env(:claude_code_sdk, :auth_token, @token)
      auth = start(storage_backend: :application_env, provider: Gateway)
      assert {:ok, @token} = AuthManager.get_token(auth)
      gives(fn -> {:ok, @other, nil} end)
      assert {:ok, _} = AuthManager.refresh_token(auth)
      assert {:ok, @other} = AuthManager.get_token(auth)
      assert {:ok, %{token: @other}} = ApplicationEnv.load()
    end

    test "is renewed once for all that ask" do
      test = self()
      start_supervised!(Memory)
      :ok = Memory.save(token(@token))

      gives(fn ->
        send(test, {:asked, self()})
        receive do: (:go -> {:ok, @other, nil})
      end)

      auth = start(storage_backend: Memory, provider: Gateway)
      {:ok, @token} = AuthManager.get_token(auth)
      asking = for _ <- 1..5, do: Task.async(fn -> AuthManager.refresh_token(auth) end)
      assert_receive {:asked, giver}, 60_000
      # It waits for nobody: what is asked in the meantime is answered.
      assert {:ok, _number} = AuthManager.Server.number(auth)
      send(giver, :go)
      assert [_] = asking |> Enum.map(&Task.await/1) |> Enum.uniq()
      assert {:ok, @other} = AuthManager.get_token(auth)
      refute_received {:asked, _again}
    end

    test "that cannot be renewed stays" do
      start_supervised!(Memory)
      :ok = Memory.save(token(@token))
      auth = start(storage_backend: Memory, provider: Gateway)
      gives(fn -> {:error, "the gateway is closed"} end)
      assert {:error, %Error{message: text}} = AuthManager.refresh_token(auth)
      assert text =~ "the gateway is closed"
      assert {:ok, @token} = AuthManager.get_token(auth)
    end

    test "near its end is renewed by itself" do
      start_supervised!(Memory)
      :ok = Memory.save(%{token(@token) | expiry: DateTime.add(DateTime.utc_now(), -1)})
      auth = start(storage_backend: Memory)
      assert {:error, %Error{code: :auth}} = AuthManager.credential(auth)

      assert Enum.any?(
               AuthManager.status(auth).considered,
               &(to_string(&1.reason) =~ ~r/expire|end/)
             )
    end
  end

  describe "stores and providers of the host" do
    test "what they say when they fail is told, and what they hold is not" do
      auth = start(storage_backend: :custom, token_store: __MODULE__.Broken, provider: Gateway)
      assert {:error, %Error{message: text}} = AuthManager.credential(auth)
      assert text =~ "the vault is sealed"
      gives(fn -> raise "no token for " <> @token end)
      assert {:error, error} = AuthManager.setup_token(auth)
      refute inspect(error) =~ @token
    end

    test "what is none is refused by name" do
      for {settings, field} <- [
            {[storage_backend: String], "storage_backend"},
            {[storage_backend: :custom], "storage_backend"},
            {[provider: String], "provider"},
            {[storage_bakend: :file], "storage_bakend"},
            {[setup_timeout: -1], "setup_timeout"},
            {[refresh_before_expiry: "soon"], "refresh_before_expiry"}
          ] do
        assert {:error, %Error{code: :invalid_options} = error} =
                 AuthManager.start_link(settings(settings))

        assert Exception.message(error) =~ field
      end

      assert Process.info(self(), :messages) == {:messages, []}
    end

    test "clouds have no token to get" do
      assert {:error, %Error{code: :auth}} = Provider.setup_token(:bedrock)
      assert {:error, %Error{code: :auth}} = Provider.setup_token(:vertex)
      gives(fn -> {:ok, @token, nil} end)
      assert {:ok, @token, nil} = Provider.setup_token(Gateway)
    end
  end

  describe "a program" do
    test "of a query, a session or a task is started with the credential" do
      auth = start(credential: @token)
      options = Simulator.options(@told, auth: auth)
      assert said(options) == @token
      {:ok, session} = Session.start_link(options)
      {:ok, _} = Session.send(session, "hi")

      assert %{data: %{result: @token}} =
               session |> Session.stream() |> Enum.find(&ClaudeCodeSDK.Message.final?/1)

      Session.close(session)
      server = start_supervised!({Orchestrator, name: nil, options: options})
      assert {:ok, %{text: @token}} = Orchestrator.run("hi", orchestrator: server)
      own = start(credential: @other)
      assert {:ok, %{text: @other}} = Orchestrator.run({"hi", auth: own}, orchestrator: server)
    end

    test "is not started without one" do
      auth = start()
      options = Simulator.options(@told, auth: auth, transport_error_mode: :raise)
      assert %Error{code: :auth} = catch_error(said(options))
      assert Simulator.children() == []
    end

    test "uses the manager for everybody, once one runs" do
      start_supervised!({AuthManager, settings(name: AuthManager, credential: @token)})
      assert said(Simulator.options(@told)) == @token
      env = %{"CLAUDE_CODE_OAUTH_TOKEN" => @other}
      assert said(Simulator.options(@told, auth: false, env: env)) == @other
    end

    test "of an orchestrator gets the credential of a manager that was started again" do
      start_supervised!({AuthManager, settings(name: __MODULE__.Again, credential: @token)})
      config = [name: nil, options: Simulator.options(@told, auth: __MODULE__.Again)]
      server = start_supervised!({Orchestrator, config})
      assert {:ok, %{text: @token}} = Orchestrator.run("hi", orchestrator: server)
      before = Process.whereis(__MODULE__.Again)
      Process.exit(before, :kill)

      assert Simulator.eventually(fn -> Process.whereis(__MODULE__.Again) not in [nil, before] end)

      assert {:ok, %{text: @token}} = Orchestrator.run("hi", orchestrator: server)
    end

    test "needs a manager that runs" do
      options = Simulator.options(@told, auth: __MODULE__.Nobody)
      assert %Error{code: :closed, message: text} = catch_error(said(options))
      assert text =~ "Nobody"
      assert {:error, %Error{code: :closed}} = AuthManager.ensure_authenticated(__MODULE__.Nobody)

      assert %Error{code: :invalid_options} =
               catch_error(said(Simulator.options(@told, auth: "me")))
    end
  end

  describe "a set-up by the program" do
    defp person(program, settings \\ []),
      do: start([cli_path: program, interactive: true] ++ settings)

    test "is shown to the caller, who types, and the token is not" do
      auth = person(SetUp.gives(@token))
      test = self()

      shown =
        capture_io("heron\n", fn ->
          send(test, {:setup, AuthManager.setup_token(auth)})
        end)

      assert_receive {:setup, {:ok, %Credential{method: :oauth_token}}}
      assert shown =~ "Open the page."
      refute shown =~ @token
      assert {:ok, @token} = AuthManager.get_token(auth)
    end

    test "that is refused or takes too long is an error" do
      auth = person(SetUp.refused())
      capture_io(fn -> assert {:error, %Error{code: :auth}} = AuthManager.setup_token(auth) end)
      auth = person(SetUp.hanging(), setup_timeout: 300)

      capture_io(fn -> assert {:error, %Error{code: :timeout}} = AuthManager.setup_token(auth) end)

      assert Simulator.eventually(fn -> Simulator.children() == [] end)
    end

    test "ends with its caller, and with the manager" do
      auth = person(SetUp.hanging())
      {:ok, screen} = StringIO.open("")

      begun = fn auth ->
        spawn(fn ->
          Process.group_leader(self(), screen)
          AuthManager.setup_token(auth)
        end)
      end

      caller = begun.(auth)
      assert Simulator.eventually(fn -> Simulator.children() != [] end)
      Process.exit(caller, :kill)
      assert Simulator.eventually(fn -> Simulator.children() == [] end)
      begun.(auth)
      assert Simulator.eventually(fn -> Simulator.children() != [] end)
      Process.exit(auth, :kill)
      assert Simulator.eventually(fn -> Simulator.children() == [] end)
    end
  end

  describe "secrets" do
    test "are not in what is shown of the process, nor in reports of crashes" do
      start_supervised!(Memory)
      :ok = Memory.save(token(@token))
      child = AuthManager.child_spec(settings(credential: @key))
      refute inspect(child) =~ @key
      auth = start(credential: @key, storage_backend: Memory)
      :ok = AuthManager.set_credential(auth, @other)
      {:ok, @other} = AuthManager.get_token(auth)

      shown =
        inspect({:sys.get_state(auth), :sys.get_status(auth), Process.info(auth)},
          limit: :infinity
        )

      for secret <- [@key, @token, @other], do: refute(shown =~ secret)

      log =
        capture_log(fn ->
          :sys.replace_state(auth, fn state -> %{state | calls: :broken} end)
          assert {:error, %Error{code: :closed}} = AuthManager.set_credential(auth, @token)
          monitor = Process.monitor(auth)
          assert_receive {:DOWN, ^monitor, _, _, _}, 60_000
          Process.sleep(50)
        end)

      assert log =~ "terminat"
      for secret <- [@key, @token, @other], do: refute(log =~ secret)
    end
  end

  defmodule Broken do
    @moduledoc false
    @behaviour TokenStore

    @impl true
    def load, do: {:error, "the vault is sealed"}
    @impl true
    def save(_token), do: {:error, {:sealed, "x"}}
    @impl true
    def clear, do: :ok
  end
end
