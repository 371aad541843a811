defmodule ClaudeCodeSDK.Tool.Server do
  @moduledoc """
  A server of tools whose code runs in this VM; made by `ClaudeCodeSDK.create_sdk_mcp_server/1` and given in the option
  `mcp_servers`.
  """

  alias ClaudeCodeSDK.Tool

  @enforce_keys [:name, :tools]
  defstruct [:name, :tools, :instructions, version: "1.0.0"]

  @typedoc "A server."
  @type t :: %__MODULE__{
          name: String.t(),
          version: String.t(),
          instructions: String.t() | nil,
          tools: [Tool.t()]
        }

  @doc false
  @spec new(keyword()) :: t()
  def new(options) do
    options = Keyword.validate!(options, [:name, :instructions, version: "1.0.0", tools: []])
    tools = Enum.map(options[:tools], &Tool.from/1)
    struct!(__MODULE__, Keyword.merge(options, name: to_string(options[:name]), tools: tools))
  end

  @doc false
  @spec wire(t(), String.t()) :: map()
  def wire(%__MODULE__{} = server, name) do
    wire = %{name: name, version: server.version, tools: Enum.map(server.tools, &Tool.wire/1)}
    if server.instructions, do: Map.put(wire, :instructions, server.instructions), else: wire
  end

  @doc false
  # The functions of the servers of the options, by server and tool.
  @spec functions(map() | nil) :: %{String.t() => %{String.t() => Tool.t()}}
  def functions(servers) when is_map(servers) and not is_struct(servers) do
    for {name, %__MODULE__{tools: tools}} <- servers,
        into: %{},
        do: {to_string(name), by_name(tools)}
  end

  def functions(_none), do: %{}

  @doc false
  @spec by_name([Tool.t()]) :: %{String.t() => Tool.t()}
  def by_name(tools), do: Map.new(tools, &{&1.name, &1})
end
