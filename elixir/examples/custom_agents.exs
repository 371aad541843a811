# Agents: some that are ready, one of your own, checked before the program starts with them.
#
#     mix run examples/custom_agents.exs
#
# The program must be logged in, or `mix claude.setup_token` must have been run once.

alias ClaudeCodeSDK.{Agents, ContentExtractor, OptionBuilder}
alias ClaudeCodeSDK.Agents.{Builder, Presets}

reviewer =
  Builder.new("migration_reviewer")
  |> Builder.with_description("Reviews database migrations; use it before one is committed")
  |> Builder.with_system_prompt("""
  You review database migrations. Look for locks on big tables, for what cannot be undone, and for missing indexes.
  Answer with a list, worst first: the file and line, what happens, and what to write in its place.
  """)
  |> Builder.with_tools(["Read", "Grep", "Glob"])
  |> Builder.with_model("haiku")

options =
  OptionBuilder.with_sonnet()
  |> OptionBuilder.with_agents(Presets.security_agents())
  |> OptionBuilder.with_agents(reviewer)

{:ok, warnings} = Agents.validate(options.agents)
for warning <- warnings, do: IO.puts("#{warning.agent}: #{warning.message}")
IO.puts("agents: #{options.agents |> Map.keys() |> Enum.sort() |> Enum.join(", ")}")

# An agent may also live in a file, where the program itself finds it.
folder = Path.join(System.tmp_dir!(), "agents-#{System.unique_integer([:positive])}")
{name, definition} = Builder.build(reviewer)
{:ok, path} = Agents.save(name, definition, directory: folder)
IO.puts("#{Path.basename(path)} has #{File.stat!(path).size} bytes")
File.rm_rf!(folder)

"Is 2 + 2 safe? Ask the reviewer."
|> ClaudeCodeSDK.query(options)
|> Stream.filter(&(&1.type == :assistant and ContentExtractor.has_text?(&1)))
|> Enum.each(&IO.puts(ContentExtractor.extract_text(&1)))
