defmodule ClaudeCodeSDK.AuthManager.KeyringTest do
  # A token in a real keyring, on a D-Bus of its own: `tests/keyring/session` starts it and ends it with its input.
  use ExUnit.Case, async: true

  alias ClaudeCodeSDK.{AuthManager, Error}
  alias ClaudeCodeSDK.AuthManager.Credential
  alias ClaudeCodeSDK.Test.Simulator

  @token "sk-ant-oat01-test-test-test-in-the-keyring"
  @session Path.expand("../../../../tests/keyring/session", __DIR__)

  # Says which token the program has.
  @told [
    %{await: %{type: "user"}},
    %{init: %{}},
    %{result: %{result: "$env.CLAUDE_CODE_OAUTH_TOKEN"}}
  ]

  defmodule Giver do
    @moduledoc false
    @behaviour AuthManager.Provider

    @impl true
    def setup_token, do: {:ok, "sk-ant-oat01-test-test-test-in-the-keyring", nil}
  end

  setup context do
    port =
      Port.open({:spawn_executable, @session}, [
        :binary,
        line: 4096,
        args: context[:session] || []
      ])

    assert_receive {^port, {:data, {:eol, address}}}, 10_000

    home =
      Path.join(
        System.tmp_dir!(),
        "madrigal-keyring-#{System.unique_integer([:positive])}-#{System.pid()}"
      )

    File.mkdir_p!(home)
    on_exit(fn -> File.rm_rf!(home) end)
    %{place: %{"DBUS_SESSION_BUS_ADDRESS" => address, "HOME" => home}, home: home}
  end

  defp start(place, settings) do
    unset =
      Map.new(~w(CI ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN CLAUDE_CODE_OAUTH_TOKEN), &{&1, ""})

    start_supervised!(
      {AuthManager,
       [
         name: nil,
         env: Map.merge(unset, place),
         cli_login: false,
         interactive: false,
         provider: Giver
       ] ++ settings},
      id: make_ref()
    )
  end

  defp said(options) do
    [%{data: %{result: text}}] =
      ClaudeCodeSDK.query("hi", options) |> Enum.filter(&ClaudeCodeSDK.Message.final?/1)

    text
  end

  test "is used by the next query, with a manager and without", %{place: place, home: home} do
    for {settings, store} <- [
          {[], "keyring"},
          {[storage_backend: :keyring], "keyring"},
          {[storage_backend: {:keyring, "blue"}], "keyring, account blue"}
        ] do
      auth = start(place, settings)
      assert {:ok, %Credential{source: ^store}} = AuthManager.setup_token(auth)
      again = start(place, settings)
      assert %{store: ^store, source: ^store, token_present: true} = AuthManager.status(again)
      assert said(Simulator.options(@told, auth: again)) == @token
      usual = said(Simulator.options(@told, env: place))
      assert usual == @token == (store == "keyring")
      assert :ok = AuthManager.clear_auth(again)
      assert %{token_present: false} = AuthManager.status(again)
    end

    refute File.exists?(Path.join(home, ".claude_sdk/token.json"))
  end

  @tag session: ["--bare"]
  test "that is not there is an error for who chose it, and the file for others", %{
    place: place,
    home: home
  } do
    auth = start(place, storage_backend: :keyring)

    assert {:error, %Error{code: :auth, context: %{"keyring" => "no_service"}, message: message}} =
             AuthManager.setup_token(auth)

    assert message =~ "GNOME Keyring"
    assert {:ok, _} = AuthManager.setup_token(start(place, []))
    assert File.exists?(Path.join(home, ".claude_sdk/token.json"))

    assert {:error, %Error{code: :invalid_options}} =
             AuthManager.start_link(name: nil, storage_backend: {:keyring, 7})
  end
end
