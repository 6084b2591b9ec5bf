"""Lists of which each line stands for one node or several. Owns the sign of those that are marked; subclasses say what is on a line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from .lines import Lines

MARK = "*"
"""Beside what is marked."""


class NodeLines(Lines):
    """`marked` says whether all of some nodes are marked; it is asked for visible lines only."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.marked: Callable[[Iterable[str]], bool] = lambda names: False

    def nodes(self, index: int) -> Collection[str]:
        """The nodes that a line stands for."""
        raise NotImplementedError

    @property
    def under(self) -> Collection[str]:
        """The nodes of the line under the cursor."""
        return self.nodes(self.cursor) if self.cursor < self.count else ()

    def sign(self, index: int) -> str:
        names = self.nodes(index)
        return MARK if names and self.marked(names) else " "
