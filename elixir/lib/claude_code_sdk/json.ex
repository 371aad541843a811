defmodule ClaudeCodeSDK.JSON do
  @moduledoc """
  JSON without another package, done by the native library.

  Objects become maps with string keys, as with the usual JSON libraries. Integers of any size stay exact. When a key
  comes twice the last one counts. Half of a surrogate pair becomes the replacement character. Values nested deeper than
  100 levels, integers of more than 4300 digits and floats beyond the range of the BEAM stay JSON text.
  """

  alias ClaudeCodeSDK.{Error, Native}

  # Longer texts are decoded on a dirty scheduler.
  @big 64 * 1024

  @doc """
  Decodes a JSON text.

      iex> ClaudeCodeSDK.JSON.decode(~s({"a": [1, 2.5, null, "x"]}))
      {:ok, %{"a" => [1, 2.5, nil, "x"]}}

      iex> {:error, error} = ClaudeCodeSDK.JSON.decode("{")
      iex> error.code
      :invalid_argument
  """
  @spec decode(String.t()) :: {:ok, term()} | {:error, Error.t()}
  def decode(text) when byte_size(text) <= @big, do: text |> Native.json_decode() |> Error.wrap()
  def decode(text) when is_binary(text), do: text |> Native.json_decode_big() |> Error.wrap()

  @doc """
  Encodes strings, numbers, `true`, `false`, `nil`, other atoms (as strings), lists and maps.

      iex> ClaudeCodeSDK.JSON.encode(%{list: [1, nil, :allow, "text"]})
      {:ok, ~s({"list":[1,null,"allow","text"]})}

      iex> {:error, error} = ClaudeCodeSDK.JSON.encode(%{a: [1, {2, 3}]})
      iex> error.message
      "a.1: tuple has no JSON form; use strings, numbers, true, false, nil, lists and maps"
  """
  @spec encode(term()) :: {:ok, String.t()} | {:error, Error.t()}
  def encode(term) do
    case Native.json_encode(term) do
      {:ok, :big} -> term |> Native.json_encode_big() |> Error.wrap()
      other -> Error.wrap(other)
    end
  end

  @doc false
  # For what the package itself puts together; raises what `encode/1` returns.
  @spec encode!(term()) :: String.t()
  def encode!(term) do
    case encode(term) do
      {:ok, text} -> text
      {:error, error} -> raise error
    end
  end
end
