defmodule ClaudeCodeSDK.ConformanceTest do
  @moduledoc "Every scenario of `tests/conformance`, and the list of those that are known to fail."
  use ExUnit.Case, async: false

  alias ClaudeCodeSDK.Test.{Conformance, Pattern, Simulator}

  @folder Path.join(Simulator.root(), "tests/conformance")

  # One scenario a line, with a reason behind it.
  @known (case File.read(Path.join(@folder, "known_failing/elixir.txt")) do
            {:ok, text} ->
              for line <- String.split(text, "\n"),
                  [name | _] <- [String.split(line)],
                  not String.starts_with?(name, "#"),
                  do: name

            {:error, _} ->
              []
          end)

  test "the cases of match(pattern, value)" do
    {:ok, %{"cases" => cases}} =
      @folder |> Path.join("vectors/match.json") |> File.read!() |> ClaudeCodeSDK.JSON.decode()

    assert cases != []

    for one <- cases do
      assert Pattern.match?(one["pattern"], one["value"]) == one["matches"], inspect(one)
    end
  end

  test "there are scenarios" do
    assert length(Path.wildcard(Path.join(@folder, "scenarios/*.json"))) > 0
  end

  for file <- Path.wildcard(Path.join(@folder, "scenarios/*.json")),
      name = Path.basename(file, ".json") do
    @tag scenario: name
    if name in @known do
      test "#{name} is known to fail" do
        assert_raise ExUnit.AssertionError, fn -> Conformance.run(unquote(file)) end
      end
    else
      test name do
        assert Conformance.run(unquote(file)) == :ok
      end
    end
  end
end
