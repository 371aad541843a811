defmodule Mix.Tasks.Compile.MadrigalNative do
  @moduledoc """
  Puts the native library into `priv/native`, as a step of `mix compile`.

  In this order:

  1. `MADRIGAL_NATIVE_PATH` names a library: it is used.
  2. `priv/native/checksums.exs` lists a library for this platform and the file is there: it is used.
  3. Otherwise cargo builds it from the checkout this package lies in: with optimisation when `MIX_ENV` is `prod` or
     `MADRIGAL_RELEASE` is `1`, else in the dev profile.

  A library that was built elsewhere is used only when its SHA-256 is the one in the `checksums.exs` beside it, a map from
  file names to digests in lower-case hexadecimal. Nothing is done when nothing changed.
  """
  use Mix.Task.Compiler

  @library "madrigal_elixir.so"

  @impl true
  def run(_args) do
    priv = Path.expand("../priv/native", __DIR__)
    source = source(priv)
    stamp = :erlang.term_to_binary(fingerprint(source))
    target = Path.join(priv, @library)
    stamp_file = Path.join(priv, ".stamp")

    if File.exists?(target) and File.read(stamp_file) == {:ok, stamp} do
      {:noop, []}
    else
      File.mkdir_p!(priv)
      source |> library() |> install(target)
      File.write!(stamp_file, stamp)
      # priv may be new, and the build directory links to it.
      Mix.Project.build_structure()
      {:ok, []}
    end
  end

  defp source(priv) do
    listed = Path.join(priv, prebuilt_name())

    cond do
      path = System.get_env("MADRIGAL_NATIVE_PATH") ->
        {:prebuilt, Path.expand(path)}

      File.exists?(Path.join(priv, "checksums.exs")) and File.exists?(listed) ->
        {:prebuilt, listed}

      true ->
        {:cargo, Path.expand("../..", __DIR__), profile()}
    end
  end

  @doc "The name under which a library for this platform is listed."
  @spec prebuilt_name() :: String.t()
  def prebuilt_name do
    "madrigal_elixir-nif-2.15-#{:erlang.system_info(:system_architecture)}.so"
  end

  defp profile do
    if Mix.env() == :prod or System.get_env("MADRIGAL_RELEASE") == "1", do: :release, else: :dev
  end

  # What the installed library depends on.
  defp fingerprint({:prebuilt, path} = source), do: {source, stat(path)}

  defp fingerprint({:cargo, root, _profile} = source) do
    files =
      for(
        crate <- ~w(core bindings/bridge bindings/elixir),
        do: [crate <> "/Cargo.toml", crate <> "/src/**/*"]
      )
      |> List.flatten(["Cargo.toml", "Cargo.lock"])
      |> Enum.flat_map(&Path.wildcard(Path.join(root, &1)))
      |> Enum.sort()

    {source, Enum.map(files, &{&1, stat(&1)})}
  end

  defp stat(path) do
    case File.stat(path, time: :posix) do
      {:ok, %{type: :regular, mtime: mtime, size: size, inode: inode}} -> {mtime, size, inode}
      _ -> nil
    end
  end

  defp library({:prebuilt, path}) do
    verify(path)
    path
  end

  defp library({:cargo, root, profile}) do
    cargo = System.find_executable("cargo") || fail_without_cargo()
    flags = if profile == :release, do: ["--release"], else: []
    target = System.get_env("CARGO_TARGET_DIR") || Path.join(root, "target")
    args = ["build", "--locked", "-p", "madrigal-elixir", "--target-dir", target] ++ flags
    Mix.shell().info("Compiling the native library (cargo #{Enum.join(args, " ")})")

    case System.cmd(cargo, args, cd: root, into: IO.stream(:stdio, :line), stderr_to_stdout: true) do
      {_, 0} ->
        Path.join([target, if(profile == :release, do: "release", else: "debug"), built_name()])

      {_, code} ->
        Mix.raise("cargo ended with #{code}; its messages are above")
    end
  end

  defp built_name do
    case :os.type() do
      {:unix, :darwin} -> "libmadrigal_elixir.dylib"
      {:unix, _} -> "libmadrigal_elixir.so"
      {:win32, _} -> "madrigal_elixir.dll"
    end
  end

  defp fail_without_cargo do
    Mix.raise("""
    The native library of claude_code_sdk is not here and cargo, which builds it, was not found.
    Either install Rust (https://rustup.rs), or set MADRIGAL_NATIVE_PATH to a library built elsewhere,
    with a checksums.exs beside it; for this platform the file is called #{prebuilt_name()}.
    """)
  end

  @doc "Checks a library against the `checksums.exs` beside it; raises `Mix.Error` when they do not agree."
  @spec verify(Path.t()) :: :ok
  def verify(path) do
    checksums = Path.join(Path.dirname(path), "checksums.exs")
    name = Path.basename(path)

    with {:file, {:ok, library}} <- {:file, File.read(path)},
         {:list, {:ok, text}} <- {:list, File.read(checksums)},
         {:entry, %{^name => expected}} <- {:entry, entries(text)},
         {:digest, ^expected, ^expected} <- {:digest, expected, digest(library)} do
      :ok
    else
      {:file, {:error, reason}} ->
        Mix.raise(
          "#{path}: #{:file.format_error(reason)}; MADRIGAL_NATIVE_PATH must name the native library"
        )

      {:list, {:error, reason}} ->
        Mix.raise(
          "#{checksums}: #{:file.format_error(reason)}; it must list the SHA-256 of #{name}"
        )

      {:entry, _} ->
        Mix.raise(
          "#{checksums} does not list #{name}; expected %{\"#{name}\" => \"its SHA-256 in hexadecimal\"}"
        )

      {:digest, expected, found} ->
        Mix.raise(
          "#{path} is not the file that #{checksums} lists and is not used: " <>
            "its SHA-256 is #{found}, expected #{expected}"
        )
    end
  end

  # Read as data: a list of checksums must not run code.
  defp entries(text) do
    case Code.string_to_quoted(text) do
      {:ok, {:%{}, _, pairs}} ->
        Map.new(Enum.filter(pairs, &match?({k, v} when is_binary(k) and is_binary(v), &1)))

      _ ->
        %{}
    end
  end

  @doc "The SHA-256 of a library, as `checksums.exs` lists it."
  @spec digest(binary()) :: String.t()
  def digest(library) do
    # Later versions of Mix hide applications that a project does not depend on; building may need more than running.
    if function_exported?(Mix, :ensure_application!, 1),
      do: apply(Mix, :ensure_application!, [:crypto])

    Base.encode16(:crypto.hash(:sha256, library), case: :lower)
  end

  # By renaming: a running BEAM may have the old file mapped.
  defp install(from, target) do
    temporary = "#{target}.#{System.unique_integer([:positive])}"
    File.cp!(from, temporary)
    File.rename!(temporary, target)
  end
end
