defmodule ClaudeCodeSDK.MessageTest do
  use ExUnit.Case, async: true

  alias ClaudeCodeSDK.{ContentExtractor, Message}

  defp message(fields) do
    {:ok, text} = ClaudeCodeSDK.JSON.encode(fields)
    {:ok, message} = Message.from_json(text)
    message
  end

  test "the facts of each type stand under the original's names" do
    init =
      message(%{
        type: "system",
        subtype: "init",
        session_id: "s",
        apiKeySource: "none",
        permissionMode: "plan",
        tools: ["Bash"]
      })

    assert {init.type, init.subtype} == {:system, :init}

    assert %{
             session_id: "s",
             api_key_source: "none",
             permission_mode: "plan",
             tools: ["Bash"],
             mcp_servers: []
           } = init.data

    assistant = message(%{type: "assistant", session_id: "s", message: %{content: "hi"}})
    assert assistant.data.message == %{"content" => "hi"}

    result =
      message(%{
        type: "result",
        subtype: "success",
        is_error: false,
        result: "4",
        total_cost_usd: 0.1,
        num_turns: 1
      })

    assert %{result: "4", total_cost_usd: 0.1, num_turns: 1, is_error: false} = result.data

    event =
      message(%{type: "stream_event", event: %{type: "message_stop"}, session_id: "s", uuid: "u"})

    assert %{event: %{"type" => "message_stop"}, uuid: "u", parent_tool_use_id: nil} = event.data
  end

  test "an unknown type, subtype or field is kept" do
    message = message(%{type: "brand_new", subtype: "odd", extra: %{a: 1}})
    assert {message.type, message.subtype} == {"brand_new", "odd"}
    assert message.raw["extra"] == %{"a" => 1}
    assert message.data == message.raw
  end

  test "a failed turn is an error whatever its subtype says" do
    assert Message.error?(
             message(%{type: "result", subtype: "success", is_error: true, result: "API Error"})
           )

    failed =
      message(%{
        type: "result",
        subtype: "error_during_execution",
        is_error: true,
        errors: ["a", "b"]
      })

    assert Message.error?(failed)
    assert failed.data.error == "a\nb"

    assert message(%{type: "result", subtype: "error_max_turns", is_error: true}).data.error =~
             "max_turns"

    refute Message.error?(message(%{type: "result", subtype: "success", is_error: false}))
  end

  test "what is no frame is refused" do
    assert {:error, %{code: :invalid_argument}} = Message.from_json("{")
    assert {:error, %{code: :protocol}} = Message.from_json("[]")
    assert {:error, %{code: :protocol}} = Message.from_json(~s({"type": 1}))
  end

  test "texts are found in every form of content" do
    blocks = [
      %{"type" => "text", "text" => "See:"},
      %{
        "type" => "tool_use",
        "name" => "Bash",
        "input" => %{"command" => String.duplicate("x", 30)}
      },
      %{"type" => "tool_result", "tool_use_id" => "t", "content" => String.duplicate("y", 60)},
      %{"type" => "image"}
    ]

    text = ContentExtractor.extract_content_text(blocks)

    assert text ==
             "See: [Tool: Bash command: ...] [Tool Result t: #{String.duplicate("y", 47)}...]"

    one = message(%{type: "assistant", message: %{content: blocks}})
    none = message(%{type: "system", subtype: "status"})
    assert ContentExtractor.has_text?(one)
    refute ContentExtractor.has_text?(none)
    assert ContentExtractor.extract_all_text([one, none, one], "|") == text <> "|" <> text
    assert ContentExtractor.summarize(none) == "[No text content]"
  end
end
