Code.require_file("build/compile_madrigal_native.exs", __DIR__)

defmodule ClaudeCodeSDK.MixProject do
  use Mix.Project

  @version "0.1.0"

  def project do
    [
      app: :claude_code_sdk,
      version: @version,
      elixir: "~> 1.14",
      # The native library first: modules of this package call it.
      compilers: [:madrigal_native] ++ Mix.compilers(),
      elixirc_paths: elixirc_paths(Mix.env()),
      start_permanent: Mix.env() == :prod,
      description: "Runs Claude Code agents: the Elixir voice of Madrigal",
      package: [licenses: ["MIT", "Apache-2.0"], files: ~w(build lib priv mix.exs README.md)],
      # No package is needed: JSON is done by the native library.
      deps: []
    ]
  end

  def application do
    [extra_applications: [:logger], mod: {ClaudeCodeSDK.Application, []}]
  end

  defp elixirc_paths(:test), do: ["lib", "test/support"]
  defp elixirc_paths(_env), do: ["lib"]
end
