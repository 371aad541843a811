defmodule ClaudeCodeSDK.Batches do
  @moduledoc false
  # A lazy enumerable over something that yields items in batches. Like Stream.resource/3, with what that lacks: when the
  # consumer stops or fails in the middle of a batch, the source is given the items that nobody saw.

  @typedoc """
  `start` makes the state; `next` yields a batch or says that there is no more; `convert` makes what the consumer sees;
  `last?` tells from an item that the enumeration ends behind it (`nil`: none does); `stop` gets the unseen items and why
  it ended.
  """
  @type source :: %{
          start: fun(),
          next: (term() -> {:items, [term()], term()} | {:done, term()}),
          convert: (term(), term() -> term()),
          last?: (term() -> boolean()) | nil,
          stop: (term(), [term()], :done | :halted | :raised -> term())
        }

  @doc "The enumerable; every enumeration starts the source anew."
  @spec stream(source()) :: Enumerable.t()
  def stream(source), do: &begin(source, &1, &2)

  defp begin(source, {:suspend, acc}, fun), do: {:suspended, acc, &begin(source, &1, fun)}
  defp begin(_source, {:halt, acc}, _fun), do: {:halted, acc}
  defp begin(source, command, fun), do: go(source, source.start.(), [], command, fun)

  defp go(%{convert: convert} = source, state, [item | rest], {:cont, acc}, fun) do
    case emit(convert, state, item, acc, fun) do
      {:raised, kind, reason, stack} ->
        source.stop.(state, rest, :raised)
        :erlang.raise(kind, reason, stack)

      command ->
        if last?(source, item),
          do: finish(source, state, rest, command),
          else: go(source, state, rest, command, fun)
    end
  end

  defp go(source, state, [], {:cont, acc}, fun) do
    case refill(source, state) do
      {:items, items, state} ->
        go(source, state, items, {:cont, acc}, fun)

      {:done, state} ->
        finish(source, state, [], {:cont, acc})

      {:raised, kind, reason, stack} ->
        source.stop.(state, [], :raised)
        :erlang.raise(kind, reason, stack)
    end
  end

  defp go(source, state, items, {:halt, acc}, _fun) do
    source.stop.(state, items, :halted)
    {:halted, acc}
  end

  defp go(source, state, items, {:suspend, acc}, fun) do
    {:suspended, acc, &go(source, state, items, &1, fun)}
  end

  defp finish(source, state, rest, {:suspend, acc}) do
    {:suspended, acc, &finish(source, state, rest, &1)}
  end

  defp finish(source, state, rest, {command, acc}) do
    source.stop.(state, rest, :done)
    {if(command == :halt, do: :halted, else: :done), acc}
  end

  defp last?(%{last?: nil}, _item), do: false
  defp last?(%{last?: last?}, item), do: last?.(item)

  defp emit(convert, state, item, acc, fun) do
    fun.(convert.(item, state), acc)
  catch
    kind, reason -> {:raised, kind, reason, __STACKTRACE__}
  end

  defp refill(source, state) do
    source.next.(state)
  catch
    kind, reason -> {:raised, kind, reason, __STACKTRACE__}
  end
end
