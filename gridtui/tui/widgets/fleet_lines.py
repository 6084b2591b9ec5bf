"""Lines of nodes and of groups' headers, one a line: what the table and the board have in common. Owns where the cursor stays when the
order changes, and the marks beside the lines; what is on a line is the subclass's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..arrange import Group, Line
from .lines import Lines

MARK = "*"
"""Beside a node that is marked, and a group all of whose nodes are."""
SOME = "+"
"""Beside a group some of whose nodes are marked."""


class FleetLines(Lines):
    """A `pane.Pane`."""

    def __init__(self, marked: Callable[[str], bool] = lambda name: False, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._marked = marked
        self._lines: Sequence[Line] = ()

    # ---- for subclasses ----

    def arranged(self) -> None:
        """The lines are others now; they are made after this."""

    # ---- lines ----

    def show(self, lines: Sequence[Line]) -> None:
        """Take another order of lines. The cursor stays on its node or header; on the first node it stays there, to watch the worst."""
        here = self._here()
        first = self.scroll_offset.y == 0 and not any(isinstance(line, str) for line in self._lines[: self.cursor])
        self._lines = lines
        self.arranged()
        if isinstance(here, Group):
            cursor = self._index(lambda line: isinstance(line, Group) and line.key == here.key)
        elif here is None or first:
            cursor = self._index(lambda line: isinstance(line, str)) or 0
        else:
            cursor = self._seen(here)
        self.replaced(len(lines), cursor, hurry=False)

    @property
    def node(self) -> str | None:
        """The node under the cursor."""
        return line if isinstance(line := self._here(), str) else None

    @property
    def group(self) -> str | None:
        """The key of the header under the cursor."""
        return line.key if isinstance(line := self._here(), Group) else None

    @property
    def names(self) -> list[str]:
        """The nodes that are lines, in order."""
        return [line for line in self._lines if isinstance(line, str)]

    def seek(self, name: str) -> None:
        """Put the cursor on a node, or on the header of the folded group that it is in."""
        if (index := self._seen(name)) is not None:
            self.go(index)

    def seek_group(self, key: str) -> None:
        """Put the cursor on a header."""
        if (index := self._index(lambda line: isinstance(line, Group) and line.key == key)) is not None:
            self.go(index)

    def surface(self, index: int) -> str:
        return "group" if isinstance(self._lines[index], Group) else "base"

    def sign(self, index: int) -> str:
        line = self._lines[index]
        if isinstance(line, str):
            return MARK if self._marked(line) else " "
        if not any(map(self._marked, line.members)):
            return " "
        return MARK if all(map(self._marked, line.members)) else SOME

    def _here(self) -> Line | None:
        return self._lines[self.cursor] if self.cursor < len(self._lines) else None

    def _seen(self, name: str) -> int | None:
        """Where a node can be seen."""
        index = self._index(lambda line: line == name)
        if index is None:
            index = self._index(lambda line: isinstance(line, Group) and line.folded and name in line.members)
        return index

    def _index(self, right: Callable[[Line], bool]) -> int | None:
        return next((index for index, line in enumerate(self._lines) if right(line)), None)
