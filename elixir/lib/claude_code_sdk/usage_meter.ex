defmodule ClaudeCodeSDK.UsageMeter do
  @moduledoc """
  Adds up tokens and money of a run, each once.

  The program repeats itself: each block of a message states the usage of the whole message, and `total_cost_usd` is
  cumulative (`ClaudeCodeSDK.CostMeter`). Give the meter every message, in order, over as many processes as the run has:

      messages |> Enum.reduce(ClaudeCodeSDK.UsageMeter.new(), &ClaudeCodeSDK.UsageMeter.add(&2, &1))
  """

  alias ClaudeCodeSDK.{CostMeter, Message}

  defstruct messages: %{}, cost: nil

  @names ~w(input_tokens output_tokens cache_creation_input_tokens cache_read_input_tokens)a
  @nothing Map.new(@names, &{&1, 0})

  @typedoc "Tokens."
  @type usage :: %{
          input_tokens: non_neg_integer(),
          output_tokens: non_neg_integer(),
          cache_creation_input_tokens: non_neg_integer(),
          cache_read_input_tokens: non_neg_integer()
        }

  @typedoc "What was counted."
  @opaque t :: %__MODULE__{messages: %{String.t() => usage()}, cost: CostMeter.t()}

  @doc """
  A meter that has counted nothing. For a session that is resumed, `resumed_at_usd` is its last `total_cost_usd`, which is
  not counted again.
  """
  @spec new(number()) :: t()
  def new(resumed_at_usd \\ 0.0), do: %__MODULE__{cost: CostMeter.new(resumed_at_usd)}

  @doc """
  Takes note of a message.

      iex> alias ClaudeCodeSDK.{Message, UsageMeter}
      iex> {:ok, said} = Message.from_json(
      ...>   ~s({"type":"assistant","message":{"id":"a","model":"m","content":[],"usage":{"input_tokens":10}}}))
      iex> meter = UsageMeter.new() |> UsageMeter.add(said) |> UsageMeter.add(said)
      iex> {UsageMeter.usage(meter).input_tokens, UsageMeter.message_count(meter)}
      {10, 1}
  """
  @spec add(t(), Message.t()) :: t()
  def add(%__MODULE__{} = meter, %Message{type: :assistant, raw: %{"message" => said}}) do
    # The program itself speaks as this model; that costs nothing.
    if said["model"] == "<synthetic>", do: meter, else: count(meter, said["id"], said["usage"])
  end

  def add(%__MODULE__{} = meter, %Message{type: :stream_event, raw: %{"event" => event} = raw}) do
    case event do
      %{"type" => "message_start", "message" => said} -> count(meter, said["id"], said["usage"])
      %{"type" => "message_delta"} -> count(meter, raw["api_message_id"], event["usage"])
      _ -> meter
    end
  end

  def add(%__MODULE__{cost: cost} = meter, %Message{type: :result} = result),
    do: %{meter | cost: cost |> CostMeter.charge(result) |> elem(1)}

  def add(%__MODULE__{} = meter, %Message{}), do: meter

  # The counts only grow, and not every frame states all of them: the largest of each is the final one.
  defp count(meter, id, usage) when is_binary(id) and id != "" do
    known = Map.get(meter.messages, id, @nothing)
    known = Map.new(known, fn {name, tokens} -> {name, max(tokens, stated(usage, name))} end)
    %{meter | messages: Map.put(meter.messages, id, known)}
  end

  defp count(meter, _no_id, _usage), do: meter

  defp stated(usage, name) do
    case usage do
      %{} -> if is_integer(tokens = usage[Atom.to_string(name)]), do: tokens, else: 0
      _ -> 0
    end
  end

  @doc """
  Tokens of all messages of the model, subagents included.

  Without the option `include_partial_messages` the counts of output are those known when each block was complete, which
  can be less than was billed.
  """
  @spec usage(t()) :: usage()
  def usage(%__MODULE__{messages: messages}) do
    Enum.reduce(messages, @nothing, fn {_id, usage}, sum ->
      Map.merge(sum, usage, fn _name, one, other -> one + other end)
    end)
  end

  @doc "How many messages of the model were counted."
  @spec message_count(t()) :: non_neg_integer()
  def message_count(%__MODULE__{messages: messages}), do: map_size(messages)

  @doc "US dollars."
  @spec cost_usd(t()) :: number()
  def cost_usd(%__MODULE__{cost: cost}), do: CostMeter.cost_usd(cost)
end
