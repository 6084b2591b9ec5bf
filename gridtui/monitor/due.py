"""When a node's posture is asked again by `check`, and what a check knows of it in between: a few numbers, from JSON that is read anyway.

Imports nothing of the posture room and runs no command: this is what a check costs while nothing is due. `posture` asks and keeps.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import store

SPREAD = 0.25
"""Share of the interval by which looks are spread, so that nodes that were asked together are not the next time."""
AGAIN = 3600.0
"""Seconds until a node is asked again that gave no answer."""
_TEXTS = 20
"""Lines of drift that are kept for a check."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What a check knows of one node's posture."""

    due: float
    """When it is to be asked, seconds since the epoch."""
    time: float = 0.0
    """When it last was; 0: never."""
    score: int | None = None
    high: int = 0
    worse: tuple[str, ...] = ()
    """What was worse than at the look before, a line each."""
    root: bool = False
    """Whether root answered: sudo may be tried again then without a person."""

    def metrics(self) -> dict[str, float]:
        """`posture.score`, `posture.high` and `posture.drift`; nothing before the first look."""
        if not self.time or self.score is None:
            return {}
        return {
            "posture.score": float(self.score),
            "posture.high": float(self.high),
            "posture.drift": float(len(self.worse)),
        }

    def to_json(self) -> dict[str, Any]:
        """As `from_json` reads it."""
        return {
            "due": self.due,
            "time": self.time,
            "score": self.score,
            "high": self.high,
            "worse": list(self.worse),
            "root": self.root,
        }


def from_json(document: object) -> Brief | None:
    """A brief again; None for what is none."""
    if not isinstance(document, dict):
        return None
    due, time, score = (document.get(name) for name in ("due", "time", "score"))
    high, worse, root = (document.get(name) for name in ("high", "worse", "root"))
    if not isinstance(due, int | float) or not isinstance(time, int | float) or not isinstance(high, int):
        return None
    if not (score is None or isinstance(score, int)) or not isinstance(worse, list) or not isinstance(root, bool):
        return None
    return Brief(float(due), float(time), score, high, tuple(str(text) for text in worse)[:_TEXTS], root)


def path(sources: Iterable[Path]) -> Path:
    """The file that holds what is known of the posture of an inventory's nodes. Raises StateError (no state folder)."""
    identity = "\0".join(str(source.resolve()) for source in sources)
    return store.folder() / f"posture-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.json"


def first(name: str, now: float, every: float) -> float:
    """When a node that nobody asked yet is due: somewhere within the interval, by its name."""
    return now + every * _jitter(name)


def after(name: str, asked: float, every: float) -> float:
    """When a node that was asked at `asked` is due again: after the interval, and a share of it that hangs on name and time."""
    return asked + every * (1 + SPREAD * _jitter(f"{name} {asked:.0f}"))


def _jitter(text: str) -> float:
    return zlib.crc32(text.encode("utf-8", "surrogateescape")) / 2**32


class Briefs:
    """The briefs of one check. `briefs` and `stamp` are kept with the check; the posture file is read only when it is another one."""

    def __init__(self) -> None:
        self.briefs: dict[str, Brief] = {}
        self.stamp = 0
        """The posture file's time of change in ns when it was last read."""

    def refresh(self, file: Path, every: float) -> None:
        """Take over what others asked (`gridtui posture`, a check of another selection) since the last time. Raises StateError."""
        try:
            stamp = file.stat().st_mtime_ns
        except OSError:
            return
        if stamp == self.stamp:
            return
        self.stamp = stamp
        document = store.read_json(file)
        nodes = document.get("nodes") if isinstance(document, dict) else None
        for name, entry in nodes.items() if isinstance(nodes, dict) else ():
            brief = from_json(entry.get("brief")) if isinstance(entry, dict) else None
            known = self.briefs.get(name)
            if brief and (known is None or brief.time > known.time):
                self.briefs[name] = replace(brief, due=after(name, brief.time, every))

    def due(self, names: Iterable[str], now: float, every: float) -> list[str]:
        """The names that are to be asked now. One that was never heard of gets its turn within the interval."""
        found = []
        for name in names:
            brief = self.briefs.get(name)
            # Nothing lies further ahead than that: a clock that was set back, or an interval that was made shorter.
            if brief is None or brief.due > now + every * (1 + SPREAD):
                self.briefs[name] = replace(brief or Brief(0.0), due=first(name, now, every))
            elif brief.due <= now:
                found.append(name)
        return found

    def postpone(self, name: str, now: float, every: float) -> None:
        """It was asked and gave no answer."""
        self.briefs[name] = replace(self.briefs.get(name) or Brief(0.0), due=now + min(AGAIN, every))

    def read(self, nodes: Mapping[str, Any]) -> None:
        """From what a check kept."""
        for name, entry in nodes.items():
            brief = from_json(entry.get("posture")) if isinstance(entry, dict) else None
            if brief:
                self.briefs[name] = brief
