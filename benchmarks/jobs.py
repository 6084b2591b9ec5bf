"""1,000 jobs of `true` over four systemd nodes: gridtui against GNU parallel and Slurm; and the time from a submit until the job runs.

    python -m benchmarks.jobs [--jobs 1000] [--starts 50] [--no-slurm]

- `gridtui, plain` and `gridtui, SANDBOX`: `gridtui job submit --array 1-1000 --wait -- true` as a command, Python's start, the logins and the end of
  the last job included, with the state on disk: in a session of its own alone, as GNU parallel runs it, and in the strongest sandbox that the nodes give.
- `GNU parallel`: `--sshlogin` of the same nodes, which logs in for each job; and over ssh's master connections, which are there before. The masters'
  CPU is not counted, which is in favour of the peer.
- `Slurm`: an array of 1,000, from sbatch until the queue is empty. Its daemons are ready on the nodes, without accounting and without cgroups.

Each takes as many jobs at once on a node as it has processors. The nodes are containers on this machine (docs/LAB.md), so all ways share its processors and
a wall is mostly the CPU of all processes. `nodes` is what the nodes' processes used a job, `here` what the command did. The nodes are made for the run, from an
image with Slurm, and thrown away after it; a lab that is up is left alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shlex
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import measure
from benchmarks.measure import Cost
from benchmarks.slurm import RECIPE, Slurm
from gridtui.fleet import Fleet
from gridtui.jobs import JobId, Level, Sandbox, Spec
from gridtui.jobs.model import ENDED
from gridtui.stopping import Stop
from tests.lab import image
from tests.lab.docker import LabError
from tests.lab.lab import Lab, narrate

BIN = Path(sys.executable).parent
NODES = 4
PLAIN, PEER, MASTERS, SLURM = "gridtui, plain", "GNU parallel", "GNU parallel, masters", "Slurm"
AIM = 3.0
"""Times the throughput of GNU parallel."""
START = 0.1
"""Aim: seconds from a submit until the job runs, the median."""
_LONGEST = 1800.0


@dataclass(frozen=True, slots=True)
class Run:
    """One way. `nodes`: seconds of CPU on all nodes together."""

    cost: Cost
    nodes: float


def main() -> int:
    """All of it; 1 when an aim was missed, 2 when there can be no such nodes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--starts", type=int, default=50, help="jobs whose start is timed, one after the other")
    parser.add_argument("--no-slurm", action="store_true")
    options = parser.parse_args()
    print(f"jobs; {measure.machine()}; load {os.getloadavg()[0]:.1f} before")
    try:
        with nodes(slurm=not options.no_slurm) as lab, tempfile.TemporaryDirectory(prefix="gt-") as name:
            return 0 if compare(lab, Path(name), options) else 1
    except LabError as error:
        print(f"jobs: {error}", file=sys.stderr)
        return 2


@contextlib.contextmanager
def nodes(*, slurm: bool) -> Iterator[Lab]:
    """Four nodes of our own. Where the image with Slurm cannot be made, those that the lab has."""
    lab = Lab(recipe=RECIPE if slurm else image.NODE, say=narrate)
    with lab.lock(timeout=60):
        if lab.nodes:
            raise LabError(
                "the lab is up, and its nodes are not to be changed: tests/lab/lab down, or another GRIDTUI_LAB_NUMBER"
            )
        try:
            try:
                lab.up(NODES)
            except LabError as error:
                if not slurm:
                    raise
                print(f"  no image with Slurm: {error}")
                lab.recipe = image.NODE
                lab.up(NODES)
            yield lab
        finally:
            lab.down()


def compare(lab: Lab, folder: Path, options: argparse.Namespace) -> bool:
    """Both tables, and the aims."""
    cpus = os.cpu_count() or 1
    # Neither of the others looks at a node's load, which here is this machine's.
    slots = folder / "slots.yaml"
    slots.write_text(f"lab:\n  vars:\n    gridtui_slots: {cpus}\n")
    inventory = [lab.inventory, slots]
    for name, value in environment(folder / "starts").items():
        os.environ[name] = value
    level, starts = asyncio.run(started(inventory, options.starts))
    boxed = f"gridtui, {level.word}"
    ways: dict[str, Callable[[], Cost]] = {
        PLAIN: partial(submitted, inventory, folder / "plain", ("--sandbox", "plain"), options.jobs),
        boxed: partial(submitted, inventory, folder / "boxed", (), options.jobs),
        PEER: partial(parallel, lab, folder / "p", False, cpus, options.jobs),
        MASTERS: partial(parallel, lab, folder / "m", True, cpus, options.jobs),
    }
    runs = {title: _run(lab, way) for title, way in ways.items()}
    if lab.recipe == RECIPE:
        try:
            cluster = Slurm(lab)
            cluster.start(cpus)
            runs[SLURM] = _run(lab, partial(cluster.array, options.jobs))
            starts["srun"] = cluster.starts(options.starts)
        except LabError as error:
            print(f"  Slurm cannot be started: {error}")
    _throughput(runs, options.jobs)
    _starts(starts)
    ratio = runs[PEER].cost.wall / runs[PLAIN].cost.wall
    met = [
        measure.aim(f"wall of GNU parallel's, plain ({ratio:.1f} times its throughput)", 1 / ratio, 1 / AIM),
        measure.aim("seconds from submit to start, plain, median", statistics.median(starts[PLAIN]), START),
    ]
    return all(met)


