defmodule ClaudeCodeSDK.ContentTest do
  @moduledoc "Each block has its struct, each recorded frame its type, and nothing is lost."
  use ExUnit.Case, async: true

  alias ClaudeCodeSDK.{Content, JSON, Message}
  alias ClaudeCodeSDK.Test.Simulator

  doctest Content

  test "each kind of block has its struct, with the whole block beside its fields" do
    blocks = [
      {Content.Text, %{"type" => "text", "text" => "a", "citations" => [1]}},
      {Content.Thinking, %{"type" => "thinking", "thinking" => "a", "signature" => "s"}},
      {Content.RedactedThinking, %{"type" => "redacted_thinking", "data" => "x"}},
      {Content.ToolResult, %{"type" => "tool_result", "tool_use_id" => "t", "is_error" => true}},
      {Content.ServerToolResult,
       %{"type" => "web_search_tool_result", "tool_use_id" => "t", "content" => []}},
      {Content.ToolReference, %{"type" => "tool_reference", "tool_name" => "Bash", "extra" => 1}}
    ]

    read = blocks |> Enum.map(&elem(&1, 1)) |> Content.from_json()
    assert Enum.map(read, & &1.__struct__) == Enum.map(blocks, &elem(&1, 0))
    assert Enum.map(read, & &1.raw) == Enum.map(blocks, &elem(&1, 1))

    assert [%{citations: [1]}, %{signature: "s"}, _, %{is_error: true, content: nil}, result, _] =
             read

    assert result.type == "web_search_tool_result"
  end

  test "what lacks a field, has an unknown kind or is no block is kept" do
    odd = [%{"type" => "text"}, %{"type" => "hologram"}, %{"text" => "?"}, 7]
    read = Content.from_json(odd)
    assert Enum.all?(read, &match?(%Content.Unknown{}, &1))
    assert Enum.map(read, & &1.raw) == odd
    assert Content.from_json(nil) == []
    assert [%Content.Text{text: "hi"}] = Content.from_json("hi")
  end

  test "only assistant and user messages have blocks" do
    assert Message.content_blocks(Message.from_frame(%{"type" => "result"})) == []
    assert Message.content_blocks(Message.from_frame(%{"type" => "user", "message" => %{}})) == []
    assert Message.content_blocks(Message.from_frame(%{"type" => "assistant"})) == []
  end

  # Requests and answers are for the core; a host never sees them.
  @control ~w(control_request control_response control_cancel_request)

  for file <- Path.wildcard(Path.join(Simulator.root(), "tests/frames/**/*.jsonl")) do
    test "every message of #{Path.relative_to(file, Simulator.root())} is of a known kind" do
      frames = for line <- File.stream!(unquote(file)), frame = said(line), do: frame
      assert frames != []

      for frame <- frames do
        {:ok, text} = JSON.encode(frame)
        {:ok, message} = Message.from_json(text)
        assert message.raw == frame
        assert is_atom(message.type), "type #{message.type}"
        assert is_atom(message.subtype), "subtype #{message.subtype}"

        for block <- Message.content_blocks(message),
            do: refute(match?(%Content.Unknown{}, block), inspect(block))
      end
    end
  end

  defp said(line) do
    {:ok, %{"dir" => dir, "frame" => frame}} = JSON.decode(line)
    if dir == "out" and frame["type"] not in @control, do: frame
  end
end
