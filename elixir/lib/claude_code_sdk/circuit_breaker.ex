defmodule ClaudeCodeSDK.CircuitBreaker do
  @moduledoc """
  Stops asking somebody who fails, and looks after a while whether he is well again.

      children = [{ClaudeCodeSDK.CircuitBreaker, failure_threshold: 5, timeout_ms: 60_000}]

      case ClaudeCodeSDK.CircuitBreaker.call(fn -> MyApp.fetch() end) do
        {:error, %ClaudeCodeSDK.Error{code: :circuit_open} = error} -> {:later, error.retry}
        result -> result
      end

  Every function takes the breaker first, and uses the one with the name of this module when it is left out; where options are
  given it cannot be left out.

  Closed, all passes. After so many failures in a row, or when too large a share fails, it opens, and nothing passes for a time
  that grows with each opening. Then it is half open: one probe at a time passes, and so many successes close it.
  `ClaudeCodeSDK.Orchestrator` has a breaker of its own for each key; this one is for work of another kind.
  """

  alias ClaudeCodeSDK.{Error, Limits, Policy}

  @typedoc "A breaker: a pid or a registered name."
  @type t :: GenServer.server()

  @typedoc "What let a call through."
  @opaque ticket :: pos_integer()

  @typedoc "What became of a call."
  @type verdict :: :success | :failure | {:failure, non_neg_integer()} | :ignored

  @typedoc """
  Where a breaker stands and why; `retry_after_ms` is `nil` when that is not known. `cause` is the kind of the failure it opened for last
  (`"unknown"` for those that were only counted), `nil` when it never did.
  """
  @type info :: %{
          state: :closed | :open | :half_open,
          forced: :open | :disabled | :metrics_only | nil,
          retry_after_ms: non_neg_integer() | nil,
          consecutive_failures: non_neg_integer(),
          successes: non_neg_integer(),
          failures: non_neg_integer(),
          openings: non_neg_integer(),
          cause: String.t() | nil,
          generation: non_neg_integer()
        }

  @states %{"closed" => :closed, "open" => :open, "half_open" => :half_open}
  @forced %{"open" => :open, "disabled" => :disabled, "metrics_only" => :metrics_only}

  # These say nothing about the other side.
  @ours ~w(invalid_options invalid_argument cli_not_found cli_version callback cancelled closed budget_exceeded circuit_open)a

  @doc false
  @spec child_spec(keyword()) :: Supervisor.child_spec()
  def child_spec(settings), do: Policy.child(__MODULE__, settings)

  @doc """
  Starts a closed breaker, linked to the calling process.

  | Option | Default | Means |
  |---|---|---|
  | `name` | `ClaudeCodeSDK.CircuitBreaker` | the name to register; `nil`: none |
  | `failure_threshold` | 5 | failures in a row that open it |
  | `success_threshold` (`half_open_requests`) | 2 | successes in a row that close it again |
  | `timeout_ms`, `max_timeout_ms` | 60 000, 300 000 | how long it stays open the first time, and at most |
  | `jitter` | 0.2 | the share of that time that chance may take away |
  | `failure_rate`, `min_samples`, `window_ms` | 0.5, 10, 60 000 | the share of failures that opens it, among how many in which time; `failure_rate: nil`: only failures in a row count |
  | `probe_ms` | 120 000 | how long a probe may go without a verdict before it counts as failed |
  | `healthy_ms` | 60 000 | how long it must be closed for the next opening to be a first one again |
  | `slow_start` | true | after it closed, calls at one time grow from 1 |

  What is not given is taken from `config :claude_code_sdk, circuit_breaker: [...]`. Fails with `:invalid_options`, naming the field.
  """
  @spec start_link(keyword()) :: {:ok, pid()} | {:error, Error.t() | term()}
  def start_link(settings \\ []) do
    {name, settings} = Keyword.pop(settings, :name, __MODULE__)
    configured = Application.get_env(:claude_code_sdk, :circuit_breaker, [])

    Policy.start_link(
      :circuit_breaker,
      fn -> Map.merge(Limits.circuit(configured) || %{}, Limits.circuit(settings)) end,
      name
    )
  end

  @doc """
  Calls the function, or returns `{:error, error}` with the code `:circuit_open`, whose `retry` says when to come back.

  Returns what the function returns; what it raises, throws or exits with goes on, and counts as a failure. Option: `:verdict`, a
  function that says of a result what it counts as: `:success`, `:failure`, `{:failure, retry_after_ms}` (it stays open at least so long) or
  `:ignored`. By default `:error` and `{:error, _}` are failures, but for errors of this package that say nothing about the other side
  (wrong options, a cancelled call). When the calling process dies in the call it is ignored.
  """
  @spec call(t(), (() -> result), keyword()) :: result | {:error, Error.t()} when result: term()
  def call(breaker \\ __MODULE__, function, options \\ []) when is_function(function, 0) do
    options = Keyword.validate!(options, verdict: &verdict/1)

    with {:ok, ticket} <- try_request(breaker) do
      try do
        result = function.()
        {result, options[:verdict].(result)}
      catch
        kind, reason ->
          finish(breaker, ticket, :failure)
          :erlang.raise(kind, reason, __STACKTRACE__)
      else
        {result, verdict} ->
          finish(breaker, ticket, verdict)
          result
      end
    end
  end

  @doc """
  What `call/3` does before the function: a ticket, or the error `:circuit_open`. It belongs to the calling process, and is taken back
  when that dies. Late verdicts on it, when the breaker has moved on, change nothing.
  """
  @spec try_request(t()) :: {:ok, ticket()} | {:error, Error.t()}
  def try_request(breaker \\ __MODULE__), do: Policy.begin(breaker)

  @doc "What `call/3` does behind the function: counts what became of it, and gives the ticket back."
  @spec finish(t(), ticket(), verdict()) :: :ok | {:error, Error.t()}
  def finish(breaker \\ __MODULE__, ticket, verdict),
    do: Policy.finish(breaker, ticket, said(verdict))

  defp verdict({:error, %Error{code: code}}) when code in @ours, do: :ignored
  defp verdict({:error, %Error{retry: {:after, ms}}}), do: {:failure, ms}
  defp verdict({:error, _reason}), do: :failure
  defp verdict(:error), do: :failure
  defp verdict(_result), do: :success

  defp said({:failure, ms}), do: %{verdict: "failure", retry_after_ms: ms}
  defp said(word) when word in [:success, :failure, :ignored], do: %{verdict: word}

  @doc """
  Whether a call may be made now. When half open, the first to ask has the probe, and must say what came of it with
  `record_success/1` or `record_failure/1`.
  """
  @spec allow_request?(t()) :: boolean()
  def allow_request?(breaker \\ __MODULE__), do: Policy.decide!(breaker, :allow_request)

  @doc "Counts a success."
  @spec record_success(t()) :: :ok
  def record_success(breaker \\ __MODULE__), do: done(breaker, :record_success)

  @doc "Counts a failure."
  @spec record_failure(t()) :: :ok
  def record_failure(breaker \\ __MODULE__), do: done(breaker, :record_failure)

  @doc "Where it stands: `:closed`, `:open` or `:half_open`."
  @spec state(t()) :: :closed | :open | :half_open
  def state(breaker \\ __MODULE__), do: info(breaker).state

  @doc "Where it stands and why."
  @spec info(t()) :: info()
  def info(breaker \\ __MODULE__) do
    info = Policy.decide!(breaker, :state)

    info
    |> Policy.named(
      ~w(retry_after_ms consecutive_failures successes failures openings cause generation)a
    )
    |> Map.merge(%{state: @states[info["state"]], forced: @forced[info["forced"]]})
  end

  @doc """
  Forces a state: `:open` (nothing passes), `:disabled` (all passes and nothing is counted), `:metrics_only` (all passes and is counted);
  `nil`: it decides again.
  """
  @spec force(t(), :open | :disabled | :metrics_only | nil) :: :ok
  def force(breaker \\ __MODULE__, state), do: done(breaker, :force, %{state: state})

  @doc "Closes it and forgets everything."
  @spec reset(t()) :: :ok
  def reset(breaker \\ __MODULE__), do: done(breaker, :reset)

  defp done(breaker, command, given \\ %{}) do
    nil = Policy.decide!(breaker, command, given)
    :ok
  end
end
