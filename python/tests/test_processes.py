"""Whatever happens to the host process: it exits cleanly, and nothing it started outlives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest
from conftest import alive, simulator

LIMIT = 60

# A session whose program started a process of its own, as a tool would; both pids are on stdout.
LIVE = """
import asyncio, os, signal, sys
from madrigal import ClaudeAgentOptions, ClaudeSDKClient, UnknownMessage, query

async def started(client):
    await client.query("hi")
    async for message in client.receive_messages():
        if isinstance(message, UnknownMessage) and message.type == "started":
            print(message.data["pid"], message.data["child"], flush=True)
            return

client = ClaudeSDKClient()

async def main():
    await client.connect()
    await started(client)
    await leave()

"""
SCENARIO = {
    "name": "live",
    "about": "a program with a child",
    "mode": "session",
    "cli": [
        {"await": {"type": "user"}},
        {"spawn": {}},
        {"emit": {"type": "started", "pid": "$pid", "child": "$child"}},
        {"pause_ms": 600_000},
    ],
    "host": [],
}


def start(script: str, tmp_path: Path) -> subprocess.Popen[str]:
    scenario = tmp_path / "scenario.json"
    scenario.write_text(json.dumps(SCENARIO))
    env = {**os.environ, "MADRIGAL_CLI_PATH": simulator(), "MADRIGAL_SIMULATE": str(scenario)}
    env["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-c", script], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def pids(stdout: IO[str] | None) -> list[int]:
    assert stdout is not None
    # A byte at a time: what `readline` reads ahead, `communicate` would not see.
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(stdout.fileno(), 1)):
        line += byte
    return [int(pid) for pid in line.split()]


def wait_until_gone(pids: list[int]) -> None:
    assert pids
    deadline = time.monotonic() + LIMIT
    while any(map(alive, pids)):
        assert time.monotonic() < deadline, f"still there: {[pid for pid in pids if alive(pid)]}"
        time.sleep(0.01)


WAYS = {
    "returns": ("pass", 0),
    "sys.exit": ("sys.exit(3)", 3),
    "exception": ("raise KeyError('on purpose')", 1),
    "os._exit": ("os._exit(4)", 4),
    "sigkill": ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    "sigterm": ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
    "sigint": ("os.kill(os.getpid(), signal.SIGINT); await asyncio.sleep(60)", -signal.SIGINT),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_nothing_outlives_the_host(way: str, library: str, tmp_path: Path) -> None:
    leave, code = WAYS[way]
    if library == "trio":
        leave = leave.replace("asyncio.sleep", "trio.sleep")
    run = "asyncio.run(main())" if library == "asyncio" else "trio.run(main)"
    host = start(f"import trio\n{LIVE}\nasync def leave():\n    {leave}\n{run}", tmp_path)
    children = pids(host.stdout)
    _, errors = host.communicate(timeout=LIMIT)
    assert host.returncode == code, errors
    assert "panicked" not in errors
    wait_until_gone(children)


def test_an_interpreter_with_a_live_session_exits_cleanly(tmp_path: Path) -> None:
    # Never closed, never collected, its loop never ended: everything is left to the exit of the interpreter.
    script = f"{LIVE}\nasync def leave(): pass\nloop = asyncio.new_event_loop()\nloop.run_until_complete(main())"
    for _ in range(20):
        host = start(script, tmp_path)
        children = pids(host.stdout)
        output, errors = host.communicate(timeout=LIMIT)
        assert (host.returncode, output, errors) == (0, "", "")
        wait_until_gone(children)


FORK = """
async def leave():
    child = os.fork()
    if child == 0:
        answers = []
        for use in (lambda: client.query("x"), client.interrupt, lambda: anext(client.receive_messages())):
            try:
                await use()
            except Exception as error:
                answers.append(f"{type(error).__name__} {error.context['reason']}")
        sys.stdout.write(" ".join(answers) + "\\n")
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
    # The parent goes on as if nothing had happened.
    assert (await client.get_mcp_status()) == {"mcpServers": []}
    child = os.fork()
    if child == 0:
        import threading

        def anew():
            async def one():
                async with ClaudeSDKClient() as own:
                    await started(own)
            asyncio.run(one())

        # A thread has no running loop: a fork inside of one inherits it.
        thread = threading.Thread(target=anew)
        thread.start()
        thread.join()
        sys.stdout.write("anew\\n")
        sys.stdout.flush()
        # Not os._exit: the hooks of the child must not touch what belongs to its parent.
        sys.exit(0)
    os.waitpid(child, 0)
    assert (await client.get_mcp_status()) == {"mcpServers": []}
    await client.disconnect()
    print("parent")
asyncio.run(main())
"""


def test_a_fork_inherits_nothing(tmp_path: Path) -> None:
    host = start(LIVE + FORK, tmp_path)
    children = pids(host.stdout)
    output, errors = host.communicate(timeout=LIMIT)
    assert host.returncode == 0, errors
    lines = output.splitlines()
    assert lines[0] == " ".join(["ClosedError forked"] * 3)
    wait_until_gone(children + [int(pid) for pid in lines[1].split()])
    assert lines[2:] == ["anew", "parent"]


MANY = """
import asyncio, gc, json, os, sys
from madrigal import ClaudeAgentOptions, ClaudeSDKClient, ResultMessage, query

def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def state():
    # The zombies of this process, its children, descriptors and threads.
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return len(file.read().split()), len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

async def one(number):
    if number % 4 == 0:
        async with ClaudeSDKClient() as client:
            await client.query("x")
            async for _ in client.receive_response():
                pass
    elif number % 4 == 1:
        async for message in query(prompt="x"):
            pass
    elif number % 4 == 2:
        async for message in query(prompt="x"):
            break
    else:
        task = asyncio.create_task(anext(query(prompt="x")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

async def settled(limits):
    # What ends in the background, of sessions that were dropped, takes its time.
    gc.collect()
    for _ in range(1000):
        now = state()
        if all(number <= limit for number, limit in zip(now, limits)):
            break
        await asyncio.sleep(0.01)
    return now

async def main():
    await asyncio.gather(*(one(number) for number in range(40)))
    await asyncio.gather(*(one(number) for number in range(40)))
    before, memory = await settled((0, 10_000, 10_000)), rss()
    for _ in range(25):
        await asyncio.gather(*(one(number) for number in range(40)))
    after = await settled(before)
    print(json.dumps([before, after, (rss() - memory) // 1_000_000]))

asyncio.run(main())
"""


def test_a_thousand_sessions_leave_nothing(tmp_path: Path) -> None:
    turn = [{"loop": [{"await": {"type": "user"}}, {"init": {}}, {"text": {"text": "4"}}, {"result": {}}]}]
    scenario = tmp_path / "turns.json"
    scenario.write_text(json.dumps({**SCENARIO, "cli": turn}))
    host = start(f"import os\nos.environ['MADRIGAL_SIMULATE'] = {str(scenario)!r}\n{MANY}", tmp_path)
    output, errors = host.communicate(timeout=300)
    assert (host.returncode, errors) == (0, "")
    before, after, grown = json.loads(output)
    assert all(number <= limit for number, limit in zip(after, before, strict=True)), (before, after)
    assert grown < 8


def test_importing_is_cheap() -> None:
    script = (
        "import sys; import madrigal; print([n for n in ('asyncio', 'anyio', 'trio', 'logging') if n in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    output = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True).stdout
    assert output == "[]\n"
