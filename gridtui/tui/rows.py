"""A row of the fleet table as text with roles. Owns what a line says; pure, knows no widget and no colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..model import Status
from . import text
from .arrange import Group
from .columns import GUTTER, Layout, Look, Parts
from .states import GLYPHS, ROLES, WORDS, Face, Kind, face

if TYPE_CHECKING:
    from ..posture.model import Posture

STALE_AFTER = 3.0
"""Fast intervals without a sample after which values are dimmed."""


def node_row(
    status: Status,
    layout: Layout,
    trips: Sequence[float],
    now: float,
    interval: float,
    posture: Posture | None = None,
    history: Callable[[str], Sequence[float]] = lambda metric: (),
) -> Parts:
    """The row of a node. `interval` is the time between fast samples, in seconds."""
    sample = status.sample
    stale = sample is not None and now - sample.time > STALE_AFTER * interval + 1
    look = Look(status, face(status), now, trips, stale, posture, history)
    parts: list[tuple[str, str]] = []
    gap = " " * layout.gap
    hidden = 0
    for column, cells in layout.columns:
        if look.face.silent and column.live:
            hidden += cells + layout.gap
            continue
        if hidden:
            parts += _told(look, hidden, layout.gap)
            hidden = 0
        parts += column.cell(look, cells)
        parts.append((gap, parts[-1][1]))
    if hidden:
        parts += _told(look, hidden - layout.gap, layout.gap)
    return _join(parts, layout.width - GUTTER)


def _told(look: Look, cells: int, gap: int) -> Parts:
    """Why a silent node has no values, in the room where they would stand."""
    return (
        (
            text.fit(" " * (2 - gap) + silence(look.status, look.face, look.now), cells),
            look.face.role if look.face.kind is Kind.DOWN else "dim",
        ),
    )


def silence(status: Status, seen: Face, now: float) -> str:
    """Why a node shows no values and since when: `for 3m: connection refused`."""
    error = status.reach.error or (status.verdict.reasons[0].text if status.verdict.reasons else "")
    if seen.kind is Kind.PENDING:
        return error or "waiting for its first answer"
    since = text.age(now - status.verdict.since) if status.verdict.since else ""
    since = f"for {since}" if since else ""
    return ": ".join(part for part in (since, error) if part)


def group_row(group: Group, layout: Layout) -> Parts:
    """The row of a group: its name, how many are well, means of shares and sums of flows, in their columns."""
    counts = group.counts
    worst = min(counts, default=Kind.UP)
    total = sum(counts.values())
    title = f"{'  ' * group.depth}{'▸' if group.folded else '▾'} {group.title}"
    said = ", ".join(f"{counts[kind]} {WORDS[kind]}" for kind in sorted(counts) if kind is not Kind.UP)
    values = {
        "state": (f"{GLYPHS[worst]} {counts.get(Kind.UP, 0)}/{total} up", ROLES[worst]),
        "name": (title, "title"),
        "rtt": (text.seconds(group.means.get("rtt")), "dim"),
        "loss": (text.percent(group.means.get("loss")), "dim"),
        "load": (text.number(group.means.get("load")), "dim"),
        "cpu": (text.percent(group.means.get("cpu")), "dim"),
        "mem": (text.percent(group.means.get("mem")), "dim"),
        "disk": (text.percent(group.means.get("disk")), "dim"),
        "rx": (text.amount(group.sums.get("net.rx")), "dim"),
        "tx": (text.amount(group.sums.get("net.tx")), "dim"),
        "gpu": (text.percent(group.means.get("gpu")), "dim"),
        "temp": (text.degrees(group.means.get("temp")), "dim"),
        "why": (f"{group.worst} first: {said}" if group.worst is not None and group.folded else said, "dim"),
    }
    if all(column.name != "name" for column, _ in layout.columns) and layout.columns:
        values[layout.columns[0][0].name] = (f"{GLYPHS[worst]} {title}", "title")
    parts: list[tuple[str, str]] = []
    for column, cells in layout.columns:
        value, role = values.get(column.name, ("", "dim"))
        parts.append((text.fit(value, cells, column.right) + " " * layout.gap, role))
    return _join(parts, layout.width - GUTTER)


def header_row(layout: Layout, sort: str, descending: bool) -> Parts:
    """The titles, with an arrow at the column that sorts."""
    parts: list[tuple[str, str]] = []
    for column, cells in layout.columns:
        title = column.title
        role = "header"
        if column.name == sort:
            title, role = f"{'▼' if descending else '▲'}{title}", "header-sort"
        parts.append((text.fit(title, cells, column.right) + " " * layout.gap, role))
    return _join(parts, layout.width - GUTTER)


def _join(parts: Sequence[tuple[str, str]], cells: int) -> Parts:
    """Neighbours of one role as one part (fewer segments are cheaper to paint), padded or cut to `cells`."""
    joined: list[tuple[str, str]] = []
    left = cells
    for words, role in parts:
        if left <= 0:
            break
        take = text.width(words)
        if take > left:
            said = words.rstrip()
            words, take = text.fit(said if text.width(said) <= left else words, left), left
        left -= take
        if joined and (joined[-1][1] == role or not words.strip()):
            joined[-1] = (joined[-1][0] + words, joined[-1][1])
        else:
            joined.append((words, role))
    if left > 0:
        joined.append((" " * left, joined[-1][1] if joined else "dim"))
    return tuple(joined)
