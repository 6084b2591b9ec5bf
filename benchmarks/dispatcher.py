"""What a dispatcher costs with 100,000 queued jobs over 1,000 simulated nodes, against watching the same nodes without jobs.

    python -m benchmarks.dispatcher [--jobs 100000] [--nodes 1000] [--seconds 30]

Three ways over the same simulator, each in a process of its own with a state folder of its own:

- `watching`: the fleet alone, a sample of each node every 2 s: what is paid without jobs, too.
- `full`: the nodes are full of jobs that last, and the rest waits: what a queue costs that cannot move.
- `turning`: jobs of 20 s; as they end, others start: what a job costs from the queue to its end.

The simulator runs in another process, and is not counted. Both ways with jobs are measured once the nodes are full.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import measure
from gridtui import sim

if TYPE_CHECKING:
    from gridtui.fleet import Fleet
    from gridtui.jobs.model import JobState

WAYS = ("watching", "full", "turning")
SUBMISSIONS = 100
LAG = 0.25
"""Aim: seconds for which the loop may be busy with one thing while nodes are full, so that a screen stays alive."""
MEMORY = 400.0
"""Aim: MB of the whole process with 100,000 jobs."""
_LONGEST = 400.0


@dataclass(frozen=True, slots=True)
class Run:
    """One way. Seconds and bytes."""

    seconds: float
    cpu: float
    peak: int
    lag: float
    """The longest that the loop was busy with one thing, or with several in a row."""
    submitted: float = 0.0
    """Seconds that submitting took."""
    filled: float = 0.0
    """Seconds from the start of dispatching until the nodes were full."""
    running: int = 0
    """Jobs on nodes, at the end."""
    started: int = 0
    """Jobs started until the nodes were full."""
    ended: int = 0
    """Jobs that ended within `seconds`."""

    @property
    def share(self) -> float:
        """Per cent of a core."""
        return 100 * self.cpu / self.seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 when the aims are met."""
    parser = argparse.ArgumentParser(description="A dispatcher with many jobs over many simulated nodes.")
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--inventory", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.way:
        print(json.dumps(asdict(asyncio.run(_measured(options)))))
        return 0
    return 0 if asyncio.run(_compare(options)) else 1


async def _compare(options: argparse.Namespace) -> bool:
    print(f"dispatcher: {options.jobs:,} jobs, {options.nodes:,} simulated nodes; {measure.machine()}")
    runs: dict[str, Run] = {}
    for way in WAYS:
        with tempfile.TemporaryDirectory() as name:
            # Each on nodes of its own: jobs of the way before would go on there.
            async with sim.start_process(options.nodes, Path(name), calm=True) as running:
                runs[way] = await _child(way, running.inventory, options)
    watching = runs["watching"]
    print(f"{'':10} {'of a core':>10} {'against':>8} {'memory':>8} {'longest busy':>13} {'on nodes':>9}")
    for way, run in runs.items():
        ratio = f"{run.share / watching.share:.1f}x"
        print(
            f"{way:10} {run.share:8.1f} % {ratio:>8} {run.peak / 1e6:5.0f} MB {run.lag * 1000:10.0f} ms {run.running:9,}"
        )
    full, turning = runs["full"], runs["turning"]
    print(f"  submitting took {full.submitted:.1f} s; {full.started:,} jobs were on nodes after {full.filled:.1f} s")
    if turning.ended:
        each = (turning.cpu - watching.cpu / watching.seconds * turning.seconds) / turning.ended
        rate = turning.ended / turning.seconds
        print(f"  turning: {rate:.0f} jobs a second, {1000 * each:.2f} ms of CPU each above watching")
    met = [
        measure.aim("seconds that the loop was busy with one thing", max(full.lag, turning.lag), LAG),
        measure.aim("MB with all jobs queued", max(full.peak, turning.peak) / 1e6, MEMORY),
    ]
    return all(met)


