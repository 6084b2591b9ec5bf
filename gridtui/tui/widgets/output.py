"""Output as a list of lines that moves sideways too. Draws what it is given."""

from __future__ import annotations

from ..output import Page
from .lines import Lines, Parts

STEP = 16
"""Cells by which lines move sideways."""


class OutputLines(Lines):
    """The lines of a page."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.page = Page([])
        self.needle = ""
        self._start = 0

    def take(self, page: Page, anew: bool) -> None:
        """Show a page; `anew`: from its first line."""
        self.page = page
        if anew:
            self._start = 0
            self.scroll_to(y=0, animate=False)
        self.replaced(page.count, 0 if anew else None)

    def follow(self) -> None:
        """Go to the last line, and have it in view, whatever size the widget has got since."""
        self.go(self.count - 1)
        self._show_cursor()

    def mark(self, needle: str) -> None:
        """Set apart what is searched for."""
        self.needle = needle
        self._again()

    def parts(self, index: int) -> Parts:
        cells = max(1, self.scrollable_content_region.width - 2)
        return self.page.parts(index, self._start, cells, self.needle)

    def shift(self, step: int) -> None:
        """Move sideways."""
        self._start = max(0, self._start + step * STEP)
        self._again()

    def _again(self) -> None:
        self.look()
        self.refresh()  # all of it in one frame: who asked waits for it
