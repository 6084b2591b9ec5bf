"""What state a node is in, as a glyph and a word. Owns the words that people read; draws nothing.

State is always shape and word as well as colour, so it reads on a monochrome terminal and by colour-blind eyes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from ..model import Hush, State, Status


class Kind(IntEnum):
    """The states people tell apart, worst first: also the order of problems-first sorting and of the summary."""

    DOWN = 0
    CRITICAL = 1
    WARNING = 2
    UNKNOWN = 3
    PENDING = 4
    EXPLAINED = 5
    MAINTENANCE = 6
    UP = 7


ROLES = {
    Kind.DOWN: "critical",
    Kind.CRITICAL: "critical",
    Kind.WARNING: "warning",
    Kind.UNKNOWN: "unknown",
    Kind.PENDING: "dim",
    Kind.EXPLAINED: "dim",
    Kind.MAINTENANCE: "dim",
    Kind.UP: "ok",
}
"""Kind to its role in the palette."""

GLYPHS = {
    Kind.DOWN: "✖",
    Kind.CRITICAL: "◆",
    Kind.WARNING: "▲",
    Kind.UNKNOWN: "?",
    Kind.PENDING: "○",
    Kind.EXPLAINED: "↳",
    Kind.MAINTENANCE: "‖",
    Kind.UP: "●",
}

HUSHES = {Hush.ACKNOWLEDGED: "✓", Hush.SILENCED: "~", Hush.MAINTENANCE: "‖"}
"""Signs for what people said of alerts."""

WORDS = {
    Kind.DOWN: "down",
    Kind.CRITICAL: "critical",
    Kind.WARNING: "warning",
    Kind.UNKNOWN: "unknown",
    Kind.PENDING: "pending",
    Kind.EXPLAINED: "cut off",
    Kind.MAINTENANCE: "maintenance",
    Kind.UP: "up",
}
"""The words of the summary."""


@dataclass(frozen=True, slots=True)
class Face:
    """A node's state for the reader."""

    kind: Kind
    word: str
    """`up`, `down: tcp`, `behind gw1`, ..."""
    silent: bool = False
    """There are no values of now to show: the row tells why instead."""

    @property
    def glyph(self) -> str:
        return GLYPHS[self.kind]

    @property
    def role(self) -> str:
        return ROLES[self.kind]


_UP = Face(Kind.UP, "up")
_WARNING = Face(Kind.WARNING, "warning")
_FLAPPING = Face(Kind.WARNING, "flapping")
_CRITICAL = Face(Kind.CRITICAL, "critical")
_UNKNOWN = Face(Kind.UNKNOWN, "unknown")
_PENDING = Face(Kind.PENDING, "pending", silent=True)
_MAINTENANCE = Face(Kind.MAINTENANCE, "maintenance")
_RETURNING = Face(Kind.WARNING, "returning")


def face(status: Status) -> Face:
    """What to call the state of a node. A verdict counts only after some samples; until then a lost node is `failing`."""
    reach, verdict = status.reach, status.verdict
    if reach.pending and verdict.layer is None:
        return _PENDING
    layer = verdict.layer or reach.failed
    if layer is not None:
        if verdict.maintenance:
            return Face(Kind.MAINTENANCE, f"off: {layer}", silent=True)
        if verdict.blamed is not None:
            return Face(Kind.EXPLAINED, f"behind {verdict.blamed}", silent=True)
        if verdict.layer is None:
            return Face(Kind.WARNING, f"failing: {layer}")
        return _RETURNING if reach.up else Face(Kind.DOWN, f"down: {layer}", silent=True)
    if verdict.maintenance:
        return _MAINTENANCE
    if verdict.flapping and verdict.state is not State.CRITICAL:
        return _FLAPPING
    return (_UP, _WARNING, _CRITICAL, _UNKNOWN)[verdict.state]


GRADE_ROLES: Mapping[str, str] = {"A": "ok", "B": "ok", "C": "warning", "D": "critical", "F": "critical"}
"""A posture's grade to its role in the palette."""

STATE_ROLES = {State.OK: "ok", State.WARNING: "warning", State.CRITICAL: "critical", State.UNKNOWN: "unknown"}
"""A verdict's or a reason's state to its role in the palette."""
