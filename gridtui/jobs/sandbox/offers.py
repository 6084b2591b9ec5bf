"""What a node offers: what probe.sh really tried there, and which level a job gets of it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from ..model import Level, Sandbox

_WORDS = {level.word: level for level in Level}
_HELD = frozenset({"memory", "tasks", "cpu"})


@dataclass(frozen=True, slots=True)
class Offered:
    """What the probe printed."""

    levels: frozenset[Level] = frozenset()
    limits: str = ""
    """`scope` (a cgroup that systemd gave), `tree` (one of our own) or `ulimit`; "" where nothing was said."""
    held: frozenset[str] = frozenset()
    """What of `memory`, `tasks` and `cpu` the kernel holds for a job as a whole, below the level systemd."""
    engine: str = ""
    """`podman` or `docker`."""


def parse(text: str) -> Offered:
    """What probe.sh printed, as far as it is understood. Never raises over what a node sent."""
    levels: set[Level] = set()
    limits, engine = "", ""
    held: frozenset[str] = frozenset()
    for line in text.splitlines()[:64]:
        if line in _WORDS:
            levels.add(_WORDS[line])
        elif match := re.fullmatch(r"limits (scope|tree|ulimit)((?: [a-z]{1,8}){0,8})", line, re.ASCII):
            limits, held = match[1], frozenset(match[2].split()) & _HELD
        elif match := re.fullmatch(r"engine (podman|docker)(?: --cgroups=disabled)?", line, re.ASCII):
            engine = match[1]
    return Offered(frozenset(levels), limits, held, engine)


def reached(sandbox: Sandbox, levels: Collection[Level]) -> Level | None:
    """The strongest of the levels that the job may get; None where that is not enough. A container needs an image, and a job with
    an image a container."""
    lowest = Level.CONTAINER if sandbox.image else sandbox.least
    can = [level for level in levels if lowest <= level <= sandbox.most and (sandbox.image or level < Level.CONTAINER)]
    return max(can, default=None)