def _run(lab: Lab, way: Callable[[], Cost]) -> Run:
    before = _used(lab)
    return Run(way(), _used(lab) - before)


def submitted(inventory: Sequence[Path], folder: Path, words: Sequence[str], count: int) -> Cost:
    """`gridtui job submit --wait`, with a queue of its own."""
    argv: list[str | Path] = [BIN / "gridtui", *(word for path in inventory for word in ("-i", path))]
    argv += ["job", "submit", "--array", f"1-{count}", *words, "--wait", "--", "true"]
    return measure.command(*argv, env=environment(folder), timeout=_LONGEST)


def parallel(lab: Lab, folder: Path, masters: bool, cpus: int, count: int) -> Cost:
    """GNU parallel. It is told how many jobs a node takes, since it would need itself there to find out.

    Masters are ssh's own, made before the clock runs: the option -M of version 20221122 (Debian 12) loses jobs without a word.
    """
    folder.mkdir()
    config, log = folder / "ssh_config", folder / "log"
    persist = f"Host *\n  ControlMaster auto\n  ControlPersist {_LONGEST:.0f}\n  ControlPath {folder}/%C\n"
    config.write_text(lab.ssh_config.read_text() + (persist if masters else ""))
    argv: list[str | Path] = ["parallel", "--will-cite", "--joblog", log]
    for node in lab.nodes:
        argv += ["--sshlogin", f"{cpus}/ssh -F {shlex.quote(str(config))} {node.name}"]
    env = {"HOME": str(folder), "PARALLEL_HOME": str(folder / "parallel")}
    (folder / "parallel").mkdir()
    try:
        for node in lab.nodes if masters else ():
            measure.command("ssh", "-F", config, node.name, "true")
        cost = measure.command(*argv, "true", ":::", *map(str, range(1, count + 1)), env=env, timeout=_LONGEST)
    finally:
        for node in lab.nodes if masters else ():
            measure.command("ssh", "-F", config, "-O", "exit", node.name, expect=None)
    if (ran := len(log.read_text().splitlines()) - 1) != count:
        raise RuntimeError(f"GNU parallel ran {ran} of {count} jobs")
    return cost


def environment(folder: Path) -> dict[str, str]:
    """Of a user who has nothing yet."""
    return {"XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}


async def started(inventory: Sequence[Path], count: int) -> tuple[Level, dict[str, Sequence[float]]]:
    """Seconds from `Fleet.submit` until the job says what time it is; nodes and this machine have one clock. Also the level that nodes give."""
    found: dict[str, Sequence[float]] = {}
    stop = Stop()
    async with Fleet.open(inventory) as fleet, asyncio.TaskGroup() as group:
        group.create_task(fleet.jobs.dispatch(stop))
        level = await _warm(fleet)
        for title, most in ((PLAIN, Level.PLAIN), (f"gridtui, {level.word}", Level.CONTAINER)):
            spec = Spec("date +%s.%N", sandbox=Sandbox(most=most))
            found[title] = [await _start(fleet, spec) for _ in range(count)]
        stop.ask()
    return level, found


async def _warm(fleet: Fleet) -> Level:
    numbers = [await fleet.submit(Spec("true", where=name)) for name in fleet.nodes]
    for number in numbers:
        await _end(fleet, number)
    return fleet.jobs.show(JobId(numbers[0])).attempts[-1].level or Level.PLAIN


async def _start(fleet: Fleet, spec: Spec) -> float:
    before = time.time()
    number = await fleet.submit(spec)
    await _end(fleet, number)
    said = b"".join([piece async for piece in fleet.jobs.logs(JobId(number))])
    return float(said) - before


async def _end(fleet: Fleet, number: int) -> None:
    async with asyncio.timeout(120):
        while fleet.jobs.show(JobId(number)).job.state not in ENDED:
            await asyncio.sleep(0.02)


def _used(lab: Lab) -> float:
    """Seconds of CPU of all processes in the nodes so far (cgroup-v1 cpuacct, else cgroup-v2)."""
    question = "cat /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null || sed -n 's/^usage_usec \\(.*\\)/\\1000/p' /sys/fs/cgroup/cpu.stat"
    return sum(int(lab.run(node.name, ["sh", "-c", question]).stdout) for node in lab.nodes) / 1e9


def _throughput(runs: Mapping[str, Run], count: int) -> None:
    print(f"\n{count:,} jobs of `true` over {NODES} nodes (ms of CPU a job)")
    peer = runs[PEER].cost.wall
    print(f"  {'':21} {'wall s':>8} {'jobs/s':>8} {'against':>8}  {'here':>7} {'nodes':>7}")
    for title, run in runs.items():
        here = "-" if title == SLURM else f"{1000 * run.cost.cpu / count:.1f}"
        print(
            f"  {title:21} {run.cost.wall:8.1f} {count / run.cost.wall:8.1f} {peer / run.cost.wall:7.1f}x"
            f"  {here:>7} {1000 * run.nodes / count:7.1f}"
        )


def _starts(starts: Mapping[str, Sequence[float]]) -> None:
    print("\nfrom the submit of one job until it runs, warm, ms")
    print(f"  {'':21} {'median':>8} {'99th':>8}")
    for title, found in starts.items():
        worst = sorted(found)[min(len(found) - 1, int(0.99 * len(found)))]
        print(f"  {title:21} {1000 * statistics.median(found):8.0f} {1000 * worst:8.0f}")


if __name__ == "__main__":
    sys.exit(main())