async def _child(way: str, inventory: Path, options: argparse.Namespace) -> Run:
    words = [sys.executable, "-m", "benchmarks.dispatcher", "--way", way, "--inventory", str(inventory)]
    words += ["--jobs", str(options.jobs), "--nodes", str(options.nodes), "--seconds", str(options.seconds)]
    with tempfile.TemporaryDirectory() as state:
        environment = {**os.environ, "XDG_STATE_HOME": state}
        child = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE, env=environment)
        out, _ = await asyncio.wait_for(child.communicate(), options.seconds + 2 * _LONGEST)
    if child.returncode:
        raise RuntimeError(f"{way} ended with {child.returncode}")
    return Run(**json.loads(out))


# ---- within the child ----


class Lag:
    """The longest that the loop was busy with one thing: CPU between two looks, so that other programs on the machine do not count."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        before = time.thread_time()
        while True:
            await asyncio.sleep(0.01)
            now = time.thread_time()
            self.longest = max(self.longest, now - before)
            before = now


@contextlib.asynccontextmanager
async def _beside(*works: asyncio.Future[None]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)


async def _measured(options: argparse.Namespace) -> Run:
    from gridtui.fleet import Fleet
    from gridtui.jobs.model import Group, JobState, Spec
    from gridtui.settings import Settings
    from gridtui.stopping import Stop

    lag, settings = Lag(), Settings()
    settings = replace(settings, intervals=replace(settings.intervals, fast=2.0))
    async with Fleet.open([options.inventory], settings) as fleet:
        await _all_up(fleet, options.nodes)
        found = Run(0.0, 0.0, 0, 0.0)
        works = [asyncio.ensure_future(lag.watch())]
        stop = Stop()
        if options.way != "watching":
            start = time.perf_counter()
            each = options.jobs // SUBMISSIONS
            seconds = 86000 if options.way == "full" else 20
            for number in range(SUBMISSIONS):
                await fleet.submit(Spec(f"sleep {seconds}", priority=number % 3), array=range(1, each + 1))
            found = replace(found, submitted=time.perf_counter() - start)
            works.append(asyncio.ensure_future(fleet.jobs.dispatch(stop)))
        async with _beside(*works):
            counts: Mapping[JobState, int] = {}
            if options.way != "watching":
                counts, filled = await _full(fleet.jobs.counts, works[-1])
                found = replace(found, filled=filled, started=counts.get(JobState.RUNNING, 0))
            before, ended = _cpu(), counts.get(JobState.SUCCEEDED, 0)
            start, lag.longest = time.perf_counter(), 0.0
            await asyncio.sleep(options.seconds)
            if options.way != "watching":
                counts = fleet.jobs.counts()
                assert fleet.jobs.groups()[Group.RUNNING]
            return replace(
                found,
                seconds=time.perf_counter() - start,
                cpu=_cpu() - before,
                peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                lag=lag.longest,
                running=counts.get(JobState.RUNNING, 0),
                ended=counts.get(JobState.SUCCEEDED, 0) - ended,
            )


async def _all_up(fleet: Fleet, nodes: int) -> None:
    from gridtui.events import Seen

    seen: set[str] = set()
    async with asyncio.timeout(_LONGEST):
        async for event in fleet.events():
            if isinstance(event, Seen) and event.status.sample:
                seen.add(event.node)
                if len(seen) >= nodes:
                    return


async def _full(
    counts: Callable[[], Mapping[JobState, int]], dispatching: asyncio.Future[None]
) -> tuple[Mapping[JobState, int], float]:
    """Wait until no more jobs start than end, within 5 s. Gives the counts, and when that began."""
    from gridtui.jobs.model import JobState

    start = time.perf_counter()
    most, when = 0, start
    while True:
        await asyncio.sleep(0.5)
        if dispatching.done():
            await dispatching
        now, found = time.perf_counter(), counts()
        running = found.get(JobState.RUNNING, 0)
        if running > most * 1.01 + 5:
            most, when = running, now
        if (running and now - when > 5) or now - start > _LONGEST:
            return found, when - start


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
