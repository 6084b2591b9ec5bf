"""What a node has left for jobs: measured, less what is already placed, each job counted once. Pure.

Counting once: a job that was just placed is reserved and not yet measured; one that runs is reserved and measured as well. So what
is taken of a node is the larger of what is reserved, and what is measured with that part of the reserved that cannot show yet:

    taken = max(reserved, measured + reserved and not shown)        for memory
    taken = reserved + max(0, load - what our jobs put on it)       for CPUs, the same in other words
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ...model import Sample, Status, duration
from ...probes.gpus import Gpu
from ..engines.protocol import Ground
from ..model import Level, Needs
from .trace import Trace, shown

STALE = 60.0
"""Seconds after which a sample says nothing of now. A node that is measured rarely has three of its intervals."""
YET = ("not known yet", "its CPUs are not known yet", "has not said yet what it can do")
"""Why a node takes no job while it is looked at for the first time."""
MOST_A_CPU = 8
"""Jobs on a node for each of its CPUs, and never fewer than 16 in all: each of them has a shell that watches it."""
BUSY = 20.0
"""Per cent of its time from which on a GPU counts as somebody else's."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one attempt takes of its node."""

    needs: Needs
    gpus: tuple[int, ...] = ()
    since: float = 0.0
    """When it was placed."""
    memory: int | None = None
    """Bytes that it was last seen to use, where that is known."""


@dataclass(frozen=True, slots=True)
class OfferedGpu:
    """One GPU. Memory in bytes; None where it is not told."""

    index: int
    memory: int | None = None
    free: int | None = None
    busy: bool = False
    """Somebody else computes on it."""
    taken: bool = False
    """One of our jobs has it."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who works on the node, as far as jobs that give way must know."""

    idle: float | None = None
    """Seconds since the least idle person there did something; infinite where nobody is logged in; None where it is not known."""
    battery: bool = False
    word: str = ""
    """Why the owner wants no job there that gives way; empty: no such word."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One node, as placement sees it."""

    node: str
    closed: str = ""
    """Why it takes no job now, in words; empty: it does."""
    shunned: bool = False
    """Jobs failed there of late: it is chosen where no other node will do."""
    cpus: float = 0.0
    """In all; or its slots, where the inventory sets them."""
    cpus_placed: float = 0.0
    load: float = 0.0
    """Load of one minute that is not our jobs'. Not counted where slots are set."""
    slots: bool = False
    memory: int | None = None
    memory_placed: int = 0
    memory_free: int | None = None
    """Bytes left for further jobs; None where it is not known."""
    disk_free: int | None = None
    """Bytes left where the jobs' folders lie."""
    gpus: tuple[OfferedGpu, ...] = ()
    levels: frozenset[Level] = frozenset()
    owner: Owner = Owner()
    holds: frozenset[str] = frozenset()
    """Digests of the inputs that lie there."""
    jobs: int = 0
    """Of ours, there now."""
    room: int = 16
    """How many more may be given to it."""

    @property
    def cpus_free(self) -> float:
        """What is left, as people count: it may be below zero."""
        return self.cpus - self.cpus_placed - (0.0 if self.slots else self.load)

    @property
    def cpus_open(self) -> float:
        """What a job may take: a little load of others (`slack`) is no reason against it, what is placed always is."""
        unplaced = self.cpus - self.cpus_placed
        return unplaced if self.slots else min(unplaced, unplaced - self.load + slack(self.cpus))

    @property
    def cpus_most(self) -> float:
        """What a job may take once all of our jobs there have ended."""
        return self.cpus_open + self.cpus_placed


def slack(cpus: float) -> float:
    """The load of others that is no reason against a job: half a CPU, or a twentieth of them. What a system does by itself must not
    keep a node from taking a job for all of its CPUs."""
    return max(0.5, cpus / 20)


