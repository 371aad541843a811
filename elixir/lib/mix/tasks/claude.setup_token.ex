defmodule Mix.Tasks.Claude.SetupToken do
  @shortdoc "Gets a token for claude and stores it"
  @moduledoc """
  Gets a long-lived token by `claude setup-token` and stores it, so that queries work from then on without a login.

      mix claude.setup_token
      mix claude.setup_token --force
      mix claude.setup_token --clear

  What the program draws is shown here, and what is typed here is handed to it. The token goes where the settings of
  the application say (`auth_storage`, see `ClaudeCodeSDK.AuthManager`); of it only the first 20 characters are shown.

  ## Options

    * `--force`: gets a new token, also when there is a credential already
    * `--clear`: forgets the stored token, and gets no new one
  """

  use Mix.Task

  alias ClaudeCodeSDK.{AuthManager, Error}

  @shown 20

  @impl true
  def run(arguments) do
    {switches, rest, wrong} =
      OptionParser.parse(arguments, strict: [force: :boolean, clear: :boolean])

    if rest != [] or wrong != [],
      do: Mix.raise("mix claude.setup_token takes --force and --clear only")

    Mix.Task.run("app.config")
    {:ok, _} = Application.ensure_all_started(:claude_code_sdk)

    # The person is here: who started this wants to be asked.
    case AuthManager.start_link(name: nil, interactive: true) do
      {:ok, manager} ->
        try do
          if switches[:clear], do: clear(manager), else: setup(manager, switches[:force] || false)
        after
          AuthManager.stop(manager)
        end

      {:error, error} ->
        failed(error)
    end
  end

  defp clear(manager) do
    case AuthManager.clear_auth(manager) do
      :ok -> say("The stored token is gone.")
      {:error, error} -> failed(error)
    end
  end

  defp setup(manager, force?) do
    status = AuthManager.status(manager)

    if status.authenticated and not force? do
      say("There is a credential already. With --force a new token is got all the same.")
      show(manager, status)
    else
      say(
        "Starting claude setup-token: log in with your browser, then paste the code here if it asks for one.\n"
      )

      case AuthManager.setup_token(manager) do
        {:ok, credential} ->
          say("\nThe token is stored.")
          # A variable may come before what was stored.
          status = AuthManager.status(manager)
          show(manager, status)

          if status.fingerprint not in [nil, credential.fingerprint],
            do: say("It is not the one that is used: #{status.source} comes before it.")

        {:error, error} ->
          failed(error)
      end
    end
  rescue
    error in [Error] -> failed(error)
  end

  defp show(manager, status) do
    say("  provider: #{status.provider}")
    say("  method:   #{status.method}")
    say("  source:   #{status.source}")

    with true <- status.token_present, {:ok, token} <- AuthManager.get_token(manager) do
      say("  token:    #{String.slice(token, 0, @shown)}...")
    end

    if status.expires_at do
      hours = status.time_until_expiry_hours
      say("  expires:  #{DateTime.to_iso8601(status.expires_at)} (in #{hours} hours)")
    end

    for warning <- status.warnings, do: say("  warning:  #{warning}")
    :ok
  end

  defp say(text), do: Mix.shell().info(text)

  @spec failed(term()) :: no_return()
  defp failed(%Error{} = error), do: failed(Exception.message(error))
  defp failed(text) when not is_binary(text), do: failed(inspect(text))

  defp failed(text) do
    Mix.raise("""
    No token was stored: #{text}

    What may help:
      * claude must be installed and found: claude --version, or its path in MADRIGAL_CLI_PATH
      * claude setup-token needs a subscription, a browser on any machine, and a network
      * behind a proxy, HTTPS_PROXY must be set
      * without a person: set ANTHROPIC_API_KEY, or CLAUDE_CODE_OAUTH_TOKEN to a token from elsewhere
    """)
  end
end
