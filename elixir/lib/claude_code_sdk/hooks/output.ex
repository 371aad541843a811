defmodule ClaudeCodeSDK.Hooks.Output do
  @moduledoc """
  What hooks return, in the words of the program. All are plain maps, so a field that has no function here is put by hand.

      iex> alias ClaudeCodeSDK.Hooks.Output
      iex> Output.deny("not on a Friday")
      %{"hookSpecificOutput" => %{"hookEventName" => "PreToolUse", "permissionDecision" => "deny", "permissionDecisionReason" => "not on a Friday"}}
      iex> Output.allow() |> Output.with_updated_input(%{"command" => "ls"}) |> get_in(["hookSpecificOutput", "updatedInput"])
      %{"command" => "ls"}
      iex> Output.stop("enough") |> Output.with_system_message("stopped by a hook")
      %{"continue" => false, "stopReason" => "enough", "systemMessage" => "stopped by a hook"}
  """

  @typedoc "The output of a hook."
  @type t :: %{String.t() => term()}

  @doc "Goes on as if there were no hook."
  @spec continue() :: t()
  def continue, do: %{}

  @doc "Of `PreToolUse`: the tool runs without asking."
  @spec allow(String.t() | nil) :: t()
  def allow(reason \\ nil), do: decide("allow", reason)

  @doc "Of `PreToolUse`: the tool does not run; the model is told why."
  @spec deny(String.t()) :: t()
  def deny(reason), do: decide("deny", reason)

  @doc "Of `PreToolUse`: whoever answers permission questions is asked."
  @spec ask(String.t() | nil) :: t()
  def ask(reason \\ nil), do: decide("ask", reason)

  @doc "Of `PreToolUse`: the turn ends here; its result holds the call, to be taken up later."
  @spec defer(String.t() | nil) :: t()
  def defer(reason \\ nil), do: decide("defer", reason)

  @doc "Of `PermissionRequest`: the question is answered with yes."
  @spec permission_allow() :: t()
  def permission_allow, do: permission(%{"behavior" => "allow"})

  @doc "Of `PermissionRequest`: the question is answered with no; the model is told why."
  @spec permission_deny(String.t()) :: t()
  def permission_deny(message), do: permission(%{"behavior" => "deny", "message" => message})

  @doc "Blocks: a prompt is not sent, a tool result is questioned, an agent that would stop goes on."
  @spec block(String.t()) :: t()
  def block(reason), do: %{"decision" => "block", "reason" => reason}

  @doc "Ends the turn."
  @spec stop(String.t()) :: t()
  def stop(reason), do: %{"continue" => false, "stopReason" => reason}

  @doc "The program goes on at once; the hook works on by itself. The time is in milliseconds."
  @spec async(pos_integer() | nil) :: t()
  def async(timeout_ms \\ nil),
    do:
      if(timeout_ms,
        do: %{"async" => true, "asyncTimeout" => timeout_ms},
        else: %{"async" => true}
      )

  @doc "Adds a text for the model, of the event given (`\"UserPromptSubmit\"`, `\"PostToolUse\"`, `\"SessionStart\"`)."
  @spec add_context(String.t(), String.t()) :: t()
  def add_context(event, text),
    do: %{"hookSpecificOutput" => %{"hookEventName" => event, "additionalContext" => text}}

  @doc "The tool runs with this input instead."
  @spec with_updated_input(t(), map()) :: t()
  def with_updated_input(output, input), do: specific(output, "updatedInput", input)

  @doc "Adds a text for the model."
  @spec with_additional_context(t(), String.t()) :: t()
  def with_additional_context(output, text), do: specific(output, "additionalContext", text)

  @doc "Shows a text to the user."
  @spec with_system_message(t(), String.t()) :: t()
  def with_system_message(output, text), do: Map.put(output, "systemMessage", text)

  @doc "Says why."
  @spec with_reason(t(), String.t()) :: t()
  def with_reason(output, reason), do: Map.put(output, "reason", reason)

  @doc "Keeps the output out of the transcript."
  @spec suppress_output(t()) :: t()
  def suppress_output(output), do: Map.put(output, "suppressOutput", true)

  defp decide(decision, nil),
    do: %{
      "hookSpecificOutput" => %{"hookEventName" => "PreToolUse", "permissionDecision" => decision}
    }

  defp decide(decision, reason),
    do: decision |> decide(nil) |> specific("permissionDecisionReason", reason)

  defp permission(decision),
    do: %{
      "hookSpecificOutput" => %{"hookEventName" => "PermissionRequest", "decision" => decision}
    }

  defp specific(output, name, value),
    do: Map.update(output, "hookSpecificOutput", %{name => value}, &Map.put(&1, name, value))
end
