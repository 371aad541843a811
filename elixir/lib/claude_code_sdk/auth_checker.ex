defmodule ClaudeCodeSDK.AuthChecker do
  @moduledoc """
  Whether everything is there: the program, and a credential for it. Nothing is asked of the API, so that a check costs nothing.

  Kept for code that was written for the original; new code uses `ClaudeCodeSDK.AuthManager`, whose `status/1` says more. The manager
  with that name is asked where one runs, otherwise one with the settings of the application that asks nobody.
  """
  @moduledoc deprecated: "Use ClaudeCodeSDK.AuthManager"

  alias ClaudeCodeSDK.{AuthManager, Error}

  @typedoc "How it stands."
  @type auth_status ::
          :ready | :cli_not_found | :not_authenticated | :invalid_credentials | :unknown

  @typedoc "All that was found."
  @type diagnosis :: %{
          cli_installed: boolean(),
          cli_version: String.t() | nil,
          cli_path: Path.t() | nil,
          cli_error: String.t() | nil,
          authenticated: boolean(),
          auth_method: String.t() | nil,
          auth_info: String.t() | nil,
          auth_error: String.t() | nil,
          api_key_source: String.t() | nil,
          status: auth_status(),
          recommendations: [String.t()],
          last_checked: DateTime.t()
        }

  @doc "The program: where it is, and its version."
  @doc deprecated: "Use ClaudeCodeSDK.AuthManager"
  @spec check_cli_installation() ::
          {:ok, %{path: Path.t(), version: String.t()}} | {:error, String.t()}
  def check_cli_installation do
    case program() do
      nil ->
        {:error, "claude was not found: install it, or name it in MADRIGAL_CLI_PATH"}

      path ->
        case System.cmd(path, ["--version"], stderr_to_stdout: true) do
          {text, 0} -> {:ok, %{path: path, version: text |> String.split() |> List.first() || ""}}
          {_text, code} -> {:error, "#{path} --version ended with #{code}"}
        end
    end
  rescue
    error in [ErlangError] -> {:error, "the program cannot be run: #{Exception.message(error)}"}
  end

  defp program do
    case System.get_env("MADRIGAL_CLI_PATH", "") do
      "" -> System.find_executable("claude")
      path -> System.find_executable(path)
    end
  end

  @doc "The credential that would be used: its method and where it is from."
  @doc deprecated: "Use ClaudeCodeSDK.AuthManager.credential/2"
  @spec check_auth() :: {:ok, %{method: String.t(), source: String.t()}} | {:error, String.t()}
  def check_auth do
    case status() do
      {:ok, %{authenticated: true} = status} ->
        {:ok, %{method: to_string(status.method), source: status.source}}

      {:ok, status} ->
        {:error, reasons(status)}

      {:error, error} ->
        {:error, Exception.message(error)}
    end
  end

  @doc "Whether there is a credential."
  @doc deprecated: "Use ClaudeCodeSDK.AuthManager.status/1"
  @spec authenticated?() :: boolean()
  def authenticated?, do: match?({:ok, _}, check_auth())

  @doc "Where the credential is from."
  @doc deprecated: "Use ClaudeCodeSDK.AuthManager.status/1"
  @spec get_api_key_source() :: {:ok, String.t()} | {:error, String.t()}
  def get_api_key_source, do: with({:ok, found} <- check_auth(), do: {:ok, found.source})

  @doc "Whether this provider (`:anthropic`, `:bedrock`, `:vertex` or `:foundry`) is the one that would be used, with a credential."
  @doc deprecated: "Use ClaudeCodeSDK.AuthManager.status/1"
  @spec auth_method_available?(atom()) :: boolean()
  def auth_method_available?(provider),
    do: match?({:ok, %{authenticated: true, provider: ^provider}}, status())

  @doc "Raises `ClaudeCodeSDK.Error` unless everything is there: `:cli_not_found`, or `:auth`."
  @doc deprecated: "Use ClaudeCodeSDK.AuthManager.ensure_authenticated/2"
  @spec ensure_ready!() :: :ok
  def ensure_ready! do
    with {:cli, {:ok, _}} <- {:cli, check_cli_installation()},
         {:auth, {:ok, _}} <- {:auth, check_auth()} do
      :ok
    else
      {:cli, {:error, text}} -> raise Error.new(:cli_not_found, text)
      {:auth, {:error, text}} -> raise Error.new(:auth, text)
    end
  end

  @doc "All that can be found, and what to do."
  @doc deprecated: "Use ClaudeCodeSDK.AuthManager.status/1"
  @spec diagnose() :: diagnosis()
  def diagnose do
    cli = check_cli_installation()
    found = status()
    auth = check_auth()

    {installed, cli_error} =
      with {:ok, installed} <- cli, do: {installed, nil}, else: ({:error, text} -> {%{}, text})

    {used, auth_error} =
      with {:ok, used} <- auth, do: {used, nil}, else: ({:error, text} -> {%{}, text})

    status = overall(cli, auth, found)

    %{
      cli_installed: match?({:ok, _}, cli),
      cli_version: installed[:version],
      cli_path: installed[:path],
      cli_error: cli_error,
      authenticated: match?({:ok, _}, auth),
      auth_method: used[:method],
      auth_info: used[:source] && "#{used.method} from #{used.source}",
      auth_error: auth_error,
      api_key_source: used[:source],
      status: status,
      recommendations: recommendations(status),
      last_checked: DateTime.utc_now()
    }
  end

  defp overall({:error, _}, _auth, _found), do: :cli_not_found
  defp overall(_cli, {:ok, _}, _found), do: :ready

  # Something was there, and did not do.
  defp overall(_cli, _auth, {:ok, %{considered: considered}}) do
    if Enum.any?(considered, &(&1.verdict in ["expired", "invalid", "refused"])),
      do: :invalid_credentials,
      else: :not_authenticated
  end

  defp overall(_cli, _auth, {:error, %Error{code: :auth}}), do: :invalid_credentials
  defp overall(_cli, _auth, _error), do: :unknown

  defp recommendations(:ready), do: []

  defp recommendations(:cli_not_found),
    do: [
      "Install claude: npm install -g @anthropic-ai/claude-code",
      "Or name it in MADRIGAL_CLI_PATH"
    ]

  defp recommendations(_status),
    do: ["Run mix claude.setup_token", "Or set ANTHROPIC_API_KEY", "Or log in with claude"]

  defp reasons(status) do
    looked =
      for one <- status.considered,
          one.reason not in [nil, ""],
          do: "#{one.source}: #{one.reason}"

    Enum.join(["there is no credential" | looked], "; ")
  end

  defp status do
    case Process.whereis(AuthManager) do
      nil ->
        with {:ok, manager} <- AuthManager.start_link(name: nil, interactive: false) do
          try do
            asked(manager)
          after
            AuthManager.stop(manager)
          end
        end

      manager ->
        asked(manager)
    end
  end

  defp asked(manager) do
    {:ok, AuthManager.status(manager)}
  rescue
    error in [Error] -> {:error, error}
  end
end
