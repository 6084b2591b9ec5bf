"""How a run over many nodes is summed up, whatever ran. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from .model import duration


def counts(endings: Sequence[StrEnum]) -> dict[StrEnum, int]:
    """How many nodes ended how, in the order of their enum, without zeros."""
    return {ending: endings.count(ending) for ending in (type(endings[0]) if endings else ()) if ending in endings}


def headline(endings: Sequence[StrEnum], seconds: float) -> str:
    """`50 nodes in 1.2 s: 47 ok, 2 failed, 1 unreachable`."""
    took = f"{seconds:.1f} s" if seconds < 60 else duration(seconds)
    parts = ", ".join(f"{count} {ending}" for ending, count in counts(endings).items())
    return f"{len(endings)} node{'' if len(endings) == 1 else 's'} in {took}: {parts or 'nothing to do'}"
