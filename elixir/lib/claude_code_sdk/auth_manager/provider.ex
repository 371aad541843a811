defmodule ClaudeCodeSDK.AuthManager.Provider do
  @moduledoc """
  Who gives out tokens: a behaviour for a way of your own, and the ways that are here.

      defmodule MyApp.Gateway do
        @behaviour ClaudeCodeSDK.AuthManager.Provider

        @impl true
        def setup_token do
          case MyApp.Gateway.issue() do
            {:ok, token, seconds} -> {:ok, token, DateTime.add(DateTime.utc_now(), seconds)}
            :error -> {:error, "the gateway gave no token"}
          end
        end
      end

      children = [{ClaudeCodeSDK.AuthManager, provider: MyApp.Gateway}]

  Without one a manager runs `claude setup-token`. `c:setup_token/0` runs in a process of its own, also when a token is renewed.
  """

  alias ClaudeCodeSDK.AuthManager.Provider.{Anthropic, Bedrock, Vertex}
  alias ClaudeCodeSDK.Error

  @typedoc "One of those that are here, or a module."
  @type provider :: :anthropic | :bedrock | :vertex | module()

  @doc "A new token, with its end where that is known."
  @callback setup_token() :: {:ok, String.t(), DateTime.t() | nil} | {:error, term()}

  @modules %{anthropic: Anthropic, bedrock: Bedrock, vertex: Vertex}

  @doc """
  A new token of a provider, which is stored nowhere.

  `:anthropic` asks the person at the terminal, by `claude setup-token`. Amazon Bedrock and Google Vertex AI have no tokens for the
  program: `:bedrock` and `:vertex` always fail with `:auth`, saying what is missing or that their own credentials are used.
  """
  @spec setup_token(provider()) ::
          {:ok, String.t(), DateTime.t() | nil} | {:error, Error.t() | term()}
  def setup_token(provider), do: Map.get(@modules, provider, provider).setup_token()

  @doc false
  # Whether a module is a provider; raises for what is none.
  @spec check(term()) :: module()
  def check(module) do
    if is_atom(module) and module != nil and Code.ensure_loaded?(module) and
         function_exported?(module, :setup_token, 0) do
      module
    else
      raise Error.new(
              :invalid_options,
              "provider: expected a module with setup_token/0, not #{inspect(module)}",
              context: %{"field" => "provider"}
            )
    end
  end

  @doc false
  # Answers a question of the engine.
  @spec answer(module()) :: map()
  def answer(module) do
    case module.setup_token() do
      {:ok, token, nil} ->
        %{token: token}

      {:ok, token, %DateTime{} = expiry} ->
        %{token: token, expires_at: DateTime.to_iso8601(expiry)}

      {:error, reason} when is_exception(reason) ->
        raise reason

      {:error, reason} when is_binary(reason) or is_atom(reason) ->
        raise Error.new(:callback, "#{inspect(module)} gave no token: #{reason}")

      {:error, _reason} ->
        raise Error.new(:callback, "#{inspect(module)} gave no token")

      _other ->
        problem = "setup_token/0 of #{inspect(module)} must return {:ok, token, expiry}"
        raise Error.new(:callback, "#{problem} or {:error, reason}")
    end
  end
end
