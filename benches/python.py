"""The workloads in Python, for Madrigal and for the official SDK: the names are the same, so the program is.

Called as `python.py PACKAGE WORKLOAD COUNT`.
"""

import asyncio
import importlib
import json
import os
import sys
import time

sdk = importlib.import_module(sys.argv[1])
# Looked up once, as `from madrigal import ...` would.
query, StreamEvent, ResultMessage, AssistantMessage = sdk.query, sdk.StreamEvent, sdk.ResultMessage, sdk.AssistantMessage
OPTIONS = sdk.ClaudeAgentOptions(cli_path=os.environ["BENCH_CLI"], include_partial_messages=True)


async def one() -> tuple[int, int]:
    """One query to its end: how many deltas came and how long their text was."""
    deltas = length = 0
    done = False
    async for message in query(prompt="hi", options=OPTIONS):
        if isinstance(message, StreamEvent):
            delta = message.event.get("delta")
            if delta and delta.get("type") == "text_delta":
                deltas += 1
                length += len(delta["text"])
        elif isinstance(message, ResultMessage):
            done = True
    assert done, "the stream ended without a result"
    return deltas, length


async def cancel() -> None:
    """Cancels the task that reads a running query."""
    running = asyncio.Event()

    async def read() -> None:
        async for message in query(prompt="hi", options=OPTIONS):
            if isinstance(message, AssistantMessage):
                running.set()

    task = asyncio.create_task(read())
    await running.wait()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def small(count: int) -> None:
    """So many small queries on the real program, four at a time."""
    options = sdk.ClaudeAgentOptions(cli_path=os.environ["BENCH_REAL_CLI"], include_partial_messages=True, tools=[])
    free = asyncio.Semaphore(4)

    async def ask(number: int) -> None:
        async with free:
            said = [message async for message in query(prompt=f"query {number}", options=options)]
        assert any(isinstance(message, ResultMessage) and message.result == f"You said: query {number}" for message in said)

    await asyncio.gather(*(ask(number) for number in range(count)))


async def first(count: int) -> list[float]:
    """From the call to the first delta, for queries one after the other."""
    options = sdk.ClaudeAgentOptions(cli_path=os.environ["BENCH_REAL_CLI"], include_partial_messages=True, tools=[])
    times = []
    for _ in range(count):
        await asyncio.sleep(0.1)
        started = time.perf_counter()
        seen = False
        async for message in query(prompt="hello", options=options):
            if not seen and isinstance(message, StreamEvent) and message.event.get("type") == "content_block_delta":
                times.append((time.perf_counter() - started) * 1e3)
                seen = True
    return times


async def main(workload: str, count: int) -> dict[str, object]:
    started = time.perf_counter()
    if workload == "one":
        times = []
        for _ in range(count):
            started = time.perf_counter()
            assert (await one())[0] == 10
            times.append((time.perf_counter() - started) * 1e3)
        return {"ms": times}
    if workload == "stream":
        deltas, length = await one()
        return {"per_second": deltas / (time.perf_counter() - started), "messages": deltas, "length": length}
    if workload == "many":
        await asyncio.gather(*(one() for _ in range(count)))
    if workload == "cancel":
        await cancel()
    if workload == "small":
        await small(count)
    if workload == "first":
        return {"ms": await first(count)}
    return {"ms": (time.perf_counter() - started) * 1e3}


print(json.dumps(asyncio.run(main(sys.argv[2], int(sys.argv[3])))), flush=True)
# Stays until the driver has read the peak memory of this process.
sys.stdin.read()
