defmodule ClaudeCodeSDK.Test.Callback do
  @moduledoc "A `can_use_tool` callback that does what the scenario says, and tells the test about each question."

  defmodule Boom do
    @moduledoc false
    defexception message: "boom"
  end

  @doc "A callback that tells the calling process."
  def start do
    {:ok, agent} = Agent.start_link(fn -> %{"answer" => %{"behavior" => "allow"}} end)
    {agent, self()}
  end

  def set({agent, _}, how), do: Agent.update(agent, fn _ -> how end)

  def call({agent, test} = callback, %{request: request}) do
    how = Agent.get(agent, & &1)
    send(test, {:asked, callback, request, self(), how["hold"] == true})

    case how do
      %{"answer" => answer} -> answer
      %{"raise" => message} -> raise Boom, message: message
      %{"hold" => true} -> receive do: ({:answer, answer} -> answer)
    end
  end

  @doc "Waits for the next question."
  def next(callback) do
    receive do: ({:asked, ^callback, request, pid, held?} -> {request, pid, held?})
  end

  @doc "The questions that nobody waited for."
  def rest(callback) do
    receive do
      {:asked, ^callback, request, _pid, _held?} -> [request | rest(callback)]
    after
      0 -> []
    end
  end
end
