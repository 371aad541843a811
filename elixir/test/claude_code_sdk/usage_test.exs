defmodule ClaudeCodeSDK.UsageTest do
  @moduledoc "Tokens and money are counted once."
  use ExUnit.Case, async: true

  alias ClaudeCodeSDK.{CostMeter, Message, UsageMeter}

  doctest CostMeter
  doctest UsageMeter

  defp block(id, output, model \\ "m") do
    usage = %{"input_tokens" => 10, "output_tokens" => output}

    frame(%{
      type: "assistant",
      message: %{id: id, model: model, content: [], usage: usage}
    })
  end

  defp result(total),
    do: frame(%{type: "result", subtype: "success", is_error: false, total_cost_usd: total})

  defp frame(fields) do
    {:ok, text} = ClaudeCodeSDK.JSON.encode(fields)
    {:ok, message} = Message.from_json(text)
    message
  end

  defp count(messages, meter \\ UsageMeter.new()),
    do: Enum.reduce(messages, meter, &UsageMeter.add(&2, &1))

  test "blocks of a message count once and made up messages not at all" do
    meter = count([block("a", 1), block("a", 1), block("b", 2), block("x", 9, "<synthetic>")])
    assert %{input_tokens: 20, output_tokens: 3} = UsageMeter.usage(meter)
    assert UsageMeter.message_count(meter) == 2
  end

  test "the end of a streamed message states its final count" do
    events = [
      %{type: "message_start", message: %{id: "a", usage: %{input_tokens: 10, output_tokens: 1}}},
      %{type: "message_delta", delta: %{}, usage: %{output_tokens: 40}},
      %{type: "message_stop"}
    ]

    streamed = for event <- events, do: stream_event(event)
    meter = count(streamed ++ [block("a", 1)])
    assert %{input_tokens: 10, output_tokens: 40} = UsageMeter.usage(meter)
  end

  defp stream_event(event), do: frame(%{type: "stream_event", event: event, api_message_id: "a"})

  test "a message without id or usage counts nothing" do
    odd = [
      frame(%{type: "assistant", message: %{model: "m", content: []}}),
      frame(%{type: "assistant", message: %{id: "a", usage: "many"}}),
      frame(%{type: "system", subtype: "status"})
    ]

    assert %{input_tokens: 0, output_tokens: 0} = odd |> count() |> UsageMeter.usage()
  end

  test "totals that say nothing change nothing" do
    meter = for(total <- [0.1, 0.25, 0.0, nil, "1", 0.3], do: result(total)) |> count()
    assert_in_delta UsageMeter.cost_usd(meter), 0.3, 1.0e-9
  end

  test "a resumed session is not charged again" do
    assert [result(0.75)] |> count(UsageMeter.new(0.5)) |> UsageMeter.cost_usd() == 0.25
  end

  test "a run costs the sum of its turns, however it is cut into processes" do
    :rand.seed(:exsss, {1, 2, 3})

    for _ <- 1..20 do
      {meter, _total, expected} =
        Enum.reduce(1..30, {CostMeter.new(), 0.0, 0.0}, fn _, {meter, total, expected} ->
          cost = :rand.uniform(1000) / 100
          # A new count is seen as such when it is smaller than the last one.
          total = if :rand.uniform() < 0.5 and cost < total, do: cost, else: total + cost
          {charged, meter} = CostMeter.charge(meter, total)
          assert_in_delta charged, cost, 1.0e-6
          {meter, total, expected + cost}
        end)

      assert_in_delta CostMeter.cost_usd(meter), expected, 1.0e-6
    end
  end
end
