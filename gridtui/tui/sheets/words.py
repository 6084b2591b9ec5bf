"""What the panels of a node's page are made of: lines of parts, what a page knows, and the words that they share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...model import Sample, Status, Unsupported
from .. import text

if TYPE_CHECKING:
    from ...events import Event
    from ...health import Ground
    from ...jobs.model import Job
    from ...jobs.queue import Standing
    from ..inquiry import Answer

Parts = tuple[tuple[str, str], ...]

MOST = 12
"""Lines of one kind on the page; the rest is counted, and is there where the panel has the whole page."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line; `key` names what it is of, so that a cursor stays on it."""

    parts: Parts
    key: str = ""


class Later(Sequence[Row]):
    """Rows of many things, made when they are looked at: of thousands of processes a screen shows some forty."""

    def __init__(
        self, items: Sequence[Any], make: Callable[[Any], Parts], words: Callable[[Any], str], key: Callable[[Any], str]
    ) -> None:
        self._items, self._parts, self._words, self._key = items, make, words, key

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        found = self._items[index]
        return [self._make(one) for one in found] if isinstance(index, slice) else self._make(found)

    def _make(self, one: Any) -> Row:
        return Row(self._parts(one), self._key(one))

    def at(self, key: str) -> int | None:
        """Where the row of this key is."""
        return next((at for at, one in enumerate(self._items) if self._key(one) == key), None)

    def having(self, words: Sequence[str]) -> Later:
        """Those that have all of some words, in small letters."""
        return Later([one for one in self._items if _has(self._words(one), words)], self._parts, self._words, self._key)


def having(rows: Sequence[Row], words: Sequence[str]) -> Sequence[Row]:
    """The rows that have all of some words, in small letters."""
    if not words:
        return rows
    if isinstance(rows, Later):
        return rows.having(words)
    return [row for row in rows if _has("".join(told for told, _ in row.parts), words)]


def place(rows: Sequence[Row], key: str) -> int | None:
    """Where the row of this key is."""
    return (
        rows.at(key) if isinstance(rows, Later) else next((at for at, row in enumerate(rows) if row.key == key), None)
    )


def _has(told: str, words: Sequence[str]) -> bool:
    told = told.lower()
    return all(word in told for word in words)


@dataclass(frozen=True, slots=True)
class View:
    """What a page knows of its node at one moment."""

    status: Status
    now: float
    grounds: Sequence[Ground] = ()
    events: Sequence[Event] = ()
    """The node's own, oldest first."""
    jobs: Sequence[Job] = ()
    standing: Standing | None = None
    processes: Answer | None = None
    """None where nobody asked."""
    containers: Answer | None = None
    unit: str = ""
    """Whose journal is looked at."""
    journal: Answer | None = None
    whole: bool = False
    """The panel has the whole page."""
    order: tuple[str, bool] = ("cpu", False)
    """By what processes are sorted, and whether the other way round."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One panel."""

    name: str
    title: str
    rows: Callable[[View, int], Sequence[Row]]
    """All that it has to say in so many cells; nothing where it takes no room."""
    since: Callable[[View], object]
    """What it depends on: while this is equal, so are its rows."""
    most: int = MOST
    """Lines on the page."""
    counted: bool = False
    """Whether the number of its lines says something."""
    head: Callable[[View, int], Parts] | None = None
    """The titles of its columns; nothing where it has none now."""

    def page(self, view: View, cells: int) -> list[Parts]:
        """Its lines on the page, the rest counted."""
        rows = self.rows(view, cells)
        if not rows:
            return []
        lines = [row.parts for row in rows[: self.most]]
        if self.head is not None and (head := self.head(view, cells)):
            lines.insert(0, head)
        if len(rows) > self.most:
            lines.append(((f"and {len(rows) - self.most} more", "faint"),))
        return lines


def of_sample(view: View) -> Sample | None:
    """For panels that show a sample."""
    return view.status.sample


def lines(say: Callable[[Status, int], list[Parts]]) -> Callable[[View, int], list[Row]]:
    """A panel that only needs the status."""
    return lambda view, cells: [Row(parts) for parts in say(view.status, cells)]


def part(status: Status, name: str) -> Any:
    """What a probe gave; None where nothing came of it yet."""
    return None if status.sample is None else status.sample.parts.get(name)


def missing(status: Status, value: Any, what: str) -> list[Parts]:
    """What is said instead of a part that is not there."""
    if isinstance(value, Unsupported):
        return [((f"not on this node: {text.plain(value.why)}" if value.why else f"no {what} on this node", "dim"),)]
    if status.sample is None or value is None:
        return [(("not measured yet", "faint"),)]
    return []


def pair(name: str, value: str, role: str = "text", label: int = 10) -> Parts:
    """A name and what it is."""
    return ((text.fit(name, label), "dim"), (value, role))


def share(name: str, value: float | None, cells: int, more: str = "", role: str = "bar", label: int = 10) -> Parts:
    """A name, a bar and a percentage, with something after it."""
    room = max(4, min(24, cells - label - 6 - (text.width(more) + 1 if more else 0)))
    filled, rest = text.bar(value, room)
    number = text.fit(text.percent(value), 5, right=True)
    return (
        (text.fit(name, label - 1) + " ", "dim"),
        (filled, role),
        (rest, "track"),
        (number, "text" if value is not None else "faint"),
        (f" {more}" if more else "", "dim"),
    )


def wrapped(name: str, words: Iterable[str], cells: int, label: int = 10) -> list[Parts]:
    """Words in as many lines as they take, the name before the first."""
    found: list[str] = [""]
    for word in map(text.plain, words):
        if found[-1] and text.width(found[-1]) + text.width(word) + 1 > cells - label:
            found.append("")
        found[-1] = f"{found[-1]} {word}".strip()
    return [pair(name if not index else "", line, label=label) for index, line in enumerate(found)]
