defmodule ClaudeCodeSDK.CostBudget do
  @moduledoc """
  Money that is held before it is spent, so that many at once cannot spend it twice.

      children = [{ClaudeCodeSDK.CostBudget, key_hour_usd: 10.0, total_usd: 100.0}]

      with {:ok, held} <- ClaudeCodeSDK.CostBudget.reserve(0.50) do
        result = MyApp.ask(max_budget_usd: 0.50)
        ClaudeCodeSDK.CostBudget.settle(held, result.cost)
      end

  Every function takes the budget first, and uses the one with the name of this module when it is left out; where options are
  given it cannot be left out.

  A reservation that is never settled stays charged with all that was held: nobody knows what it cost.
  `ClaudeCodeSDK.Orchestrator` does this for its tasks (`budget`); this one is for work of another kind. Amounts are US dollars.
  """

  alias ClaudeCodeSDK.{Error, Limits, Policy}

  @typedoc "A budget: a pid or a registered name."
  @type t :: GenServer.server()

  @typedoc "Money that is held; a plain number, which may be kept and settled later."
  @type reservation :: non_neg_integer()

  @typedoc "An account."
  @type account :: %{limit_usd: float() | nil, spent_usd: float(), held_usd: float()}

  @typedoc "How accounts stand: `run`, `flow`, `key_hour`, `key_day` and `global`, as far as they exist."
  @type state :: %{
          total_spent_usd: float(),
          uncertain_usd: float(),
          accounts: %{atom() => account()}
        }

  @accounts ~w(run flow key_hour key_day global)a

  @doc false
  @spec child_spec(keyword()) :: Supervisor.child_spec()
  def child_spec(limits), do: Policy.child(__MODULE__, limits)

  @doc """
  Starts a budget of which nothing is spent, linked to the calling process.

  | Option | Limits |
  |---|---|
  | `run_usd` | one run |
  | `flow_usd` | all runs of one flow |
  | `key_hour_usd`, `key_day_usd` | each key in any hour, in any day |
  | `total_usd` | everything |
  | `uncertain_ttl_ms` | how long a charge of unknown cost stays open to correction; default an hour |
  | `ledger` | nothing, but names a file in which what is held and spent is written down, so that it outlives the process; for one budget at a time |
  | `name` | the name to register, default `ClaudeCodeSDK.CostBudget`; `nil`: none |

  What is not given is not limited. Fails with `:invalid_options`, naming the field.
  """
  @spec start_link(keyword()) :: {:ok, pid()} | {:error, Error.t() | term()}
  def start_link(limits \\ []) do
    {name, limits} = Keyword.pop(limits, :name, __MODULE__)
    Policy.start_link(:cost_budget, fn -> Limits.budget(limits) end, name)
  end

  @doc """
  Holds `cap_usd` on every account of the spender, or fails with `:budget_exceeded` and holds nothing; `retry` of the error says when
  enough has left the window.

  Options: `:margin_usd` (what one request may cost more than the cap; default 0), `:key` (as of `ClaudeCodeSDK.RateLimiter`), `:flow` and
  `:run` (names of your own).
  """
  @spec reserve(t(), number(), keyword()) :: {:ok, reservation()} | {:error, Error.t()}
  def reserve(budget \\ __MODULE__, cap_usd, options \\ []) do
    {margin, options} = Keyword.pop(options, :margin_usd, 0)
    given = %{cap_usd: cap_usd, margin_usd: margin, spender: spender(options)}

    with {:ok, %{"reservation" => held}} <- Policy.decide(budget, :reserve, given),
         do: {:ok, held}
  end

  @doc """
  The run was seen to have spent so much by now. Fails with `:budget_exceeded` when that is more than is held and no account has so
  much left: then it should be interrupted.
  """
  @spec observe(t(), reservation(), number()) :: :ok | {:error, Error.t()}
  def observe(budget \\ __MODULE__, held, so_far_usd),
    do: told(budget, :observe, %{reservation: held, so_far_usd: so_far_usd})

  @doc "The run is over and cost this much. Also of one that was uncertain."
  @spec settle(t(), reservation(), number()) :: :ok | {:error, Error.t()}
  def settle(budget \\ __MODULE__, held, cost_usd),
    do: told(budget, :settle, %{reservation: held, cost_usd: cost_usd})

  @doc "Nobody knows what the run cost, but it was seen to cost so much: the larger of that and what is held stays charged."
  @spec uncertain(t(), reservation(), number()) :: :ok | {:error, Error.t()}
  def uncertain(budget \\ __MODULE__, held, observed_usd),
    do: told(budget, :uncertain, %{reservation: held, observed_usd: observed_usd})

  @doc "Limits one flow or run, whatever holds for others: `limit(budget, [flow: \"nightly\"], 5.0)`; `nil`: not at all."
  @spec limit(t(), [flow: String.t()] | [run: String.t()], number() | nil) ::
          :ok | {:error, Error.t()}
  def limit(budget \\ __MODULE__, whose, limit_usd)

  def limit(budget, [flow: flow], limit_usd),
    do: told(budget, :limit_flow, %{flow: flow, limit_usd: limit_usd})

  def limit(budget, [run: run], limit_usd),
    do: told(budget, :limit_run, %{run: run, limit_usd: limit_usd})

  @doc "Forgets a flow or run that is over; its name may be used again."
  @spec forget(t(), [flow: String.t()] | [run: String.t()]) :: :ok | {:error, Error.t()}
  def forget(budget \\ __MODULE__, whose)
  def forget(budget, flow: flow), do: told(budget, :forget_flow, %{flow: flow})
  def forget(budget, run: run), do: told(budget, :forget_run, %{run: run})

  @doc "How the accounts of a spender stand. Options: `:key`, `:flow`, `:run`."
  @spec state(t(), keyword()) :: state()
  def state(budget \\ __MODULE__, options \\ []) do
    state = Policy.decide!(budget, :state, %{spender: spender(options)})

    accounts =
      for scope <- @accounts,
          account = state["accounts"][Atom.to_string(scope)],
          into: %{},
          do: {scope, Policy.named(account, ~w(limit_usd spent_usd held_usd)a)}

    state |> Policy.named(~w(total_spent_usd uncertain_usd)a) |> Map.put(:accounts, accounts)
  end

  @doc """
  From now on the calling process is told when 50, 80 or 95 percent of a limit are spent, by messages
  `{:cost_budget_mark, pid, %{scope: "global", name: "", percent: 80, limit_usd: ..., spent_usd: ..., held_usd: ...}}`.
  """
  @spec subscribe(t()) :: :ok | {:error, Error.t()}
  def subscribe(budget \\ __MODULE__), do: Policy.subscribe(budget)

  defp spender(options) do
    options
    |> Keyword.validate!([:key, :flow, :run])
    |> Map.new()
    |> Map.update(:key, %{}, &Map.new/1)
  end

  defp told(budget, command, given) do
    with {:ok, nil} <- Policy.decide(budget, command, given), do: :ok
  end
end
