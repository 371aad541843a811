defmodule ClaudeCodeSDK.Test.Authority do
  @moduledoc "The steps for authentication, with the public functions of this package."

  alias ClaudeCodeSDK.{AuthManager, Error}
  alias ClaudeCodeSDK.AuthManager.Credential
  alias ClaudeCodeSDK.Test.{Callback, Wire}

  defmodule State do
    @moduledoc "What a scenario keeps over its managers: the token of the host's store, and the tokens it gives out."
    use Agent

    def start(scenario) do
      store = scenario["token_store"] || %{}

      {:ok, _} =
        Agent.start_link(
          fn ->
            %{
              token: store["holds"],
              fails: store["fails"] || %{},
              new: scenario["new_tokens"] || []
            }
          end,
          name: __MODULE__
        )
    end

    # Whether the method fails this time.
    def failing?(method) do
      Agent.get_and_update(__MODULE__, fn state ->
        case state.fails[method] do
          left when left in [nil, 0] -> {false, state}
          left -> {true, put_in(state.fails[method], max(left - 1, -1))}
        end
      end)
    end
  end

  defmodule Store do
    @moduledoc false
    @behaviour AuthManager.TokenStore

    @impl true
    def save(token), do: unless_failing("save", fn -> keep(strings(token)) end)
    @impl true
    def clear, do: unless_failing("clear", fn -> keep(nil) end)

    @impl true
    def load do
      unless_failing("load", fn ->
        case Agent.get(State, & &1.token) do
          nil -> {:error, :not_found}
          token -> {:ok, token}
        end
      end)
    end

    defp keep(token), do: Agent.update(State, &%{&1 | token: token})
    # As it would come from a place that keeps JSON.
    defp strings(token) do
      Map.new(token, fn
        {name, %DateTime{} = time} -> {to_string(name), DateTime.to_iso8601(time)}
        {:provider, provider} -> {"provider", to_string(provider)}
        {name, value} -> {to_string(name), value}
      end)
    end

    defp unless_failing(method, work) do
      if State.failing?(method), do: {:error, "the store is down"}, else: work.()
    end
  end

  defmodule Giver do
    @moduledoc false
    @behaviour AuthManager.Provider

    @impl true
    def setup_token do
      case Agent.get_and_update(State, fn %{new: [token | rest]} = state ->
             {token, %{state | new: rest}}
           end) do
        %{"raise" => text} -> raise Callback.Boom, message: text
        token -> {:ok, token, nil}
      end
    end
  end

  # What does not count, unless a scenario sets it.
  @unset ~w(CI ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN CLAUDE_CODE_OAUTH_TOKEN
            CLAUDE_AGENT_API_KEY CLAUDE_AGENT_AUTH_TOKEN CLAUDE_AGENT_OAUTH_TOKEN
            DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR)

  @doc "Opens a manager, after closing the one before."
  def open(given, before, context) do
    close(before)
    open(given, context)
  end

  @doc "Opens a manager beside all others."
  def open(given, context) do
    if Process.whereis(State) == nil, do: State.start(context.scenario)
    defaults = context.defaults

    env =
      @unset
      |> Map.new(&{&1, ""})
      |> Map.merge(defaults["env"])
      |> Map.merge(%{"HOME" => context.config, "CLAUDE_CONFIG_DIR" => context.config})
      |> Map.merge(given["env"] || %{})

    settings =
      %{"cli_path" => defaults["cli_path"], "cli_login" => false, "interactive" => true}
      |> Map.merge(Map.delete(given, "terminal"))
      |> Map.put("env", env)
      |> Enum.map(&setting(&1, context))

    case AuthManager.start_link([name: nil] ++ settings) do
      {:ok, manager} -> manager
      {:error, %Error{} = error} -> raise error
    end
  end

  @doc "The end of a scenario: what it kept is gone."
  def finish(managers) do
    Enum.each(managers, &close/1)
    if Process.whereis(State), do: Agent.stop(State)
  end

  def close(nil), do: :ok
  def close(manager), do: AuthManager.stop(manager)

  defp setting({"name", name}, _), do: {:credential_name, name}
  defp setting({"setup_timeout_ms", ms}, _), do: {:setup_timeout, ms}
  defp setting({"refresh_before_expiry_ms", ms}, _), do: {:refresh_before_expiry, ms}
  defp setting({"setup", "host"}, _), do: {:provider, Giver}
  defp setting({"setup", "program"}, _), do: {:provider, nil}

  defp setting({"store", %{"file" => path}}, context),
    do: {:storage_backend, {:file, Path.expand(path, context.config)}}

  defp setting({"store", "host"}, _), do: {:storage_backend, Store}
  defp setting({"store", word}, _), do: {:storage_backend, String.to_atom(word)}
  defp setting({name, value}, _), do: {String.to_atom(name), value}

  @doc "Calls a function; what it gives in the form of the boundary, and what was shown."
  def call(manager, name, with, types) do
    before = Process.group_leader()
    {:ok, person} = StringIO.open(Enum.join(types || []))
    Process.group_leader(self(), person)

    try do
      {perform(manager, name, with || %{}), person |> StringIO.contents() |> elem(1)}
    after
      Process.group_leader(self(), before)
      StringIO.close(person)
    end
  end

  defp perform(manager, "ensure_authenticated", _),
    do: manager |> AuthManager.credential() |> wire()

  defp perform(manager, "setup_token", _), do: manager |> AuthManager.setup_token() |> wire()
  defp perform(manager, "refresh_token", _), do: manager |> AuthManager.refresh_token() |> wire()

  defp perform(manager, "get_token", _) do
    with {:ok, token} <- AuthManager.get_token(manager), do: {:ok, %{"token" => token}}
  end

  defp perform(manager, "set_credential", with),
    do: manager |> AuthManager.set_credential(with["credential"]) |> wire()

  defp perform(manager, "refused", with),
    do: manager |> AuthManager.refused(with["fingerprint"]) |> wire()

  defp perform(manager, "clear", _), do: manager |> AuthManager.clear_auth() |> wire()

  defp perform(manager, "status", _) do
    status = AuthManager.status(manager)

    {:ok,
     status |> Map.update!(:considered, &Enum.map(&1, fn one -> Wire.strings(one) end)) |> plain()}
  rescue
    error in [Error] -> {:error, error}
  end

  defp wire(:ok), do: {:ok, nil}

  defp wire({:ok, %Credential{} = credential}),
    do: {:ok, credential |> Map.from_struct() |> plain()}

  defp wire(error), do: error

  defp plain(map) do
    map |> Map.update!(:expires_at, &(&1 && DateTime.to_iso8601(&1))) |> Wire.strings()
  end
end
