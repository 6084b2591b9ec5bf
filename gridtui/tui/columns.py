"""The columns of the fleet table: which there are, what they show, which fit. Owns their table; pure, knows no widget.

A column has a priority: at 80 cells the important ones remain. A cell is text of its column's exact width, in parts that
each have a role (`themes.Palette`).
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..model import PingMethod, Status
from . import text
from .states import GRADE_ROLES, HUSHES, STATE_ROLES, Face, face

if TYPE_CHECKING:
    from ..posture.model import Posture

Parts = tuple[tuple[str, str], ...]
"""Text and role, left to right."""


def _never(metric: str) -> Sequence[float]:
    return ()


@dataclass(frozen=True, slots=True)
class Look:
    """What a cell is made from: one node at one moment."""

    status: Status
    face: Face
    now: float
    trips: Sequence[float]
    """Recent round trips, oldest first, NaN where lost."""
    stale: bool
    posture: Posture | None = None
    history: Callable[[str], Sequence[float]] = _never
    """A metric's recent values, oldest first, NaN where there is none; asked for by columns that are shown."""

    def metric(self, name: str) -> float | None:
        sample = self.status.sample
        return None if sample is None else sample.metrics.get(name)


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `key` sorts nodes by it (None: not known, always last); None when it is nothing to sort by."""

    name: str
    title: str
    least: int
    """Cells it needs."""
    priority: int
    """Lower ones stay when there is little room."""
    cell: Callable[[Look, int], Parts]
    key: Callable[[Status], float | str | None] | None = None
    right: bool = False
    wish: int = 0
    """Cells it takes when there is room; 0 is `least`."""
    rule: str = ""
    """The health rule that colours it."""
    live: bool = False
    """Empty while the node is silent: the row tells why instead."""
    roomy: int = 0
    """Cells of the table from which it is shown unasked."""
    descending: bool = True
    """Whether the first sort by it is highest first."""


def _metric(name: str) -> Callable[[Status], float | None]:
    def key(status: Status) -> float | None:
        value = None if status.sample is None else status.sample.metrics.get(name)
        return None if value is None or math.isnan(value) else value

    return key


def _plain(name: str, form: Callable[[float | None], str]) -> Callable[[Look, int], Parts]:
    def cell(look: Look, cells: int) -> Parts:
        value = look.metric(name)
        return ((text.fit(form(value), cells, right=True), _role(look, name, value)),)

    return cell


def _barred(name: str) -> Callable[[Look, int], Parts]:
    def cell(look: Look, cells: int) -> Parts:
        value = look.metric(name)
        role = _role(look, name, value)
        number = text.fit(text.percent(value), 5, right=True)
        if cells < 10:
            return ((number[-cells:], role),)
        filled, rest = text.bar(value, cells - 5)
        return ((filled, "bar" if role == "text" else role), (rest, "track"), (number, role))

    return cell


def _line(*names: str, high: float | None = None, least: float = 1.0) -> Callable[[Look, int], Parts]:
    """The recent values of a metric, or of the sum of some, as ticks over zero: up to `high`, or the most that there was (`least` at the least)."""

    def cell(look: Look, cells: int) -> Parts:
        series = [look.history(name)[-cells:] for name in names]
        values = series[0] if len(series) == 1 else [sum(some) for some in zip(*series, strict=False)]
        return ((text.ticks(values, cells, high, least), "faint" if look.stale else "spark"),)

    return cell


STEADY = 0.0005
"""Seconds by which round trips may differ without a tick: between neighbours that is the work of schedulers, not of the network."""

_WORD = re.compile(r"[a-z]+")


def _role(look: Look, name: str, value: float | None) -> str:
    if value is None:
        return "faint"
    if look.stale:
        return "faint"
    noun = name.partition(".")[0]
    for reason in look.status.verdict.reasons:
        if not reason.soft and (found := _WORD.match(reason.rule)) and found.group() == noun:
            return STATE_ROLES[reason.state]
    return "text"


def _state(look: Look, cells: int) -> Parts:
    seen = look.face
    return ((text.fit(f"{seen.glyph} {seen.word}", cells), seen.role),)


def _name(look: Look, cells: int) -> Parts:
    return ((text.fit(look.status.node.name, cells), "dim" if look.face.silent else "strong"),)


def _rtt(look: Look, cells: int) -> Parts:
    trips = look.status.trips
    if trips.method is PingMethod.LOCAL:
        return ((text.fit("local", cells, right=True), "dim"),)
    if trips.last is None and trips.sent:
        return ((text.fit("lost", cells, right=True), "critical" if trips.received else "faint"),)
    return ((text.fit(text.seconds(trips.last), cells, right=True), "text" if trips.last is not None else "faint"),)


def _spark(look: Look, cells: int) -> Parts:
    line = text.spark(look.trips, cells, STEADY)
    if text.LOST not in line:
        return ((line, "spark"),)
    role = "faint" if look.face.silent else "critical"
    return tuple((part, role if part[0] == text.LOST else "spark") for part in re.findall(r"×+|[^×]+", line))


def _loss(look: Look, cells: int) -> Parts:
    trips = look.status.trips
    if not trips.sent or trips.method is PingMethod.LOCAL:
        return ((text.fit(text.UNKNOWN, cells, right=True), "faint"),)
    loss = trips.loss
    role = "faint" if look.face.silent else _role(look, "loss", loss)
    if role == "text" and loss < 1:
        role = "dim"
    shown = "<1%" if 0 < loss < 0.5 else text.percent(loss)
    return ((text.fit(shown, cells, right=True), role),)


def labels(status: Status) -> str:
    """`site=berlin role=web`, for people."""
    return " ".join(f"{name}={value}" for name, value in status.node.labels.items())


def _labels(look: Look, cells: int) -> Parts:
    return ((text.fit(labels(look.status), cells), "dim"),)


def why(status: Status) -> str:
    """The worst reason, in words; '' when there is nothing to tell."""
    return status.verdict.reasons[0].text if status.verdict.reasons else ""


def _why(look: Look, cells: int) -> Parts:
    reasons = look.status.verdict.reasons
    if not reasons:
        return ((" " * cells, "dim"),)
    first = reasons[0]
    more = f" (+{len(reasons) - 1})" if len(reasons) > 1 else ""
    verdict = look.status.verdict
    # What somebody knows of, or wants to hear nothing of, is as ill as it is, but asks for nobody.
    quiet = first.soft or verdict.maintenance or verdict.mute is not None
    said = f"{HUSHES[verdict.mute.hush]} " if verdict.mute is not None else ""
    return ((text.fit(said + first.text + more, cells), "dim" if quiet else STATE_ROLES[first.state]),)


def _posture(look: Look, cells: int) -> Parts:
    posture = look.posture
    if posture is None or posture.score is None or posture.grade is None:
        return ((" " * cells, "faint"),)
    role = "dim" if look.face.silent else GRADE_ROLES[posture.grade]
    return ((text.fit(f"{posture.score} {posture.grade}", cells, right=True), role),)


def _elsewhere(status: Status) -> None:
    """The score is no part of a status: `arrange` asks for it."""


def _loss_key(status: Status) -> float | None:
    return status.trips.loss if status.trips.sent else None


COLUMNS: tuple[Column, ...] = (
    Column("state", "STATE", 14, 0, _state, lambda status: float(face(status).kind), descending=False),
    Column("name", "NODE", 10, 0, _name, lambda status: status.node.name, descending=False),
    Column("rtt", "RTT", 8, 1, _rtt, lambda status: status.trips.last, right=True),
    Column("trips", "TRIPS", 6, 5, _spark, lambda status: status.trips.jitter, wish=16),
    Column("loss", "LOSS", 5, 2, _loss, _loss_key, right=True),
    Column("load", "LOAD", 5, 3, _plain("load", text.number), _metric("load"), right=True, live=True),
    Column("cpu", "CPU", 5, 1, _barred("cpu"), _metric("cpu"), right=True, wish=13, live=True),
    Column("cpu~", "CPU~", 8, 12, _line("cpu", high=100.0), wish=16, live=True, roomy=180),
    Column("mem", "MEM", 5, 2, _barred("mem"), _metric("mem"), right=True, wish=13, live=True),
    Column("mem~", "MEM~", 8, 14, _line("mem", high=100.0), wish=16, live=True, roomy=220),
    Column("disk", "DISK", 5, 4, _plain("disk", text.percent), _metric("disk"), right=True, live=True),
    Column("rx", "RX/s", 6, 7, _plain("net.rx", text.amount), _metric("net.rx"), right=True, live=True),
    Column("tx", "TX/s", 6, 7, _plain("net.tx", text.amount), _metric("net.tx"), right=True, live=True),
    Column("net~", "NET~", 8, 13, _line("net.rx", "net.tx", least=10_240.0), wish=16, live=True, roomy=200),
    Column("gpu", "GPU", 5, 8, _plain("gpu", text.percent), _metric("gpu"), right=True, live=True),
    Column("temp", "TEMP", 5, 6, _plain("temp", text.degrees), _metric("temp"), right=True, live=True),
    Column("posture", "POSTURE", 8, 4, _posture, _elsewhere, right=True, descending=False),
    Column("uptime", "UP", 7, 9, _plain("uptime", text.age), _metric("uptime"), right=True, live=True),
    Column("why", "WHY", 18, 10, _why, None, wish=60, live=True),
    Column("labels", "LABELS", 22, 11, _labels, labels, wish=32, descending=False),
)
"""In the order in which they stand."""

BY_NAME = {column.name: column for column in COLUMNS}

SORTS = ("problems", "inventory", *(column.name for column in COLUMNS if column.key is not None))
"""What the table can be sorted by."""


def checked(names: Sequence[str]) -> Sequence[str]:
    """The reader's own columns (`dashboard.columns`). Raises SettingsError for one that there is not."""
    for name in names:
        if name not in BY_NAME:
            near = difflib.get_close_matches(name, BY_NAME, 1)
            hint = f"did you mean `{near[0]}`?" if near else "one of " + ", ".join(BY_NAME)
            raise SettingsError(f"dashboard.columns: there is no column `{name}`", hint=hint)
    return names


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns stand where, for one width."""

    width: int
    gap: int
    columns: tuple[tuple[Column, int], ...]
    """Each with its cells."""

    def at(self, x: int) -> Column | None:
        """The column under the cell `x`."""
        left = GUTTER
        for column, cells in self.columns:
            if left <= x < left + cells + self.gap:
                return column
            left += cells + self.gap
        return None


GUTTER = 2
"""Cells left of the first column: the cursor's mark, so that it is seen without colour."""

