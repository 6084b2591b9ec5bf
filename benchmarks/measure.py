"""What a run cost: wall, CPU, peak memory; and tables of ratios against a peer. Shared by all benchmarks; knows none of them.

Every benchmark compares with a peer in the same run, on the same machine: only the ratios mean anything elsewhere.

    ours = measure.command("gridtui", "check")
    peer = measure.command("clush", "-a", "true")
    measure.table("check, 200 nodes", {"gridtui": ours, "clush": peer}, against="clush")
"""

from __future__ import annotations

import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, seconds, bytes. `cpu` holds user and system time of the process and of the children it waited for."""

    wall: float
    cpu: float
    memory: int
    """Peak resident set: of the largest process of a command, of the whole measuring process so far for `call`.

    Linux carries the parent's high-water mark over exec(2), so a command never shows less than the measuring process had.
    """
    status: int = 0
    """Exit status; minus the signal's number when it was killed."""
    output: str = ""
    """Standard output and standard error together, of a command."""


def command(
    *argv: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes = b"",
    timeout: float = 300,
    expect: Sequence[int] | None = (0,),
) -> Cost:
    """Run a program to its end. wait4(2) gives the usage of that child alone, its own waited-for children included.

    Raises RuntimeError when the exit status is not in `expect` (None allows any) or the time is up.
    """
    words = [str(word) for word in argv]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as source:
        source.write(stdin)
        source.seek(0)
        start = time.perf_counter()
        child = subprocess.Popen(
            words,
            stdin=source,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            os.killpg(child.pid, signal.SIGKILL)

        watchdog = threading.Timer(timeout, expire)
        watchdog.start()
        try:
            _, raw, usage = os.wait4(child.pid, 0)
        finally:
            watchdog.cancel()
        wall = time.perf_counter() - start
        child.returncode = status = os.waitstatus_to_exitcode(raw)
        out.seek(0)
        output = out.read().decode("utf-8", "replace")
    if expired.is_set():
        raise RuntimeError(f"{words[0]} did not end within {timeout:g} s\n{output[-2000:]}")
    if expect is not None and status not in expect:
        raise RuntimeError(f"{' '.join(words)[:200]} ended with {status}\n{output[-2000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, status, output)


def call(function: Callable[[], T]) -> tuple[T, Cost]:
    """Run `function` in this process: its result, and the CPU of this process and its waited-for children meanwhile."""
    start, cpu = time.perf_counter(), _cpu()
    result = function()
    return result, Cost(time.perf_counter() - start, _cpu() - cpu, _peak())


async def acall(work: Coroutine[Any, Any, T]) -> tuple[T, Cost]:
    """As `call`, for a coroutine in the running loop."""
    start, cpu = time.perf_counter(), _cpu()
    result = await work
    return result, Cost(time.perf_counter() - start, _cpu() - cpu, _peak())


def process_cpu(pid: int) -> float:
    """Seconds of CPU that a running process has used, its waited-for children included (proc(5), fields 14 to 17)."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, after_name[11:15])) / os.sysconf("SC_CLK_TCK")


def median(run: Callable[[], Cost], times: int = 3) -> Cost:
    """The run with the median wall of `times`, with the medians of CPU and memory: single runs vary by a fifth."""
    costs = sorted((run() for _ in range(times)), key=lambda cost: cost.wall)
    middle = costs[len(costs) // 2]
    return Cost(
        middle.wall,
        statistics.median(cost.cpu for cost in costs),
        int(statistics.median(cost.memory for cost in costs)),
        middle.status,
        middle.output,
    )


def table(title: str, costs: Mapping[str, Cost], against: str) -> None:
    """Print the costs, each as a ratio to the peer `against`: under 1 is better than the peer."""
    peer = costs[against]
    width = max(len(name) for name in costs)
    print(f"\n{title}")
    print(f"  {'':{width}}  {'wall s':>9} {'ratio':>7}  {'CPU s':>9} {'ratio':>7}  {'MB':>7} {'ratio':>7}")
    for name, cost in costs.items():
        print(
            f"  {name:{width}}  {cost.wall:9.3f} {_ratio(cost.wall, peer.wall)}  {cost.cpu:9.3f} {_ratio(cost.cpu, peer.cpu)}"
            f"  {cost.memory / 1e6:7.1f} {_ratio(cost.memory, peer.memory)}"
        )
    sys.stdout.flush()


def aim(text: str, value: float, limit: float) -> bool:
    """Print whether `value` is within the aim `limit` (lower is better)."""
    met = value <= limit
    print(f"  {'met   ' if met else 'MISSED'} {text}: {value:.3g} (aim: at most {limit:g})")
    return met


def machine() -> str:
    """One line about where this ran."""
    return f"{os.cpu_count()} CPUs, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def _cpu() -> float:
    used = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _ratio(value: float, peer: float) -> str:
    return f"{value / peer:6.2f}x" if peer else f"{'-':>7}"
