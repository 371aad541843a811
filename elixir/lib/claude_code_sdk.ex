defmodule ClaudeCodeSDK do
  @moduledoc """
  Runs Claude Code agents.

      ClaudeCodeSDK.query("What is 2 + 2?")
      |> Stream.filter(&ClaudeCodeSDK.ContentExtractor.has_text?/1)
      |> Enum.each(&IO.puts(ClaudeCodeSDK.ContentExtractor.extract_text(&1)))

  Three ways to talk:

    * `query/2`, `continue/2`, `resume/3`: one prompt, a lazy stream of `ClaudeCodeSDK.Message`
    * `ClaudeCodeSDK.Streaming`: a conversation as small events, text as it is written
    * `ClaudeCodeSDK.Session`: a conversation as whole messages, with everything the program can be told meanwhile

  The program (`claude`, 2.1.0 or later) runs outside the VM; it is found on the `PATH` or named in
  `ClaudeCodeSDK.Options`. Whatever happens to the process that reads, the program does not outlive it.
  """

  alias ClaudeCodeSDK.{Options, Query}

  @doc """
  Asks one question in a new session; a lazy stream of the messages that answer it.

  `options` is a `ClaudeCodeSDK.Options` struct, a keyword list, or `nil`. Nothing runs before the stream is read; see
  `ClaudeCodeSDK.Query` for what happens then. A program that fails ends the stream with a `:result` message for which
  `ClaudeCodeSDK.Message.error?/1` is true (or raises, with `transport_error_mode: :raise`); wrong options and a missing
  program raise `ClaudeCodeSDK.Error`.
  """
  @spec query(Query.prompt(), Options.t() | keyword() | nil) :: Enumerable.t()
  def query(prompt, options \\ nil), do: Query.run(prompt, options)

  @doc "Asks in the newest session of the working directory."
  @spec continue(Query.prompt() | nil, Options.t() | keyword() | nil) :: Enumerable.t()
  def continue(prompt \\ nil, options \\ nil), do: Query.continue(prompt, options)

  @doc "Asks in the session with this id."
  @spec resume(String.t(), Query.prompt() | nil, Options.t() | keyword() | nil) :: Enumerable.t()
  def resume(session_id, prompt \\ nil, options \\ nil),
    do: Query.resume(session_id, prompt, options)

  @doc """
  A server of tools whose code runs in this VM, for the option `mcp_servers`; see `ClaudeCodeSDK.Tool`.

  Options: `:name`, `:version` (default `"1.0.0"`), `:tools` (tools, or modules made by `deftool`) and `:instructions` for the model.
  """
  @spec create_sdk_mcp_server(keyword()) :: ClaudeCodeSDK.Tool.Server.t()
  def create_sdk_mcp_server(options), do: ClaudeCodeSDK.Tool.Server.new(options)
end
