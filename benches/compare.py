"""Runs the workloads of all contenders in turn (A B C, A B C, ...) and prints one table of medians.

Interleaving lets a change in the machine's speed hit every contender alike; ratios to the bare process of the same run are
what to look at. Each contender is a small program in this folder that runs one workload and prints one line of JSON.
Called by `benches/run`, which builds and installs what is measured.
"""

import argparse
import atexit
import json
import os
import platform
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from contenders import CONTENDERS, ROOT, Contender

HERE = Path(__file__).parent
CLI = Path(os.environ["BENCH_CLI"])
# Row of the table -> (workload, scenario, what one program is asked for).
ROWS = {
    "one": ("one", "one", 50),
    "stream": ("stream", "stream", 1),
    "many": ("many", "many", 500),
    "load": ("load", "", 0),
    "cancel": ("cancel", "cancel", 1),
    "stubborn": ("cancel", "stubborn", 1),
    "small": ("small", "", 200),
    "burst": ("small", "", 500),
    "first": ("first", "", 20),
    "first_prewarmed": ("first_prewarmed", "", 20),
    "first_recycled": ("first_recycled", "", 20),
}
# These run the real program on the loopback API, for those who can.
REAL = {
    "small": ("rust", "official_python"),
    "burst": ("rust",),
    "first": ("rust", "official_python"),
    "first_prewarmed": ("rust",),
    "first_recycled": ("rust",),
}
TITLES = {
    "one": "one query, 10 deltas, p50",
    "stream": "one stream, 200 000 deltas",
    "many": "500 queries at once, 1 s think time",
    "memory": "  peak memory of the host",
    "load": "load, above the bare interpreter",
    "cancel": "cancel to process gone",
    "stubborn": "  the same, it ignores SIGTERM",
    "small": "200 small queries, real program, 4 at a time",
    "burst": "500 of them",
    "first": "first delta, real program",
    "first_prewarmed": "  the same, prewarmed",
    "first_recycled": "  the same, recycled",
}


