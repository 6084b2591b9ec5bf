"""What the compare view says in words and numbers: nodes side by side, what differs from the middle, which facts differ. Pure.

Each node has a letter and a colour of its own, the same in every plot and column; the letter alone is enough to tell them apart.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Sequence

from ..errors import UsageError
from ..model import Facts, Status
from ..model import size as in_bytes
from . import text
from .columns import Parts
from .metrics import METRICS, Metric
from .states import Face, face

LEAST, MOST = 2, 6
"""How many nodes are compared."""

MARKS = "ABCDEF"
"""A letter a node."""

BEST = "✓"
"""Beside the best value of a row."""
OTHER = "≠"
"""Beside a fact that is not the one of most."""

NAME = 16
"""Cells for what a row is about."""


def choose(named: Sequence[str], under: Sequence[str], shown: Sequence[str]) -> tuple[list[str], str]:
    """Which nodes are compared, and what is to be said of it: those that are marked, one of them with the node under the cursor, or all that
    are shown where they are few. Raises UsageError where there are too few.
    """
    names = list(dict.fromkeys(named))
    if len(names) == 1:
        names += [name for name in under[:1] if name not in names]
    if not names and LEAST <= len(shown) <= MOST:
        names = list(shown)
    if len(names) < LEAST:
        raise UsageError("mark the nodes that are to be compared, 2 to 6 of them")
    told = f"the first {MOST} of {len(names)} nodes: more cannot be told apart" if len(names) > MOST else ""
    return names[:MOST], told


def role(number: int) -> str:
    """The colour of a node."""
    return f"curve{number % MOST}"


def letters(names: Sequence[str], faces: Sequence[Face], cells: int, chosen: int) -> list[Parts]:
    """`A ● web01` for each node, as chunks; the chosen one is in brackets."""
    room = max(4, cells // max(1, len(names)) - 7)
    chunks: list[Parts] = []
    for number, (name, seen) in enumerate(zip(names, faces, strict=True)):
        words = text.plain(name)
        words = words if text.width(words) <= room else text.fit(words, room)
        left, right = ("[", "]") if number == chosen else ("", "")
        chunks.append(
            (
                (f"{left}{MARKS[number]} ", role(number)),
                (f"{seen.glyph} ", seen.role),
                (words, "strong" if number == chosen else "text"),
                (right, role(number)),
            )
        )
    return chunks


def values(statuses: Sequence[Status], scores: Sequence[float | None], cells: int, chosen: int = 0) -> list[Parts]:
    """A row a metric that any of them has: each node's value, how far it is from the median of them, and which is best."""
    column = max(8, (cells - NAME) // max(1, len(statuses)))
    lines = [_head(statuses, column, chosen)]
    faces = [face(status) for status in statuses]
    lines.append(
        (
            (text.fit("state", NAME), "dim"),
            *((text.fit(f"{seen.glyph} {seen.word}", column - 1) + " ", seen.role) for seen in faces),
        )
    )
    for metric in METRICS:
        if metric.name == "state":
            continue
        found = [
            scores[at] if metric.name == "posture" else None if seen.silent else metric.value(status, None)
            for at, (status, seen) in enumerate(zip(statuses, faces, strict=True))
        ]
        if any(value is not None for value in found):
            lines.append(_row(metric, found, column))
    return lines


def _head(statuses: Sequence[Status], column: int, chosen: int) -> Parts:
    parts: list[tuple[str, str]] = [(text.fit("", NAME), "header")]
    for number, status in enumerate(statuses):
        left, right = ("[", "]") if number == chosen else ("", "")
        words = text.plain(status.node.name)
        room = column - 3 - len(left + right)
        words = words if text.width(words) <= room else text.fit(words, room)
        parts.append((text.fit(f"{left}{MARKS[number]} {words}{right}", column), role(number)))
    return tuple(parts)


_CELLS = max(metric.cells for metric in METRICS if metric.name != "state")


def _row(metric: Metric, found: Sequence[float | None], column: int) -> Parts:
    known = [value for value in found if value is not None]
    middle = statistics.median(known)
    best = _best(metric, known)
    parts: list[tuple[str, str]] = [(text.fit(metric.title, NAME), "dim")]
    cells = min(_CELLS, column - 1)
    for value in found:
        shown = text.fit(metric.form(value), cells, right=True)
        parts.append((shown, "faint" if value is None else "text"))
        words, how = "", "dim"
        if value is not None and len(known) > 1:
            if value == best:
                words, how = f" {BEST}", "ok"
            else:
                words, how = f" {difference(metric, value, middle)}", _judged(metric, value, middle)
        parts.append((text.fit(words, column - cells - 1) + " ", how))
    return tuple(parts)


def _best(metric: Metric, known: Sequence[float]) -> float | None:
    """The value that is best; None where none is, or all are alike."""
    if not metric.bad or max(known) == min(known):
        return None
    return min(known) if metric.bad == "high" else max(known)


def difference(metric: Metric, value: float, middle: float) -> str:
    """How far a value is from the median: in points of a scale that has an end, else how many times as much; nothing where it hardly is."""
    if metric.high is not None:
        points = round(value - middle)
        return f"{points:+d}".replace("-", "−") if points else ""
    if value <= 0 or middle <= 0:
        return ""
    if value >= middle:
        return f"×{_times(value / middle)}" if value / middle >= 1.1 else ""
    return f"÷{_times(middle / value)}" if middle / value >= 1.1 else ""


def _times(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio < 10 else text.number(float(round(ratio))) if ratio < 10_000 else "9999"


FAR = 1.5
"""A value this many times the median is told in colour; of a scale with an end, this share of it away."""
FAR_SHARE = 0.2


def _judged(metric: Metric, value: float, middle: float) -> str:
    """The role of a difference: one that is large, to the bad side."""
    if not metric.bad:
        return "dim"
    worse = value > middle if metric.bad == "high" else value < middle
    if metric.high is not None:
        far = abs(value - middle) >= FAR_SHARE * (metric.high - metric.low)
    else:
        far = max(value, middle) >= FAR * min(value, middle)
    return "warning" if worse and far else "dim"


# ---- facts ----

_FACTS: tuple[tuple[str, Callable[[Facts], str]], ...] = (
    ("system", lambda facts: facts.os_name or f"{facts.os} {facts.os_version}".strip()),
    ("kernel", lambda facts: facts.kernel),
    ("architecture", lambda facts: facts.arch),
    ("machine", lambda facts: f"{facts.vendor} {facts.product}".strip()),
    ("runs on", lambda facts: "bare metal" if facts.virt == "none" else facts.virt),
    ("CPU", lambda facts: facts.cpu_model),
    ("CPUs", lambda facts: str(facts.cpus or "")),
    ("memory", lambda facts: in_bytes(facts.memory) if facts.memory else ""),
    ("GPUs", lambda facts: ", ".join(facts.gpus)),
    ("shell", lambda facts: facts.shell),
    ("can do", lambda facts: " ".join(sorted(facts.capabilities))),
)


def facts(statuses: Sequence[Status], cells: int) -> list[Parts]:
    """The facts that differ, a row each; the rest by name. What only some have is shown without what all have."""
    column = max(8, (cells - NAME) // max(1, len(statuses)))
    lines: list[Parts] = []
    same: list[str] = []
    for title, read in _FACTS:
        found = [text.plain(read(status.facts)) if status.facts is not None else "" for status in statuses]
        _add(lines, same, title, found, column, words=title == "can do")
    _add(lines, same, "groups", [" ".join(status.node.groups) for status in statuses], column, words=True)
    names = dict.fromkeys(name for status in statuses for name in status.node.labels)
    for name in names:
        _add(lines, same, text.plain(name), [status.node.labels.get(name, "") for status in statuses], column)
    if not lines:
        lines.append((("no fact that is known differs", "dim"),))
    if same:
        rest = text.fold(f"the same on all: {', '.join(same)}", max(8, cells))
        lines += [((one, "faint"),) for one in rest]
    return lines


def _add(
    lines: list[Parts], same: list[str], title: str, found: Sequence[str], column: int, words: bool = False
) -> None:
    known = [value for value in found if value]
    if not known:
        return
    if len(known) == len(found) and len(set(found)) == 1:
        same.append(title)
        return
    common, times = Counter(known).most_common(1)[0]
    shown = list(found)
    if words:
        everywhere = set.intersection(*({*value.split()} for value in known))
        shown = [" ".join(word for word in value.split() if word not in everywhere) for value in found]
    parts: list[tuple[str, str]] = [(text.fit(title, NAME), "dim")]
    for value, told in zip(found, shown, strict=True):
        if not value:
            parts.append((text.fit(text.UNKNOWN, column), "faint"))
        elif value == common and times > 1:
            parts.append((text.fit(f"  {told}", column - 1) + " ", "text"))
        else:
            parts.append((text.fit(f"{OTHER} {told}", column - 1) + " ", "accent"))
    lines.append(tuple(parts))


def together(values: Sequence[float], interval: float, step: float) -> list[float]:
    """A history of one interval on the steps of another, longer one, so that several stand on one axis: the newest value of each step."""
    if interval <= 0 or step <= interval * 1.001:
        return list(values)
    count = int(len(values) * interval / step)
    return [values[-1 - round(back * step / interval)] for back in range(count - 1, -1, -1)] if values else []
