"""The list of jobs: rows that are read when they come into view, and the titles above. Draws what it is given."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from ..columns import Parts
from ..pages import Pages
from ..themes import palette
from ..work import PENDING
from .nodes import NodeLines
from .strips import strip


class JobLines(NodeLines):
    """Rows that are not read yet are asked for by a message, never waited for: a key is answered first."""

    class Wanted(Message, bubble=True):
        """Rows came into view that are not read yet."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, JobLines.Wanted)

    def __init__(
        self,
        pages: Pages[Any, Any],
        draw: Callable[[Any, int], Parts],
        node: Callable[[Any], str],
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._pages = pages
        self._draw_row = draw
        self._node = node

    def nodes(self, index: int) -> Collection[str]:
        row = self._pages.row(index)
        name = "" if row is None else self._node(row)
        return (name,) if name else ()

    def span(self) -> tuple[int, int]:
        """The rows in view, and a page of the screen around them."""
        first, height = max(0, self.scroll_offset.y), max(1, self.size.height)
        return max(0, first - height), min(self._pages.count, first + 2 * height)

    @property
    def row(self) -> Any:
        """What is under the cursor; None where it is not read yet, or there is none."""
        return self._pages.row(self.cursor)

    def parts(self, index: int) -> Parts:
        row = self._pages.row(index)
        return PENDING if row is None else self._draw_row(row, max(1, self.scrollable_content_region.width - 2))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._pages.missing(*self.span()):
            self.post_message(self.Wanted())


class JobTitles(Widget):
    """The titles above the list."""

    ALLOW_SELECT = False

    def __init__(self, titles: Callable[[int], Parts], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._titles = titles

    def render_line(self, y: int) -> Strip:
        cells = self.size.width
        return strip((("  ", "header"), *self._titles(cells - 3)), palette(self.app), cells, "raised")
