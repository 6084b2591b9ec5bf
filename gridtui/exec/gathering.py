"""Outcomes side by side: identical ones as one group, and what sets the others apart. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .lines import text
from .task import Ending, Outcome

WORK = 4_000_000
"""Lines of one output times lines of the other above which a difference is not worked out: it would take seconds."""

_Step = tuple[str, int, int, int, int]


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
        yield from _unified(before, after, context)


def _unified(before: list[str], after: list[str], context: int) -> Iterator[str]:
    """The hunks of diff(1)'s unified format, as POSIX has it."""
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    # difflib takes quadratic time, so it gets only what lies between the alike ends.
    core_before, core_after = before[start : len(before) - end], after[start : len(after) - end]
    if len(core_before) * len(core_after) > WORK:
        yield f"(too long to compare line by line: {len(before)} and {len(after)} lines)"
        return
    matcher = difflib.SequenceMatcher(None, core_before, core_after)
    steps: list[_Step] = [
        (tag, a + start, b + start, c + start, d + start) for tag, a, b, c, d in matcher.get_opcodes()
    ]
    for hunk in _hunks(steps, start, end, len(before), len(after), context):
        first, last = hunk[0], hunk[-1]
        yield f"@@ -{_span(first[1], last[2])} +{_span(first[3], last[4])} @@"
        for tag, a, b, c, d in hunk:
            if tag == "equal":
                yield from (f" {line}" for line in before[a:b])
            else:
                yield from (f"-{line}" for line in before[a:b])
                yield from (f"+{line}" for line in after[c:d])


def _hunks(steps: list[_Step], start: int, end: int, before: int, after: int, context: int) -> Iterator[list[_Step]]:
    """Steps (as difflib's opcodes) with `context` alike lines around them; those that lie close together are one hunk."""
    lead = min(context, start)
    tail = min(context, end)
    steps = [
        ("equal", start - lead, start, start - lead, start),
        *steps,
        ("equal", before - end, before - end + tail, after - end, after - end + tail),
    ]
    hunk: list[_Step] = []
    for index, (tag, a, b, c, d) in enumerate(steps):
        inside = 1 < index < len(steps) - 2  # the two alike ends are as short as they have to be
        if tag == "equal" and inside and b - a > 2 * context:
            yield [*hunk, (tag, a, a + context, c, c + context)]
            hunk = [(tag, b - context, b, d - context, d)]
        elif b > a or d > c:
            hunk.append((tag, a, b, c, d))
    if hunk:
        yield hunk


def _alike(one: list[str], other: list[str]) -> int:
    """How many lines at the beginning are the same."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))


def _span(first: int, last: int) -> str:
    """Lines `first` to `last` (from 0, the last not included) as a hunk's header numbers them."""
    if last - first == 1:
        return str(first + 1)
    return f"{first + 1 if last > first else first},{last - first}"
