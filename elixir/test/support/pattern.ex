defmodule ClaudeCodeSDK.Test.Pattern do
  @moduledoc "The matching rules of `tests/conformance/README.md`."

  def match?("$any", _value), do: true

  def match?(%{"$contains" => parts}, value) when is_list(parts) do
    is_list(value) and
      Enum.all?(parts, fn part -> Enum.any?(value, &__MODULE__.match?(part, &1)) end)
  end

  def match?(%{"$contains" => part}, value),
    do: is_binary(value) and String.contains?(value, part)

  def match?(%{} = pattern, %{} = value) do
    Enum.all?(pattern, fn
      {key, %{"$absent" => true}} -> not is_map_key(value, key)
      {key, inner} -> is_map_key(value, key) and __MODULE__.match?(inner, value[key])
    end)
  end

  def match?(pattern, value) when is_list(pattern) and is_list(value) do
    length(pattern) == length(value) and
      Enum.all?(Enum.zip(pattern, value), fn {p, v} -> __MODULE__.match?(p, v) end)
  end

  # Numbers by value: 1 matches 1.0.
  def match?(pattern, value), do: pattern == value
end