_GROWTH = ("name", "cpu", "trips", "mem", "cpu~", "net~", "mem~", "why", "labels")


def arrange_columns(
    width: int, longest_name: int, without: frozenset[str] = frozenset(), only: Sequence[str] = ()
) -> Layout:
    """Choose and stretch the columns that fit `width` cells.

    `without` names columns that no node has anything for; `only` names the reader's own choice and order.
    """
    gap = 2 if width >= 170 else 1
    room = width - GUTTER
    candidates = [BY_NAME[name] for name in only] or [column for column in COLUMNS if width >= column.roomy]
    candidates = [column for column in candidates if column.name not in without]
    least = {column.name: column.least for column in candidates}
    if "name" in least:
        least["name"] = max(8, min(longest_name, 16 if width < 110 else 24))
    chosen: set[str] = set()
    for column in sorted(candidates, key=lambda one: one.priority):
        cells = least[column.name] + (gap if chosen else 0)
        if cells <= room:
            chosen.add(column.name)
            room -= cells
        elif not chosen:
            least[column.name] = max(0, room)
            chosen.add(column.name)
            room = 0
        elif column.priority > 0 and column.priority < 3:
            break  # what is less important must not outlive it
    widths = {name: least[name] for name in least if name in chosen}
    for name in _GROWTH:
        if name in widths and room > 0:
            wish = min(longest_name, 40) if name == "name" else BY_NAME[name].wish
            more = min(room, max(0, wish - widths[name]))
            if name in ("cpu", "mem") and widths[name] + more < 10:
                continue  # too little for a bar
            widths[name] += more
            room -= more
    for name in ("why", "labels", "trips"):
        if name in widths:
            widths[name] += max(0, room)
            break
    return Layout(width, gap, tuple((column, widths[column.name]) for column in candidates if column.name in widths))
