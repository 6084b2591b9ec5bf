"""Runs that were kept, as lines of text with roles. Owns what they say; pure, knows no widget."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ..playbooks.model import Ending
from . import text
from .columns import Parts
from .plays import GLYPHS, ROLES, RUNNING

if TYPE_CHECKING:
    from ..playbooks.artefacts import Kept

_ENDINGS = {str(one): one for one in Ending}


def line(kept: Kept, now: float, cells: int) -> Parts:
    """A run in the list: when, what, on how many, how it ended."""
    when = time.strftime("%m-%d %H:%M" if cells < 90 else "%Y-%m-%d %H:%M:%S", time.localtime(kept.time))
    name = max(10, min(32, cells // 3))
    names = ", ".join(kept.playbooks) + (" (dry run)" if kept.check else "")
    count = len(kept.nodes)
    parts: list[tuple[str, str]] = [
        (f"{when} ", "dim"),
        (text.fit(text.age(now - kept.time), 8) if cells >= 60 else "", "faint"),
        (text.fit(names, name) + " ", "strong"),
        (text.fit(f"{count} node{'' if count == 1 else 's'}", 11, right=False), "text"),
    ]
    if kept.outcomes is None:
        parts.append((f"{RUNNING} did not end, or goes on", "warning"))
        return tuple(parts)
    found = Counter(kept.outcomes.values())
    for word, one in _ENDINGS.items():
        if found[word]:
            parts.append((f"{GLYPHS[one]} {found[word]} {word}  ", ROLES[one]))
    return tuple(parts)


def ended(kept: Kept, fold: Callable[[Iterable[str]], str]) -> list[tuple[str, str, str]]:
    """How it ended by node set: (head, role, node set), the worst first."""
    if kept.outcomes is None:
        return [(f"{RUNNING} no outcome ", "warning", fold(kept.nodes))]
    found: dict[str, list[str]] = {}
    for name, word in kept.outcomes.items():
        found.setdefault(word, []).append(name)
    order = [*_BAD, *(word for word in _ENDINGS if word not in _BAD)]
    return [
        (f"{GLYPHS[_ENDINGS[word]]} {len(found[word])} {word} ", ROLES[_ENDINGS[word]], fold(found[word]))
        for word in order
        if word in found
    ]


_BAD = [str(one) for one in (Ending.LOCKED_OUT, Ending.ROLLED_BACK, Ending.FAILED, Ending.UNREACHABLE)]


def page(lines: Sequence[tuple[str, str, str]], cells: int) -> list[Parts]:
    """The same in lines of at most `cells` cells."""
    out: list[Parts] = []
    for head, role, node_set in lines:
        room = max(8, cells - text.width(head))
        first, *rest = text.fold(text.plain(node_set), room) or [""]
        out += [
            ((head, role), (first, "accent")),
            *(((" " * text.width(head), "text"), (one, "accent")) for one in rest),
        ]
    return out
