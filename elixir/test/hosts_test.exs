defmodule ClaudeCodeSDK.HostsTest do
  @moduledoc "However a host dies, nothing it started is left."
  use ExUnit.Case, async: false

  alias ClaudeCodeSDK.Test.{Host, Simulator}

  defp host(steps, how) do
    Host.start(
      %{cli_path: Simulator.path(), env: %{"MADRIGAL_SIMULATE" => Simulator.file(steps)}},
      "hi",
      how
    )
  end

  for {name, how, act} <- [
        {"System.halt", "halt", :go},
        {"System.stop", "stop", :go},
        {"an uncaught exception", "raise", :go},
        {"SIGKILL", "wait", "KILL"},
        {"SIGINT", "wait", "INT"},
        {"SIGTERM", "wait", "TERM"}
      ] do
    test "#{name}: the program and what it started are gone" do
      host = host(Simulator.hanging(), unquote(how))
      %{"pid" => pid, "child" => child} = Host.frame(host, & &1["child"])
      assert Simulator.alive?(pid) and Simulator.alive?(child)
      if unquote(act) == :go, do: Host.go(host), else: Host.signal(host, unquote(act))
      Host.ended(host)
      assert Simulator.gone?([pid, child])
    end
  end

  test "a killed owner: the program is gone while the host lives on" do
    host = host(Simulator.hanging(), "owner")
    %{"pid" => pid, "child" => child} = Host.frame(host, & &1["child"])
    Host.go(host)
    assert Simulator.gone?([pid, child])
    assert Simulator.alive?(host.os_pid)
    Host.signal(host, "KILL")
  end

  test "the exit codes of the first programs of a VM are right" do
    host = host([%{await: %{type: "user"}}, %{exit: 7}], "exits")
    for _ <- 1..5, do: assert(Host.line(host) == ~s(%{"code" => 7}))
    assert Host.ended(host) == 0
  end
end
