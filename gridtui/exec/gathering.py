"""Outcomes side by side: identical ones as one group, and what sets the others apart. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .lines import text
from .task import Ending, Outcome

WORK = 4_000_000
"""Lines of one output times lines of the other above which a difference is not worked out: it would take seconds."""


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes whose outcomes show the same."""

    nodes: tuple[str, ...]
    sample: Outcome
    """The outcome of the first of them."""


def gather(outcomes: Iterable[Outcome]) -> list[Group]:
    """Those that ran, by output, status and exit status; the largest group first, then in the order of the nodes."""
    found: dict[tuple[object, ...], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.status in (Ending.UNREACHABLE, Ending.SKIPPED) and not (outcome.stdout or outcome.stderr):
            continue
        key = (outcome.stdout, outcome.stderr, outcome.status, outcome.exit, outcome.truncated)
        found.setdefault(key, []).append(outcome)
    groups = [Group(tuple(one.node for one in alike), alike[0]) for alike in found.values()]
    return sorted(groups, key=lambda group: -len(group.nodes))  # stable: ties stay in order


def compare(common: Group, other: Group, context: int = 3) -> Iterator[str]:
    """A unified diff of standard output, then of standard error, as harmless lines. Without a header; nothing where they are the same."""
    for stream in ("stdout", "stderr"):
        before = text(getattr(common.sample, stream)).split("\n")
        after = text(getattr(other.sample, stream)).split("\n")
        if before == after:
            continue
        if stream == "stderr":
            yield "(standard error)"
        start = _alike(before, after)
        end = _alike(before[start:][::-1], after[start:][::-1])
        if (len(before) - start - end) * (len(after) - start - end) > WORK:
            yield f"(too long to compare line by line: {len(before)} and {len(after)} lines)"
            continue
        # What begins and ends alike is put aside but for its context, because difflib takes quadratic time.
        first = max(0, start - context)
        keep = slice(first, len(before) - max(0, end - context)), slice(first, len(after) - max(0, end - context))
        lines = difflib.unified_diff(before[keep[0]], after[keep[1]], n=context, lineterm="")
        for line in list(lines)[2:]:
            yield _shifted(line, first) if line.startswith("@@") else line


def _alike(one: list[str], other: list[str]) -> int:
    """How many lines at the beginning are the same."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))


def _shifted(header: str, by: int) -> str:
    """`@@ -1,3 +1,4 @@` of a part that began `by` lines later."""

    def moved(part: str) -> str:
        number, comma, length = part[1:].partition(",")
        return f"{part[0]}{int(number) + by}{comma}{length}"

    _, old, new, _ = header.split(" ")
    return f"@@ {moved(old)} {moved(new)} @@"
