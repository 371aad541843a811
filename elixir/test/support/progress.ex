defmodule ClaudeCodeSDK.Test.Progress do
  @moduledoc "What a scenario expects of its messages, checked one by one as they are read; none is kept."

  alias ClaudeCodeSDK.Test.Pattern

  defstruct expect: %{}, left: [], count: 0, text: [], deltas: [], pids: %{}, words: %{}

  def new(expect), do: %__MODULE__{expect: expect || %{}, left: (expect || %{})["messages"] || []}

  def see(progress, frame) do
    left =
      case progress.left do
        [pattern | rest] -> if Pattern.match?(pattern, frame), do: rest, else: progress.left
        [] -> []
      end

    %{
      progress
      | left: left,
        count: progress.count + 1,
        pids: pids(progress.pids, frame),
        words: words(progress.words, frame)
    }
    |> add(frame)
  end

  # Texts are collected only where the scenario asks for them.
  defp add(%{expect: %{"text" => _}} = progress, %{
         "type" => "assistant",
         "message" => %{"content" => blocks}
       })
       when is_list(blocks) do
    %{
      progress
      | text: [progress.text | for(%{"type" => "text", "text" => text} <- blocks, do: text)]
    }
  end

  defp add(%{expect: %{"deltas" => _}} = progress, %{
         "type" => "stream_event",
         "event" => %{"delta" => %{"type" => "text_delta", "text" => text}}
       }) do
    %{progress | deltas: [progress.deltas | text]}
  end

  defp add(progress, _frame), do: progress

  # The last process id under each top-level name.
  defp pids(known, frame) do
    for {name, pid} when is_integer(pid) <- frame, into: known, do: {name, pid}
  end

  # The last word under each top-level name of a system message.
  defp words(known, %{"type" => "system"} = frame) do
    for {name, word} when is_binary(word) <- frame, into: known, do: {name, word}
  end

  defp words(known, _frame), do: known

  @doc "Arguments in which `$seen.task_id` is what the last message that had a `task_id` said."
  def fill(_progress, nil), do: nil

  def fill(progress, with) do
    Map.new(with, fn
      {key, "$seen." <> name} -> {key, Map.fetch!(progress.words, name)}
      other -> other
    end)
  end

  def pid(progress, name), do: Map.fetch!(progress.pids, name)

  @doc "What does not hold."
  def finish(progress) do
    [
      progress.left != [] && "no message matched #{inspect(hd(progress.left))}",
      differs(progress.expect["count"], progress.count, "count"),
      differs(progress.expect["text"], IO.iodata_to_binary(progress.text), "text"),
      differs(progress.expect["deltas"], IO.iodata_to_binary(progress.deltas), "deltas")
    ]
    |> Enum.filter(& &1)
  end

  defp differs(nil, _found, _what), do: nil

  defp differs(expected, found, what) do
    unless Pattern.match?(expected, found),
      do: "#{what}: expected #{inspect(expected)}, found #{inspect(found)}"
  end
end
