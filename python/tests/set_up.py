"""A program for a set-up: a script that does on `setup-token` what a test says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from authority import UNSET

ONE = "sk-ant-oat01-test-test-test-test-one"
TWO = "sk-ant-oat01-test-test-test-test-two"
KEY = "sk-ant-api03-test-test-test-test"

# Nothing of this machine counts.
NOTHING: dict[str, Any] = {"cli_login": False, "interactive": False, "env": dict.fromkeys(UNSET, "")}

SCRIPT = """#!/bin/sh
case $1 in
  setup-token) ;;
  --version) echo '2.1.330 (Claude Code)'; exit ;;
  *) exit 2 ;;
esac
"""


def program(folder: Path, does: str) -> Path:
    """The path of a program that does this."""
    path = folder / f"claude-{len(list(folder.iterdir()))}"
    path.write_text(f"{SCRIPT}{does}\n")
    path.chmod(0o755)
    return path


def giving(folder: Path, token: str) -> Path:
    """One that asks for the code `heron` and gives a token, in color."""
    return program(
        folder,
        f"""printf 'Open the page.\\r\\nPaste code here: '
read code
[ "$code" = heron ] || {{ echo 'Login failed'; exit 1; }}
printf '\\r\\n\\033[32m%s\\033[0m\\r\\n' '{token}'""",
    )


def hanging(folder: Path) -> Path:
    """One that waits for a person who never comes. Draws its process id."""
    return program(folder, "echo pid $$.; exec sleep 600")
