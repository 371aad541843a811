defmodule ClaudeCodeSDK.JSONTest do
  use ExUnit.Case, async: true

  alias ClaudeCodeSDK.JSON

  test "numbers stay what they are" do
    for number <- [
          0,
          -1,
          9_223_372_036_854_775_807,
          -9_223_372_036_854_775_808,
          18_446_744_073_709_551_615,
          123_456_789_012_345_678_901_234_567_890,
          -123_456_789_012_345_678_901_234_567_890,
          0.1,
          -2.5e-300,
          1.0e22
        ] do
      {:ok, text} = JSON.encode(%{n: number})
      assert JSON.decode(text) == {:ok, %{"n" => number}}
    end

    assert JSON.decode("[1e400]") == {:ok, ["1e400"]}
    huge = String.duplicate("9", 5000)
    assert JSON.decode(huge) == {:ok, huge}
  end

  test "strings: escapes, other alphabets, half a surrogate pair" do
    assert JSON.decode(~S("a\n\"\u00e9\ud83d\ude00")) == {:ok, "a\n\"é😀"}

    assert JSON.decode(~S({"cut": "x\ud83d", "more": [1]})) ==
             {:ok, %{"cut" => "x\uFFFD", "more" => [1]}}

    assert {:error, %{code: :invalid_argument}} = JSON.decode(<<?", 255, ?">>)
    assert {:error, %{code: :invalid_argument}} = JSON.encode(<<255>>)
  end

  test "the last of two equal keys counts" do
    assert JSON.decode(~S({"a":1,"b":2,"a":3})) == {:ok, %{"a" => 3, "b" => 2}}
  end

  test "maps of any size" do
    map = Map.new(1..500, &{"key#{&1}", %{"n" => &1}})
    {:ok, text} = JSON.encode(map)
    assert JSON.decode(text) == {:ok, map}
  end

  test "what is nested too deeply stays text" do
    deep = String.duplicate("[", 5000) <> String.duplicate("]", 5000)
    assert {:ok, [1, value]} = JSON.decode("[1,#{deep}]")
    assert value |> List.flatten() |> hd() |> String.starts_with?("[[[")
  end

  test "a long text full of nesting is read on a dirty scheduler" do
    nested = String.duplicate("[", 90) <> String.duplicate("]", 90)
    text = "[" <> Enum.map_join(1..2000, ",", fn _ -> nested end) <> "]"
    assert byte_size(text) > 64 * 1024
    assert {:ok, list} = JSON.decode(text)
    assert length(list) == 2000
  end

  test "what has no JSON form is named by its path" do
    assert {:error, error} = JSON.encode(%{tools: ["a", self()]})
    assert error.message =~ "tools.1: pid"
    assert {:error, error} = JSON.encode(%{a: %ClaudeCodeSDK.Options{}})
    assert error.message =~ "struct"
    assert {:error, %{code: :invalid_argument}} = JSON.encode([1 | 2])
  end

  test "no text becomes an atom" do
    before = :erlang.system_info(:atom_count)
    for n <- 1..1000, do: {:ok, _} = JSON.decode(~s({"unheard_of_#{n}": "never_seen_#{n}"}))
    assert :erlang.system_info(:atom_count) - before < 50
  end
end
