defmodule ClaudeCodeSDK.AuthManager.Credential do
  @moduledoc """
  What is known of a credential; never the credential itself.

  | Field | Holds |
  |---|---|
  | `provider` | for whom: `:anthropic`, `:bedrock`, `:vertex` or `:foundry` |
  | `method` | what it is: `:api_key`, `:auth_token`, `:oauth_token`, `:cli_login` or `:cloud` |
  | `source` | where it is from, such as `"ANTHROPIC_API_KEY"` |
  | `fingerprint` | a name that does not give it away, the same each time |
  | `hint` | its first characters, for people |
  | `expires_at` | when it ends, where that is known |

  What this version does not know in `provider` and `method` is a string.
  """

  defstruct [:provider, :method, :source, :fingerprint, :hint, :expires_at]

  @typedoc "What is known of a credential."
  @type t :: %__MODULE__{
          provider: atom() | String.t(),
          method: atom() | String.t(),
          source: String.t(),
          fingerprint: String.t(),
          hint: String.t() | nil,
          expires_at: DateTime.t() | nil
        }

  @words Map.new(
           ~w(anthropic bedrock vertex foundry api_key auth_token oauth_token cli_login cloud)a,
           &{Atom.to_string(&1), &1}
         )

  @doc false
  # From the form of the boundary.
  @spec from_wire(map()) :: t()
  def from_wire(wire) do
    %__MODULE__{
      provider: word(wire["provider"]),
      method: word(wire["method"]),
      source: wire["source"],
      fingerprint: wire["fingerprint"],
      hint: wire["hint"],
      expires_at: time(wire["expires_at"])
    }
  end

  @doc false
  @spec status(map()) :: ClaudeCodeSDK.AuthManager.status()
  def status(wire) do
    %{
      name: wire["name"],
      authenticated: wire["authenticated"],
      provider: word(wire["provider"]),
      method: word(wire["method"]),
      source: wire["source"],
      fingerprint: wire["fingerprint"],
      token_present: wire["token_present"],
      expires_at: time(wire["expires_at"]),
      time_until_expiry_hours: wire["time_until_expiry_hours"],
      store: wire["store"],
      considered:
        for one <- wire["considered"] || [] do
          %{source: one["source"], verdict: one["verdict"], reason: one["reason"]}
        end,
      warnings: wire["warnings"] || []
    }
  end

  @doc false
  # A word of the engine as an atom, where it is known.
  @spec word(String.t() | nil) :: atom() | String.t() | nil
  def word(word), do: Map.get(@words, word, word)

  @doc false
  @spec time(String.t() | nil) :: DateTime.t() | nil
  def time(nil), do: nil

  def time(text) do
    case DateTime.from_iso8601(text) do
      {:ok, time, _offset} -> time
      {:error, _} -> nil
    end
  end
end
