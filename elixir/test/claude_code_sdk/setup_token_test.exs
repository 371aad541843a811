defmodule ClaudeCodeSDK.SetupTokenTest do
  @moduledoc "`mix claude.setup_token`, and `AuthChecker` on what it stored."
  use ExUnit.Case, async: false

  import ExUnit.CaptureIO

  alias ClaudeCodeSDK.{AuthChecker, Error}
  alias ClaudeCodeSDK.Test.SetUp

  @token "sk-ant-oat01-test-test-test"
  @variables ~w(CI ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN CLAUDE_CODE_OAUTH_TOKEN MADRIGAL_CLI_PATH HOME
                CLAUDE_CONFIG_DIR)

  setup do
    folder = Path.join(System.tmp_dir!(), "madrigal-setup-#{System.unique_integer([:positive])}")
    File.mkdir_p!(folder)
    before = Map.new(@variables, &{&1, System.get_env(&1)})
    for name <- @variables, do: System.delete_env(name)
    path = Path.join(folder, "token.json")
    Application.put_env(:claude_code_sdk, :auth_storage, :file)
    Application.put_env(:claude_code_sdk, :auth_file_path, path)

    System.put_env(%{"HOME" => folder, "CLAUDE_CONFIG_DIR" => folder})
    plays(SetUp.gives(@token))

    on_exit(fn ->
      System.put_env(before)
      for {name, nil} <- before, do: System.delete_env(name)

      for name <- [:auth_storage, :auth_file_path],
          do: Application.delete_env(:claude_code_sdk, name)

      File.rm_rf!(folder)
    end)

    {:ok, path: path}
  end

  defp plays(program), do: System.put_env("MADRIGAL_CLI_PATH", program)

  defp task(arguments, typed \\ "heron\n"),
    do: capture_io(typed, fn -> Mix.Tasks.Claude.SetupToken.run(arguments) end)

  test "gets a token once, again when it is told to, and forgets it", %{path: path} do
    shown = task([])
    assert shown =~ "Open the page."
    assert shown =~ "The token is stored."
    assert shown =~ "token:    #{String.slice(@token, 0, 20)}..."
    refute shown =~ @token
    assert File.read!(path) =~ @token
    assert task([]) =~ "already"
    assert task(["--force"]) =~ "Open the page."
    assert AuthChecker.authenticated?()

    assert %{status: :ready, authenticated: true, cli_installed: true} =
             diagnosis = AuthChecker.diagnose()

    assert map_size(diagnosis) == 12
    assert AuthChecker.ensure_ready!() == :ok
    assert AuthChecker.auth_method_available?(:anthropic)
    refute AuthChecker.auth_method_available?(:bedrock)
    assert {:ok, source} = AuthChecker.get_api_key_source()
    assert source =~ "token.json"
    assert task(["--clear"]) =~ "gone"
    refute File.exists?(path)
    refute AuthChecker.authenticated?()
    assert %{status: :not_authenticated, recommendations: [_ | _]} = AuthChecker.diagnose()
    assert_raise Error, fn -> AuthChecker.ensure_ready!() end
  end

  test "fails with what may help", %{path: path} do
    plays(SetUp.refused())
    test = self()

    capture_io(fn ->
      send(
        test,
        {:raised, assert_raise(Mix.Error, fn -> Mix.Tasks.Claude.SetupToken.run([]) end)}
      )
    end)

    assert_received {:raised, error}
    assert error.message =~ "What may help"
    refute File.exists?(path)
    assert_raise Mix.Error, fn -> Mix.Tasks.Claude.SetupToken.run(["--forse"]) end
  end

  test "a program that is not there is found out" do
    System.put_env("MADRIGAL_CLI_PATH", "/no/such/claude")
    assert %{status: :cli_not_found, cli_installed: false, cli_path: nil} = AuthChecker.diagnose()
    assert %Error{code: :cli_not_found} = catch_error(AuthChecker.ensure_ready!())
  end
end
