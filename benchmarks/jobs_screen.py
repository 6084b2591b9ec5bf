"""What the screen of jobs costs with a hundred thousand jobs: each of its reads, and a key until the terminal is painted.

    python -m benchmarks.jobs_screen [--jobs 100000] [--keys 60]

The peer, in the same run, is the same screen over a queue of ten jobs. Two queues are large: one array of all jobs, and as many submissions of one job. Reads
are timed in this process; keys in a pseudo-terminal of 160x50, while another process starts and ends a hundred jobs a second in the same queue.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from benchmarks.terminal import Program, python
from gridtui.jobs.model import Cause, Group, JobId, JobState, Level, Phase, Placement, Report, Spec
from gridtui.jobs.queue import Queue

ROWS = 64
CHURN = 10
"""Jobs that start and end each tenth of a second."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What the screen of jobs costs.")
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        _child()
        return 0
    folder = Path(tempfile.mkdtemp(prefix="gridtui-jobs-screen-"))
    try:
        for name, made in (("ten jobs", 10), ("an array", options.jobs), ("single jobs", options.jobs)):
            state = folder / name
            _fill(state, made, single=name != "an array")
            print(f"{name} ({made:,}):")
            _reads(state)
            _keys(state, options.keys, array=name == "an array")
    finally:
        shutil.rmtree(folder)
    return 0


def _open(state: Path) -> Queue:
    folder = state / "gridtui"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Queue.open(folder)


def _fill(state: Path, count: int, *, single: bool) -> None:
    with _open(state) as queue:
        if single:
            queue.submit(Spec("true", name="single"), user="ada")
            _multiply(state, count)
            ids = [JobId(number) for number in range(1, count + 1)]
        else:
            queue.submit(Spec("true", name="array"), user="ada", array=range(count))
            ids = [JobId(1, index) for index in range(count)]
        _run(queue, ids[: count // 20], end=True)
        _run(queue, ids[count // 20 :][:200], end=False)


def _multiply(state: Path, count: int) -> None:
    """Copies of the one submission: as many transactions would take minutes."""
    with contextlib.closing(sqlite3.connect(state / "gridtui" / "queue.db")) as database, database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(submission)") if row[1] != "number"]
        numbers = f"WITH RECURSIVE n(x) AS (SELECT 2 UNION ALL SELECT x + 1 FROM n WHERE x < {count})"
        same = ", ".join(columns)
        for statement in (
            f"INSERT INTO submission (number, {same}) SELECT x, {same} FROM n, submission WHERE number = 1",
            "INSERT INTO spec (number, body) SELECT x, body FROM n, spec WHERE number = 1",
            "INSERT INTO job (number, element, state) SELECT x, -1, 'queued' FROM n",
        ):
            database.execute(f"{numbers} {statement}")
        database.execute("UPDATE total SET jobs = ?", (count,))


def _run(queue: Queue, ids: Sequence[JobId], *, end: bool) -> None:
    now = time.time()
    orders = queue.place([Placement(id, f"node{at % 20:04}", Level.PLAIN) for at, id in enumerate(ids)], now)
    keys = [order.key for order in orders]
    queue.take([Report(key, Phase.RUNNING, level=Level.PLAIN) for key in keys], now)
    if end:
        queue.take([Report(key, Phase.ENDED, exit=0, cause=Cause.EXIT, elapsed=0.1) for key in keys], now)
        queue.published([(key, "", True, "") for key in keys], now)


def _reads(state: Path) -> None:
    """Each read as the screens make it: the worst of 30, after one to warm up."""
    with _open(state) as queue:
        groups, now = queue.groups(), time.time() // 10 * 10
        last = max(0, queue.progress(numbers=[1])[0].counts.get(JobState.QUEUED, 0) - ROWS)
        tail = max(0, groups.get(Group.WAITING, 0) - ROWS)
        reads: dict[str, Callable[[], object]] = {
            "sums, holder, standing": lambda: (queue.counts(), queue.groups(), queue.holder(), queue.standing()),
            "use of 5 minutes": lambda: queue.usage(now - 300, now, 10),
            "first submissions": lambda: queue.progress(group=Group.WAITING, limit=ROWS),
            "last submissions": lambda: queue.progress(group=Group.WAITING, limit=ROWS, skip=tail),
            "last that ended": lambda: queue.progress(group=Group.ENDED, limit=ROWS),
            "jobs of single ones": lambda: queue.jobs(numbers=range(1, ROWS + 1), limit=ROWS),
            "first elements": lambda: queue.jobs(numbers=[1], states=[JobState.RUNNING], limit=ROWS),
            "last elements": lambda: queue.jobs(numbers=[1], states=[JobState.QUEUED], limit=ROWS, newest=True),
            "elements in the middle": lambda: queue.jobs(
                numbers=[1], states=[JobState.QUEUED], limit=ROWS, skip=last // 2
            ),
            "jobs of a node": lambda: queue.jobs(node="node0003", states=list(_PLACED), limit=12),
        }
        for name, read in reads.items():
            read()
            times = sorted(_timed(read) for _ in range(30))
            print(f"    {name:24} {times[15] * 1000:6.2f} ms, at worst {times[-1] * 1000:6.2f}")


_PLACED = (JobState.STARTING, JobState.RUNNING, JobState.FROZEN)


def _timed(read: Callable[[], object]) -> float:
    began = time.perf_counter()
    read()
    return time.perf_counter() - began


def _keys(state: Path, count: int, *, array: bool) -> None:
    churn = multiprocessing.get_context("fork").Process(target=_churn, args=(state,))
    try:
        with Program(python("benchmarks.jobs_screen", "--child", "screen"), {"XDG_STATE_HOME": str(state)}) as program:
            program.until(lambda screen: "node00" in screen.text())
            os.write(program.terminal, b"J")
            program.until(lambda screen: ("array" if array else "single") in screen.text())
            if array:
                os.write(program.terminal, b"\r")
                program.until(lambda screen: "1." in screen.text())
            churn.start()
            program.rest(4)
            cpu = program.load(10)
            for name, keys in _KEYS.items():
                times = sorted(_press(program, keys[at % len(keys)]) for at in range(count))
                told = f"{times[len(times) // 2] * 1000:6.1f} ms, at worst {times[-1] * 1000:6.1f}"
                print(f"    key: {name:19} {told}", flush=True)
            print(f"    {'CPU':24} {cpu:6.1f} % of a core", flush=True)
    finally:
        if churn.is_alive():
            churn.kill()


def _press(program: Program, key: bytes) -> float:
    """A key to the next frame; what is painted by itself is not told apart from it, so it is awaited that the terminal is quiet first."""
    program.settle()
    return program.press(key, lambda screen: True)


_KEYS = {
    "a line": (b"\x1b[B", b"\x1b[A"),
    "a page": (b"\x1b[6~", b"\x1b[5~"),
    "the end, the start": (b"\x1b[F", b"\x1b[H"),
}


def _churn(state: Path) -> None:
    """What a dispatcher does to the queue."""
    with _open(state) as queue:
        while True:
            ready = [JobId(lot.number, index) for lot in queue.lots(time.time())[:CHURN] for index in lot.ready[:CHURN]]
            _run(queue, ready[:CHURN], end=True)
            time.sleep(0.1)


def _child() -> None:
    from benchmarks.feed import Feed
    from gridtui.jobs.jobs import Jobs
    from gridtui.tui import run

    feed = Feed(20)
    feed.jobs = Jobs(cast(Any, feed))
    run(cast(Any, feed))


if __name__ == "__main__":
    sys.exit(main())
