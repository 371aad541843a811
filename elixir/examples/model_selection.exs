# Models by name, with a fallback, and help with names that were misspelled.
#
#     mix run examples/model_selection.exs
#
# The program must be logged in, or `mix claude.setup_token` must have been run once.

alias ClaudeCodeSDK.{ContentExtractor, Models, OptionBuilder}

# What each of these starts the program with.
for {name, options} <- [
      opus: OptionBuilder.with_opus(),
      sonnet: OptionBuilder.with_sonnet(),
      haiku: OptionBuilder.with_haiku(),
      full_name: OptionBuilder.with_model([max_turns: 2], "claude-sonnet-4-5-20250929", "haiku")
    ] do
  fallback = options.fallback_model || "none"
  IO.puts("#{name}: #{options.model}, fallback #{fallback}, #{options.max_turns} turns")
end

# A name that is not known is passed on all the same; this says what was perhaps meant.
{:ok, %{known: false, suggestions: [likely | _]}} = Models.suggest("sonet")
IO.puts("sonet: did you mean #{likely}?")

"What is 2 + 2?"
|> ClaudeCodeSDK.query(OptionBuilder.with_haiku())
|> Stream.filter(&(&1.type == :assistant and ContentExtractor.has_text?(&1)))
|> Enum.each(&IO.puts(ContentExtractor.extract_text(&1)))
