defmodule ClaudeCodeSDK.AuthManager.TokenStore do
  @moduledoc """
  Where a manager keeps the token of a set-up: a behaviour for a place of your own, such as a vault.

      defmodule MyApp.Tokens do
        @behaviour ClaudeCodeSDK.AuthManager.TokenStore

        @impl true
        def save(token), do: MyApp.Vault.put("claude", :erlang.term_to_binary(token))

        @impl true
        def load do
          case MyApp.Vault.get("claude") do
            nil -> {:error, :not_found}
            binary -> {:ok, :erlang.binary_to_term(binary)}
          end
        end

        @impl true
        def clear, do: MyApp.Vault.delete("claude")
      end

      children = [{ClaudeCodeSDK.AuthManager, storage_backend: MyApp.Tokens}]

  Each call runs in a process of its own. It fails with `{:error, reason}` or by raising; what it says is told by the call that
  needed it, so it must not hold the token. `ClaudeCodeSDK.AuthManager.TokenStore.Memory` is the example; the file needs no
  module, it is `storage_backend: :file`.
  """

  alias ClaudeCodeSDK.AuthManager.Credential
  alias ClaudeCodeSDK.Error

  @typedoc """
  A token: `token`, its end (`nil`: not known), for whom it is, and when it was made. What `c:load/0` returns may be what was
  read from JSON: with string keys, and times as ISO 8601 texts.
  """
  @type token_data :: %{
          required(:token) => String.t(),
          required(:expiry) => DateTime.t() | nil,
          required(:provider) => atom() | String.t(),
          optional(:created_at) => DateTime.t() | nil
        }

  @doc "Keeps a token in place of the one that is there."
  @callback save(token_data()) :: :ok | {:error, term()}

  @doc "The token; `{:error, :not_found}` when there is none."
  @callback load() :: {:ok, token_data()} | {:error, :not_found | term()}

  @doc "Forgets the token. There may be none."
  @callback clear() :: :ok | {:error, term()}

  @doc false
  # Whether a module is a store; raises for what is none.
  @spec check(term()) :: module()
  def check(module) do
    there? = fn {name, arity} -> function_exported?(module, name, arity) end

    if is_atom(module) and module != nil and Code.ensure_loaded?(module) and
         Enum.all?([save: 1, load: 0, clear: 0], there?) do
      module
    else
      problem = "storage_backend: expected a module with save/1, load/0 and clear/0"

      raise Error.new(:invalid_options, "#{problem}, not #{inspect(module)}",
              context: %{"field" => "storage_backend"}
            )
    end
  end

  @doc false
  # Answers a question of the engine.
  @spec answer(map(), module()) :: term()
  def answer(%{"method" => "load"}, module) do
    case module.load() do
      {:ok, token} -> to_wire(token)
      {:error, :not_found} -> nil
      other -> failed(other, "load/0", "{:ok, token}")
    end
  end

  def answer(%{"method" => "save", "token" => token}, module),
    do: token |> from_wire() |> module.save() |> done("save/1")

  def answer(%{"method" => "clear"}, module), do: module.clear() |> done("clear/0")

  defp done(:ok, _callback), do: nil
  defp done(other, callback), do: failed(other, callback, ":ok")

  defp failed({:error, reason}, callback, _expected) when is_atom(reason) or is_binary(reason),
    do: raise(Error.new(:callback, "#{callback} of the token store failed: #{reason}"))

  defp failed({:error, reason}, _callback, _expected) when is_exception(reason), do: raise(reason)

  # What else it is may hold the token.
  defp failed({:error, {reason, _}}, callback, _expected) when is_atom(reason),
    do: raise(Error.new(:callback, "#{callback} of the token store failed: #{reason}"))

  defp failed({:error, _reason}, callback, _expected),
    do: raise(Error.new(:callback, "#{callback} of the token store failed"))

  defp failed(_other, callback, expected),
    do: raise(Error.new(:callback, "#{callback} must return #{expected} or {:error, reason}"))

  defp from_wire(wire) do
    %{
      token: wire["token"],
      expiry: Credential.time(wire["expiry"]),
      provider: Credential.word(wire["provider"]),
      created_at: Credential.time(wire["created_at"])
    }
  end

  defp to_wire(%{} = token) do
    for name <- [:token, :expiry, :provider, :created_at], into: %{} do
      {name, token |> Map.get(name, Map.get(token, Atom.to_string(name))) |> wire()}
    end
  end

  defp to_wire(_token), do: raise(Error.new(:callback, "load/0 must return a map as the token"))

  defp wire(%DateTime{} = time), do: DateTime.to_iso8601(time)
  defp wire(other), do: other
end
