defmodule ClaudeCodeSDK.RateLimiter do
  @moduledoc """
  Lets things start no more often than it is told; who must wait does so in order.

      children = [{ClaudeCodeSDK.RateLimiter, queries_per_minute: 30, queries_per_hour: 500}]

      :ok = ClaudeCodeSDK.RateLimiter.check_and_wait()

  Without a burst the limits are exact: in any minute at most so many start. With `burst: 10` it is a token bucket: ten start at once, then
  one each 60 s / `queries_per_minute`. `ClaudeCodeSDK.Orchestrator` has such a limiter of its own; this one is for work of
  another kind.

  Every function takes the limiter first, and uses the one with the name of this module when it is left out; where options are
  given it cannot be left out.

  A key tells what is counted together; without one everything is. It is a keyword list of texts: `provider`, `credential` (a name,
  never the credential itself), `model`, `tenant`.
  """

  alias ClaudeCodeSDK.{Error, Limits, Policy}

  @typedoc "A limiter: a pid or a registered name."
  @type t :: GenServer.server()

  @typedoc "What is counted together."
  @type key :: keyword(String.t()) | %{atom() => String.t()}

  @typedoc "A start that was counted."
  @opaque permit :: pos_integer()

  @typedoc "How a key stands; times in milliseconds."
  @type state :: %{
          last_minute: non_neg_integer(),
          last_hour: non_neg_integer(),
          next_start_ms: non_neg_integer(),
          share: float(),
          closed_ms: non_neg_integer() | nil,
          waiting: non_neg_integer()
        }

  @doc false
  @spec child_spec(keyword()) :: Supervisor.child_spec()
  def child_spec(settings), do: Policy.child(__MODULE__, settings)

  @doc """
  Starts a limiter, linked to the calling process.

  | Option | Default | Means |
  |---|---|---|
  | `name` | `ClaudeCodeSDK.RateLimiter` | the name to register; `nil`: none |
  | `queries_per_minute` (`per_minute`) | 60 | starts in any minute, for each key; `nil`: no limit |
  | `queries_per_hour` (`per_hour`) | 1000 | starts in any hour, for each key; `nil`: no limit |
  | `burst` | exact windows | the size of the token bucket |
  | `tokens_per_minute` | no limit | tokens in any minute, for each key |
  | `min_gap_ms` | 0 | the least time between two starts |
  | `tenant`, `global` | none | limits for all keys of a tenant, and for all: `[per_minute: ...]` |

  What is not given is taken from `config :claude_code_sdk, rate_limit: [...]`. Fails with `:invalid_options`, naming the field.
  """
  @spec start_link(keyword()) :: {:ok, pid()} | {:error, Error.t() | term()}
  def start_link(settings \\ []) do
    {name, settings} = Keyword.pop(settings, :name, __MODULE__)
    configured = Application.get_env(:claude_code_sdk, :rate_limit, [])

    Policy.start_link(
      :rate_limiter,
      fn -> Map.merge(Limits.rate_limit(configured) || %{}, Limits.rate_limit(settings)) end,
      name
    )
  end

  @doc """
  Waits until a start is due, in the order of the calls, and counts it.

  Options: `:timeout` (milliseconds; default as long as it takes), `:key`, `:tokens` (an estimate, where tokens are limited) and `:class`
  (`:critical_plus`, `:critical`, `:normal`, `:sheddable`: who goes first). `{:error, :rate_limited}` comes at once when it could not start in
  that time; `acquire/2` says when it could. Another error (`:closed`) is a `ClaudeCodeSDK.Error`. A caller that dies waits no more.
  """
  @spec check_and_wait(t(), keyword()) :: :ok | {:error, :rate_limited | Error.t()}
  def check_and_wait(limiter \\ __MODULE__, options \\ []) do
    case acquire(limiter, options) do
      {:ok, _permit} -> :ok
      {:error, %Error{code: :rate_limited}} -> {:error, :rate_limited}
      {:error, error} -> {:error, error}
    end
  end

  @doc """
  The same with a permit, by which the start can be taken back, and an error whose `retry` says after how long it would succeed.
  """
  @spec acquire(t(), keyword()) :: {:ok, permit()} | {:error, Error.t()}
  def acquire(limiter \\ __MODULE__, options \\ []) do
    with {:ok, %{"permit" => permit}} <- Policy.acquire(limiter, wish(options)),
         do: {:ok, permit}
  end

  @doc """
  Asks without waiting: a permit, or how many milliseconds to wait (`nil`: not known). Does not pass those who wait already. Options as of
  `check_and_wait/2`.
  """
  @spec try_acquire(t(), keyword()) ::
          {:ok, permit()} | {:wait, non_neg_integer() | nil} | {:error, Error.t()}
  def try_acquire(limiter \\ __MODULE__, options \\ []) do
    case Policy.decide(limiter, :try_acquire, %{wish: wish(options)}) do
      {:ok, %{"permit" => nil} = answer} -> {:wait, answer["retry_after_ms"]}
      {:ok, %{"permit" => permit}} -> {:ok, permit}
      {:error, error} -> {:error, error}
    end
  end

  @doc "Takes a start back, because nothing was sent: the limits are as if it had not been. A second time changes nothing."
  @spec refund(t(), permit()) :: :ok
  def refund(limiter \\ __MODULE__, permit) do
    nil = Policy.decide!(limiter, :refund, %{permit: permit})
    :ok
  end

  @doc "Corrects the estimate of tokens to those that counted."
  @spec settle_tokens(t(), permit(), non_neg_integer()) :: :ok
  def settle_tokens(limiter \\ __MODULE__, permit, tokens) do
    nil = Policy.decide!(limiter, :settle_tokens, %{permit: permit, tokens: tokens})
    :ok
  end

  @doc """
  Passes on what a server said: `:answered`; `:throttled` or `{:throttled, retry_after_ms}`, it wants fewer; `{:closed, wait_ms}`, it
  answers nothing for so long. Option: `:key`.
  """
  @spec feedback(
          t(),
          :answered
          | :throttled
          | {:throttled, non_neg_integer()}
          | {:closed, non_neg_integer()},
          keyword()
        ) :: :ok
  def feedback(limiter \\ __MODULE__, said, options \\ []) do
    nil = Policy.decide!(limiter, :feedback, %{said: said(said), key: key(options)})
    :ok
  end

  defp said({:throttled, ms}), do: %{type: "throttled", retry_after_ms: ms}
  defp said({:closed, ms}), do: %{type: "closed", wait_ms: ms}
  defp said(word), do: %{type: word}

  @doc """
  How a key stands: starts of the last minute and hour, `next_start_ms` (0: now), the `share` of the limit that holds after a server
  wanted fewer, `closed_ms` (`nil`: a server takes all), and how many wait. Option: `:key`.
  """
  @spec state(t(), keyword()) :: state()
  def state(limiter \\ __MODULE__, options \\ []) do
    limiter
    |> Policy.decide!(:state, %{key: key(options)})
    |> Policy.named(~w(last_minute last_hour next_start_ms share closed_ms waiting)a)
  end

  defp key(options), do: Map.new(options[:key] || [])

  defp wish(options) do
    options = Keyword.validate!(options, [:key, :tokens, :class, :timeout])

    %{key: key(options), tokens: options[:tokens], class: options[:class]}
    |> Map.put(:timeout_ms, options[:timeout])
    |> Map.reject(fn {_name, value} -> value == nil end)
  end
end
