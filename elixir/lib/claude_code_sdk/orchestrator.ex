defmodule ClaudeCodeSDK.Orchestrator do
  @moduledoc """
  Many queries under shared limits: so many at a time, so many a minute, so much money; again where that helps, and not where
  it would do harm.

      alias ClaudeCodeSDK.Orchestrator

      {:ok, outcomes} = Orchestrator.query_parallel(["Review a.ex", {"Review b.ex", model: "opus"}])
      for outcome <- outcomes, do: IO.puts("\#{outcome.prompt}: \#{outcome.text} (\#{outcome.cost} USD)")

  It works without being started: the first call starts one with the defaults, or with what `config :claude_code_sdk,
  orchestrator: [...]` says. Or start one with limits of its own, which all calls use from then on:

      children = [{ClaudeCodeSDK.Orchestrator, max_concurrent: 8, rate_limit: 60, budget_usd: 25.0}]

  Several can run side by side, each with its `:name`; the option `:orchestrator` of every call names the one to use.

  ## A task

    * a prompt: a text, a list of content blocks, or a whole `user` frame
    * `{prompt, options}`: options as of `ClaudeCodeSDK.query/2`, over those of the orchestrator. Functions (`can_use_tool`,
      `hooks`, tools) work as they do there; `stderr` and `session_store` are refused
    * `{prompt, options, more}`: with any of `name:` (a text for progress and outcomes), `timeout:` (milliseconds for all of it: waiting,
      attempts, pauses; default that of the call, then of the orchestrator), `idempotent: true` (doing it twice does no harm), `class:`
      (`:critical_plus`, `:critical`, `:normal` or `:sheddable`: who goes first) and `retry:` (see `start_link/1`)

  ## What holds for every call

    * What became of a task is a `ClaudeCodeSDK.Orchestrator.Outcome`; lists of them have the order of the tasks.
    * When the calling process dies, its call is given up and the programs are ended; when the orchestrator dies, all are.
    * A function given to a call runs in a process of its own. One that raises or is killed fails its own task only, with
      the code `:callback`.
    * `{:error, error}` with a `ClaudeCodeSDK.Error` means that nothing was started: a task that cannot work (`:invalid_options`), or
      the orchestrator is gone (`:closed`).
  """

  alias ClaudeCodeSDK.{Batches, Error, Options}

  alias ClaudeCodeSDK.Orchestrator.{
    Call,
    Flow,
    MapReduce,
    Outcome,
    Race,
    Server,
    Stats,
    Task,
    Until,
    Vote
  }

  @typedoc "An orchestrator: a pid or a registered name."
  @type t :: GenServer.server()

  @typedoc "A task."
  @type task ::
          ClaudeCodeSDK.Query.prompt()
          | {ClaudeCodeSDK.Query.prompt(), Options.t() | keyword() | nil}
          | {ClaudeCodeSDK.Query.prompt(), Options.t() | keyword() | nil, keyword()}

  @doc false
  @spec child_spec(keyword()) :: Supervisor.child_spec()
  def child_spec(config) do
    %{
      id: Keyword.get(config, :name) || __MODULE__,
      # A supervisor shows the arguments of its children in its reports, and these may hold secrets.
      start: {__MODULE__, :start_hidden, [fn -> config end]},
      # Its end waits for its programs.
      shutdown: 10_000
    }
  end

  @doc false
  @spec start_hidden((() -> keyword())) :: {:ok, pid()} | {:error, Error.t() | term()}
  def start_hidden(config), do: start_link(config.())

  @doc """
  Starts an orchestrator, linked to the calling process.

  | Option | Default | Means |
  |---|---|---|
  | `name` | `ClaudeCodeSDK.Orchestrator` | the name to register, which calls use that name no other; `nil`: none |
  | `max_concurrent` | 5 | how many tasks run at a time, over all calls |
  | `max_waiting` | 1000 | how many may wait to be let in |
  | `max_starting` | no limit | how many programs may be starting at the same time |
  | `memory` | nobody looks | `[min_available_mb: 1024, run_mb: 150]`: how much must be left for another program to start (Linux) |
  | `adaptive` | off | `[min: 1, decrease: 0.7, cooldown_ms: 5000]`: the number of places follows what the API says |
  | `shedding` | off | `[target_ms: 5000, interval_ms: 30_000]`: tasks of the class `:sheddable` are refused when everybody waits for too long |
  | `hedge` | off | `[percentile: 95, min_delay_ms: 10_000, min_samples: 20, max_share: 0.05]`: an attempt whose first token is later than so many in a hundred gets a second one beside it, where the task may run twice: it is `idempotent`, or its `tools` are given and only read |
  | `timeout` | 300 000 | how long a task may take, in milliseconds |
  | `options` | | the options of all tasks, as of `ClaudeCodeSDK.query/2` |
  | `rate_limit` | 60 a minute, 1000 an hour | a number a minute, or `[per_minute: 60, per_hour: 1000, burst: ...]`; `nil`: none. Counted for each provider, credential and model |
  | `circuit_breaker` | | `[failure_threshold: 5, success_threshold: 2, timeout_ms: 60_000, ...]`; `nil`: none |
  | `budget_usd` | no limit | US dollars for everything |
  | `budget` | no limit | `[run_usd: ..., flow_usd: ..., key_hour_usd: ..., key_day_usd: ..., total_usd: ..., ledger: path]`, see `ClaudeCodeSDK.CostBudget` |
  | `retry` | | `[max_attempts: 3, program_retries: 10, ...]`, see below |
  | `fallbacks` | none | what a task falls back to: `[[model: "haiku"], [auth: manager], ...]`, at most 5; `auth` is another `ClaudeCodeSDK.AuthManager` |
  | `pool` | none | `[min_idle: 1, max_idle: ..., max_age_ms: 600_000, max_memory_mb: 2048, recycle: false, max_reuses: 50]`: keeps programs ready, started before there is a prompt. With `recycle: true`, which needs `options: [tools: []]`, one serves run after run and forgets each by `/clear` |
  | `prefix_wait_ms` | they do not wait | how long the tasks of one call wait at most for the first of them with the same options, until the model begins to answer it: the others find their common beginning in the cache of the API |

  In `retry`:

  | Option | Default | Means |
  |---|---|---|
  | `max_attempts` | 3 | attempts of a task, the first included |
  | `throttle_base_ms` | 1000 | the first backoff after the API wanted fewer requests |
  | `network_base_ms` | 250 | the first backoff after the API or the network failed |
  | `spawn_base_ms` | 50 | the first backoff after a program could not be started |
  | `max_delay_ms` | 20 000 | the longest backoff; a server may ask for more |
  | `budget_share` | 0.2 | retries for each first attempt of a key within a minute, from 0 to 1 |
  | `budget_free`, `budget_cap` | 12, 100 | retries of a key within a minute that are free, and the most there may be |
  | `program_retries` | 10 | how often the program itself retries a call of the API. Above 0 such failures are its business; with 0 they are the orchestrator's |

  The names of the original, `queries_per_minute`, `queries_per_hour` and `cost_budget_hourly` in `rate_limit`, and
  `half_open_requests` in `circuit_breaker`, are taken as well. Fails with `:invalid_options`, naming the field.
  """
  @spec start_link(keyword()) :: {:ok, pid()} | {:error, Error.t() | term()}
  def start_link(config \\ []) do
    {name, config} = Keyword.pop(config, :name, __MODULE__)

    with {:ok, server} <- Server.start_link(config, if(name, do: [name: name], else: [])) do
      case Server.call(server, :opened) do
        :ok -> {:ok, server}
        {:error, error} -> refuse(server, error)
      end
    end
  end

  defp refuse(server, error) do
    Process.unlink(server)
    GenServer.stop(server)

    receive do
      {:EXIT, ^server, _} -> {:error, error}
    after
      0 -> {:error, error}
    end
  end

  @doc "Stops an orchestrator: its calls are given up, their programs ended. Returns when these are gone."
  @spec stop(t()) :: :ok
  def stop(orchestrator) do
    GenServer.stop(orchestrator)
  catch
    :exit, {:noproc, _} -> :ok
  end

  @doc """
  Runs one task, as often as it may be tried.

  Options: `:timeout` (milliseconds), `:orchestrator`.
  """
  @spec run(task(), keyword()) ::
          {:ok, Outcome.t()} | {:error, {:query_failed, Outcome.t()} | Error.t()}
  def run(task, options \\ []) do
    Flow.run(options, [:timeout], fn base, told ->
      task = Task.build(task, base, told)
      {%{kind: "run", task: task.wire}, %Call{tasks: [task]}}
    end)
    |> one()
  end

  defp one({:ok, %{"outcome" => wire}, _outcomes, prompts}) do
    outcome = Outcome.from_wire(wire, prompts[0])
    if outcome.success, do: {:ok, outcome}, else: {:error, {:query_failed, outcome}}
  end

  defp one({:error, error}), do: {:error, error}

  @doc """
  Runs one query and tries it again where that can help, waiting longer each time (by chance between nothing and
  `backoff_ms`, twice that, four times that, ...; at least as long as the API asks for).

  The program itself is told not to retry, so that one owner does. Options: `:max_retries` (default 3: four attempts in all),
  `:backoff_ms` (default 1000), `:timeout` (milliseconds, for all of it), `:orchestrator`. `:exponential` of the original is taken and
  changes nothing.

  When all attempts failed the reason is `:max_retries_exceeded`; `:query_failed` when trying again could not help, or it was
  not let in.
  """
  @spec query_with_retry(ClaudeCodeSDK.Query.prompt(), Options.t() | keyword() | nil, keyword()) ::
          {:ok, Outcome.t()}
          | {:error, {:max_retries_exceeded | :query_failed, Outcome.t()} | Error.t()}
  def query_with_retry(prompt, options \\ nil, retry \\ []) do
    names = [:orchestrator, :timeout, :exponential, max_retries: 3, backoff_ms: 1000]

    with {:ok, given} <- Flow.named(retry, names) do
      [attempts, backoff] = [given[:max_retries] + 1, given[:backoff_ms]]

      policy = %{
        max_attempts: attempts,
        throttle_base_ms: backoff,
        network_base_ms: backoff,
        program_retries: 0
      }

      task = {prompt, options, timeout: given[:timeout], retry: policy}

      case run(task, Keyword.take(given, [:orchestrator])) do
        {:error, {:query_failed, %Outcome{status: :failed, attempts: ^attempts} = outcome}} ->
          {:error, {:max_retries_exceeded, outcome}}

        other ->
          other
      end
    end
  end

  @doc """
  Runs tasks side by side. `{:ok, outcomes}` when all were answered, otherwise `{:error, {:parallel_failures, outcomes}}`; both times all
  outcomes, in the order of the tasks.

  `tasks` is a list, or any enumerable, which is walked only as places become free and may be long or slow.

  Options: `:max_concurrent` (of this call, at least 1; that of the orchestrator holds as well), `:timeout` (of each task, in milliseconds),
  `:on_error` (`:collect`, the default; `:fail_fast`: the first task that is not answered gives up the others; `{:tolerate, n}`: more than n
  do), `:orchestrator`.
  """
  @spec query_parallel(Enumerable.t(), keyword()) ::
          {:ok, [Outcome.t()]} | {:error, {:parallel_failures, [Outcome.t()]} | Error.t()}
  def query_parallel(tasks, options \\ []) do
    with {:ok, _count, outcomes, _prompts} <- parallel(tasks, options, nil) do
      outcomes =
        outcomes
        |> Enum.map(fn {wire, prompt} -> Outcome.from_wire(wire, prompt) end)
        |> Enum.sort_by(& &1.index)

      if Enum.all?(outcomes, & &1.success),
        do: {:ok, outcomes},
        else: {:error, {:parallel_failures, outcomes}}
    end
  end

  @doc """
  The same as a lazy stream of outcomes in the order of their ends. Nothing runs before it is read; stopping early gives up what
  still runs.

  Of an enumerable no more is taken than was read, plus what runs at a time. Raises `ClaudeCodeSDK.Error` where
  `query_parallel/2` would return one.
  """
  @spec stream_parallel(Enumerable.t(), keyword()) :: Enumerable.t()
  def stream_parallel(tasks, options \\ []) do
    Batches.stream(%{
      start: fn -> begin(tasks, options) end,
      next: &next/1,
      convert: fn {wire, prompt}, _call -> Outcome.from_wire(wire, prompt) end,
      last?: nil,
      stop: fn {server, id}, _unseen, _why -> Server.call(server, {:stop, id}) end
    })
  end

  defp begin(tasks, options) do
    with {:ok, server} <- Flow.server(options),
         options = Keyword.put(options, :orchestrator, server),
         {:ok, id} <- parallel(tasks, options, options[:max_concurrent] || :default) do
      {server, id}
    else
      {:error, error} -> raise error
    end
  end

  defp next({server, id} = call) do
    case Server.call(server, {:next, id}) do
      {:items, outcomes} -> {:items, outcomes, call}
      :end -> {:done, call}
      {:error, error} -> raise error
    end
  end

  defp parallel(tasks, options, ahead) do
    names = [:timeout, :max_concurrent, :on_error]

    Flow.run(options, names, fn base, told ->
      {call, told} = Map.split(told, [:max_concurrent, :on_error])
      flow = Map.merge(on_error(call), %{kind: "parallel", each: true})

      if is_list(tasks) do
        tasks = Enum.map(tasks, &Task.build(&1, base, told))
        flow = Map.put(flow, :tasks, Enum.map(tasks, & &1.wire))
        {flow, %Call{tasks: tasks, ahead: ahead}}
      else
        {flow, %Call{from: tasks, told: told, ahead: ahead}}
      end
    end)
  end

  defp on_error(%{on_error: {:tolerate, most}} = call), do: %{call | on_error: %{tolerate: most}}
  defp on_error(call), do: call

  @doc """
  Runs steps one after the other, each told the answer before it: "Context from previous step: ... Now: ...".

  A step is a task, or a function that gets the outcome before it (`nil` for the first) and returns the task; nothing is put in
  front of that. `{:ok, outcomes}` of all steps; when one was not answered `{:error, {:step_failed, prompt, outcomes}}`, with the prompt of
  the first such step and the outcomes of all, those behind it `:skipped`.

  Options: `:use_context` (default true), `:stop_on_error` (default true; false: the steps behind run all the same, and the result is
  always `:ok`), `:timeout` (of each step, in milliseconds), `:orchestrator`.
  """
  @spec query_pipeline(Enumerable.t(), keyword()) ::
          {:ok, [Outcome.t()]}
          | {:error,
             {:step_failed, ClaudeCodeSDK.Query.prompt() | nil, [Outcome.t()]} | Error.t()}
  def query_pipeline(steps, options \\ []) do
    reply =
      Flow.run(options, [:timeout, :use_context, :stop_on_error], fn base, told ->
        {flow, told} = Map.split(told, [:use_context, :stop_on_error])
        steps = Enum.map(steps, &if(is_function(&1, 1), do: &1, else: Task.build(&1, base, told)))
        asked = for {step, index} <- Enum.with_index(steps), is_function(step), do: {index, step}

        wires = Enum.map(steps, &if(is_function(&1), do: %{ask: true}, else: &1.wire))
        tasks = Enum.map(steps, &if(is_function(&1), do: nil, else: &1))

        {Map.merge(flow, %{kind: "pipeline", steps: wires}),
         %Call{tasks: tasks, functions: %{"step" => Map.new(asked)}, told: told}}
      end)

    with {:ok, result, _outcomes, prompts} <- reply do
      outcomes = Outcome.list(result["outcomes"], prompts)

      case options[:stop_on_error] != false && Enum.find(outcomes, &(not &1.success)) do
        %Outcome{prompt: prompt} -> {:error, {:step_failed, prompt, outcomes}}
        _none -> {:ok, outcomes}
      end
    end
  end

  @doc """
  Runs tasks side by side until one has an acceptable answer; the others are given up.

  Options: `:accept`, a function that says of an outcome whether it counts (default: every answer does); `:stagger_ms` (each task is
  taken up only so long after the one before it, or when one ended without an acceptable answer; the same task twice is then a second
  attempt for an answer that is late); `:timeout`, `:orchestrator`. When `:accept` raises, what still runs is ended and the error has the
  code `:callback`.
  """
  @spec race([task()], keyword()) ::
          {:ok, Race.t()} | {:error, {:no_winner, Race.t()} | Error.t()}
  def race(tasks, options \\ []) do
    reply = Flow.several("race", tasks, options, [:timeout, :accept, :stagger_ms], [:accept])

    with {:ok, result, _outcomes, prompts} <- reply do
      race = Race.from_wire(result, prompts)
      if race.winner, do: {:ok, race}, else: {:error, {:no_winner, race}}
    end
  end

  @doc """
  Asks several and takes what most of them say. Those that cannot change the result any more are given up.

  Options: `:quorum` (`:majority` of all that were asked, the default; `:unanimous`; `:plurality`: more than say anything else),
  `:ballot`, a function that says what an outcome votes for, as a text, or `nil` (default: its text in small letters, without
  punctuation at its ends), `:timeout`, `:orchestrator`. When `:ballot` raises, what still runs is ended and the error has the code
  `:callback`.
  """
  @spec vote([task()], keyword()) ::
          {:ok, Vote.t()} | {:error, {:no_quorum, Vote.t()} | Error.t()}
  def vote(tasks, options \\ []) do
    reply = Flow.several("vote", tasks, options, [:timeout, :quorum, :ballot], [:ballot])

    with {:ok, result, _outcomes, prompts} <- reply do
      vote = Vote.from_wire(result, prompts)
      if vote.error, do: {:error, {:no_quorum, vote}}, else: {:ok, vote}
    end
  end

  @doc """
  Runs tasks side by side and brings their answers together: `reduce` gets a list of outcomes and returns the task that makes one
  answer of them, until one is left. Tasks that were not answered are left out.

  Options: `:fan_in` (how many answers one task brings together at most; default 8, at least 2), `:timeout`, `:orchestrator`.

      Orchestrator.map_reduce(files, fn outcomes -> "Summarize:\\n" <> Enum.map_join(outcomes, "\\n", & &1.text) end)
  """
  @spec map_reduce([task()], ([Outcome.t()] -> task()), keyword()) ::
          {:ok, MapReduce.t()} | {:error, {:not_reduced, MapReduce.t()} | Error.t()}
  def map_reduce(tasks, reduce, options \\ []) when is_function(reduce, 1) do
    options = Keyword.put(options, :reduce, reduce)
    reply = Flow.several("map_reduce", tasks, options, [:timeout, :fan_in, :reduce], [])

    with {:ok, result, _outcomes, prompts} <- reply do
      all = MapReduce.from_wire(result, prompts)
      if all.error, do: {:error, {:not_reduced, all}}, else: {:ok, all}
    end
  end

  @doc """
  Asks, lets `judge` look at the answer, and asks the same session again what the judge says, at most `rounds` times in all
  (at least 1).

  `judge` gets the outcome and returns `:done` or `{:again, prompt}`. Options: `:timeout` (of each round), `:orchestrator`.
  """
  @spec until(
          task(),
          pos_integer(),
          (Outcome.t() -> :done | {:again, ClaudeCodeSDK.Query.prompt()}),
          keyword()
        ) ::
          {:ok, Until.t()} | {:error, {:not_done, Until.t()} | Error.t()}
  def until(task, rounds, judge, options \\ []) when is_function(judge, 1) do
    reply =
      Flow.run(options, [:timeout], fn base, told ->
        task = Task.build(task, base, told)
        flow = %{kind: "until", task: task.wire, rounds: rounds}
        {flow, %Call{tasks: [task], functions: %{"judge" => judge}}}
      end)

    with {:ok, result, _outcomes, prompts} <- reply do
      until = Until.from_wire(result, prompts)
      if until.done, do: {:ok, until}, else: {:error, {:not_done, until}}
    end
  end

  @doc """
  Counts over everything since the orchestrator started. Raises `ClaudeCodeSDK.Error` when it is gone.
  """
  @spec get_stats(t() | nil) :: Stats.t()
  def get_stats(orchestrator \\ nil) do
    {:ok, stats} = command(orchestrator, "stats")
    Stats.from_wire(stats)
  end

  @doc "Counts from nothing again. Limits and budgets are not touched."
  @spec reset_stats(t() | nil) :: :ok
  def reset_stats(orchestrator \\ nil) do
    {:ok, nil} = command(orchestrator, "reset_stats")
    :ok
  end

  @doc """
  From now on the calling process is told what happens to all tasks, as messages
  `{:orchestrator_progress, pid, %ClaudeCodeSDK.Orchestrator.Progress{}}`. All that a call leads to is told before it returns.
  """
  @spec subscribe(t() | nil) :: :ok
  def subscribe(orchestrator \\ nil) do
    :ok = orchestrator |> running() |> ask({:subscribe, self()})
  end

  @doc "The calling process is told no more, and what is in its mailbox is removed."
  @spec unsubscribe(t() | nil) :: :ok
  def unsubscribe(orchestrator \\ nil) do
    server = running(orchestrator)
    :ok = ask(server, {:unsubscribe, self()})
    server |> GenServer.whereis() |> flush()
  end

  defp flush(server) do
    receive do
      {:orchestrator_progress, ^server, _event} -> flush(server)
    after
      0 -> :ok
    end
  end

  defp running(orchestrator) do
    case Flow.server(orchestrator: orchestrator) do
      {:ok, server} -> server
      {:error, error} -> raise error
    end
  end

  defp command(orchestrator, name), do: orchestrator |> running() |> ask({:command, name})

  defp ask(server, request) do
    with {:error, error} <- Server.call(server, request), do: raise(error)
  end
end
