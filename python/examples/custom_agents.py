"""Agents: some that are ready, one of your own, checked before the program starts with them.

python examples/custom_agents.py

The program must be logged in, or `madrigal auth setup-token` must have been run once.
"""

import asyncio
import tempfile
from pathlib import Path

from madrigal import (
    AgentBuilder,
    AssistantMessage,
    agent_presets,
    query,
    save_agent,
    validate_agents,
    with_agents,
    with_sonnet,
)

PROMPT = """\
You review database migrations. Look for locks on big tables, for what cannot be undone, and for missing indexes.
Answer with a list, worst first: the file and line, what happens, and what to write in its place."""


async def main() -> None:
    """Asks one of the agents."""
    reviewer = (
        AgentBuilder("migration_reviewer")
        .description("Reviews database migrations; use it before one is committed")
        .prompt(PROMPT)
        .tools(["Read", "Grep", "Glob"])
        .model("haiku")
    )
    options = with_agents(with_sonnet(), [*agent_presets("security"), reviewer])
    agents = options.agents or {}
    for warning in validate_agents(agents):
        print(f"{warning.agent}: {warning.message}")
    print(f"agents: {', '.join(sorted(agents))}")

    # An agent may also live in a file, where the program itself finds it.
    with tempfile.TemporaryDirectory() as folder:
        built = reviewer.build()
        path = save_agent(built.name, built.agent, directory=folder)
        print(f"its file: {Path(path).name}")

    async for message in query(prompt="Is 2 + 2 safe? Ask the reviewer.", options=options):
        if isinstance(message, AssistantMessage):
            print(message.text)


asyncio.run(main())
