"""One round of placement: 100,000 jobs on 1,000 nodes, of several mixes, against plain first-fit in the same run.

    python -m benchmarks.placement [--jobs 100000] [--nodes 1000] [--rounds 3]

A round is what the dispatcher does between two looks at its queue: requirements are matched with live values, turns are given, nodes
chosen. Making offers of 1,000 statuses is timed apart. First-fit takes submissions as they come and the first node with room for each
job, without turns, spreading or inputs; it asks the same questions of requirements, and gives a submission up where one job fits nowhere.
Seconds are those of the CPU: a round waits for nothing, and other programs on the machine are not its business.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from gridtui.inventory import Inventory, select
from gridtui.jobs.engines.protocol import Ground
from gridtui.jobs.model import JobId, Level, Lot, Needs, Placement, Spec
from gridtui.jobs.placement import Offer, Share, offer, plan
from gridtui.model import Facts, Node, PingMethod, Reach, RoundTrips, Sample, State, Status, Verdict
from gridtui.probes.gpus import Gpu

NOW = 1_790_000_000.0
GB = 1 << 30
AIM = 1.0
"""Seconds for a round."""


def statuses(count: int, dice: random.Random) -> list[Status]:
    """Nodes of 4 to 64 CPUs, an eighth of them with GPUs, some with load."""
    found = []
    for index in range(count):
        name = f"n{index:04d}"
        cpus = dice.choice((4, 8, 8, 12, 16, 16, 32, 64))
        memory = cpus * dice.choice((2, 4, 8)) * GB
        gpus = tuple(
            Gpu("RTX", f"GPU-{number}", 0.0, 24 * GB, 0, 24 * GB, index=number)
            for number in range(dice.choice((1, 2, 4)) if index % 8 == 0 else 0)
        )
        metrics = {"load": dice.choice((0.0, 0.1, 0.3, 2.0)), "mem.total": memory, "mem.free": memory * 0.9}
        metrics |= {"users": 0.0, "mem": 10.0}
        if gpus:
            metrics |= {"gpu.count": float(len(gpus)), "gpu.mem": 24.0 * GB}
        node = Node(name, name, labels={"rack": f"r{index % 40}"}, groups=("render",) if index % 3 else ("sim",))
        found.append(
            Status(
                node,
                Reach(NOW),
                RoundTrips(PingMethod.ICMP, 9, 9, 0.001),
                Verdict(name, State.OK, 0.0),
                Sample(name, NOW, parts={"gpus": gpus} if gpus else {}, metrics=metrics),
                Facts(name, cpus=cpus, memory=memory, arch="x86_64" if index % 10 else "aarch64"),
            )
        )
    return found


GROUND = Ground(frozenset({Level.PLAIN, Level.BWRAP, Level.SYSTEMD}), disk=500 * GB)
WHERE = (
    "@render",
    "@sim & arch=x86_64",
    "gpu.count>=1",
    "gpu.mem>=8G & arch=x86_64",
    "mem.free>16G",
    "load<0.5 & @render",
    "n[0000-0499]",
    *(f"rack=r{rack} & load<1" for rack in range(20)),
)


def specs(count: int, dice: random.Random, *, small: bool = False) -> list[Spec]:
    """Different needs; half of them with requirements."""
    found = []
    for number in range(count):
        where = dice.choice(WHERE) if number % 2 else ""
        needs = Needs(
            cpus=0.1 if small else dice.choice((0.5, 1.0, 1.0, 2.0, 3.0, 4.0, 8.0)),
            memory=0 if small else dice.randrange(1, 64) * GB // 8,
            gpus=1 if "gpu" in where else 0,
            disk=dice.choice((0, 0, 5 * GB)),
        )
        found.append(Spec("true", where=where, needs=needs))
    return found


def submissions(given: Sequence[Spec], count: int, jobs: int, users: int, dice: random.Random) -> list[Lot]:
    """So many submissions of `jobs` jobs in all. Each has a specification of its own, alike or not, as the queue gives them."""
    each = jobs // count
    ready: Sequence[int | None] = (None,) if each == 1 else range(1, each + 1)
    return [
        Lot(
            number + 1,
            f"user{dice.randrange(users)}",
            0,
            replace(given[number % len(given)]),
            NOW - 9000 * dice.random(),
            ready,
        )
        for number in range(count)
    ]


def one_array(jobs: int, cpus: float) -> list[Lot]:
    return [Lot(1, "ann", 0, Spec("true", needs=Needs(cpus=cpus)), NOW, range(1, jobs + 1))]


def first_fit(lots: Sequence[Lot], offers: Sequence[Offer], match: Callable[[str], Collection[str]]) -> list[Placement]:
    """The peer: what one writes in ten minutes."""
    names = {where: frozenset(match(where)) for where in {lot.spec.where for lot in lots} if where}
    cpus = [one.cpus_open for one in offers]
    memory = [one.memory_free or 0 for one in offers]
    disk = [one.disk_free or 0 for one in offers]
    gpus = [[gpu.index for gpu in one.gpus] for one in offers]
    placed = []
    for lot in lots:
        needs, wanted = lot.spec.needs, names.get(lot.spec.where)
        for index in lot.ready:
            for at, one in enumerate(offers):
                if (
                    cpus[at] >= needs.cpus
                    and memory[at] >= needs.memory
                    and disk[at] >= needs.disk
                    and len(gpus[at]) >= needs.gpus
                    and (wanted is None or one.node in wanted)
                ):
                    cpus[at] -= needs.cpus
                    memory[at] -= needs.memory
                    disk[at] -= needs.disk
                    given, gpus[at] = gpus[at][: needs.gpus], gpus[at][needs.gpus :]
                    placed.append(Placement(JobId(lot.number, index), one.node, max(one.levels), tuple(given)))
                    break
            else:
                break
    return placed


@dataclass(frozen=True)
class Row:
    """One mix: best seconds of ours and of first-fit, and how many jobs each placed."""

    name: str
    ours: float
    placed: int
    peer: float
    peer_placed: int


def best(rounds: int, run: Callable[[], list[Placement]]) -> tuple[float, int]:
    seconds, count = float("inf"), 0
    for _ in range(rounds):
        start = time.process_time()
        count = len(run())
        seconds = min(seconds, time.process_time() - start)
    return seconds, count


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; status 1 where a round took longer than it may."""
    parser = argparse.ArgumentParser(description="One round of placement, against plain first-fit.")
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    dice = random.Random(7)
    known = statuses(options.nodes, dice)
    groups: dict[str, list[str]] = {}
    for status in known:
        for group in status.node.groups:
            groups.setdefault(group, []).append(status.node.name)
    by_name = {status.node.name: status for status in known}
    members = {name: tuple(them) for name, them in groups.items()}
    inventory = Inventory({name: status.node for name, status in by_name.items()}, members, {}, members)
    bound = {where: select(where).bind(inventory) for where in WHERE}

    def match(where: str) -> list[str]:
        return bound[where].names(by_name.get)

    share = Share(Needs(cpus=1, memory=GB), since=NOW - 30)
    start = time.process_time()
    offers = [offer(status, (share,), ground=GROUND, now=NOW) for status in known]
    made = time.process_time() - start
    full = [replace(one, cpus_placed=one.cpus) for one in offers]
    wide = [replace(one, room=100_000) for one in offers]
    jobs = options.jobs
    many = specs(1000, dice)
    mixes: list[tuple[str, list[Lot], list[Offer]]] = [
        ("one array", one_array(jobs, 1.0), offers),
        ("one array of small jobs, all placed", one_array(jobs, 0.05), wide),
        ("1,000 arrays of 50 users, half with requirements", submissions(many, 1000, jobs, 50, dice), offers),
        ("the same, small jobs", submissions(specs(1000, dice, small=True), 1000, jobs, 50, dice), wide),
        ("single jobs of 50 users, of 1,000 kinds", submissions(many, jobs, jobs, 50, dice), offers),
        ("the same, and no node has room", submissions(many, jobs, jobs, 50, dice), full),
    ]
    rows = []
    for name, lots, there in mixes:
        ours, placed = best(options.rounds, lambda lots=lots, there=there: plan(lots, there, match, {}, NOW))  # type: ignore[misc]
        peer, peer_placed = best(1, lambda lots=lots, there=there: first_fit(lots, there, match))  # type: ignore[misc]
        rows.append(Row(name, ours, placed, peer, peer_placed))
    print(f"{jobs:,} jobs, {options.nodes:,} nodes; offers made in {made * 1000:.0f} ms")
    print(f"{'':50} {'round':>9} {'placed':>8} {'first-fit':>10} {'placed':>8} {'ratio':>7}")
    for row in rows:
        print(
            f"{row.name:50} {row.ours * 1000:6.0f} ms {row.placed:8,} {row.peer * 1000:7.0f} ms {row.peer_placed:8,}"
            f" {row.peer / row.ours:6.1f}x"
        )
    worst = max(row.ours for row in rows)
    print(f"the longest round took {worst:.2f} s; it may take {AIM:g} s")
    return 0 if worst < AIM else 1


if __name__ == "__main__":
    sys.exit(main())
