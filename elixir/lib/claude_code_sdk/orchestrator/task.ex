defmodule ClaudeCodeSDK.Orchestrator.Task do
  @moduledoc false
  # A task as it is given (a prompt, or a tuple with options) in the words of the core, and the functions that answer its
  # questions. Questions carry the `ref` of their task, by which the orchestrator finds these functions again.

  alias ClaudeCodeSDK.{Environment, Error, Limits, Options, Request}
  alias ClaudeCodeSDK.Session.Asks
  alias ClaudeCodeSDK.Tool.Server

  # Its options may hold secrets, also in the report of a crash.
  @derive {Inspect, only: [:prompt, :ref]}
  @enforce_keys [:prompt]
  defstruct [:prompt, :wire, :ref, :host]

  @type t :: %__MODULE__{
          prompt: term(),
          wire: map() | nil,
          ref: pos_integer() | nil,
          host: map() | nil
        }

  # Where a task can have functions of its own; the others are those of the orchestrator.
  @functions ~w(can_use_tool on_elicitation on_user_dialog hooks)a

  # What the environment of the VM has to do with.
  @environment ~w(cli_path executable executable_args env env_mode env_allow trace_context)a

  @doc "The task, over the options of its orchestrator; what the call says holds where the task says nothing."
  @spec build(term(), Options.t(), map()) :: t()
  def build(given, base, call \\ %{}) do
    {prompt, own, told} = parts(given)
    own = Options.cast(own)
    refuse(own)
    host = functions(own, base)
    provided = Request.provided(host)
    ref = if calls?(provided), do: System.unique_integer([:positive])

    wire =
      call
      |> Map.merge(told(told))
      |> Map.merge(if(ref, do: Map.put(provided, :ref, ref), else: %{}))
      |> Map.merge(%{prompt: prompt, options: options(own, base)})
      # Anew for each task: a manager that was started again has another number.
      |> Map.merge(Request.auth(if(own.auth == nil, do: base.auth, else: own.auth)))

    %__MODULE__{prompt: prompt, wire: wire, ref: ref, host: ref && Asks.host(host)}
  end

  defp parts({prompt, own}), do: {prompt, own, []}
  defp parts({prompt, own, told}), do: {prompt, own, told}
  defp parts(prompt), do: {prompt, nil, []}

  @doc "What a call or a task says beside its options, in the words of the core."
  @spec told(keyword() | map()) :: map()
  def told(given) do
    given
    |> Limits.object("task")
    |> Enum.reject(fn {_name, value} -> value == nil end)
    |> Map.new(fn
      {:timeout, timeout} -> {:timeout_ms, timeout}
      other -> other
    end)
  end

  @doc "Options that a task cannot have."
  @spec refuse(Options.t()) :: :ok
  def refuse(options) do
    for field <- [:stderr, :session_store], Map.fetch!(options, field) != nil do
      raise Error.new(
              :invalid_options,
              "#{field}: only a query or session of its own can have it, not a task of an orchestrator",
              context: %{"field" => to_string(field)}
            )
    end

    :ok
  end

  defp functions(own, base) do
    base
    |> Map.take(@functions)
    |> Map.merge(Map.take(own, @functions), fn _field, base, own -> own || base end)
    |> Map.put(:mcp_servers, servers(own.mcp_servers, base.mcp_servers))
    |> then(&struct!(Options, &1))
  end

  # Those of this VM only; the core knows the others.
  defp servers(own, base), do: Map.merge(here(base), here(own))

  defp here(servers) when is_map(servers) and not is_struct(servers),
    do: for({name, %Server{} = server} <- servers, into: %{}, do: {to_string(name), server})

  defp here(_none), do: %{}

  defp calls?(provided), do: Map.delete(provided, :asks) != %{} or provided.asks != []

  # The core lays these over the options of the orchestrator. The environment of the VM may have changed since that started.
  defp options(own, base) do
    own = Request.wire(own)

    base
    |> Request.wire()
    |> Map.take(@environment)
    |> Map.merge(own, &over/3)
    |> Environment.apply()
  end

  defp over(:env, %{} = base, %{} = own), do: Map.merge(named(base), named(own))
  defp over(_field, _base, own), do: own

  defp named(env), do: Map.new(env, fn {name, value} -> {to_string(name), value} end)
end
