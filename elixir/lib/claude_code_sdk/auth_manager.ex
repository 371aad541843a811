defmodule ClaudeCodeSDK.AuthManager do
  @moduledoc """
  Who the program works for: finds the credential, keeps the token of a set-up, and renews it before it ends.

      children = [ClaudeCodeSDK.AuthManager]

      :ok = ClaudeCodeSDK.AuthManager.ensure_authenticated()
      ClaudeCodeSDK.query("Hello") |> Stream.run()

  A credential is looked for in this order, and the first that works is used: the option `credential`; the variables
  `ANTHROPIC_API_KEY`, `ANTHROPIC_AUTH_TOKEN` and `CLAUDE_CODE_OAUTH_TOKEN` (or their `CLAUDE_AGENT_...` aliases); the stored token; the login
  of the program itself; and, when a person is at the terminal and `CI` is not set, a set-up with `claude setup-token`.
  `status/1` says what was found where, and why the rest was not used.

  Once the manager with the name of this module runs, every query, session and orchestrator that starts uses it: each program
  gets that credential and no other, and none is started without one (`:auth`). The option `auth` names another manager, and
  `auth: false` leaves all to the program. Without a manager the token of a set-up is used all the same where the environment
  has no credential, so `mix claude.setup_token` once is enough.

  The keyring is, on Linux, the Secret Service of the desktop (GNOME Keyring, KWallet, KeePassXC), on macOS the login keychain. One that
  is locked is opened by the desktop's own question, which comes when the token is needed and `interactive` allows it. With `:keyring` one that stays
  locked, is not there or does not answer is an error `:auth` that says what to do (`context["keyring"]`: `"locked"`, `"no_bus"`, `"no_service"`, ...).

  Every function takes the manager first, and uses the one with the name of this module when it is left out; where options are
  given it cannot be left out. A token is returned by `get_token/2` only; it is never shown in logs, errors or reports of crashes.
  """

  alias ClaudeCodeSDK.AuthManager.{Credential, Server}
  alias ClaudeCodeSDK.Error

  @typedoc "A manager: a pid or a registered name."
  @type t :: GenServer.server()

  @typedoc """
  What `status/1` says: what the credential is called (`name`), whether there is a credential (`authenticated`), for whom (`provider`), what it is (`method`) and where it is
  from (`source`), whether it is a token or key rather than a login that only the program can use (`token_present`), its end,
  a `fingerprint` that does not give it away, where a token is or would be kept (`store`: `"keyring"`, `"file ..."`), each place that was looked at (`considered`), and what may be wrong all the same (`warnings`).
  """
  @type status :: %{
          name: String.t() | nil,
          authenticated: boolean(),
          provider: atom() | String.t(),
          method: atom() | String.t() | nil,
          source: String.t() | nil,
          fingerprint: String.t() | nil,
          token_present: boolean(),
          expires_at: DateTime.t() | nil,
          time_until_expiry_hours: float() | nil,
          store: String.t(),
          considered: [
            %{source: String.t(), verdict: String.t(), reason: String.t() | nil}
          ],
          warnings: [String.t()]
        }

  @ensure_ms 30_000

  @doc false
  @spec child_spec(keyword()) :: Supervisor.child_spec()
  def child_spec(settings) do
    # A supervisor shows the arguments of its children in its reports, and these may hold a credential.
    %{
      id: Keyword.get(settings, :name) || __MODULE__,
      start: {__MODULE__, :start_hidden, [fn -> settings end]}
    }
  end

  @doc false
  @spec start_hidden((() -> keyword())) :: {:ok, pid()} | {:error, Error.t() | term()}
  def start_hidden(settings), do: start_link(settings.())

  @doc """
  Starts a manager, linked to the calling process. Nothing is looked up yet.

  | Option | Default | Means |
  |---|---|---|
  | `name` | `ClaudeCodeSDK.AuthManager` | the name to register, which queries use that name no other; `nil`: none |
  | `credential` | none | a key or token that comes before all others |
  | `credential_name` | the registered name, where it is another | what it is called in its status; limits and budgets count a credential by its fingerprint |
  | `storage_backend` | `:auto` | where the token is kept: `:keyring` (that of the desktop), `{:keyring, account}`, `:file`, `{:file, path}`, `:auto` (the keyring where there is one, else the file; a token in the file stays there), `:memory`, `:application_env`, or a module (`ClaudeCodeSDK.AuthManager.TokenStore`) |
  | `auth_file_path` | `~/.claude_sdk/token.json` | the file of `:file`; given with `:auto`, that is `:file` |
  | `token_store` | none | the module of `:custom` |
  | `auto_refresh` | `true` | whether a token is renewed before it ends |
  | `refresh_before_expiry` | 86 400 000 | how long before, in milliseconds; at least a minute from now, and after a failure again in an hour |
  | `provider` | `claude setup-token` | who gives out new tokens: a module (`ClaudeCodeSDK.AuthManager.Provider`) |
  | `setup_timeout` | 120 000 | how long a person has for a set-up, in milliseconds |
  | `interactive` | whether this VM has a terminal and `CI` is not set | whether a person may be asked |
  | `env` | | variables that count besides those of the VM; `""` is as if one was not set |
  | `cli_login` | `true` | whether the login of the program counts |
  | `cli_path` | as for queries | the `claude` program |

  What is not given is taken from the configuration: `config :claude_code_sdk, auth_storage: :file, auth_file_path: "...", auto_refresh: true,
  refresh_before_expiry: 86_400_000`, and with `auth_storage: :custom` also `auth_token_store: MyApp.Tokens`. Fails with `:invalid_options`,
  naming the field.

      iex> {:ok, auth} = ClaudeCodeSDK.AuthManager.start_link(name: nil, storage_backend: :memory, credential: "sk-ant-api03-test-test-test")
      iex> {ClaudeCodeSDK.AuthManager.ensure_authenticated(auth), ClaudeCodeSDK.AuthManager.status(auth).method}
      {:ok, :api_key}
  """
  @spec start_link(keyword()) :: {:ok, pid()} | {:error, Error.t() | term()}
  def start_link(settings \\ []) do
    {name, settings} = Keyword.pop(settings, :name, __MODULE__)
    settings = named(settings, name)

    with {:ok, server} <-
           Server.start_link(fn -> settings end, if(name, do: [name: name], else: [])) do
      case Server.call(server, :opened) do
        :ok -> {:ok, server}
        {:error, error} -> refuse(server, error)
      end
    end
  end

  defp named(settings, name) when is_atom(name) and name not in [nil, __MODULE__],
    do: Keyword.put_new(settings, :credential_name, inspect(name))

  defp named(settings, _name), do: settings

  defp refuse(server, error) do
    Process.unlink(server)
    GenServer.stop(server)

    receive do
      {:EXIT, ^server, _} -> {:error, error}
    after
      0 -> {:error, error}
    end
  end

  @doc "Stops a manager. The token stays in its store; programs that run keep what they have."
  @spec stop(t()) :: :ok
  def stop(manager \\ __MODULE__) do
    GenServer.stop(manager)
  catch
    :exit, {:noproc, _} -> :ok
  end

  @doc """
  Makes sure that there is a credential. Answers at once when one is known.

  `{:error, :authentication_required}` when there is none and nobody can be asked, or the set-up failed; `credential/2` and
  `status/1` say why. Another error (`:closed`, `:timeout`) is a `ClaudeCodeSDK.Error`. Option: `:timeout`, 30 000 ms, in which the time
  of a person who logs in does not count.
  """
  @spec ensure_authenticated(t(), keyword()) ::
          :ok | {:error, :authentication_required | Error.t()}
  def ensure_authenticated(manager \\ __MODULE__, options \\ []) do
    case credential(manager, options) do
      {:ok, _credential} -> :ok
      {:error, %Error{code: :auth}} -> {:error, :authentication_required}
      {:error, error} -> {:error, error}
    end
  end

  @doc """
  The same with what is known of the credential, and with an error that says what to do next.
  """
  @spec credential(t(), keyword()) :: {:ok, Credential.t()} | {:error, Error.t()}
  def credential(manager \\ __MODULE__, options \\ []),
    do: Server.ask(manager, "ensure_authenticated", timed(options, @ensure_ms))

  @doc """
  Gets a new token and stores it, whatever is there. `claude setup-token` runs on a terminal of its own: what it draws is
  written to the group leader of the caller, without the token, and lines read from there are handed to it. It opens no
  browser by itself when it cannot.

  A person has `setup_timeout` (two minutes) for it. Option: `:timeout` in milliseconds, to give up before. A line that is being
  read when the set-up ends is lost to the shell.
  """
  @spec setup_token(t(), keyword()) :: {:ok, Credential.t()} | {:error, Error.t()}
  def setup_token(manager \\ __MODULE__, options \\ []),
    do: Server.ask(manager, "setup_token", timed(options, :infinity))

  @doc """
  Gets a new token in place of the stored one. Of several that ask at once, in this VM and in other processes of the system, one
  does it for all. When it fails the old token stays. Options as of `setup_token/2`.
  """
  @spec refresh_token(t(), keyword()) :: {:ok, Credential.t()} | {:error, Error.t()}
  def refresh_token(manager \\ __MODULE__, options \\ []),
    do: Server.ask(manager, "refresh_token", timed(options, :infinity))

  @doc """
  The token or key itself. `:auth` when there is none, or when only the program has it (its own login, a cloud). Options as of
  `ensure_authenticated/2`.
  """
  @spec get_token(t(), keyword()) :: {:ok, String.t()} | {:error, Error.t()}
  def get_token(manager \\ __MODULE__, options \\ []),
    do: Server.ask(manager, "get_token", timed(options, @ensure_ms))

  @doc """
  Uses another credential from the next program on, in place of the option `credential`; `nil` takes it away. No restart
  is needed to rotate a key.
  """
  @spec set_credential(t(), String.t() | nil) :: :ok | {:error, Error.t()}
  def set_credential(manager \\ __MODULE__, credential),
    do: done(Server.ask(manager, "set_credential", %{credential: credential}, []))

  @doc """
  Says that the API refused the credential with this fingerprint: it is not used again until it changes. A program that is told 401
  or 403 causes the same by itself.
  """
  @spec refused(t(), String.t()) :: :ok | {:error, Error.t()}
  def refused(manager \\ __MODULE__, fingerprint),
    do: done(Server.ask(manager, "refused", %{fingerprint: fingerprint}, []))

  @doc "Forgets the token, here and in its store. Variables and the login of the program are not touched."
  @spec clear_auth(t()) :: :ok | {:error, Error.t()}
  def clear_auth(manager \\ __MODULE__), do: done(Server.ask(manager, "clear", []))

  @doc """
  What is known, looked up anew; nobody is asked. Raises `ClaudeCodeSDK.Error`, such as for two providers at once.
  """
  @spec status(t()) :: status()
  def status(manager \\ __MODULE__) do
    case Server.ask(manager, "status", []) do
      {:ok, status} -> status
      {:error, error} -> raise error
    end
  end

  @doc """
  Tells the calling process of tokens that are renewed by themselves: `{:auth_refreshed, pid, credential}` and
  `{:auth_refresh_failed, pid, error, next_ms}`, where `next_ms` is when it is tried again.
  """
  @spec subscribe(t()) :: :ok | {:error, Error.t()}
  def subscribe(manager \\ __MODULE__), do: Server.call(manager, {:subscribe, self()})

  defp timed(options, default),
    do: [timeout: options |> Keyword.validate!(timeout: default) |> Keyword.fetch!(:timeout)]

  defp done({:ok, _nothing}), do: :ok
  defp done(error), do: error
end
