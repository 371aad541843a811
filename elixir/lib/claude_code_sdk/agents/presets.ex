defmodule ClaudeCodeSDK.Agents.Presets do
  @moduledoc """
  Agents that are ready to use, in five families; the same in every language Madrigal speaks.

      ClaudeCodeSDK.query("Look for weaknesses", agents: ClaudeCodeSDK.Agents.Presets.security_agents())

  Each is a definition as of `ClaudeCodeSDK.Agents`, which may be changed before it is used.
  """

  alias ClaudeCodeSDK.Agents

  @doc """
  Those that look for weaknesses, such as `security_reviewer` and `crypto_auditor`.

      iex> Map.has_key?(ClaudeCodeSDK.Agents.Presets.security_agents(), "crypto_auditor")
      true
  """
  @spec security_agents() :: Agents.agents()
  def security_agents, do: family("security")

  @doc "Those that look after code: `style_checker`, `performance_optimizer`, `refactorer` and more."
  @spec code_quality_agents() :: Agents.agents()
  def code_quality_agents, do: family("code_quality")

  @doc "Those that write and review tests: `test_generator`, `test_reviewer` and more."
  @spec testing_agents() :: Agents.agents()
  def testing_agents, do: family("testing")

  @doc "Those that write documentation: `doc_generator`, `api_documenter` and more."
  @spec documentation_agents() :: Agents.agents()
  def documentation_agents, do: family("documentation")

  @doc "Those for what runs: incidents, deployments, dependencies."
  @spec operations_agents() :: Agents.agents()
  def operations_agents, do: family("operations")

  @doc """
  All of them.

      iex> map_size(ClaudeCodeSDK.Agents.Presets.all()) >= 12
      true
  """
  @spec all() :: Agents.agents()
  def all, do: agents([])

  @doc "The families with the names of their agents."
  @spec families() :: %{String.t() => [String.t()]}
  def families, do: Enum.group_by(listed([]), & &1["family"], & &1["name"])

  defp family(name), do: agents(family: name)

  defp agents(options),
    do: for(one <- listed(options), into: %{}, do: {one["name"], Agents.definition(one["agent"])})

  defp listed(options) do
    case Agents.invoke("agent_presets", options) do
      {:ok, presets} -> presets
      {:error, error} -> raise error
    end
  end
end
