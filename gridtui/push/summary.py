"""What a whole run came to: counts, and why nodes are not ok, alike ones together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from .. import outcomes as totals
from ..model import size
from .model import Ending, Progress, Stage, Transfer

Fold = Callable[[Iterable[str]], str]

_ORDER = (Ending.SKIPPED, Ending.CANCELLED, Ending.UNREACHABLE, Ending.TIMEOUT, Ending.FAILED)
"""Worst last, as a reader of a terminal wants it."""


def headline(outcomes: Sequence[Transfer], seconds: float) -> str:
    """`3 nodes in 1.2 s: 2 ok, 1 failed; 40 files, 1.2 MB, sent 1.1 MB`."""
    files = sum(outcome.files for outcome in outcomes)
    content = sum(outcome.size for outcome in outcomes)
    wire = sum(outcome.bytes for outcome in outcomes)
    moved = f"{files} file{'' if files == 1 else 's'}, {size(content)}, {size(wire)} over the wire"
    return f"{totals.headline([outcome.status for outcome in outcomes], seconds)}; {moved}"


def troubles(outcomes: Iterable[Transfer], fold: Fold) -> list[tuple[Ending, str]]:
    """For each way of not being ok a line: `failed: web[01-02]: no space left on device: /srv/a`."""
    found: dict[tuple[Ending, str], list[str]] = {}
    for outcome in outcomes:
        if not outcome.ok:
            found.setdefault((outcome.status, outcome.error), []).append(outcome.node)
    order = {ending: index for index, ending in enumerate(_ORDER)}
    return [
        (ending, f"{ending}: {fold(found[ending, why])}: {why}" if why else f"{ending}: {fold(found[ending, why])}")
        for ending, why in sorted(found, key=lambda key: order[key[0]])
    ]


def changes(outcomes: Iterable[Transfer]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Itemised changes, each list once: (nodes, lines), the most nodes first."""
    found: dict[tuple[str, ...], list[str]] = {}
    for outcome in outcomes:
        if outcome.ok or outcome.changes:
            found.setdefault(outcome.changes, []).append(outcome.node)
    return sorted(((tuple(nodes), lines) for lines, nodes in found.items()), key=lambda pair: -len(pair[0]))


def total(seen: Mapping[str, Progress], nodes: int) -> Progress:
    """The sum over all nodes; nodes that did not say their size yet count as those that did, on average."""
    known = [one.total for one in seen.values() if one.total is not None]
    whole = sum(known) * nodes // len(known) if known else None
    count = sum(one.bytes for one in seen.values())
    return Progress(
        "",
        Stage.SENDING,
        count,
        None if whole is None else max(whole, count),
        sum(one.rate for one in seen.values()),
        sum(one.files for one in seen.values()),
    )
