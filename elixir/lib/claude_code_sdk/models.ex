defmodule ClaudeCodeSDK.Models do
  @moduledoc """
  Names of models. Any name is passed on to the program as it is: an alias such as `"opus"`, or a full name; this module only helps
  with typing errors.
  """

  alias ClaudeCodeSDK.{Agents, Error}

  @typedoc "Whether a name is known, and what was perhaps meant, the likeliest first."
  @type suggestion :: %{known: boolean(), suggestions: [String.t()]}

  @doc """
  What was meant by a name. `models` are those of the program, found under `"models"` in what `ClaudeCodeSDK.Session.info/1` gives;
  without them the aliases that are always there are meant.

      iex> {:ok, found} = ClaudeCodeSDK.Models.suggest("sonet")
      iex> {found.known, hd(found.suggestions)}
      {false, "sonnet"}
  """
  @spec suggest(String.t(), [map() | String.t()] | nil) ::
          {:ok, suggestion()} | {:error, Error.t()}
  def suggest(model, models \\ nil) do
    with {:ok, found} <- Agents.invoke("suggest_models", [], %{model: model, models: models}),
         do: {:ok, %{known: found["known"], suggestions: found["suggestions"]}}
  end
end
