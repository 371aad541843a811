defmodule ClaudeCodeSDK.Message do
  @moduledoc """
  One frame of the `claude` program.

  | Field | Holds |
  |---|---|
  | `type` | `:system`, `:user`, `:assistant`, `:result`, `:stream_event`, or one of the table below; a type this version does not know is a string |
  | `subtype` | `:init`, `:success`, `:error_max_turns`, ... (`t:system_subtype/0`); an unknown one is a string; `nil` when there is none |
  | `data` | the facts of that type under atom keys, see below |
  | `raw` | the whole frame as it came, with string keys; nothing is ever left out of it |

  `data` by type:

    * `:assistant`, `:user`: `message` (the API's message, string keys), `session_id`, `uuid`, `parent_tool_use_id`
    * `:stream_event`: `event` (the API's event, string keys), `session_id`, `uuid`, `parent_tool_use_id`
    * `:result`: `session_id`, `total_cost_usd`, `duration_ms`, `duration_api_ms`, `num_turns`, `is_error`, `usage`,
      `model_usage`, `stop_reason`, `terminal_reason`, `permission_denials`, `deferred_tool_use`, `api_error_status`,
      `structured_output` (the value that fits the schema of the option `output_format`, `nil` when there is none),
      `uuid`, `user_message_uuids`; `result` on success, `error` (a text) otherwise
    * `:system` with `:init`: `api_key_source`, `cwd`, `session_id`, `tools`, `mcp_servers`, `model`, `permission_mode`,
      `slash_commands`, `agents`, `skills`, `plugins`, `output_style`, `claude_code_version`
    * all others: the raw frame, with string keys

  The types beside the first five:

  | Type | Tells |
  |---|---|
  | `:rate_limit_event` | how much of a subscription is used |
  | `:command_lifecycle` | what becomes of a prompt |
  | `:conversation_reset` | the conversation was cleared and goes on under another id |
  | `:tool_progress` | a tool that takes long still runs |
  | `:tool_use_summary` | several calls of tools in a few words |
  | `:auth_status` | how logging in goes |
  | `:prompt_suggestion` | what could be asked next |
  | `:active_goal` | the goal the session works towards changed |
  | `:transcript_mirror` | lines of the transcript, for a store |
  | `:keep_alive` | a sign of life |

  Whether a turn worked is told by `error?/1`, not by the subtype: a failed call of the model's API arrives as `:success`
  with `is_error` set. `total_cost_usd` counts from the start of the session.
  """

  alias ClaudeCodeSDK.{Content, Error, JSON, Structured}

  defstruct [:type, :subtype, :data, :raw]

  @typedoc "The type of a frame."
  @type message_type ::
          :assistant
          | :user
          | :result
          | :system
          | :stream_event
          | :rate_limit_event
          | :command_lifecycle
          | :conversation_reset
          | :tool_progress
          | :tool_use_summary
          | :auth_status
          | :prompt_suggestion
          | :active_goal
          | :transcript_mirror
          | :keep_alive
          | String.t()
  @typedoc "How a turn ended."
  @type result_subtype ::
          :success
          | :error_max_turns
          | :error_during_execution
          | :error_max_budget_usd
          | :error_max_structured_output_retries
          | :authentication_required
          | String.t()
  @typedoc "What a system frame tells. `:stalled`, `:resumed` and `:option_warning` come from Madrigal itself: the program has been silent (`timeouts.stall_ms`); another one goes on; an option such as `model` is probably not meant (`data.field`, `data.message`, `data.suggestions`)."
  @type system_subtype ::
          :init
          | :status
          | :api_retry
          | :compact_boundary
          | :model_fallback
          | :model_refusal_fallback
          | :model_refusal_no_fallback
          | :permission_denied
          | :informational
          | :notification
          | :local_command_output
          | :hook_started
          | :hook_progress
          | :hook_response
          | :task_started
          | :task_progress
          | :task_updated
          | :task_notification
          | :background_tasks_changed
          | :session_state_changed
          | :session_title_changed
          | :session_writes_lost
          | :thinking_tokens
          | :control_request_progress
          | :commands_changed
          | :elicitation_complete
          | :files_persisted
          | :memory_recall
          | :mirror_error
          | :plugin_install
          | :ui_invalidate
          | :worker_shutting_down
          | :stalled
          | :resumed
          | :option_warning
          | String.t()

  @typedoc "A message."
  @type t :: %__MODULE__{
          type: message_type(),
          subtype: result_subtype() | system_subtype() | nil,
          data: map(),
          raw: map()
        }

  # Words of the program never become atoms by themselves: there is no end to what it may say.
  @types ~w(assistant user result system stream_event rate_limit_event tool_progress tool_use_summary auth_status
            command_lifecycle conversation_reset prompt_suggestion transcript_mirror keep_alive active_goal)a
  @subtypes ~w(init success error_max_turns error_during_execution error_max_budget_usd
               error_max_structured_output_retries authentication_required status api_retry compact_boundary
               model_fallback permission_denied informational notification hook_started hook_progress hook_response
               task_started task_progress task_updated task_notification background_tasks_changed
               session_state_changed session_title_changed thinking_tokens local_command_output
               model_refusal_fallback model_refusal_no_fallback commands_changed worker_shutting_down ui_invalidate
               control_request_progress elicitation_complete plugin_install memory_recall files_persisted
               mirror_error session_writes_lost stalled resumed
               option_warning)a
  @type_names Map.new(@types, &{Atom.to_string(&1), &1})
  @subtype_names Map.new(@subtypes, &{Atom.to_string(&1), &1})

  @doc """
  Reads one line of the program.

      iex> {:ok, message} = ClaudeCodeSDK.Message.from_json(
      ...>   ~s({"type":"result","subtype":"success","is_error":false,"result":"4","session_id":"s"}))
      iex> {message.type, message.subtype, message.data.result}
      {:result, :success, "4"}
  """
  @spec from_json(String.t()) :: {:ok, t()} | {:error, Error.t()}
  def from_json(text) when is_binary(text) do
    case JSON.decode(text) do
      {:ok, %{"type" => type} = raw} when is_binary(type) ->
        {:ok, from_frame(raw)}

      {:ok, _} ->
        {:error,
         Error.new(:protocol, ~s(expected a JSON object with a "type"), operation: "read")}

      {:error, error} ->
        {:error, error}
    end
  end

  @doc false
  @spec from_frame(map()) :: t()
  # First what comes most, in one match.
  def from_frame(
        %{
          "type" => "stream_event",
          "event" => event,
          "session_id" => session_id,
          "uuid" => uuid,
          "parent_tool_use_id" => parent
        } = raw
      ) do
    data = %{event: event, session_id: session_id, uuid: uuid, parent_tool_use_id: parent}
    %__MODULE__{type: :stream_event, data: data, raw: raw}
  end

  def from_frame(%{"type" => "stream_event", "event" => event} = raw) do
    %__MODULE__{type: :stream_event, data: with_ids(raw, :event, event), raw: raw}
  end

  def from_frame(%{"type" => "assistant"} = raw) do
    %__MODULE__{type: :assistant, data: with_ids(raw, :message, raw["message"]), raw: raw}
  end

  def from_frame(%{"type" => "user"} = raw) do
    %__MODULE__{type: :user, data: with_ids(raw, :message, raw["message"]), raw: raw}
  end

  def from_frame(%{"type" => "result"} = raw) do
    %__MODULE__{type: :result, subtype: subtype(raw), data: result_data(raw), raw: raw}
  end

  def from_frame(%{"type" => "system", "subtype" => "init"} = raw) do
    %__MODULE__{type: :system, subtype: :init, data: init_data(raw), raw: raw}
  end

  def from_frame(%{"type" => type} = raw) do
    %__MODULE__{
      type: Map.get(@type_names, type, type),
      subtype: subtype(raw),
      data: raw,
      raw: raw
    }
  end

  @doc false
  # A failure of the transport, in the form in which the original reports it.
  @spec from_error(Error.t()) :: t()
  def from_error(%Error{} = error) do
    {subtype, session_id} =
      if error.code == :auth,
        do: {:authentication_required, "auth_challenge"},
        else: {:error_during_execution, "error"}

    raw = %{
      "type" => "result",
      "subtype" => Atom.to_string(subtype),
      "is_error" => true,
      "session_id" => session_id,
      "error" => Exception.message(error)
    }

    data = raw |> result_data() |> Map.merge(%{error_struct: error, challenge_url: nil})
    %__MODULE__{type: :result, subtype: subtype, data: data, raw: raw}
  end

  defp with_ids(raw, key, value) do
    %{
      key => value,
      session_id: Map.get(raw, "session_id"),
      uuid: Map.get(raw, "uuid"),
      parent_tool_use_id: Map.get(raw, "parent_tool_use_id")
    }
  end

  defp subtype(%{"subtype" => subtype}), do: Map.get(@subtype_names, subtype, subtype)
  defp subtype(_raw), do: nil

  defp result_data(raw) do
    facts = %{
      session_id: raw["session_id"],
      total_cost_usd: raw["total_cost_usd"] || 0.0,
      duration_ms: raw["duration_ms"] || 0,
      duration_api_ms: raw["duration_api_ms"] || 0,
      num_turns: raw["num_turns"] || 0,
      is_error: raw["is_error"] == true,
      usage: raw["usage"],
      model_usage: raw["modelUsage"],
      stop_reason: raw["stop_reason"],
      terminal_reason: raw["terminal_reason"],
      permission_denials: raw["permission_denials"] || [],
      deferred_tool_use: raw["deferred_tool_use"],
      structured_output: raw["structured_output"],
      api_error_status: raw["api_error_status"],
      uuid: raw["uuid"],
      user_message_uuids: raw["user_message_uuids"] || []
    }

    case raw do
      %{"subtype" => "success"} -> Map.put(facts, :result, raw["result"])
      _ -> Map.put(facts, :error, failure(raw))
    end
  end

  defp failure(%{"error" => text}) when is_binary(text) and text != "", do: text
  defp failure(%{"errors" => [_ | _] = texts}), do: Enum.map_join(texts, "\n", &to_text/1)
  defp failure(%{"result" => text}) when is_binary(text) and text != "", do: text

  defp failure(%{"subtype" => "error_max_turns"}),
    do: "The turn reached the largest number of steps allowed (option max_turns)."

  defp failure(_raw), do: "The turn failed; the program gave no reason."

  defp to_text(text) when is_binary(text), do: text
  defp to_text(other), do: inspect(other)

  defp init_data(raw) do
    %{
      api_key_source: raw["apiKeySource"],
      cwd: raw["cwd"],
      session_id: raw["session_id"],
      tools: raw["tools"] || [],
      mcp_servers: raw["mcp_servers"] || [],
      model: raw["model"],
      permission_mode: raw["permissionMode"],
      slash_commands: raw["slash_commands"] || [],
      agents: raw["agents"] || [],
      skills: raw["skills"] || [],
      plugins: raw["plugins"] || [],
      output_style: raw["output_style"],
      claude_code_version: raw["claude_code_version"]
    }
  end

  @doc """
  The content of an assistant or user message as structs of `ClaudeCodeSDK.Content`, `[]` for all other messages.

      iex> {:ok, message} = ClaudeCodeSDK.Message.from_json(
      ...>   ~s({"type":"assistant","message":{"content":[{"type":"text","text":"Hi"}]}}))
      iex> [%ClaudeCodeSDK.Content.Text{text: text}] = ClaudeCodeSDK.Message.content_blocks(message)
      iex> text
      "Hi"
  """
  @spec content_blocks(t()) :: [Content.t()]
  def content_blocks(%__MODULE__{type: type, data: %{message: %{"content" => content}}})
      when type in [:assistant, :user],
      do: Content.from_json(content)

  def content_blocks(%__MODULE__{}), do: []

  @doc """
  Of a `:result`: the value that fits the schema of the option `output_format`, as it is, or as a struct of `module`.

  Into a struct go the fields it has; a key it has no field for is left out, and a field of its `@enforce_keys` must be there.
  Fails with `:structured_output` when there is no value (the model answered with text, never met the schema, or the turn
  failed) and when it does not fit the struct. The context has `"subtype"` and in `"result"` the text there was instead.

      iex> {:ok, result} = ClaudeCodeSDK.Message.from_json(
      ...>   ~s({"type":"result","subtype":"success","structured_output":{"scheme":"https","port":443}}))
      iex> ClaudeCodeSDK.Message.structured(result)
      {:ok, %{"scheme" => "https", "port" => 443}}
      iex> {:ok, uri} = ClaudeCodeSDK.Message.structured(result, URI)
      iex> {uri.scheme, uri.port}
      {"https", 443}

      iex> {:ok, result} = ClaudeCodeSDK.Message.from_json(
      ...>   ~s({"type":"result","subtype":"success","result":"four"}))
      iex> {:error, error} = ClaudeCodeSDK.Message.structured(result)
      iex> {error.code, error.context["result"]}
      {:structured_output, "four"}
  """
  @spec structured(t(), module() | nil) :: {:ok, term()} | {:error, Error.t()}
  def structured(%__MODULE__{} = message, module \\ nil), do: Structured.value(message, module)

  @doc """
  Whether this is the end of a turn.

      iex> ClaudeCodeSDK.Message.final?(%ClaudeCodeSDK.Message{type: :result})
      true
  """
  @spec final?(t()) :: boolean()
  def final?(%__MODULE__{type: type}), do: type == :result

  @doc """
  Whether this is the end of a turn that failed, also when its subtype is `:success`.

      iex> ClaudeCodeSDK.Message.error?(%ClaudeCodeSDK.Message{type: :result, subtype: :error_max_turns, data: %{}})
      true
      iex> ClaudeCodeSDK.Message.error?(
      ...>   %ClaudeCodeSDK.Message{type: :result, subtype: :success, data: %{is_error: true}})
      true
  """
  @spec error?(t()) :: boolean()
  def error?(%__MODULE__{type: :result, data: %{is_error: true}}), do: true
  def error?(%__MODULE__{type: :result, subtype: subtype}), do: subtype != :success
  def error?(%__MODULE__{}), do: false

  @doc """
  The id of the session this message belongs to, or `nil`.

      iex> ClaudeCodeSDK.Message.session_id(%ClaudeCodeSDK.Message{type: :system, data: %{session_id: "s"}})
      "s"
  """
  @spec session_id(t()) :: String.t() | nil
  def session_id(%__MODULE__{data: %{session_id: id}}), do: id
  def session_id(%__MODULE__{data: %{"session_id" => id}}), do: id
  def session_id(%__MODULE__{}), do: nil
end
