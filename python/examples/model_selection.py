"""Models by name, with a fallback, and help with names that were misspelled.

python examples/model_selection.py

The program must be logged in, or `madrigal auth setup-token` must have been run once.
"""

import asyncio

from madrigal import (
    AssistantMessage,
    ClaudeAgentOptions,
    query,
    suggest_models,
    with_haiku,
    with_model,
    with_opus,
    with_sonnet,
)


async def main() -> None:
    """Asks the quickest model."""
    # What each of these starts the program with.
    full = with_model(ClaudeAgentOptions(max_turns=2), "claude-sonnet-4-5-20250929", "haiku")
    for name, options in {
        "opus": with_opus(),
        "sonnet": with_sonnet(),
        "haiku": with_haiku(),
        "full name": full,
    }.items():
        fallback = options.fallback_model or "none"
        print(f"{name}: {options.model}, fallback {fallback}, {options.max_turns} turns")

    # A name that is not known is passed on all the same; this says what was perhaps meant.
    print(f"sonet: did you mean {suggest_models('sonet').suggestions[0]}?")

    async for message in query(prompt="What is 2 + 2?", options=with_haiku()):
        if isinstance(message, AssistantMessage):
            print(message.text)


asyncio.run(main())
