defmodule ClaudeCodeSDK.AuthManager.Config do
  @moduledoc false
  # How a manager is made, in the words of the core, and the modules that answer for it. What is not given is taken from the
  # configuration of the application.

  alias ClaudeCodeSDK.AuthManager.{Provider, TokenStore}
  alias ClaudeCodeSDK.{Environment, Error}

  @names ~w(credential credential_name storage_backend auth_file_path token_store auto_refresh refresh_before_expiry provider
            setup_timeout interactive env cli_login cli_path)a

  # Settings of the application, and what they are called here.
  @configured [
    storage_backend: :auth_storage,
    auth_file_path: :auth_file_path,
    token_store: :auth_token_store,
    auto_refresh: :auto_refresh,
    refresh_before_expiry: :refresh_before_expiry
  ]

  @same ~w(credential auto_refresh cli_login)a

  @doc "The configuration for the core, and the modules that keep and give out tokens."
  @spec read(keyword()) :: {map(), %{store: module() | nil, provider: module() | nil}}
  def read(settings) do
    for {name, _} <- settings, name not in @names, do: raise(unknown(name))
    settings = settings |> Enum.reject(fn {_, value} -> value == nil end) |> configured()

    for {name, value} <- settings,
        expected = wrong(name, value),
        do: raise(invalid(name, expected))

    {store, module} = store(settings)
    provider = settings[:provider] && Provider.check(settings[:provider])
    place = Environment.place(Map.take(settings, [:env, :cli_path]))

    wire =
      settings
      |> Map.take(@same)
      |> Map.merge(%{
        name: settings[:credential_name],
        store: store,
        setup: if(provider, do: "host"),
        setup_timeout_ms: settings[:setup_timeout],
        refresh_before_expiry_ms: settings[:refresh_before_expiry],
        # The terminal of this VM belongs to its shell.
        terminal: "host",
        interactive: interactive(settings),
        env: place.env,
        cli_path: place[:cli_path]
      })
      |> Map.reject(fn {_name, value} -> value == nil end)

    {wire, %{store: module, provider: provider}}
  end

  defp unknown(name), do: invalid(name, "no option of an auth manager")

  # Without the value, which may be a credential.
  defp invalid(name, problem) do
    Error.new(:invalid_options, "#{name}: #{problem}", context: %{"field" => to_string(name)})
  end

  defp wrong(name, value)
       when name in [:setup_timeout, :refresh_before_expiry] and
              not (is_integer(value) and value >= 0),
       do: "expected a number of milliseconds"

  defp wrong(name, value)
       when name in [:auto_refresh, :interactive, :cli_login] and not is_boolean(value),
       do: "expected true or false"

  defp wrong(name, value)
       when name in [:credential, :credential_name, :auth_file_path, :cli_path] and
              not is_binary(value),
       do: "expected a text"

  defp wrong(:env, env) when not is_map(env), do: "expected a map of variables"
  defp wrong(_name, _value), do: nil

  defp configured(settings) do
    for({name, key} <- @configured, do: {name, Application.get_env(:claude_code_sdk, key)})
    |> Enum.reject(fn {_name, value} -> value == nil end)
    |> Map.new()
    |> Map.merge(Map.new(settings))
  end

  defp store(settings) do
    case Map.get(settings, :storage_backend, :auto) do
      :keyring -> {"keyring", nil}
      {:keyring, account} -> {%{keyring: account(account)}, nil}
      :file -> {file(settings[:auth_file_path]), nil}
      {:file, path} -> {file(path), nil}
      # A path says that a file is meant.
      :auto -> {if(path = settings[:auth_file_path], do: file(path), else: "auto"), nil}
      :memory -> {"memory", nil}
      :application_env -> {"host", TokenStore.ApplicationEnv}
      :custom -> {"host", TokenStore.check(settings[:token_store])}
      module -> {"host", TokenStore.check(module)}
    end
  end

  defp account(name) when is_binary(name) and name != "", do: name
  defp account(_), do: raise(invalid(:storage_backend, "expected {:keyring, account}, a text"))

  defp file(nil), do: "file"
  defp file(path), do: %{file: Path.expand(path)}

  # With the terminal elsewhere the core cannot know whether there is a person; that `CI` is set it knows.
  defp interactive(%{interactive: given}), do: given
  defp interactive(_settings), do: if(match?({:ok, _}, :io.columns(:user)), do: nil, else: false)
end
