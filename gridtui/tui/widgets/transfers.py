"""The table of a transfer: one node a line. Draws what it is given."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from textual.strip import Strip
from textual.widget import Widget

from ...push import Progress, Transfer
from ..moves import row, titles
from ..themes import palette
from .lines import Parts
from .nodes import NodeLines
from .strips import strip


class TransferLines(NodeLines):
    """Progress and outcomes are looked up for visible nodes only."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._names: Sequence[str] = ()
        self._seen: Mapping[str, Progress] = {}
        self._done: Mapping[str, Transfer] = {}

    def take(self, names: Sequence[str], seen: Mapping[str, Progress], done: Mapping[str, Transfer]) -> None:
        """Show these nodes in this order."""
        self._names, self._seen, self._done = names, seen, done
        self.replaced(len(names))

    @property
    def node(self) -> str | None:
        """The node under the cursor."""
        return self._names[self.cursor] if self.cursor < len(self._names) else None

    def nodes(self, index: int) -> Collection[str]:
        return (self._names[index],)

    def parts(self, index: int) -> Parts:
        name = self._names[index]
        cells = max(1, self.scrollable_content_region.width - 2)
        return row(name, self._seen.get(name), self._done.get(name), cells)


class TransferTitles(Widget):
    """The titles above the table."""

    ALLOW_SELECT = False

    def render_line(self, y: int) -> Strip:
        cells = self.size.width
        return strip((("  ", "header"), *titles(cells - 3)), palette(self.app), cells, "raised")
