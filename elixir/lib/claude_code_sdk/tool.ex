defmodule ClaudeCodeSDK.Tool do
  @moduledoc """
  A tool whose code runs in this VM.

      add =
        ClaudeCodeSDK.Tool.new("add", "Adds two numbers",
          %{"type" => "object", "properties" => %{"a" => %{"type" => "number"}, "b" => %{"type" => "number"}}},
          fn %{"a" => a, "b" => b} -> {:ok, "\#{a + b}"} end)

      server = ClaudeCodeSDK.create_sdk_mcp_server(name: "calc", tools: [add])
      ClaudeCodeSDK.query("What is 2 + 3?", mcp_servers: %{"calc" => server}, allowed_tools: ["mcp__calc__add"])

  or, with a module for each tool:

      defmodule MyTools do
        use ClaudeCodeSDK.Tool

        deftool :add, "Adds two numbers", %{type: "object", properties: %{a: %{type: "number"}, b: %{type: "number"}}} do
          def execute(%{"a" => a, "b" => b}), do: {:ok, "\#{a + b}"}
        end
      end

      ClaudeCodeSDK.create_sdk_mcp_server(name: "calc", tools: [MyTools.Add])

  A tool gets its arguments, checked against the schema, as a map with string keys. It returns `{:ok, result}` or
  `{:error, reason}`, or the result itself. A result is a text, a list of content blocks, or a whole result of the Model Context Protocol
  (`%{"content" => [...], "structuredContent" => ...}`). An error, an exception too, is a result that the model reads; it does not end
  anything. Calls run side by side, each in a process of its own that is killed when the program withdraws the call.
  """

  alias ClaudeCodeSDK.Error

  @enforce_keys [:name, :description, :input_schema, :function]
  defstruct [:name, :description, :input_schema, :function, :output_schema, :annotations, :meta]

  @typedoc "A tool."
  @type t :: %__MODULE__{
          name: String.t(),
          description: String.t(),
          input_schema: map(),
          function: (map() -> term()),
          output_schema: map() | nil,
          annotations: map() | nil,
          meta: map() | nil
        }

  @doc """
  Makes a tool of a function with one argument. Options: `:output_schema`, `:annotations` (such as `%{readOnlyHint: true}`) and `:meta`.

      iex> ClaudeCodeSDK.Tool.new("now", "The time", %{"type" => "object"}, fn _ -> {:ok, "noon"} end).name
      "now"
  """
  @spec new(String.t() | atom(), String.t(), map(), (map() -> term()), keyword()) :: t()
  def new(name, description, schema, function, options \\ []) when is_function(function, 1) do
    struct!(
      __MODULE__,
      [name: to_string(name), description: description, input_schema: schema, function: function] ++
        options
    )
  end

  @doc """
  Says how far the running tool is; to be called by the tool itself. `total` and a text are optional.
  """
  @spec progress(number(), number() | nil, String.t() | nil) :: :ok
  def progress(progress, total \\ nil, message \\ nil) do
    case Process.get(:claude_code_sdk_call) do
      {server, ask} ->
        GenServer.cast(server, {:progress, ask, progress, total, message})

      nil ->
        raise Error.new(:invalid_argument, "progress is told by a tool while it runs")
    end
  end

  @doc "Makes `deftool/4` known, and `__tools__/0`, which lists the tools of the module."
  @spec __using__(term()) :: Macro.t()
  defmacro __using__(_options) do
    quote do
      import ClaudeCodeSDK.Tool, only: [deftool: 4, deftool: 5]
      Module.register_attribute(__MODULE__, :claude_code_sdk_tools, accumulate: true)
      @before_compile ClaudeCodeSDK.Tool
    end
  end

  @doc false
  defmacro __before_compile__(_env) do
    quote do
      @doc "The tools of this module."
      @spec __tools__() :: [module()]
      def __tools__, do: Enum.reverse(@claude_code_sdk_tools)
    end
  end

  @doc """
  Defines a tool as a module of its own, named after it, whose `execute/1` is its function. The fourth argument may be the options
  of `new/5`.
  """
  @spec deftool(Macro.t(), Macro.t(), Macro.t(), Macro.t(), Macro.t()) :: Macro.t()
  defmacro deftool(name, description, schema, options \\ [], do: body) do
    quote do
      tool_module = Module.concat(__MODULE__, Macro.camelize(to_string(unquote(name))))
      @claude_code_sdk_tools tool_module

      defmodule tool_module do
        @moduledoc false
        unquote(body)

        @doc false
        def __tool_metadata__ do
          ClaudeCodeSDK.Tool.new(
            unquote(name),
            unquote(description),
            unquote(schema),
            &__MODULE__.execute/1,
            unquote(options)
          )
        end
      end
    end
  end

  @doc """
  The tool of a module that `deftool/4` made; a tool itself stays as it is.
  """
  @spec from(t() | module()) :: t()
  def from(%__MODULE__{} = tool), do: tool

  def from(module) when is_atom(module) do
    if Code.ensure_loaded?(module) and function_exported?(module, :__tool_metadata__, 0),
      do: module.__tool_metadata__(),
      else: refuse(module)
  end

  def from(other), do: refuse(other)

  defp refuse(given) do
    raise Error.new(
            :invalid_options,
            "tools: expected a ClaudeCodeSDK.Tool or a module made by deftool, not #{inspect(given, limit: 5)}",
            context: %{"field" => "tools"}
          )
  end

  @doc false
  @spec wire(t()) :: map()
  def wire(%__MODULE__{} = tool) do
    %{
      name: tool.name,
      description: tool.description,
      inputSchema: tool.input_schema,
      outputSchema: tool.output_schema,
      annotations: tool.annotations,
      _meta: tool.meta
    }
    |> Map.reject(fn {_name, value} -> value == nil end)
  end

  @doc false
  # A result as the program reads it.
  @spec result(term()) :: map()
  def result({:ok, result}), do: result(result)
  def result({:error, reason}), do: reason |> text() |> result() |> Map.put("isError", true)
  def result(text) when is_binary(text), do: %{"content" => [%{"type" => "text", "text" => text}]}
  def result(blocks) when is_list(blocks), do: %{"content" => blocks}

  def result(%{"is_error" => error} = map),
    do: map |> Map.delete("is_error") |> Map.put("isError", error)

  def result(%{} = map), do: map

  def result(other) do
    raise Error.new(
            :callback,
            "a tool must return {:ok, result}, {:error, reason}, a text, content blocks or a map, not #{inspect(other, limit: 5)}"
          )
  end

  defp text(reason) when is_binary(reason), do: reason
  defp text(reason) when is_exception(reason), do: Exception.message(reason)
  defp text(reason), do: inspect(reason)
end
