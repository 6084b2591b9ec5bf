"""Offers and submissions for the tests of placement."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gridtui.jobs.model import Idle, Level, Lot, Needs, Sandbox, Spec
from gridtui.jobs.placement import Offer, Owner

NOW = 1_790_000_000.0
GB = 1 << 30
ONE, ANY = Needs(), Sandbox()
ALL = frozenset({Level.PLAIN, Level.BWRAP, Level.SYSTEMD})


def node(name: str = "n1", cpus: float = 4, memory: int | None = 8 * GB, **more: Any) -> Offer:
    """An idle node of which nobody has anything yet."""
    given: dict[str, Any] = {
        "memory": memory,
        "memory_free": memory,
        "disk_free": 100 * GB,
        "levels": ALL,
        "owner": Owner(math.inf),
        "room": 1000,
    }
    return Offer(name, cpus=cpus, **(given | more))


def lot(
    number: int = 1,
    count: int = 0,
    *,
    user: str = "ann",
    needs: Needs = ONE,
    where: str = "",
    priority: int = 0,
    submitted: float = NOW,
    running: int = 0,
    pack: bool = False,
    idle: Idle | None = None,
    sandbox: Sandbox = ANY,
    ready: Sequence[int | None] | None = None,
    avoid: Mapping[int | None, frozenset[str]] | None = None,
) -> Lot:
    """A submission; an array of `count` elements, or a single job."""
    spec = Spec("true", where=where, needs=needs, pack=pack, idle=idle, sandbox=sandbox)
    indices = ready if ready is not None else range(1, count + 1) if count else (None,)
    return Lot(number, user, priority, spec, submitted, indices, running, avoid or {})


def nothing(where: str) -> frozenset[str]:
    """For rounds without requirements."""
    raise AssertionError(where)
