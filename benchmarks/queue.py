"""The jobs' queue against queues from PyPI that keep what they hold in SQLite: put, get, done; and its own figures with 100,000 jobs.

    python -m benchmarks.queue [--alone 200] [--many 10000] [--jobs 100000]

The peers are huey's storage, litequeue and persist-queue; those are left out that are not installed (`pip install huey litequeue
persist-queue`). Each is told to wait for the disk at every commit (synchronous=FULL), as ours does. What they do is less: no attempts,
no node, no retries, no dependencies, no counts; huey forgets a job when it hands it out. Alone: every job is put, taken and done by
itself, a commit each. Many: put at once and taken 64 at a time, as far as the peer can.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from benchmarks import measure
from gridtui.jobs.model import Cause, Group, JobId, JobState, Level, Phase, Placement, Report, Spec
from gridtui.jobs.queue import Queue

BATCH = 64
SPEC = Spec("render --frame $GRIDTUI_INDEX", retries=2)


class Way(Protocol):
    """One queue. Each call is durable when it comes back."""

    def put(self, jobs: int) -> None:
        """So many jobs, at once if it can."""

    def work(self, jobs: int) -> int:
        """Take up to so many, call them done, and give how many there were."""


class Ours:
    def __init__(self, folder: Path) -> None:
        self.queue = Queue.open(folder)

    def put(self, jobs: int) -> None:
        self.queue.submit(SPEC, array=range(jobs) if jobs > 1 else ())

    def work(self, jobs: int) -> int:
        now = time.time()
        chosen: list[Placement] = []
        for lot in self.queue.lots(now):
            chosen += [Placement(JobId(lot.number, index), "n1", Level.PLAIN) for index in lot.ready[:jobs]]
            if len(chosen) >= jobs:
                break
        orders = self.queue.place(chosen[:jobs], now)
        ended = [Report(order.key, Phase.ENDED, "n1", exit=0, cause=Cause.EXIT) for order in orders]
        taken = self.queue.take(ended, now)
        return len(self.queue.published([(key, "/out", True, "") for key in taken.fetch], now))


class Litequeue:
    def __init__(self, folder: Path) -> None:
        self.queue: Any = importlib.import_module("litequeue").LiteQueue(folder / "lite.db")
        self.queue.conn.execute("PRAGMA synchronous = FULL")

    def put(self, jobs: int) -> None:
        with self.queue.transaction() if jobs > 1 else contextlib.nullcontext():
            for number in range(jobs):
                self.queue.put(f"{SPEC.command} {number}")

    def work(self, jobs: int) -> int:
        # pop is a transaction of its own
        found = [message for _ in range(jobs) if (message := self.queue.pop()) is not None]
        with self.queue.transaction() if jobs > 1 else contextlib.nullcontext():
            for message in found:
                self.queue.done(message.message_id)
        return len(found)


class PersistQueue:
    def __init__(self, folder: Path) -> None:
        self.queue: Any = importlib.import_module("persistqueue").SQLiteAckQueue(str(folder / "persist"))

    def put(self, jobs: int) -> None:
        for number in range(jobs):
            self.queue.put(f"{SPEC.command} {number}")

    def work(self, jobs: int) -> int:
        found = [self.queue.get() for _ in range(min(jobs, self.queue.size))]
        for item in found:
            self.queue.ack(item)
        return len(found)


class Huey:
    def __init__(self, folder: Path) -> None:
        storage = importlib.import_module("huey.storage").SqliteStorage
        self.queue: Any = storage("jobs", filename=str(folder / "huey.db"), fsync=True)

    def put(self, jobs: int) -> None:
        for number in range(jobs):
            self.queue.enqueue(f"{SPEC.command} {number}".encode())

    def work(self, jobs: int) -> int:
        found = [data for _ in range(jobs) if (data := self.queue.dequeue()) is not None]
        for data in found:
            self.queue.put_data(data, b"0", is_result=True)
        return len(found)


WAYS: dict[str, Callable[[Path], Way]] = {
    "gridtui": Ours,
    "litequeue": Litequeue,
    "persist-queue": PersistQueue,
    "huey": Huey,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--alone", type=int, default=200)
    parser.add_argument("--many", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=100_000)
    arguments = parser.parse_args()
    print(measure.machine())
    with tempfile.TemporaryDirectory() as name:
        met = [figures(Path(name), arguments.jobs)]
        met += [compare(Path(name), arguments.alone, 1), compare(Path(name), arguments.many, BATCH)]
    sys.exit(0 if all(met) else 1)


def compare(base: Path, jobs: int, batch: int) -> bool:
    """One table; the peers that are there."""
    runs: dict[str, list[measure.Cost]] = {}
    # In turns, so that the machine's mood is shared.
    for name, make in list(WAYS.items()) * (5 if batch == 1 else 1):
        with tempfile.TemporaryDirectory(dir=base) as folder:
            try:
                way = make(Path(folder))
            except ImportError:
                print(f"{name} is not installed: pip install {name}", file=sys.stderr)
                continue
            runs.setdefault(name, []).append(measure.call(lambda way=way: go(way, jobs, batch))[1])  # type: ignore[misc]
    costs = {name: sorted(each, key=lambda cost: cost.wall)[len(each) // 2] for name, each in runs.items()}
    peers = [name for name in costs if name != "gridtui"]
    if not peers:
        return True
    best = min(peers, key=lambda name: costs[name].wall)
    how = "one by one" if batch == 1 else f"put at once, {batch} at a time"
    measure.table(f"{jobs} jobs put, taken and done, {how}", costs, against=best)
    ours, peer = costs["gridtui"], costs[best]
    if batch == 1:
        # Four commits a job, and much more to write, against three; the wall is the disk's.
        return measure.aim(f"CPU against the best peer ({best})", ours.cpu / peer.cpu, 4.0)
    return measure.aim(f"wall against the best peer ({best})", ours.wall / peer.wall, 0.5)


def go(way: Way, jobs: int, batch: int) -> None:
    """All jobs through one queue."""
    if batch == 1:
        for _ in range(jobs):
            way.put(1)
    else:
        way.put(jobs)
    done = 0
    while found := way.work(batch):
        done += found
    if done != jobs:
        raise RuntimeError(f"{done} of {jobs} jobs were done")


def figures(base: Path, jobs: int) -> bool:
    """Ours with many queued: milliseconds of each thing that is asked often, and memory."""
    folder = base / "ours"
    folder.mkdir()
    before = memory()
    queue = Queue.open(folder)
    numbers = [queue.submit(SPEC, array=range(jobs // 10)) for _ in range(9)]
    print(
        f"\n{jobs:,} jobs queued in 10 submissions, one step of {BATCH} jobs (median of 9; the wall, the disk included)"
    )
    elements = range(jobs)
    used = time.process_time()
    timed("submit an array of all in one", lambda: queue.submit(SPEC, array=elements), 1)
    submitted = time.process_time() - used
    queue.cancel([JobId(numbers[-1] + 1)])
    queue.submit(SPEC, array=range(jobs // 10))
    first, _ = timed("lots, the first time", lambda: queue.lots(time.time()), 1)
    gc.collect()
    kept = memory() - before
    steady, lots = timed("lots, nothing changed", lambda: queue.lots(time.time()))
    spent: dict[str, list[float]] = {}
    for _ in range(9):
        step(queue, spent)
    del lots
    worst = 0.0
    for name, walls in spent.items():
        middle = sorted(walls)[len(walls) // 2]
        worst = max(worst, middle)
        print(f"  {name:38} {1000 * middle:9.2f} ms")
    told, _ = timed("progress of all submissions", queue.progress)
    for name, ask in {
        "progress, one group": lambda: queue.progress(group=Group.WAITING, limit=100),
        "counts and groups": lambda: (queue.counts(), queue.groups()),
        "a page of 100 jobs": lambda: queue.jobs(numbers=numbers[:1], states=[JobState.QUEUED], limit=100),
        "what is on nodes": queue.placed,
        "what is to be ended": queue.wishes,
        "use over the last hour": lambda: queue.usage(time.time() - 3600, time.time(), 60.0),
    }.items():
        timed(name, ask)
    queue.close()
    size = (folder / "queue.db").stat().st_size
    print(f"  {'memory of the line and of SQLite':38} {kept / 1e6:9.1f} MB")
    print(f"  {'on the disk, for each job':38} {size / (2 * jobs):9.1f} bytes")
    return all(
        [
            measure.aim(f"seconds of CPU to submit {jobs:,} elements", submitted, 1.0),
            measure.aim("ms for lots while nothing changed", 1000 * steady, 1.0),
            measure.aim(f"ms for the slowest of lots, place, take and published of {BATCH}", 1000 * worst, 20.0),
            measure.aim("ms for progress of all", 1000 * told, 20.0),
            measure.aim("seconds for the first lots", first, 0.5),
        ]
    )


def step(queue: Queue, spent: dict[str, list[float]]) -> None:
    """What a dispatcher does to one batch of jobs."""

    def time_of(name: str, do: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        done = do()
        spent.setdefault(name, []).append(time.perf_counter() - begin)
        return done

    lots = time_of("lots, after a step", lambda: queue.lots(time.time()))
    chosen = [Placement(JobId(lots[0].number, index), "n1", Level.PLAIN) for index in lots[0].ready[:BATCH]]
    orders = time_of("place", lambda: queue.place(chosen, time.time()))
    runs = [Report(order.key, Phase.RUNNING, "n1") for order in orders]
    time_of("take, they run", lambda: queue.take(runs, time.time()))
    ends = [Report(order.key, Phase.ENDED, "n1", exit=0, cause=Cause.EXIT, elapsed=1.0) for order in orders]
    taken = time_of("take, they ended", lambda: queue.take(ends, time.time()))
    time_of("published", lambda: queue.published([(key, "/out", True, "") for key in taken.fetch], time.time()))


def timed(name: str, ask: Callable[[], Any], times: int = 9) -> tuple[float, Any]:
    """The median wall, printed."""
    walls, found = [], None
    for _ in range(times):
        begin = time.perf_counter()
        found = ask()
        walls.append(time.perf_counter() - begin)
    middle = sorted(walls)[times // 2]
    print(f"  {name:38} {1000 * middle:9.2f} ms")
    return middle, found


def memory() -> int:
    """Bytes resident now (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    main()
