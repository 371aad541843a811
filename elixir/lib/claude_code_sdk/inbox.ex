defmodule ClaudeCodeSDK.Inbox do
  @moduledoc false
  # Taking messages from the core: wait for a wake, then drain until nothing is left. The wake carries no data, so a wait
  # that is given up loses nothing. The only messages touched in the caller's mailbox are `{:madrigal_wake, id}` of
  # this session.

  alias ClaudeCodeSDK.{Error, Native}

  @enforce_keys [:handle, :id, :pid]
  defstruct [:handle, :id, :pid, :prompt, unread: [], skip: 0]

  @type item :: map() | {:error, map() | Error.t()}
  @type t :: %__MODULE__{
          handle: reference(),
          id: pos_integer(),
          pid: pid(),
          unread: [item()],
          skip: non_neg_integer(),
          prompt: String.t() | nil
        }

  @doc "An inbox for the calling process."
  @spec new(reference(), pos_integer(), keyword()) :: t()
  def new(handle, id, fields \\ []) do
    struct!(%__MODULE__{handle: handle, id: id, pid: self()}, fields)
  end

  @doc "What is there: items, the end behind the last item, or nothing."
  @spec take(t()) :: {:items, [item()], map() | nil, t()} | :empty
  def take(%__MODULE__{unread: [_ | _] = items} = inbox),
    do: take(items, nil, %{inbox | unread: []})

  def take(%__MODULE__{handle: handle} = inbox) do
    case drain(handle) do
      {[], nil} -> :empty
      {items, ended} -> take(items, ended, inbox)
    end
  end

  defp take(items, ended, %{skip: 0} = inbox), do: {:items, items, ended, inbox}

  # What is left of a turn that its reader gave up: everything up to its result.
  defp take(items, ended, %{skip: skip} = inbox) do
    case Enum.split_while(items, &(not result?(&1))) do
      {_, [result | rest]} ->
        if answers?(result, inbox.prompt),
          do: take([result | rest], ended, %{inbox | skip: 0}),
          else: take(rest, ended, %{inbox | skip: skip - 1})

      {_, []} when ended != nil ->
        {:items, [], ended, inbox}

      {_, []} ->
        take(inbox)
    end
  end

  defp drain(handle) do
    case Native.drain(handle) do
      {:ok, :big} -> handle |> Native.drain_big() |> taken()
      other -> taken(other)
    end
  end

  defp taken({:ok, batch}), do: batch
  defp taken({:error, wire}), do: raise(Error.from_wire(wire))

  # The result of the reader's own prompt is never skipped.
  defp answers?(result, prompt),
    do: prompt != nil and prompt in List.wrap(result["user_message_uuids"])

  @doc "Waits until `take/1` is worth a try."
  @spec wait(t(), timeout()) :: :ok | :timeout
  def wait(%__MODULE__{id: id, pid: pid}, timeout \\ :infinity) do
    if pid != self() do
      raise Error.new(:closed, "a stream can only be read by the process that began to read it",
              operation: "read"
            )
    end

    receive do
      {:madrigal_wake, ^id} -> :ok
    after
      timeout -> :timeout
    end
  end

  @doc "Removes our wakes from the mailbox; no new one comes after the process was detached or the session released."
  @spec flush(t()) :: :ok
  def flush(%__MODULE__{id: id} = inbox) do
    receive do
      {:madrigal_wake, ^id} -> flush(inbox)
    after
      0 -> :ok
    end
  end

  @doc "Whether an item ends a turn."
  @spec result?(item()) :: boolean()
  def result?(%{"type" => "result"}), do: true
  def result?(_item), do: false
end
