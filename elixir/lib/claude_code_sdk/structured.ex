defmodule ClaudeCodeSDK.Structured do
  @moduledoc false
  # The value a JSON Schema asked for. A turn can succeed without one (the model answered with text) or fail over it; here
  # both are errors that say so. Its public face is `ClaudeCodeSDK.Message.structured/2`.

  alias ClaudeCodeSDK.{Error, Message}

  # How much of a text an error repeats, in characters.
  @excerpt 200

  @doc "The value of a result, as it is or as a struct."
  @spec value(Message.t(), module() | nil) :: {:ok, term()} | {:error, Error.t()}
  # `null` can be the validated value: what counts is that it is there.
  def value(%Message{type: :result, raw: %{"structured_output" => value} = raw}, module),
    do: if(module, do: into(value, module, raw), else: {:ok, value})

  def value(%Message{type: :result, raw: raw}, _module), do: {:error, error(without(raw), raw)}

  def value(%Message{type: type}, _module) do
    problem = "only a `:result` has a structured value, and this is `#{inspect(type)}`"
    {:error, Error.new(:structured_output, problem, operation: "structured")}
  end

  defp without(%{"subtype" => "error_max_structured_output_retries"}) do
    "the model never met the JSON Schema: simplify it, or say in the prompt what each field is for"
  end

  defp without(%{"is_error" => true}), do: "the turn failed before there was a value"

  defp without(_raw) do
    "there is no value: the model answered with text, or no `output_format` was given. Ask for the value in the prompt"
  end

  # Keys become fields where there is such a field; no key of the model becomes an atom.
  defp into(%{} = value, module, raw) do
    fields = fields(module)
    given = for {field, _} <- fields, key = to_string(field), is_map_key(value, key), do: field

    case Enum.find(fields, fn {field, required} -> required and field not in given end) do
      nil ->
        {:ok, struct!(module, for(field <- given, do: {field, value[to_string(field)]}))}

      {field, _} ->
        {:error, misfit("the field is missing", to_string(field), module, raw)}
    end
  end

  defp into(_value, module, raw),
    do: {:error, misfit("expected an object", ".", module, raw)}

  defp fields(module) do
    case Code.ensure_loaded(module) == {:module, module} and
           function_exported?(module, :__struct__, 0) and module.__info__(:struct) do
      described when is_list(described) ->
        for %{field: field, required: required} <- described, do: {field, required}

      _none ->
        raise Error.new(:invalid_argument, "#{inspect(module)} is no struct",
                operation: "structured"
              )
    end
  end

  defp misfit(problem, field, module, raw) do
    "the value does not fit #{inspect(module)}, at `#{field}`: #{problem}"
    |> error(raw)
    |> put_in_context("field", field)
  end

  defp put_in_context(error, key, value),
    do: %{error | context: Map.put(error.context, key, value)}

  defp error(problem, raw) do
    Error.new(:structured_output, problem,
      operation: "structured",
      context: %{"subtype" => raw["subtype"], "result" => raw |> text() |> excerpt()}
    )
  end

  defp text(%{"result" => text}) when is_binary(text), do: text
  defp text(%{"errors" => [_ | _] = texts}), do: Enum.map_join(texts, "; ", &to_string/1)
  defp text(raw), do: to_string(raw["error"])

  defp excerpt(text) do
    if String.length(text) <= @excerpt,
      do: text,
      else: "#{String.slice(text, 0, @excerpt)}... (#{byte_size(text)} bytes)"
  end
end