@contextmanager
def started(contender: Contender, workload: str, scenario: str, count: int) -> Iterator[subprocess.Popen[str]]:
    """The contender's program, running; its standard streams are pipes. It is gone when the block is left."""
    environment = os.environ | contender.environment | {"MADRIGAL_SIMULATE": str(HERE / "scenarios" / f"{scenario}.json")}
    if workload in REAL:
        environment |= real_environment()
    # The real program looks at the repository it is started in for every session: an empty folder is the same for everybody, everywhere.
    folder = environment["HOME"] if workload in REAL else ROOT
    process = subprocess.Popen(
        [*contender.command, workload, str(count)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=folder,
    )
    try:
        yield process
        assert process.stdin
        process.stdin.close()
        if process.wait(120) != 0:
            raise RuntimeError(f"{contender.name} ended {workload} with {process.returncode}")
    finally:
        process.kill()
        process.wait()


@cache
def real_environment() -> dict[str, str]:
    """What the real program needs to talk to a loopback API, which is started here and ends with this process; nobody's home."""
    process = subprocess.Popen([CLI, "loopback", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    said = json.loads(process.stdout.readline())
    home = tempfile.mkdtemp(prefix="madrigal-bench-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return dict(said["env"]) | {"HOME": home, "CLAUDE_CONFIG_DIR": f"{home}/.claude"}


def answer(process: subprocess.Popen[str], name: str) -> dict[str, Any]:
    """The line of JSON that a program prints when its workload is over."""
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{name} said nothing")
    return dict(json.loads(line))


def peak_mb(pid: int) -> float:
    """Peak resident memory of a process, in MB. `getrusage` would count what it was before `exec`."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def simulators() -> set[int]:
    """Process ids of all running copies of the simulated `claude`."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "exe").readlink() == CLI:
                found.add(int(entry.name))
        except OSError:
            pass  # It ended while we looked, or is not ours to see.
    return found


def measure_cancel(contender: Contender, scenario: str) -> float:
    """Milliseconds from the word to cancel until the simulated `claude` has exited, seen from outside."""
    before = simulators()
    with started(contender, "cancel", scenario, 1) as process:
        assert process.stdin and process.stdout
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"{contender.name} did not start its query")
        (pid,) = simulators() - before
        watch = os.pidfd_open(pid)
        begun = time.perf_counter()
        process.stdin.write("\n")
        process.stdin.flush()
        gone = select.select([watch], [], [], 30)[0]
        milliseconds = (time.perf_counter() - begun) * 1e3
        os.close(watch)
        if not gone:
            raise RuntimeError(f"{contender.name}: the process still runs after 30 s")
        answer(process, contender.name)
    return milliseconds


def measure_load(command: list[str], contender: Contender) -> float:
    """Milliseconds that a command takes from start to exit."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, cwd=HERE, env=os.environ | contender.environment, stdin=subprocess.DEVNULL)
    return (time.perf_counter() - begun) * 1e3


def measure(contender: Contender, row: str) -> dict[str, list[float]]:
    """One round of one row: values by the name of the row they belong to."""
    workload, scenario, count = ROWS[row]
    if contender.name not in REAL.get(row, (contender.name,)):
        return {}
    if workload == "cancel":
        return {row: [measure_cancel(contender, scenario)]}
    if workload == "load":
        if not contender.load:
            return {}
        bare, loaded = contender.load
        return {"load": [measure_load(loaded, contender) - measure_load(bare, contender)]}
    with started(contender, workload, scenario, count) as process:
        said = answer(process, contender.name)
        if row == "stream":
            if said["messages"] < 200_000:
                raise RuntimeError(f"{contender.name} lost messages: {said}")
            return {row: [said["per_second"]]}
        if row == "many":
            return {row: [said["ms"]], "memory": [peak_mb(process.pid)]}
        if row in ("small", "burst"):
            return {row: [count / (said["ms"] / 1e3)]}
        if row in REAL:
            return {row: said["ms"]}
        # The first queries of a process warm its caches and compilers; they are not what a program feels all day.
        return {row: said["ms"][5:]}


def cell(row: str, value: float | None, bare: float | None) -> str:
    """A value as a person reads it, with its ratio to the bare process where that means something."""
    if value is None:
        return "-"
    if row == "stream":
        text = f"{value / 1e6:.2f} M/s"
    elif row in ("small", "burst"):
        text = f"{value:.1f}/s"
    elif row == "memory":
        text = f"{value:.0f} MB"
    else:
        text = f"{value / 1e3:.2f} s" if value >= 1000 else f"{value:.2f} ms" if value < 10 else f"{value:.0f} ms"
    return f"{text} ({value / bare:.2f}x)" if bare and row in ("one", "stream", "many") else text


def table(result: dict[str, Any]) -> str:
    """The medians as one Markdown table."""
    medians = result["medians"]
    names = [name for name in CONTENDERS if any(name in medians[row] for row in medians)]
    lines = [["", *(CONTENDERS[name].title for name in names)], ["---"] * (len(names) + 1)]
    for row in (row for row in TITLES if row in medians):
        values = medians[row]
        lines.append([TITLES[row], *(cell(row, values.get(name), values.get("bare")) for name in names)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(names) + 1)]
    return "\n".join("| " + " | ".join(text.ljust(width) for text, width in zip(line, widths)) + " |" for line in lines)


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"cores": os.cpu_count(), "memory_gb": round(pages / 2**30), "kernel": platform.release(), "load": os.getloadavg()[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", action="append", choices=ROWS, help="only this row; may be given several times. The rows of the real program are measured only when named: " + ", ".join(REAL))
    parser.add_argument("--contender", action="append", choices=CONTENDERS, help="only this one; may be given several times")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is measured (default 5)")
    parser.add_argument("--show", type=Path, metavar="FILE", help="print the table of an earlier result and exit")
    parser.add_argument("--save", type=Path, default=HERE / "results" / "latest.local.json", help="where the result goes")
    chosen = parser.parse_args()
    # Whoever stops it stops what it started: the blocks are left and the folders removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if chosen.show:
        print(table(json.loads(chosen.show.read_text())))
        return
    result: dict[str, Any] = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "rounds": chosen.rounds, "machine": machine()}
    values: dict[str, dict[str, list[float]]] = {}
    failures = []
    for row in chosen.row or (row for row in ROWS if row not in REAL):
        for turn in range(chosen.rounds):
            for name in chosen.contender or CONTENDERS:
                print(f"\r\x1b[K{row} {turn + 1}/{chosen.rounds} {name}", end="", file=sys.stderr, flush=True)
                try:
                    for measured, more in measure(CONTENDERS[name], row).items():
                        values.setdefault(measured, {}).setdefault(name, []).extend(more)
                except (RuntimeError, ValueError, OSError, subprocess.SubprocessError) as error:
                    failures.append(f"{row}, round {turn + 1}: {name}: {error}")
    print("\r\x1b[K", end="", file=sys.stderr)
    result["medians"] = {row: {name: round(statistics.median(v), 3) for name, v in by.items()} for row, by in values.items()}
    result["spread"] = {row: {name: [round(min(v), 3), round(max(v), 3)] for name, v in by.items()} for row, by in values.items()}
    result["failures"] = failures
    chosen.save.write_text(json.dumps(result, indent=1) + "\n")
    print(table(result), *failures, sep="\n")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
