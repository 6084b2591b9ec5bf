"""What a node offers: what its facts promise, what probe.sh really tried there, and which level a job gets of it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ..model import Level, Sandbox

PROBE = (Path(__file__).parent / "probe.sh").read_bytes()
"""Shell text that tries each level, for the runner to run once a boot and keep what it prints in the file `levels`."""

_WORDS = {level.word: level for level in Level}


@dataclass(frozen=True, slots=True)
class Offered:
    """What the probe printed."""

    levels: frozenset[Level] = frozenset()
    limits: str = ""
    """`cgroup2`, `cgroup1`, `scope` or `ulimit`; "" where nothing was said."""
    engine: str = ""
    """`podman` or `docker`."""


def parse(text: str) -> Offered:
    """What probe.sh printed, as far as it is understood. Never raises over what a node sent."""
    levels: set[Level] = set()
    said: dict[str, str] = {}
    for line in text.splitlines()[:64]:
        if match := re.fullmatch(r"(limits|engine) ([a-z0-9]{1,16})(?: .*)?", line, re.ASCII):
            said.setdefault(match[1], match[2])
        elif line in _WORDS:
            levels.add(_WORDS[line])
    return Offered(frozenset(levels), said.get("limits", ""), said.get("engine", ""))


def offered(capabilities: Collection[str], root: bool) -> frozenset[Level]:
    """What facts promise before anything was tried: for nodes that no runner has greeted yet."""
    levels = {Level.PLAIN}
    if "bwrap" in capabilities and (root or "userns" in capabilities):
        levels.add(Level.BWRAP)
    if {"systemd", "systemd-run"} <= set(capabilities) and root:
        levels.add(Level.SYSTEMD)
    if "podman" in capabilities or "docker.usable" in capabilities:
        levels.add(Level.CONTAINER)
    return frozenset(levels)


def reached(sandbox: Sandbox, levels: Collection[Level]) -> Level | None:
    """The strongest of the levels that the job may get; None where that is not enough. A container needs an image, and a job with
    an image a container."""
    lowest = Level.CONTAINER if sandbox.image else sandbox.least
    can = [level for level in levels if lowest <= level <= sandbox.most and (sandbox.image or level < Level.CONTAINER)]
    return max(can, default=None)
