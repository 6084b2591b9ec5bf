"""The list of what was done: one deed a line. Draws what it is given."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual.strip import Strip
from textual.widget import Widget

from ..activity import Deed, line, titles
from ..themes import palette
from .lines import Parts
from .nodes import NodeLines
from .strips import strip


class DeedLines(NodeLines):
    """In the order given. The cursor stays on its deed; on the first line it stays there, to see what happens."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._deeds: Sequence[Deed] = ()
        self._now = 0.0

    def take(self, deeds: Sequence[Deed], now: float) -> None:
        """Show these, with their age."""
        here = self._deeds[self.cursor].id if 0 < self.cursor < len(self._deeds) else None
        self._deeds, self._now = deeds, now
        cursor = None
        if here is not None:
            cursor = next((at for at, one in enumerate(deeds) if one.id == here), None)
        self.replaced(len(deeds), cursor)

    def nodes(self, index: int) -> Collection[str]:
        return self._deeds[index].names

    def parts(self, index: int) -> Parts:
        return line(self._deeds[index], self._now, max(1, self.scrollable_content_region.width - 2))


class DeedTitles(Widget):
    """The titles above the list."""

    ALLOW_SELECT = False

    def render_line(self, y: int) -> Strip:
        cells = self.size.width
        return strip((("  ", "header"), *titles(cells - 3)), palette(self.app), cells, "raised")
