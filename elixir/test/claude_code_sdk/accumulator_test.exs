defmodule ClaudeCodeSDK.AccumulatorTest do
  @moduledoc "Pieces become blocks, and each block comes out once."
  use ExUnit.Case, async: true

  alias ClaudeCodeSDK.{Accumulator, Content, Message}

  defp frame(fields) do
    {:ok, text} = ClaudeCodeSDK.JSON.encode(fields)
    {:ok, message} = Message.from_json(text)
    message
  end

  defp event(event, more \\ %{}),
    do: frame(Map.merge(%{type: "stream_event", event: event}, more))

  defp start(id), do: event(%{type: "message_start", message: %{id: id, content: []}})

  defp said(id, content, parent \\ nil) do
    frame(%{
      type: "assistant",
      message: %{id: id, content: content},
      parent_tool_use_id: parent,
      agent_id: parent
    })
  end

  defp delta(index, delta), do: event(%{type: "content_block_delta", index: index, delta: delta})
  defp text(text), do: %{type: "text_delta", text: text}

  defp streamed(index, block, deltas) do
    [event(%{type: "content_block_start", index: index, content_block: block})] ++
      Enum.map(deltas, &delta(index, &1)) ++ [event(%{type: "content_block_stop", index: index})]
  end

  defp complete(messages) do
    messages
    |> Stream.transform(Accumulator.new(), &Accumulator.add(&2, &1))
    |> Enum.to_list()
  end

  defp after_all(messages) do
    Enum.reduce(messages, Accumulator.new(), fn message, blocks ->
      {_complete, blocks} = Accumulator.add(blocks, message)
      blocks
    end)
  end

  test "pieces become blocks and each comes out once" do
    thinking = %{"type" => "thinking", "thinking" => "let me see", "signature" => "c2ln"}
    call = %{"type" => "tool_use", "id" => "t", "name" => "Read", "input" => %{"a" => [1]}}

    messages =
      [start("m")] ++
        streamed(0, %{type: "thinking", thinking: "", signature: ""}, [
          %{type: "thinking_delta", thinking: "let me "},
          %{type: "thinking_delta", thinking: "see"},
          %{type: "signature_delta", signature: "c2ln"}
        ]) ++
        [said("m", [thinking])] ++
        streamed(1, %{type: "tool_use", id: "t", name: "Read", input: %{}}, [
          %{type: "input_json_delta", partial_json: ~s({"a":)},
          %{type: "input_json_delta", partial_json: "[1]}"}
        ]) ++ [said("m", [call])]

    assert Enum.map(complete(messages), & &1.block.raw) == [thinking, call]
    assert [%Content.Thinking{}, %Content.ToolUse{}] = Enum.map(complete(messages), & &1.block)
  end

  test "without pieces a block comes out with its message, in parts of the same message too" do
    one = %{"type" => "text", "text" => "one"}
    two = %{"type" => "text", "text" => "two"}
    blocks = complete([said("m", [one]), said("m", [two]), said("n", [one])])

    assert Enum.map(blocks, &{&1.message_id, &1.block.text}) == [
             {"m", "one"},
             {"m", "two"},
             {"n", "one"}
           ]
  end

  test "a block said before its last piece does not come out again" do
    [begin, piece, stop] = streamed(0, %{type: "text", text: ""}, [text("Hi")])
    messages = [start("m"), begin, piece, said("m", [%{type: "text", text: "Hi"}]), stop]
    assert [%{block: %{text: "Hi"}}] = complete(messages)
  end

  test "subagents do not mix with the main conversation" do
    [begin, piece, _stop] = streamed(0, %{type: "text", text: ""}, [text("main")])
    inner = said("m2", [%{type: "text", text: "inner"}], "toolu_1")

    assert [%{block: %{text: "inner"}, parent_tool_use_id: "toolu_1", agent_id: "toolu_1"}] =
             complete([start("m"), begin, piece, inner])

    blocks = after_all([start("m"), begin, piece, inner])
    assert {Accumulator.text(blocks), Accumulator.text(blocks, "toolu_1")} == {"main", ""}
    assert [%Content.Text{text: "main"}] = Accumulator.growing(blocks)
  end

  test "what is cut short or abandoned does not come out" do
    late = delta(0, text("begun late"))
    assert Accumulator.text(after_all([late])) == "begun late"

    abandoned = %{abandoned_blocks: %{api_message_id: "m", from_block_index: 0}}
    assert Accumulator.text(after_all([late, event(%{type: "ping"}, abandoned)])) == ""

    ended = frame(%{type: "result", subtype: "error_during_execution", is_error: true})
    assert Accumulator.growing(after_all([late, ended])) == []
    assert complete([late, ended, event(%{type: "content_block_stop", index: 0})]) == []
  end

  test "the input of a tool that was cut off stays a text" do
    call = %{type: "tool_use", id: "t", name: "Read", input: %{}}
    messages = streamed(0, call, [%{type: "input_json_delta", partial_json: ~s({"a)}])
    assert [%{block: %{input: ~s({"a)}}] = complete(messages)
  end

  test "however a text is cut into deltas, it grows back into the same text" do
    letters = String.graphemes("Grüße, 世界 👋🏽! ")

    for size <- 0..40 do
      pieces = for _ <- 1..(size + 1), do: letters |> Enum.take_random(5) |> Enum.join()
      messages = streamed(0, %{type: "text", text: ""}, Enum.map(pieces, &text/1))
      assert [%{block: %{text: text}}] = complete(messages)
      assert text == Enum.join(pieces)
    end
  end
end
