defmodule ClaudeCodeSDK.Orchestrator.Questions do
  @moduledoc false
  # What a call asks its caller on the way: the next step, whether an answer is good, what it says. Each is answered by a
  # function of the caller, in a process of its own.

  alias ClaudeCodeSDK.{Error, Options}
  alias ClaudeCodeSDK.Orchestrator.{Outcome, Task}

  @doc """
  The answer to a question of the call. A task that was made is told to the orchestrator before, as `{:made, call, place, task}`.
  """
  @spec answer(String.t(), map(), map(), Options.t(), pid()) :: term()
  def answer("step", %{"index" => index} = request, call, base, server) do
    made = call.functions["step"][index].(outcome(request["before"], call))
    tell(server, call, index, Task.build(made, base, call.told))
  end

  def answer("reduce", %{"outcomes" => outcomes}, call, base, server) do
    made = outcomes |> Enum.map(&outcome(&1, call)) |> call.functions["reduce"].()
    tell(server, call, :next, Task.build(made, base, call.told))
  end

  def answer("judge", %{"outcome" => outcome}, call, _base, server) do
    case call.functions["judge"].(outcome(outcome, call)) do
      :done ->
        %{done: true}

      {:again, prompt} ->
        send(server, {:made, call.id, :next, %Task{prompt: prompt}})
        %{prompt: prompt}

      other ->
        wrong("the judge must return :done or {:again, prompt}", other)
    end
  end

  def answer("accept", %{"outcome" => outcome}, call, _base, _server),
    do: !!call.functions["accept"].(outcome(outcome, call))

  def answer("ballot", %{"outcome" => outcome}, call, _base, _server) do
    case call.functions["ballot"].(outcome(outcome, call)) do
      said when is_binary(said) or said == nil -> said
      other -> wrong("ballot must return a text or nil", other)
    end
  end

  defp outcome(nil, _call), do: nil
  defp outcome(wire, call), do: Outcome.from_wire(wire, call.prompts[wire["index"]])

  defp tell(server, call, place, task) do
    send(server, {:made, call.id, place, task})
    task.wire
  end

  defp wrong(expected, given),
    do: raise(Error.new(:callback, "#{expected}, not #{inspect(given, limit: 5)}"))
end
