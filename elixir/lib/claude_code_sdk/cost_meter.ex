defmodule ClaudeCodeSDK.CostMeter do
  @moduledoc """
  Turns cumulative totals into the cost of each turn and of a run, in US dollars.

  `total_cost_usd` of a result counts since the process started and goes on across resume, so what a turn cost is a
  difference. A total that is smaller than the one before means that the program counts anew (a new process without
  resume): all of it is charged. `/clear` changes the session id and not the count, so ids play no part.
  """

  alias ClaudeCodeSDK.Message

  defstruct last: 0.0, spent: 0.0

  @typedoc "What was charged."
  @opaque t :: %__MODULE__{last: number(), spent: number()}

  @doc """
  A meter that has charged nothing. For a session that is resumed, `resumed_at_usd` is its last `total_cost_usd`, which is
  not charged again.
  """
  @spec new(number()) :: t()
  def new(resumed_at_usd \\ 0.0) when is_number(resumed_at_usd),
    do: %__MODULE__{last: resumed_at_usd}

  @doc """
  Charges a result, or a total: what the turn cost, and the meter. The cost is 0 where no total is stated. A total of 0
  comes from a program that could not start, and has not counted anything.

      iex> alias ClaudeCodeSDK.CostMeter
      iex> Enum.map_reduce([0.25, 0.75, 0.5], CostMeter.new(), &CostMeter.charge(&2, &1)) |> elem(0)
      [0.25, 0.5, 0.5]
  """
  @spec charge(t(), Message.t() | number() | nil) :: {number(), t()}
  def charge(%__MODULE__{} = meter, %Message{type: :result, raw: raw}),
    do: charge(meter, raw["total_cost_usd"])

  def charge(%__MODULE__{} = meter, total) when is_number(total) and total > 0 do
    cost = if total >= meter.last, do: total - meter.last, else: total
    {cost, %{meter | last: total, spent: meter.spent + cost}}
  end

  def charge(%__MODULE__{} = meter, _none), do: {0.0, meter}

  @doc "US dollars charged so far."
  @spec cost_usd(t()) :: number()
  def cost_usd(%__MODULE__{spent: spent}), do: spent
end