def offer(
    status: Status,
    shares: Iterable[Share] = (),
    *,
    ground: Ground | None,
    barred: str = "",
    shunned: bool = False,
    trace: Trace | None = None,
    now: float,
) -> Offer:
    """What a node offers. `barred` says why it is to take no job (drained, quarantined); `ground` is what the engine found there.

    Without a `trace`, our jobs are followed by the times of `shares` alone: what has just ended is then taken for others' load.
    """
    placed = tuple(shares)
    sample, facts = status.sample, status.facts
    slots = _slots(status)
    cpus = slots if slots is not None else float(facts.cpus) if facts is not None else 0.0
    load = _others(sample, placed, trace) if sample is not None else 0.0
    memory, memory_free = _memory(sample, placed)
    most = max(16, math.ceil(MOST_A_CPU * cpus))
    return Offer(
        node=status.node.name,
        closed=barred or _closed(status, cpus, ground, now),
        shunned=shunned,
        cpus=cpus,
        cpus_placed=sum(share.needs.cpus for share in placed),
        load=load,
        slots=slots is not None,
        memory=memory,
        memory_placed=sum(share.needs.memory for share in placed),
        memory_free=memory_free,
        # What a job writes comes bit by bit until it ends: all that it asked for is kept for it.
        disk_free=None
        if ground is None or ground.disk is None
        else ground.disk - sum(share.needs.disk for share in placed),
        gpus=_gpus(sample, placed),
        levels=ground.levels if ground is not None else frozenset(),
        owner=_owner(sample, ground),
        holds=ground.holds if ground is not None else frozenset(),
        jobs=len(placed),
        room=max(0, most - len(placed)),
    )


def _closed(status: Status, cpus: float, ground: Ground | None, now: float) -> str:
    reach = status.reach
    if status.node.maintenance or status.verdict.maintenance:
        return "in maintenance"
    if reach.failed is not None:
        return f"down: {reach.error or reach.failed.value}"
    if reach.pending or status.sample is None:
        return YET[0]
    if (age := now - status.sample.time) > max(STALE, 3 * (status.node.interval or 0.0)):
        return f"last measured {duration(age)} ago"
    if not cpus:
        return YET[1]
    if ground is None:
        return YET[2]
    return ground.closed


def _slots(status: Status) -> float | None:
    value = status.node.vars.get("gridtui_slots")
    try:
        slots = float(value) if value is not None else None
    except (TypeError, ValueError):
        return None  # the inventory has told of it
    return slots if slots is not None and math.isfinite(slots) and slots >= 0 else None


def _others(sample: Sample, shares: Iterable[Share], trace: Trace | None) -> float:
    load = sample.metrics.get("load")
    if load is None:
        return 0.0
    if trace is not None:
        ours = trace.load(sample.time)
    else:
        ours = sum(share.needs.cpus * shown(sample.time - share.since) for share in shares)
    return max(0.0, load - ours)


def _memory(sample: Sample | None, shares: Iterable[Share]) -> tuple[int | None, int | None]:
    if sample is None or (total := sample.metrics.get("mem.total")) is None:
        return None, None
    if (free := sample.metrics.get("mem.free")) is None:
        return int(total), None
    reserved = hidden = 0.0
    for share in shares:
        asked = share.needs.memory
        reserved += asked
        if share.since >= sample.time:
            hidden += asked
        elif share.memory is not None:
            hidden += max(0, asked - share.memory)
        else:
            # What it uses is not known. Programs take most of their memory early: it is taken to show as load does.
            hidden += asked * (1.0 - shown(sample.time - share.since))
    return int(total), int(total - max(reserved, total - free + hidden))


def _gpus(sample: Sample | None, shares: Iterable[Share]) -> tuple[OfferedGpu, ...]:
    found = sample.parts.get("gpus") if sample is not None else None
    if not isinstance(found, tuple):
        return ()
    taken = {index for share in shares for index in share.gpus}
    gpus = [gpu for gpu in found if isinstance(gpu, Gpu)]
    # One index must mean one GPU: of a node with both makes, NVIDIA's are offered.
    mine = [gpu for gpu in gpus if gpu.uuid] or gpus
    return tuple(
        OfferedGpu(
            gpu.index,
            gpu.memory,
            gpu.memory_free,
            busy=gpu.share is not None and gpu.share > BUSY and gpu.index not in taken,
            taken=gpu.index in taken,
        )
        for gpu in mine
    )


def _owner(sample: Sample | None, ground: Ground | None) -> Owner:
    word = ground.idle_closed if ground is not None else ""
    if sample is None:
        return Owner(word=word)
    idle = sample.metrics.get("users.idle")
    if idle is None and (users := sample.metrics.get("users")) is not None:
        # Somebody whose idle time nothing tells may be there, at a screen.
        idle = None if users else math.inf
    return Owner(idle, bool(sample.metrics.get("battery.on", 0.0)), word)
