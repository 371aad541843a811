defmodule ClaudeCodeSDK.CompileTest do
  @moduledoc "The package as a dependency of another project, with a native library that was built elsewhere."
  use ExUnit.Case, async: false

  alias Mix.Tasks.Compile.MadrigalNative

  @package Path.expand("..", __DIR__)
  @library Path.join(@package, "priv/native/madrigal_elixir.so")

  setup do
    place =
      Path.join(
        System.tmp_dir!(),
        "madrigal-package-#{System.pid()}-#{System.unique_integer([:positive])}"
      )

    File.mkdir_p!(Path.join(place, "elsewhere"))
    on_exit(fn -> File.rm_rf!(place) end)
    library = Path.join(place, "elsewhere/prebuilt.so")
    File.cp!(@library, library)
    {:ok, place: place, library: library, list: Path.join(place, "elsewhere/checksums.exs")}
  end

  defp digest(file), do: file |> File.read!() |> MadrigalNative.digest()

  test "only the library that is listed is used", %{library: library, list: list} do
    refused = fn -> assert_raise(Mix.Error, fn -> MadrigalNative.verify(library) end).message end
    assert refused.() =~ "checksums.exs: no such file"
    File.write!(list, ~s(%{"other.so" => "00"}))
    assert refused.() =~ "does not list prebuilt.so"
    File.write!(list, ~s(%{"prebuilt.so" => "#{String.duplicate("0", 64)}"}))

    assert refused.() =~
             "its SHA-256 is #{digest(library)}, expected #{String.duplicate("0", 64)}"

    File.write!(list, ~s(%{"prebuilt.so" => "#{digest(library)}"}))
    assert MadrigalNative.verify(library) == :ok

    assert_raise Mix.Error, ~r/MADRIGAL_NATIVE_PATH must name/, fn ->
      MadrigalNative.verify(library <> ".gone")
    end
  end

  test "a list of checksums is data, not code", %{library: library, list: list, place: place} do
    File.write!(list, ~s|File.touch!("#{place}/ran")|)
    assert_raise Mix.Error, fn -> MadrigalNative.verify(library) end
    refute File.exists?(Path.join(place, "ran"))
  end

  @tag timeout: 180_000
  test "a project can depend on the package without Rust, Hex or questions", context do
    package = Path.join(context.place, "package")
    project = Path.join(context.place, "project")
    for folder <- [package, Path.join(project, "lib")], do: File.mkdir_p!(folder)

    for part <- ~w(build lib mix.exs),
        do: File.cp_r!(Path.join(@package, part), Path.join(package, part))

    File.write!(Path.join(project, "mix.exs"), """
    defmodule Project.MixProject do
      use Mix.Project
      def project, do: [app: :project, version: "0.1.0", deps: [{:claude_code_sdk, path: "#{package}"}]]
      def application, do: [extra_applications: [:logger]]
    end
    """)

    # Nothing is there to build from.
    assert {output, 1} = mix(project, ["compile"], %{"PATH" => path_without_cargo()})
    assert output =~ "cargo, which builds it, was not found"

    given = %{"MADRIGAL_NATIVE_PATH" => context.library}
    File.write!(context.list, ~s(%{"prebuilt.so" => "#{String.duplicate("0", 64)}"}))
    assert {output, 1} = mix(project, ["compile"], given)
    assert output =~ "is not the file that"

    File.write!(context.list, ~s(%{"prebuilt.so" => "#{digest(context.library)}"}))

    assert {output, 0} =
             mix(project, ["run", "-e", ~S|IO.inspect(ClaudeCodeSDK.JSON.decode("[1]"))|], given)

    assert output =~ "{:ok, [1]}"

    # The second time there is nothing to do.
    installed = Path.join(package, "priv/native/madrigal_elixir.so")
    before = File.stat!(installed)
    assert {_, 0} = mix(project, ["compile"], given)
    assert File.stat!(installed) == before

    # A library that lies in the package itself, as in a published one.
    File.rm_rf!(Path.join(package, "priv"))
    File.mkdir_p!(Path.join(package, "priv/native"))
    name = MadrigalNative.prebuilt_name()
    File.cp!(context.library, Path.join([package, "priv/native", name]))

    File.write!(
      Path.join(package, "priv/native/checksums.exs"),
      ~s(%{"#{name}" => "#{digest(context.library)}"})
    )

    assert {output, 0} =
             mix(project, ["run", "-e", ~S|IO.inspect(ClaudeCodeSDK.JSON.decode("[2]"))|], %{})

    assert output =~ "{:ok, [2]}"
  end

  defp mix(project, arguments, env) do
    env =
      Map.merge(
        %{
          "MIX_ENV" => "dev",
          "MADRIGAL_NATIVE_PATH" => nil,
          "MIX_HOME" => Path.join(project, "home")
        },
        env
      )

    command = "exec mix \"$@\" </dev/null"

    System.cmd("sh", ["-c", command, "mix" | arguments],
      cd: project,
      env: env,
      stderr_to_stdout: true
    )
  end

  defp path_without_cargo do
    "PATH"
    |> System.get_env()
    |> String.split(":")
    |> Enum.reject(&File.exists?(Path.join(&1, "cargo")))
    |> Enum.join(":")
  end
end
