defmodule ClaudeCodeSDK.StructuredTest do
  @moduledoc "The value a JSON Schema asked for, and each way not to have one."
  use ExUnit.Case, async: true

  alias ClaudeCodeSDK.{Error, Message}

  defmodule Sum do
    @moduledoc false
    @enforce_keys [:n]
    defstruct [:n, of: []]
  end

  defp result(fields) do
    {:ok, text} =
      %{type: "result", subtype: "success", is_error: false}
      |> Map.merge(fields)
      |> ClaudeCodeSDK.JSON.encode()

    {:ok, message} = Message.from_json(text)
    message
  end

  test "any value comes back, also null" do
    for value <- [%{"n" => 4}, [], 0, nil, ""] do
      assert Message.structured(result(%{structured_output: value})) == {:ok, value}
    end
  end

  test "a struct gets the fields it has" do
    value = %{n: 4, more: true}
    assert Message.structured(result(%{structured_output: value}), Sum) == {:ok, %Sum{n: 4}}
  end

  test "a value of another shape names the field" do
    for {value, field} <- [{%{of: [1]}, "n"}, {[4], "."}] do
      assert {:error, %Error{code: :structured_output} = error} =
               Message.structured(result(%{structured_output: value}), Sum)

      assert error.context["field"] == field
      assert Exception.message(error) =~ "does not fit ClaudeCodeSDK.StructuredTest.Sum"
    end
  end

  test "what is no struct is refused" do
    assert_raise Error, ~r/Enum is no struct/, fn ->
      Message.structured(result(%{structured_output: %{}}), Enum)
    end
  end

  test "each way to have no value says so" do
    never = %{subtype: "error_max_structured_output_retries", is_error: true}
    {:ok, alive} = Message.from_json(~s({"type":"keep_alive"}))

    for {message, words} <- [
          {result(%{result: "four"}), "answered with text"},
          {result(%{is_error: true, result: "API Error"}), "turn failed"},
          {result(never), "never met"},
          {Message.from_error(Error.new(:timeout, "late")), "turn failed"},
          {alive, "only a `:result`"}
        ] do
      assert {:error, %Error{code: :structured_output} = error} = Message.structured(message)
      assert error.message =~ words
    end

    {:error, error} = Message.structured(result(%{result: String.duplicate("x", 300)}))
    assert error.context["result"] == String.duplicate("x", 200) <> "... (300 bytes)"
  end
end
