"""The busiest processes: their columns, their order, and which of them are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import text
from .words import Later, Parts, Row, View

if TYPE_CHECKING:
    from ...probes import Process

ORDERS: Mapping[str, tuple[Callable[[Process], Any], bool]] = {
    "cpu": (lambda one: (one.cpu, one.memory), True),
    "mem": (lambda one: (one.memory, one.cpu), True),
    "time": (lambda one: (one.seconds, one.cpu), True),
    "pid": (lambda one: one.pid, False),
    "name": (lambda one: (one.name.lower(), one.pid), False),
}
"""What processes can be sorted by; largest first where True."""


def arranged(found: Sequence[Process], order: str, reverse: bool) -> list[Process]:
    """In the order that was chosen."""
    key, largest = ORDERS[order]
    return sorted(found, key=key, reverse=largest != reverse)


def head(view: View, cells: int) -> Parts:
    """The titles, that of the order marked; none where there is no list."""
    if view.processes is None or view.processes.words:
        return ()
    order, reverse = view.order
    arrow = "▼" if ORDERS[order][1] != reverse else "▲"
    parts: list[tuple[str, str]] = []
    for name, title, width, right in _columns(cells):
        here = name == order
        words = f"{arrow}{title}" if here else title
        fitted = text.fit(words, width, right) if width else words
        parts.append((fitted + " ", "header-sort" if here else "header"))
    return tuple(parts)


def rows(view: View, cells: int) -> Sequence[Row]:
    """A line a process; what stands in the way where there are none."""
    answer = view.processes
    if answer is None:
        return []
    if answer.words:
        return [Row(((answer.words, answer.role),))]
    columns = _columns(cells)
    return Later(
        arranged(answer.value or (), *view.order),
        lambda one: _line(one, columns),
        lambda one: f"{one.pid} {one.user} {one.state} {one.name}",
        key,
    )


def key(one: Process) -> str:
    """What no other process of a node has."""
    return f"{one.pid}.{one.started}"


def _columns(cells: int) -> list[tuple[str, str, int, bool]]:
    """(order or '', title, cells, right-aligned) of the columns that fit; the last one takes the rest."""
    columns = [("pid", "PID", 8, True)]
    if cells >= 60:
        columns += [("", "USER", 12, False), ("", "S", 1, False)]
    columns += [("cpu", "CPU", 6, True), ("mem", "MEM", 7, True)]
    if cells >= 52:
        columns.append(("time", "TIME", 8, True))
    if cells >= 60:
        columns += [("", "THR", 5, True), ("", "NI", 4, True)]
    return [*columns, ("name", "COMMAND", 0, False)]


def _line(one: Process, columns: Sequence[tuple[str, str, int, bool]]) -> Parts:
    values = {
        "PID": (str(one.pid), "dim"),
        "USER": (one.user, "dim"),
        "S": (one.state, "dim"),
        "CPU": (text.percent(one.cpu), "text"),
        "MEM": (text.amount(one.memory), "text"),
        "TIME": (text.age(one.seconds), "text"),
        "THR": (str(one.threads), "dim"),
        "NI": (str(one.nice), "dim"),
        "COMMAND": (one.name, "strong"),
    }
    parts: list[tuple[str, str]] = []
    for _, title, width, right in columns:
        words, role = values[title]
        parts.append(((text.fit(words, width, right) if width else text.plain(words)) + " ", role))
    return tuple(parts)
