"""Who is measured, how each program is started, and what loading its package is compared with."""

import glob
import os
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
RELEASE = Path(os.environ["BENCH_CLI"]).parent
PYTHON = str(ROOT / ".tools/bench/bin/python")
BEAM = [flag for path in sorted(glob.glob(str(ROOT / "elixir/_build/prod/lib/*/ebin"))) for flag in ("-pa", path)]


@dataclass(frozen=True)
class Contender:
    """One column of the table."""

    name: str
    title: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    load: tuple[list[str], list[str]] | None = None


def python(name: str, title: str, package: str, **environment: str) -> Contender:
    """The Python program on a package, and the import of that package."""
    load = ([PYTHON, "-c", "pass"], [PYTHON, "-c", f"import {package}"])
    return Contender(name, title, [PYTHON, str(HERE / "python.py"), package], environment, load)


def node(name: str, title: str, package: str) -> Contender:
    """The Node.js program on a package, and the import of that package."""
    run = ["node", "--input-type=module", "-e"]
    return Contender(name, title, ["node", str(HERE / "node.mjs"), package], {}, ([*run, ""], [*run, f"import '{package}'"]))


CONTENDERS = {
    contender.name: contender
    for contender in [
        Contender("bare", "bare process", [str(RELEASE / "bench-bare")]),
        Contender("rust", "Rust", [str(RELEASE / "bench-rust")]),
        # A runtime of one thread, as the three languages below have it: no hop between threads for a message.
        Contender("rust_one", "Rust, one thread", [str(RELEASE / "bench-rust")], {"MADRIGAL_BENCH_RUNTIME": "current_thread"}),
        python("python", "Python", "madrigal"),
        node("node", "Node.js", "madrigal"),
        Contender(
            "elixir",
            "Elixir",
            ["elixir", *BEAM, str(HERE / "elixir.exs")],
            {"LC_ALL": "C.UTF-8"},
            (["elixir", "-e", ":ok"], ["elixir", *BEAM, "-e", "{:ok, _} = Application.ensure_all_started(:claude_code_sdk)"]),
        ),
        # Its check of the program's version would start the program twice a query; the check is off, in its favour.
        python("official_python", "official Python", "claude_agent_sdk", CLAUDE_AGENT_SDK_SKIP_VERSION_CHECK="1"),
        node("official_node", "official TypeScript", "@anthropic-ai/claude-agent-sdk"),
    ]
}
