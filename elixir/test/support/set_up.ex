defmodule ClaudeCodeSDK.Test.SetUp do
  @moduledoc "A program for a set-up: a script that does on `setup-token` what a test says."

  @doc "Writes it; it lives as long as the VM."
  def program(does) do
    path =
      Path.join(
        System.tmp_dir!(),
        "madrigal-claude-#{System.pid()}-#{System.unique_integer([:positive])}"
      )

    System.at_exit(fn _ -> File.rm(path) end)

    File.write!(path, """
    #!/bin/sh
    case $1 in
      setup-token) ;;
      --version) echo '2.1.330 (Claude Code)'; exit ;;
      *) exit 2 ;;
    esac
    #{does}
    """)

    File.chmod!(path, 0o755)
    path
  end

  @doc "Asks for the code `heron` and gives a token."
  def gives(token) do
    program("""
    printf 'Open the page.\\r\\nPaste code here: '
    read code
    [ "$code" = heron ] || { echo 'Login failed'; exit 1; }
    printf '\\r\\n%s\\r\\n' '#{token}'
    """)
  end

  @doc "Is refused."
  def refused, do: program("echo 'Login failed'; exit 1")

  @doc "Waits for a person who never comes."
  def hanging, do: program("echo wait; exec sleep 600")
end
