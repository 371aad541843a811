defmodule ClaudeCodeSDK.SessionStore.Answer do
  @moduledoc false
  # The engine asks a store in JSON; here its questions become calls of callbacks, and what they return becomes answers.
  # What to ask, and when, is decided by the core.

  alias ClaudeCodeSDK.Error

  # Each callback with its arity.
  @callbacks [
    append: 3,
    load: 2,
    list_sessions: 2,
    list_session_summaries: 2,
    delete: 2,
    list_subkeys: 2
  ]

  @doc "Module and argument of a store; raises for what is none."
  @spec store(term()) :: {module(), term()}
  def store({module, _argument} = store) when is_atom(module) and module != nil, do: store
  def store(module) when is_atom(module) and module != nil, do: {module, module}
  def store(other), do: raise(refused("expected a module or {module, argument}", other))

  @doc "The callbacks a store has, in the words of the core."
  @spec methods(term()) :: [String.t()]
  def methods(store) do
    {module, _argument} = store(store)

    methods =
      for {name, arity} <- @callbacks,
          Code.ensure_loaded?(module) and function_exported?(module, name, arity),
          do: Atom.to_string(name)

    if "append" in methods and "load" in methods,
      do: methods,
      else: raise(refused("a store must have append/3 and load/2", module))
  end

  # The argument may hold a secret.
  defp refused(problem, {module, _argument}), do: refused(problem, module)

  defp refused(problem, given) do
    shown = if is_atom(given), do: ", not #{inspect(given)}", else: ""

    Error.new(:invalid_options, "session_store: #{problem}#{shown}",
      operation: "open",
      context: %{"field" => "session_store"}
    )
  end

  @doc "Answers a question; raises what a callback raises, and an error when it fails."
  @spec to(map(), term()) :: term()
  def to(%{"method" => method} = request, store) do
    {module, argument} = store(store)
    call(method, request, module, argument)
  end

  defp call("append", request, module, argument),
    do: module.append(argument, key(request), request["entries"]) |> done("append/3")

  defp call("load", request, module, argument),
    do: module.load(argument, key(request)) |> value("load/2")

  defp call("list_sessions", request, module, argument),
    do: module.list_sessions(argument, request["project_key"]) |> value("list_sessions/2")

  defp call("list_session_summaries", request, module, argument) do
    argument
    |> module.list_session_summaries(request["project_key"])
    |> value("list_session_summaries/2")
  end

  defp call("delete", request, module, argument),
    do: module.delete(argument, key(request)) |> done("delete/2")

  defp call("list_subkeys", request, module, argument),
    do: module.list_subkeys(argument, key(request)) |> value("list_subkeys/2")

  defp done(:ok, _callback), do: nil
  defp done(other, callback), do: failed(other, callback, ":ok")

  defp value({:ok, value}, _callback), do: value
  defp value(other, callback), do: failed(other, callback, "{:ok, value}")

  defp failed({:error, reason}, _callback, _expected), do: raise(failure(reason))

  defp failed(other, callback, expected) do
    problem = "#{callback} must return #{expected} or {:error, reason}"
    raise failure("#{problem}, not #{inspect(other, limit: 5, printable_limit: 100)}")
  end

  defp failure(reason) when is_exception(reason), do: reason
  defp failure(text) when is_binary(text), do: Error.new(:callback, text)
  defp failure(reason), do: Error.new(:callback, inspect(reason, limit: 5, printable_limit: 200))

  defp key(%{"key" => key}) do
    %{
      project_key: key["project_key"],
      session_id: key["session_id"],
      subpath: key["subpath"]
    }
  end

  @doc "A key in the words of the core."
  @spec key_to_wire(map()) :: map()
  def key_to_wire(key) do
    key
    |> Map.take([:project_key, :session_id, :subpath])
    |> Map.reject(fn {_name, value} -> value == nil end)
  end
end
