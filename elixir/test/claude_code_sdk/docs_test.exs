defmodule ClaudeCodeSDK.DocsTest do
  @moduledoc "The examples in the documentation hold, and everything public is documented."
  use ExUnit.Case, async: true

  doctest ClaudeCodeSDK.Accumulator
  doctest ClaudeCodeSDK.Agents
  doctest ClaudeCodeSDK.Agents.Builder
  doctest ClaudeCodeSDK.Agents.Presets
  doctest ClaudeCodeSDK.AuthManager
  doctest ClaudeCodeSDK.AuthManager.TokenStore.Memory
  doctest ClaudeCodeSDK.ContentExtractor
  doctest ClaudeCodeSDK.Error
  doctest ClaudeCodeSDK.Hooks
  doctest ClaudeCodeSDK.Hooks.Matcher
  doctest ClaudeCodeSDK.Hooks.Output
  doctest ClaudeCodeSDK.JSON
  doctest ClaudeCodeSDK.Log
  doctest ClaudeCodeSDK.Message
  doctest ClaudeCodeSDK.Models
  doctest ClaudeCodeSDK.OptionBuilder
  doctest ClaudeCodeSDK.Options
  doctest ClaudeCodeSDK.Orchestrator.Outcome
  doctest ClaudeCodeSDK.Permission.Context
  doctest ClaudeCodeSDK.Permission.Result
  doctest ClaudeCodeSDK.Sessions
  doctest ClaudeCodeSDK.SessionStore.Adapter
  doctest ClaudeCodeSDK.SessionStore.Memory
  doctest ClaudeCodeSDK.Tool

  test "every public function of a public module has a text and a spec" do
    {:ok, modules} = :application.get_key(:claude_code_sdk, :modules)

    for module <- modules,
        String.starts_with?(inspect(module), "ClaudeCodeSDK"),
        not String.contains?(inspect(module), ".Test."),
        {:docs_v1, _, _, _, text, _, docs} = Code.fetch_docs(module),
        text != :hidden do
      assert text != :none, "#{inspect(module)} has no @moduledoc"
      {:ok, specs} = Code.Typespec.fetch_specs(module)

      for {{:function, name, arity}, _, _, doc, _} <- docs,
          doc != :hidden,
          {name, arity} not in callbacks(module) do
        assert doc != :none, "#{inspect(module)}.#{name}/#{arity} has no @doc"

        assert List.keymember?(specs, {name, arity}, 0),
               "#{inspect(module)}.#{name}/#{arity} has no @spec"
      end
    end
  end

  defp callbacks(module) do
    behaviours =
      for {:behaviour, list} <- module.module_info(:attributes), behaviour <- list, do: behaviour

    exception =
      if function_exported?(module, :exception, 1), do: [exception: 1, message: 1], else: []

    Enum.flat_map(behaviours, & &1.behaviour_info(:callbacks)) ++ exception
  end

  test "the errors have the codes of every other language" do
    path = Path.join(ClaudeCodeSDK.Test.Simulator.root(), "tests/conformance/vectors/errors.json")
    {:ok, %{"errors" => errors}} = path |> File.read!() |> ClaudeCodeSDK.JSON.decode()
    assert Enum.map(errors, & &1["elixir"]) == Enum.map(ClaudeCodeSDK.Error.codes(), &inspect/1)
  end
end
