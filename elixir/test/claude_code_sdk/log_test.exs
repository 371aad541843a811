defmodule ClaudeCodeSDK.LogTest do
  use ExUnit.Case, async: false

  import ExUnit.CaptureLog

  alias ClaudeCodeSDK.{Error, Log}
  alias ClaudeCodeSDK.Test.Simulator

  test "what the engine does is told to Logger when asked for, and not otherwise" do
    query = fn ->
      Stream.run(ClaudeCodeSDK.query("hi", Simulator.options(Simulator.answering())))
    end

    assert capture_log(query) == ""

    logged =
      capture_log(fn ->
        assert Log.set_level("trace") == :ok
        query.()
        # The process that writes the lines answers behind those that wait.
        assert Log.set_level("off") == :ok
      end)

    assert logged =~ "[debug]"
  end

  test "a level that is none is refused" do
    assert {:error, %Error{code: :invalid_argument}} = Log.set_level("loud")
  end
end
